"""Tell the service manager how we are: the protocol of sd_notify(3)."""

import contextlib
import os
import socket
import time
from collections.abc import Mapping

from auditor.report.clean import printable

_SEND_TIMEOUT_S = 1.0
_US_PER_S = 1_000_000
_N_MOST = 400


class ServiceManager:
    """Who started us, if it listens at $NOTIFY_SOCKET; else all of this does nothing.

    `watchdog_s` is how long it lets us be silent before it takes us for dead; None: for ever.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = _watchdog_s(environment)

    def ready(self) -> None:
        """Say that start-up, or rereading the configuration, is done."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` ends it."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that we are on our way out."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        if self.watchdog_s is not None:
            self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say in one line what we do, for `systemctl status`."""
        self._tell(f"STATUS={printable(text, _N_MOST)}")

    def _tell(self, message: str) -> None:
        if not self._address.startswith(("/", "\0")):
            return
        # A manager that does not listen is no reason to stop working; it has its own timeouts.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.settimeout(_SEND_TIMEOUT_S)
            sender.sendto(message.encode("utf-8", "replace"), self._address)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return $WATCHDOG_USEC in seconds if it is meant for this process (sd_watchdog_enabled(3))."""
    wanted, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    is_ours = not process or process == str(os.getpid())
    if not (is_ours and wanted.isdecimal() and int(wanted) > 0):
        return None
    return int(wanted) / _US_PER_S
