"""Say it where pods are loaded that the book has under another cluster's name.

A uid is one pod's in all the world, but the key of a run holds its cluster: a cluster that was
renamed, or two entries of the configuration for one API, would count the same pods twice.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pandas as pd

from auditor.domain.period import Period
from auditor.ledger.interface import Filters, LoadBatch, Note
from auditor.ledger.ledger import Ledger

CODE = "uids_elsewhere"
_HINT = (
    "One Kubernetes API needs one entry in [[clusters]], and a cluster keeps the name under which"
    " it was loaded first."
)
_A_SECOND = timedelta(seconds=1)

Uids = dict[tuple[str, str], set[str]]


def tell_uids_elsewhere(
    batches: Iterable[LoadBatch],
    ledger: Ledger,
    watch: Callable[[LoadBatch], None] | None = None,
) -> Iterator[LoadBatch]:
    """Pass the batches of a load; if need be, one without rows follows that holds the notes.

    The book is asked for the uids of each batch, in the time that they ran: pods that never ran
    count nothing. `watch` is told of the batch that is added.
    """
    found: Uids = defaultdict(set)
    nothing = None
    for batch in batches:
        for pair, uids in _elsewhere(batch.rows, ledger).items():
            found[pair] |= uids
            nothing = batch.rows.iloc[:0]
        yield batch
    if nothing is None:
        return
    last = LoadBatch(rows=nothing, rejects=(), n_rows=0, n_steps=0, notes=_notes(found))
    if watch is not None:
        watch(last)
    yield last


def told_elsewhere(rows: pd.DataFrame, ledger: Ledger) -> tuple[Note, ...]:
    """Return the notes for runs that come one piece at a time."""
    return _notes(_elsewhere(rows, ledger))


def _elsewhere(rows: pd.DataFrame, ledger: Ledger) -> Uids:
    """Return the uids that the book has under another name, by our name and that one."""
    pods = rows[(rows["scheduler"] == "kubernetes") & (rows["end_utc"] > rows["start_utc"])]
    if pods.empty:
        return {}
    span = (pods["start_utc"].min().to_pydatetime(), pods["end_utc"].max().to_pydatetime())
    chosen = Filters(jobs=tuple(pods["raw_job_id"].unique()))
    columns = ["scheduler", "cluster", "raw_job_id"]
    period = Period(span[0], span[1] + _A_SECOND, "UTC", CODE)
    known = ledger.read(period, chosen, columns)
    known = known.loc[known["scheduler"] == "kubernetes", ["cluster", "raw_job_id"]]
    ours = pods[["cluster", "raw_job_id"]].astype("str")
    both = ours.merge(known.astype("str"), on="raw_job_id", suffixes=("", "_known"))
    both = both[both["cluster"] != both["cluster_known"]]
    grouped = both.groupby(["cluster", "cluster_known"], sort=True)["raw_job_id"]
    return {(str(ours), str(other)): set(uids) for (ours, other), uids in grouped}


def _notes(found: Uids) -> tuple[Note, ...]:
    return tuple(
        Note(
            CODE,
            f"{len(uids):,} pods of {ours} are in the ledger as pods of {other} too, with the same"
            " uids: they count twice.",
            _HINT,
        )
        for (ours, other), uids in sorted(found.items())
    )
