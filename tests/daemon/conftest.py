"""A double of systemd that speaks its protocol over a real socket, and daemons under it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_GUEST = Path(__file__).with_name("guest.py")
# Nothing here waits that long unless something is wrong.
PATIENCE_S = 60.0


class Manager:
    """Listens at $NOTIFY_SOCKET as systemd does, and keeps what it was told."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def hear(self, is_it: Callable[[str], bool], timeout_s: float = PATIENCE_S) -> str:
        """Wait for a message; fail if it does not come."""
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            with contextlib.suppress(TimeoutError):
                self.told.append(self._socket.recv(8192).decode())
                if is_it(self.told[-1]):
                    return self.told[-1]
        pytest.fail(f"not told in time; told: {self.told}")

    def hear_exactly(self, message: str) -> str:
        return self.hear(lambda told: told == message)

    def listen(self, span_s: float) -> list[str]:
        """Return what is told within a span."""
        heard: list[str] = []
        deadline = time.monotonic() + span_s
        while (left_s := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            with contextlib.suppress(TimeoutError):
                heard.append(self._socket.recv(8192).decode())
        self.told += heard
        return heard

    def close(self) -> None:
        self._socket.close()


@dataclass
class House:
    """A site with a folder for its ledger, its orders and its daemons."""

    folder: Path
    manager: Manager
    watchdog_s: float | None = 0.3
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "auditor.toml"

    def configure(self, text: str = "", name: str = "Example HPC") -> None:
        self.config.write_text(
            f'[site]\nname = "{name}"\n[ledger]\npath = "ledger"\n{text}', encoding="utf-8"
        )

    def order(self, **orders: str) -> None:
        """Say what the duties do from now on."""
        fresh = self.folder / "orders.new"
        fresh.write_text(json.dumps(orders), encoding="utf-8")
        fresh.replace(self.folder / "orders.json")

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"JOURNAL_STREAM", "WATCHDOG_PID", "AUDITOR_CONFIG"}
        }
        environment["NOTIFY_SOCKET"] = self.manager.address
        if self.watchdog_s is not None:
            environment["WATCHDOG_USEC"] = str(int(self.watchdog_s * 1e6))
        process = subprocess.Popen(
            [sys.executable, _GUEST, self.config, self.folder, *words],
            env=environment | variables,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def events(self) -> list[str]:
        path = self.folder / "events"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def await_event(self, wanted: str, n_times: int = 1) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.events().count(wanted) < n_times:
            assert time.monotonic() < deadline, self.events()
            time.sleep(0.01)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end; return its code and what it logged."""
    _, log = process.communicate(timeout=PATIENCE_S)
    return process.returncode, log


def stopped(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    return ended(process)


@pytest.fixture(params=["path"])
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    # The name of a socket may have 107 bytes, and pytest's folders are deep.
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        name = f"@{short}" if request.param == "abstract" else f"{short}/notify"
        manager = Manager(name)
        found = House(tmp_path, manager)
        found.configure()
        found.order()
        yield found
        for process in found.running:
            if process.poll() is None:
                process.kill()
            process.communicate()
        manager.close()
