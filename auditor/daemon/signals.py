"""Signals as values to wait for, without a handler that runs in the middle of something."""

import contextlib
import select
import signal
import socket
from collections.abc import Callable, Iterator
from typing import NoReturn, Self

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
RELOAD_SIGNAL = signal.SIGHUP
_HEARD = (*STOP_SIGNALS, RELOAD_SIGNAL)
_WAKE = b"\0"


class Signals:
    """Hears SIGTERM, SIGINT and SIGHUP while it is open; made and used in the main thread.

    The kernel's signal becomes a byte in a socket (signal.set_wakeup_fd), so none is lost between
    two waits. Programs that we start get the default handlers, as always.
    """

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._reader, self._writer = socket.socketpair()
        self._reader.settimeout(0)
        self._writer.settimeout(0)
        self._earlier = {number: signal.signal(number, _noted) for number in _HEARD}
        self._earlier_descriptor = signal.set_wakeup_fd(
            self._writer.fileno(), warn_on_full_buffer=False
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(self._earlier_descriptor)
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def wake(self) -> None:
        """End the wait of the main thread; may be called from any other."""
        # A full buffer wakes it anyway, and a closed one means that it is awake for good.
        with contextlib.suppress(OSError):
            self._writer.send(_WAKE)

    def wait(self, timeout_s: float) -> tuple[signal.Signals, ...]:
        """Wait for signals, a wake or the timeout; return the signals in their order."""
        ready, _, _ = select.select([self._reader], [], [], max(timeout_s, 0.0))
        heard = self._reader.recv(4096) if ready else b""
        return tuple(signal.Signals(number) for number in heard if number in _HEARD)


@contextlib.contextmanager
def stop_on_signal(ask_stop: Callable[[], None]) -> Iterator[None]:
    """Call `ask_stop` at the first SIGTERM, SIGINT or SIGHUP of the block; the second one kills.

    For work in the main thread. `ask_stop` only sets a mark: it may run between any two steps.
    """

    def note(_number: int, _frame: object) -> None:
        for number in _HEARD:
            signal.signal(number, signal.SIG_DFL)
        ask_stop()

    earlier = {number: signal.signal(number, note) for number in _HEARD}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def die_of(number: signal.Signals) -> NoReturn:
    """End at once, as a program that does not care for the signal would."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    raise SystemExit(128 + number)


def _noted(_number: int, _frame: object) -> None:
    """Do nothing: the byte in the socket is what counts."""
