"""What passed by while a load was read: counts, span, rejects and notes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from auditor.domain.reject import Reject
from auditor.ledger.interface import LoadBatch, Note

# All are counted; so many of one load are kept, lest a wrong file fill the memory and the desk.
MOST_REJECTS_KEPT = 100_000


@dataclass
class Tally:
    """What passed by while the batches of a load were read."""

    n_rows: int = 0
    n_jobs: int = 0
    n_steps: int = 0
    n_rejects: int = 0
    first_us: int | None = None
    last_us: int | None = None
    clusters: set[str] = field(default_factory=set)
    schedulers: set[str] = field(default_factory=set)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def counted(self, batches: Iterable[LoadBatch]) -> Iterator[pd.DataFrame]:
        """Yield the rows of each batch and count what came with them."""
        for batch in batches:
            self.n_rows += batch.n_rows
            self.n_jobs += len(batch.rows)
            self.n_steps += batch.n_steps
            self.n_rejects += len(batch.rejects)
            self.rejects += batch.rejects[: max(0, MOST_REJECTS_KEPT - len(self.rejects))]
            self.notes += (note for note in batch.notes if note not in self.notes)
            self._widen(batch.rows)
            yield batch.rows

    def _widen(self, rows: pd.DataFrame) -> None:
        if not len(rows):
            return
        first = min(
            rows[name].min() for name in ("submit_utc", "start_utc") if rows[name].notna().any()
        )
        last = max(
            rows[name].max() for name in ("submit_utc", "end_utc") if rows[name].notna().any()
        )
        first_us, last_us = _micros(first), _micros(last)
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        self.last_us = last_us if self.last_us is None else max(self.last_us, last_us)
        self.clusters.update(rows["cluster"].cat.remove_unused_categories().cat.categories)
        self.schedulers.update(rows["scheduler"].cat.remove_unused_categories().cat.categories)


def _micros(instant: pd.Timestamp) -> int:
    return int(instant.as_unit("us").asm8.astype("int64"))
