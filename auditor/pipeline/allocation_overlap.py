"""Keep the same time from being counted twice: by OpenCost's windows, and by pods one by one.

An allocation of OpenCost stands for what pods did in a window. It does not know their uids, so that
no key tells that a pod is in the book already: times must.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.period import Period
from auditor.errors import ExportRefusedError
from auditor.ledger.interface import Filters, LoadBatch
from auditor.ledger.ledger import Ledger
from auditor.normalize.opencost.shape import PREFIX, form_of

_COLUMNS = ["scheduler", "raw_job_id", "submit_utc", "start_utc", "end_utc", "source"]
_HINT = "To compare the two, load it into a cluster of its own: --cluster NAME-opencost."
_N_EXAMPLES = 1000
# The last minute that OpenCost saw may reach beyond its window.
_SLACK_US = 60_000_000


@dataclass(frozen=True)
class Window:
    """The allocations of one window: what they were aggregated by, and the time they span.

    `ids` are some of theirs where the aggregation does not tell by which words it was.
    """

    form: str
    submit_us: int
    start_us: int
    end_us: int
    ids: frozenset[str]
    source: str


@dataclass
class _Runs:
    """What a load, or the book, has of one cluster."""

    windows: list[Window] = field(default_factory=list)
    spans_us: list[NDArray[np.int64]] = field(default_factory=list)
    source: str = ""

    def take(self, rows: pd.DataFrame) -> None:
        """Take some rows; runs of Slurm, and those of no length, double nothing."""
        started = rows["start_utc"].notna() & (rows["end_utc"] > rows["start_utc"])
        rows = rows[started & (rows["scheduler"] != "slurm")]
        is_window = rows["raw_job_id"].str.startswith(PREFIX) & (rows["scheduler"] == "other")
        others = rows[~is_window]
        if len(others):
            self.spans_us.append(_spans(others))
            self.source = self.source or str(others["source"].iloc[0])
        self.windows += _windows(rows[is_window])

    def spans(self) -> NDArray[np.int64]:
        """Return start and end of the runs that are no allocations, (n, 2) [us]."""
        nothing = np.empty((0, 2), dtype=np.int64)
        return np.concatenate([nothing, *self.spans_us])


def refuse_overlaps(batches: Iterable[LoadBatch], ledger: Ledger) -> Iterator[LoadBatch]:
    """Pass the batches of a load; after the last, refuse what would count time twice.

    A window that comes again, or has grown, takes the place of itself.

    Raises
    ------
    ExportRefusedError
        Allocations of OpenCost, of the load or of the book, overlap pods of that cluster, or
        windows of another length or aggregation. Nothing may be loaded then.
    """
    runs_of: dict[str, _Runs] = defaultdict(_Runs)
    for batch in batches:
        for cluster, rows in batch.rows.groupby("cluster", observed=True, sort=False):
            runs_of[str(cluster)].take(rows)
        yield batch
    for cluster, runs in runs_of.items():
        _refuse(cluster, runs, ledger)


def _refuse(cluster: str, runs: _Runs, ledger: Ledger) -> None:
    spans = runs.spans()
    windows = _merged(runs.windows)
    if not windows and not len(spans):
        return
    known = _known(cluster, (spans, windows), ledger)
    known_windows = _merged(known.windows)
    for window in windows:
        _refuse_pods(cluster, window, known.spans(), known.source)
        for other in (*windows, *known_windows):
            _refuse_window(cluster, window, other)
    for window in known_windows:
        if _meets(window, spans):
            msg = (
                f"{cluster} has allocations of OpenCost (from {window.source}) for {when(window)}:"
                " these pods are in them already"
            )
            raise ExportRefusedError(
                msg, hint="To compare the two, load one into a cluster of its own."
            )


def _refuse_pods(cluster: str, window: Window, spans: NDArray[np.int64], source: str) -> None:
    if _meets(window, spans):
        msg = (
            f"{cluster} has runs of its own (from {source}) in {when(window)}: allocations of"
            " OpenCost would count the same time again"
        )
        raise ExportRefusedError(msg, hint=_HINT)


def _refuse_window(cluster: str, window: Window, other: Window) -> None:
    shared_us = min(other.end_us, window.end_us) - max(other.start_us, window.start_us)
    if shared_us <= _SLACK_US:
        return
    if other.submit_us != window.submit_us:
        reason = "windows of another length"
    elif other.form != window.form:
        reason = "allocations that were aggregated by something else"
    elif window.ids and other.ids and window.ids.isdisjoint(other.ids):
        reason = "allocations under other names, aggregated by something else"
    else:
        return
    msg = (
        f"{cluster} has {reason} (from {other.source}) for {when(other)}: with these of"
        f" {when(window)} the same time would count twice"
    )
    raise ExportRefusedError(msg, hint=_HINT)


def _known(cluster: str, incoming: tuple[NDArray[np.int64], list[Window]], ledger: Ledger) -> _Runs:
    """Return what the book has of a cluster in the time of a load."""
    spans, windows = incoming
    edges = [*spans.ravel().tolist(), *(us for w in windows for us in (w.start_us, w.end_us))]
    period = Period(_instant(min(edges)), _instant(max(edges) + 999_999), "UTC", cluster)
    return _runs_in(cluster, period, ledger)


def _runs_in(cluster: str, period: Period, ledger: Ledger) -> _Runs:
    known = _Runs()
    known.take(ledger.read(period, Filters(cluster=(cluster,)), _COLUMNS))
    return known


def grown_over(
    cluster: str, known: pd.DataFrame, jobs: pd.DataFrame, ledger: Ledger
) -> tuple[NDArray[np.bool_], tuple[Window, ...]]:
    """Tell which pods of a live cluster have grown over allocations of OpenCost, and over which.

    Only what they ran since the book's view of them, `known`, is looked at: the rest was, then.

    Returns
    -------
    A mark for each of `jobs`, (n,): to count it would count the same time again; and the windows.
    """
    seen = known.drop_duplicates("raw_job_id").set_index("raw_job_id")["end_utc"]
    begun = jobs["start_utc"]
    since = seen.reindex(jobs["raw_job_id"]).set_axis(jobs.index).astype(begun.dtype)
    grown = jobs.assign(start_utc=since.where(since > begun, begun))
    has_grown = (grown["start_utc"].notna() & (grown["end_utc"] > grown["start_utc"])).to_numpy()
    is_met = np.zeros(len(jobs), dtype=np.bool_)
    if not has_grown.any():
        return is_met, ()
    spans = _spans(grown[has_grown])
    period = Period(
        _instant(int(spans.min())), _instant(int(spans.max()) + 999_999), "UTC", cluster
    )
    found = []
    for window in _merged(_runs_in(cluster, period, ledger).windows):
        meets = _met(window, spans)
        if meets.any():
            found.append(window)
            is_met[np.flatnonzero(has_grown)[meets]] = True
    return is_met, tuple(found)


def _spans(rows: pd.DataFrame) -> NDArray[np.int64]:
    return np.stack([_micros(rows[name]) for name in ("start_utc", "end_utc")], axis=1)


def _micros(instants: pd.Series) -> NDArray[np.int64]:
    micros: NDArray[np.int64] = (
        instants.dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    )
    return micros


def _windows(rows: pd.DataFrame) -> list[Window]:
    if not len(rows):
        return []
    frame = pd.DataFrame(
        {
            "form": rows["raw_job_id"].map(form_of),
            "submit_us": _micros(rows["submit_utc"]),
            "start_us": _micros(rows["start_utc"]),
            "end_us": _micros(rows["end_utc"]),
            "id": rows["raw_job_id"],
            "source": rows["source"].astype("str"),
        }
    )
    found = []
    for _, some in frame.groupby(["form", "submit_us"], sort=True):
        form = str(some["form"].iloc[0])
        is_bare = "/" not in form
        found.append(
            Window(
                form=form,
                submit_us=int(some["submit_us"].iloc[0]),
                start_us=int(some["start_us"].min()),
                end_us=int(some["end_us"].max()),
                ids=frozenset(some["id"].iloc[:_N_EXAMPLES] if is_bare else ()),
                source=str(some["source"].iloc[0]),
            )
        )
    return found


def _merged(windows: list[Window]) -> list[Window]:
    """Put the batches of one window together."""
    found: dict[tuple[str, int], Window] = {}
    for window in windows:
        key = (window.form, window.submit_us)
        before = found.get(key, window)
        found[key] = Window(
            *key,
            min(before.start_us, window.start_us),
            max(before.end_us, window.end_us),
            before.ids | window.ids,
            before.source,
        )
    return list(found.values())


def _meets(window: Window, spans: NDArray[np.int64]) -> bool:
    return bool(_met(window, spans).any())


def _met(window: Window, spans: NDArray[np.int64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (spans[:, 0] < window.end_us) & (spans[:, 1] > window.start_us)
    return found


def when(window: Window) -> str:
    """Say in words what time a window spans."""
    start, end = _instant(window.start_us), _instant(window.end_us)
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def _instant(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // 1_000_000, UTC)
