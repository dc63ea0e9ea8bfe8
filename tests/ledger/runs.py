"""Small frames of the book, written as one line per view of a run."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.domain.frames import BOOK, CATEGORY, FLAG, INSTANT, NUMBER, TEXT, check
from auditor.domain.job import QualityFlag
from auditor.ledger.interface import Filters, LoadBatch, LoadReceipt, LoadSource
from auditor.ledger.ledger import Ledger

# 2026-11-16 00:00 UTC, a Monday.
MONDAY_S = 1_794_787_200
HOUR_S = 3600
FACTORS = "base"
STAND_IN = QualityFlag.SUBMIT_FROM_START.value


@dataclass(frozen=True)
class View:
    """One view of one run; times in seconds since 1970, energy in watt-hours."""

    raw: str = "1"
    submit_s: int = MONDAY_S
    wait_s: int | None = 60
    elapsed_s: int = HOUR_S
    rank: int = 1
    n_restarts: int = 0
    cluster: str = "alpha"
    user: str | None = "alice"
    account: str = "ml"
    state: str = "COMPLETED"
    job_id: str | None = None
    parent: str | None = None
    flags: int = 0
    energy_wh: float = 100.0
    is_pending: bool = False
    given_up_after_s: int = HOUR_S

    @property
    def start_s(self) -> int | None:
        return None if self.wait_s is None else self.submit_s + self.wait_s

    @property
    def end_s(self) -> int | None:
        if self.start_s is None:
            return None if self.is_pending else self.submit_s + self.given_up_after_s
        return self.start_s + self.elapsed_s


_NAMED = {
    "cluster": lambda view: view.cluster,
    "raw_job_id": lambda view: view.raw,
    "submit_utc": lambda view: view.submit_s,
    "n_restarts": lambda view: view.n_restarts,
    "job_id": lambda view: view.job_id or view.raw,
    "parent_job_id": lambda view: view.parent,
    "user": lambda view: view.user,
    "account": lambda view: view.account,
    "state": lambda view: view.state,
    "eligible_utc": lambda view: view.submit_s,
    "start_utc": lambda view: view.start_s,
    "end_utc": lambda view: view.end_s,
    "elapsed_s": lambda view: 0 if view.start_s is None else view.elapsed_s,
    "reported_elapsed_s": lambda view: 0 if view.start_s is None else view.elapsed_s,
    "is_open": lambda view: view.is_pending,
    "quality_flags": lambda view: view.flags,
    "rank": lambda view: view.rank,
    "gpu_low_wh": lambda view: view.energy_wh,
    "gpu_wh": lambda view: view.energy_wh,
    "gpu_high_wh": lambda view: view.energy_wh * 1.5,
    "it_energy_wh": lambda view: view.energy_wh,
    "energy_wh": lambda view: view.energy_wh * 1.3,
    "energy_low_wh": lambda view: view.energy_wh,
    "energy_high_wh": lambda view: view.energy_wh * 2,
    "pue": lambda view: 1.3,
    "factor_set": lambda view: FACTORS,
}
_UNKNOWN = {
    "consumed_energy_j",
    "gpu_energy_j",
    "gpu_metered_ratio",
    "gpu_observed_ratio",
    "gpu_utilisation_ratio",
    "node_base_w",
    "embodied_g",
}


def book(*views: View) -> pd.DataFrame:
    """Return the views as a frame with the columns of BOOK."""
    columns = {}
    for column in BOOK:
        value_of = _NAMED.get(column.name)
        values = None if value_of is None else [value_of(view) for view in views]
        columns[column.name] = _column(column.name, column.dtype, values, len(views))
    return check(pd.DataFrame(columns), BOOK)


def _column(name: str, dtype: str, values: list | None, n: int) -> pd.Series:
    if dtype == INSTANT:
        numbers = np.array(
            [np.nan if value is None else value for value in values], dtype=np.float64
        )
        return pd.Series(pd.to_datetime(numbers, unit="s", utc=True)).astype(INSTANT)
    if values is None:
        missing = np.nan if name in _UNKNOWN else 0
        values = {CATEGORY: [name] * n, TEXT: [None] * n, NUMBER: [missing] * n}.get(dtype, [0] * n)
    if dtype == CATEGORY:
        return pd.Series(values, dtype="str").astype(CATEGORY)
    return pd.Series(values, dtype="bool" if dtype == FLAG else dtype)


def batch(*views: View, rejects: tuple = (), notes: tuple = (), n_steps: int = 0) -> LoadBatch:
    """Return a batch of views with what came beside them."""
    n_rows = len(views) + len(rejects) + n_steps
    return LoadBatch(book(*views), rejects, n_rows, n_steps, notes)


def source(digest: str = "d1", name: str = "jobs.csv") -> LoadSource:
    """Return a source whose content has that digest."""
    return LoadSource(name, lambda: digest, "2026-11-23T00:00:00Z")


def load(ledger: Ledger, *views: View, digest: str = "d1") -> LoadReceipt:
    """Load views as one batch."""
    return ledger.load([batch(*views)], source(digest))


def found(ledger: Ledger, *columns: str, **filters: tuple[str, ...]) -> list[tuple]:
    """Return some columns of the runs that pass the filters, a tuple per run."""
    frame = ledger.read(None, Filters(**filters))
    return [tuple(row) for row in frame[list(columns)].itertuples(index=False)]
