"""Read what OpenCost allocated: answers of its API as JSON, and its daily CSV export."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import attrgetter
from typing import Any, BinaryIO

from auditor.domain.reject import Reject
from auditor.errors import ExportRefusedError, UsageError
from auditor.normalize.dialect import BYTE_ORDER_MARK
from auditor.normalize.interface import Batch, ExportContext, SourceNote
from auditor.normalize.opencost.jobs import Named, assemble_allocations
from auditor.normalize.opencost.records import (
    CSV_COLUMNS,
    Allocation,
    allocation_of,
    allocation_of_row,
    is_no_run,
)
from auditor.normalize.opencost.shape import raw_id_of, shape_of
from auditor.normalize.table.text import open_table, read_cells

_N_AT_A_TIME = 50_000
_CHUNK_BYTES = 8 * 1024 * 1024
_TEXT_LENGTH = 200
# What OpenCost calls a cluster that nobody gave a name.
_NAMELESS = frozenset(("", "default-cluster", "cluster-one"))
_HINT = "Ask OpenCost again: /allocation/compute?window=START,END&step=1d."

_KNOWS_NO_POWER = SourceNote(
    code="opencost",
    text="OpenCost measures no power and seldom says which accelerators: their model comes from the"
    " configuration's rules for nodes, and from the default where an allocation names no node.",
    hint="Pods from the Kubernetes API and meters from Prometheus say more.",
)
_WHOLE_DAYS = SourceNote(
    code="opencost_days",
    text="The CSV export of OpenCost does not say for how long a container ran in a day: each row"
    " counts for the whole day, which is too much for what ran for a part of it.",
    hint="Load the answer of /allocation/compute instead: it tells the minutes.",
)
_NO_ROWS = SourceNote(
    code="no_rows",
    text="the answer holds no allocations: an empty answer is not always 'no pods'",
    hint="Look at the window that OpenCost was asked for.",
)


def looks_like_opencost_json(text: bytes) -> bool:
    """Say whether a JSON document, from its first bytes on, is an answer of OpenCost."""
    is_object = text.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] == b"{"
    if not is_object or not re.search(rb'"data"\s*:\s*(\[|null)', text):
        return False
    return b'"cpuCoreHours"' in text or re.search(rb'"code"\s*:\s*\d', text[:4096]) is not None


def looks_like_opencost_csv(header: bytes) -> bool:
    """Say whether a header line is that of OpenCost's CSV export."""
    columns = open_table(header, ",", {}).columns
    return {"Date", "CPUCoreRequestAverage", "RAMBytesRequestAverage"} <= set(columns)


@dataclass
class _Reading:
    """What is remembered from one batch to the next."""

    context: ExportContext
    is_daily: bool = False
    has_nodes: bool = False
    shape: tuple[str, ...] = ()
    seen: dict[tuple[str, float, str], int] = field(default_factory=dict)
    clusters: set[str] = field(default_factory=set)
    left_out: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Entry:
    """One entry of the source: an allocation, or why it is none."""

    name: str
    line: int
    allocation: Allocation | None
    reason: str = ""
    text: str = ""


def read_opencost_json(head: bytes, stream: BinaryIO, context: ExportContext) -> Iterator[Batch]:
    """Read an answer of /allocation or /allocation/compute; `line` is the number of the entry.

    Raises
    ------
    ExportRefusedError
        It is cut, broken, or tells of an error.
    UsageError
        Nobody says whose it is, or it is of several clusters where one was stated.
    """
    return _batches(_json_entries(head, stream, context), _Reading(context))


def read_opencost_csv(head: bytes, stream: BinaryIO, context: ExportContext) -> Iterator[Batch]:
    """Read a CSV export: each row is a day, in UTC, of a container.

    Raises
    ------
    UsageError
        Nobody says whose it is.
    """
    has_nodes = "Node" in open_table(head, ",", {}).columns
    reading = _Reading(context, is_daily=True, has_nodes=has_nodes)
    return _batches(_csv_entries(head, stream, context), reading)


