"""Notices that the clock was set, or that the host slept."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

# Less than this is the ordinary work of a time server.
_STEP_S = 60.0


class ClockWatch:
    """Compares the clock with one that cannot be set."""

    def __init__(
        self, now_utc: Callable[[], datetime], monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._now_utc = now_utc
        self._monotonic_s = monotonic_s
        self._offset_s = self._offset()

    def step(self) -> timedelta | None:
        """Return how far the clock jumped since the last call; None if it did not."""
        offset_s = self._offset()
        step_s = offset_s - self._offset_s
        if abs(step_s) < _STEP_S:
            return None
        self._offset_s = offset_s
        return timedelta(seconds=round(step_s))

    def _offset(self) -> float:
        return self._now_utc().timestamp() - self._monotonic_s()


def step_text(step: timedelta) -> str:
    """Put a jump in words."""
    way = "back" if step < timedelta() else "forward"
    cause = "it was set" if step < timedelta() else "it was set, or the host slept"
    return f"the clock went {way} by {abs(step)} ({cause}); looking again what is due"
