"""What reaches the manager, and when there is none."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from auditor.daemon.notify import ServiceManager
from tests.daemon.conftest import Manager


@pytest.fixture
def manager() -> Iterator[Manager]:
    with TemporaryDirectory(dir="/tmp") as folder:
        found = Manager(f"{folder}/notify")
        yield found
        found.close()


def test_each_message_is_one_datagram(manager: Manager) -> None:
    sender = ServiceManager({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000000"})
    sender.ready()
    sender.alive()
    sender.status("alice\nREADY=1\x1b[2J")
    sender.reloading()
    sender.stopping()
    manager.hear_exactly("STOPPING=1")
    ready, alive, status, reloading, _ = manager.told
    assert (ready, alive) == ("READY=1", "WATCHDOG=1")
    assert status == "STATUS=alice?READY=1?[2J"
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=[1-9]\d*", reloading)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(None, id="unset"),
        pytest.param("", id="empty"),
        pytest.param("vsock:2:1234", id="of another family"),
        pytest.param("/nonexistent/notify", id="nobody listens"),
        pytest.param("/" + "x" * 200, id="too long for a socket"),
    ],
)
def test_a_manager_that_is_not_there_is_no_trouble(address: str | None) -> None:
    sender = ServiceManager({} if address is None else {"NOTIFY_SOCKET": address})
    sender.ready()
    sender.status("on duty")


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        pytest.param({}, None, id="no watchdog"),
        pytest.param({"WATCHDOG_USEC": "120000000"}, 120.0, id="two minutes"),
        pytest.param({"WATCHDOG_USEC": "5", "WATCHDOG_PID": str(os.getpid())}, 5e-6, id="ours"),
        pytest.param({"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}, None, id="another process's"),
        pytest.param({"WATCHDOG_USEC": "soon"}, None, id="no number"),
        pytest.param({"WATCHDOG_USEC": "0"}, None, id="nought"),
    ],
)
def test_the_watchdog_is_that_of_this_process(
    environment: dict[str, str], watchdog_s: float | None
) -> None:
    assert ServiceManager(environment).watchdog_s == watchdog_s


def test_without_a_watchdog_nobody_is_fed(manager: Manager, tmp_path: Path) -> None:
    sender = ServiceManager({"NOTIFY_SOCKET": manager.address})
    sender.alive()
    sender.ready()
    manager.hear_exactly("READY=1")
    assert manager.told == ["READY=1"]