def _csv_entries(head: bytes, stream: BinaryIO, context: ExportContext) -> Iterator[_Entry]:
    columns = open_table(head, ",", {}).columns
    wanted = {name: name for name in CSV_COLUMNS if name in columns}
    table = open_table(head, ",", wanted)
    for piece in read_cells(head, stream, table, context.source, _CHUNK_BYTES):
        for reject in piece.rejects:
            yield _Entry("", reject.line, None, reject.reason, reject.text)
        lines = piece.frame.pop("line").tolist()
        rows = piece.frame.to_dict("records")
        for row, line in zip(rows, lines, strict=True):
            yield _row_entry(row, line)


def _row_entry(row: dict[Any, str], line: int) -> _Entry:
    try:
        allocation = allocation_of_row(row, line)
    except ValueError as error:
        return _Entry("", line, None, str(error), "|".join(row.values()))
    return _Entry(allocation.name, line, allocation)


class _Whole:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def read(self, n_bytes: int) -> bytes:
        """Read some bytes, b"" at the end; none are asked for to learn what they are like."""
        if n_bytes and self._head:
            head, self._head = self._head[:n_bytes], self._head[n_bytes:]
            return head
        return self._stream.read(n_bytes)


def _json_entries(head: bytes, stream: BinaryIO, context: ExportContext) -> Iterator[_Entry]:
    import ijson  # noqa: PLC0415  (start-up time)

    _refuse_failure(head, context)
    whole = _Whole(head.removeprefix(BYTE_ORDER_MARK), stream)
    pairs = ijson.kvitems(whole, "data.item", use_float=True)
    line = 0
    while True:
        line += 1
        try:
            pair = next(pairs, None)
        except ijson.JSONError as error:
            msg = f"{context.source} cannot be read: its JSON is cut or broken at entry {line}"
            raise ExportRefusedError(msg, hint=_HINT) from error
        if pair is None:
            return
        yield _json_entry(pair[0], pair[1], line)


def _json_entry(name: str, entry: Any, line: int) -> _Entry:  # noqa: ANN401  (any JSON)
    try:
        allocation = allocation_of(name, entry, line)
    except ValueError as error:
        return _Entry(name, line, None, str(error), f"{name}: {json.dumps(entry)}")
    return _Entry(name, line, allocation)


def _refuse_failure(head: bytes, context: ExportContext) -> None:
    code = re.search(rb'"code"\s*:\s*(\d+)', head[:4096])
    if code is None or code[1] == b"200":
        return
    message = re.search(rb'"message"\s*:\s*"([^"]*)"', head)
    said = message[1].decode("utf-8", "replace")[:_TEXT_LENGTH] if message else "nothing more"
    msg = f"{context.source} cannot be read: OpenCost failed ({code[1].decode()}): {said}"
    raise ExportRefusedError(msg, hint=_HINT)


def _batches(entries: Iterator[_Entry], reading: _Reading) -> Iterator[Batch]:
    """Make batches of entries, at least one; the last one says what was left out of all."""
    some = list(islice(entries, _N_AT_A_TIME))
    while True:
        more = list(islice(entries, _N_AT_A_TIME))
        batch = _batch(some, reading)
        if not more:
            yield replace(batch, notes=(*batch.notes, *_left_out(reading)))
            return
        yield batch
        some = more


