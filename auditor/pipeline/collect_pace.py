"""How far a long collection is, in a line now and then: for logs and whoever sees no bar."""

from auditor.collect.sacct import Window

EVERY_S = 30.0


class Pace:
    """Counts the windows of a cluster, and says at most every half a minute how far they are.

    `now_s` is a clock that only goes forward [s].
    """

    def __init__(self, cluster: str, n_windows: int, now_s: float) -> None:
        self._cluster, self._n_windows = cluster, n_windows
        self._n_done = 0
        self._told_s = now_s

    def advanced(self, window: Window, now_s: float) -> str | None:
        """Count a window; return a line where it is time for one."""
        self._n_done += 1
        if now_s - self._told_s < EVERY_S or self._n_done == self._n_windows:
            return None
        self._told_s = now_s
        upto = f"up to {window[1]:%Y-%m-%d %H:%M} UTC"
        return f"{self._cluster}: {upto}, {self._n_done:,} of {self._n_windows:,} windows"
