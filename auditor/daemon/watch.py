"""What a duty tells of itself while it is in hand."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from auditor.daemon.journal import tell_failure
from auditor.daemon.words import collect_lines
from auditor.pipeline.collect_pace import Pace

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.ledger.interface import LoadReceipt
    from auditor.pipeline.collect_parts import CollectReceipt


class Hand(Protocol):
    """Who has a duty in hand, as the duty sees it."""

    def should_stop(self) -> bool:
        """Whether to stop before the next unit of work."""

    def show(self, detail: str) -> None:
        """Show how far it is; a sign of life."""

    def log(self, lines: Iterable[str]) -> None:
        """Put lines into the log."""


class CollectWatch:
    """A `pipeline.collecting.CollectProgress` that shows the windows and logs what came in.

    The log of a long collection says now and then how far it is. `clock_s` only goes forward [s].
    """

    def __init__(self, hand: Hand, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._hand = hand
        self._clock_s = clock_s
        self._n_windows = 0
        self._n_done = 0
        self._has_failed = False
        self._pace = Pace("", 0, clock_s())

    def started(self, cluster: str, n_windows: int) -> None:
        """Begin to count a cluster's windows."""
        self._n_windows, self._n_done = n_windows, 0
        self._pace = Pace(cluster, n_windows, self._clock_s())
        self._show(cluster)

    def advanced(
        self,
        cluster: str,
        window: "tuple[datetime, datetime]",
        receipt: "LoadReceipt",  # noqa: ARG002
    ) -> None:
        """Count a window."""
        self._n_done += 1
        self._show(cluster)
        if line := self._pace.advanced(window, self._clock_s()):
            self._hand.log([line])

    def finished(self, receipt: "CollectReceipt") -> None:
        """Log what a cluster's collection came to; the first failure is raised and told then."""
        self._hand.log(collect_lines(receipt))
        if receipt.failure is not None and self._has_failed:
            tell_failure(f"collect {receipt.cluster}", receipt.failure)
        self._has_failed = self._has_failed or receipt.failure is not None

    def _show(self, cluster: str) -> None:
        self._hand.show(f"{cluster}, {self._n_done:,} of {self._n_windows:,} windows")