def _batch(entries: list[_Entry], reading: _Reading) -> Batch:
    kept = [entry for entry in entries if not is_no_run(entry.name)]
    for entry in entries:
        if is_no_run(entry.name):
            _leave_out(entry, reading)
    found = [entry.allocation for entry in kept if entry.allocation is not None]
    if not reading.shape and found:
        # A row of the CSV export is of one node, which is no part of its name.
        reading.shape = shape_of(found) + (("node",) if reading.has_nodes else ())
    named, doubles = _named(found, reading)
    unread = [entry for entry in kept if entry.allocation is None]
    unread += [_Entry(one.name, one.line, None, _TWICE, one.name) for one in doubles]
    source = reading.context.source
    rejects = [
        Reject(source, entry.line, entry.reason, entry.text[:_TEXT_LENGTH])
        for entry in sorted(unread, key=attrgetter("line"))
    ]
    return Batch(
        jobs=assemble_allocations(named, reading.context, is_daily=reading.is_daily),
        rejects=rejects,
        n_rows=len(entries),
        n_jobs=len(named),
        n_steps=len(entries) - len(kept),
        notes=_notes(reading, is_empty=not entries),
    )


_TWICE = "the same workload stands twice for one window, and says something else"


def _leave_out(entry: _Entry, reading: _Reading) -> None:
    """Remember what an entry that is no run held: core hours and accelerator hours."""
    kind = next(part for part in entry.name.split("/") if part.startswith("__"))
    hours = reading.left_out.setdefault(kind, [0.0, 0.0])
    if entry.allocation is None:
        return
    amounts = (entry.allocation.cpu_allocated, entry.allocation.gpu_allocated)
    for i, amount in enumerate(amounts):
        hours[i] += 0.0 if math.isnan(amount) else amount * entry.allocation.minutes / 60


def _named(found: list[Allocation], reading: _Reading) -> tuple[list[Named], list[Allocation]]:
    """Give ids to allocations, and tell those that say something else of a run that is known.

    One that says the same again is named like the first: the ledger counts it once, and says so.
    """
    named, doubles = [], []
    for one in found:
        cluster = _cluster_of(one, reading)
        raw_id = raw_id_of(one, reading.shape)
        said = _content(one)
        if reading.seen.setdefault((cluster, one.window_start_s, raw_id), said) == said:
            named.append(Named(one, raw_id, cluster, reading.shape))
        else:
            doubles.append(one)
    return named, doubles


def _content(one: Allocation) -> int:
    """Return what tells two allocations of one run apart: all that is said, but not where."""
    labels, annotations = sorted(one.labels.items()), sorted(one.annotations.items())
    return hash(repr(one._replace(line=0, labels={}, annotations={})) + repr((labels, annotations)))


def _cluster_of(one: Allocation, reading: _Reading) -> str:
    context = reading.context
    own = "" if one.cluster in _NAMELESS else one.cluster
    reading.clusters.add(one.cluster)
    if context.cluster is not None and len(reading.clusters) > 1:
        names = ", ".join(sorted(reading.clusters)[:5])
        msg = f"the answer is of {len(reading.clusters)} clusters ({names}), not one"
        raise UsageError(msg, hint="Leave --cluster out: every entry then keeps its own cluster.")
    cluster = context.cluster or own or context.default_cluster or one.cluster
    if not cluster:
        msg = "the export names no cluster"
        raise UsageError(msg, hint="State whose it is with --cluster NAME.")
    return cluster


def _notes(reading: _Reading, *, is_empty: bool) -> tuple[SourceNote, ...]:
    if is_empty:
        return (_NO_ROWS,)
    return (_KNOWS_NO_POWER, _WHOLE_DAYS) if reading.is_daily else (_KNOWS_NO_POWER,)


def _left_out(reading: _Reading) -> Iterator[SourceNote]:
    for kind, (core_h, gpu_h) in sorted(reading.left_out.items()):
        held = f"{core_h:,.2f} core hours, {gpu_h:,.2f} GPU hours"
        text = f"{kind} is no run and not counted: {held}."
        code = f"opencost_{kind.strip('_')}"
        yield SourceNote(code, text, _LEFT_OUT_HINTS.get(kind, ""))


_LEFT_OUT_HINTS = {
    "__unallocated__": "They are of workloads without what was aggregated by: ask for it by"
    " namespace, or without `aggregate`, and each is named.",
}
