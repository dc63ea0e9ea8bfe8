"""Read what `sacct --json` and slurmrestd's /slurmdb print, record by record.

The dialect is told by content and not by the version it names: see `json_spelling`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from auditor.domain.reject import Reject
from auditor.normalize.dialect import BYTE_ORDER_MARK, refuse
from auditor.normalize.interface import ExportContext, RawPiece
from auditor.normalize.json_jobs import JSON_FIELDS, Row, is_job, is_queued_job, job_rows
from auditor.normalize.json_records import (
    BrokenJsonError,
    CutJsonError,
    JsonFacts,
    job_records,
)
from auditor.normalize.sacct_fields import SAFE_COMMAND

_CELLS = pd.ArrowDtype(pa.string())
_TEXT_LENGTH = 200
_BYTES_OF_ROW = 2048  # text of one row in a document, roughly; sizes the pieces
_CUT = "the JSON is cut within this record: nothing that follows is known"
_USE_WINDOW = f"Ask again, for one day at a time: `{SAFE_COMMAND} -S START -E END`."


@dataclass
class _Rows:
    """Rows and rejects taken since the last piece."""

    rows: list[Row] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    n_jobs: int = 0
    n_strangers: int = 0

    def piece(self, n_bytes: int) -> RawPiece:
        """Hand on what there is, and begin again."""
        columns = {
            name: pd.Series([row.get(name, "") for row in self.rows], dtype=_CELLS)
            for name in JSON_FIELDS
        }
        lines = pd.Series(self.records, dtype="int64")
        piece = RawPiece(pd.DataFrame({**columns, "line": lines}), self.rejects, n_bytes)
        self.rows, self.records, self.rejects = [], [], []
        return piece


def read_json(
    head: bytes, stream: BinaryIO, context: ExportContext, chunk_bytes: int
) -> Iterator[RawPiece]:
    """Read the jobs and steps of one or more documents; `line` is the number of the job record.

    Raises
    ------
    ExportRefusedError
        The document reports errors (what it holds is then a part at most), holds no jobs, or is
        no JSON. It may come after pieces have been read.
    """
    facts = JsonFacts()
    rows = _Rows()
    n_bytes = 0
    n_rows_of_piece = max(chunk_bytes // _BYTES_OF_ROW, 1)
    records = _records(head.removeprefix(BYTE_ORDER_MARK), stream, facts, context)
    for place, record in enumerate(records, start=1):
        _take(record, place, rows, context)
        if len(rows.rows) >= n_rows_of_piece:
            yield rows.piece(facts.n_bytes - n_bytes)
            n_bytes = facts.n_bytes
    _refuse_a_part(facts, 0 if rows.n_jobs else rows.n_strangers, context)
    yield rows.piece(facts.n_bytes - n_bytes)


def _records(
    head: bytes, stream: BinaryIO, facts: JsonFacts, context: ExportContext
) -> Iterator[Any]:
    """Yield the records; what is cut comes as its text."""
    try:
        yield from job_records(head, stream, facts)
    except CutJsonError as error:
        if not facts.n_job_lists:
            reason = "its JSON is cut before the first job"
            raise refuse(context, reason, _USE_WINDOW) from error
        yield error
    except BrokenJsonError as error:
        reason = f"its JSON is broken ({error})"
        raise refuse(context, reason, f"Write it again: `{SAFE_COMMAND}`.") from error


def _take(record: Any, place: int, rows: _Rows, context: ExportContext) -> None:  # noqa: ANN401
    if isinstance(record, CutJsonError):
        rows.rejects.append(Reject(context.source, place, _CUT, record.text[:_TEXT_LENGTH]))
    elif is_job(record):
        found = job_rows(record)
        rows.rows.extend(found)
        rows.records.extend([place] * len(found))
        rows.n_jobs += 1
    elif is_queued_job(record):
        raise refuse(context, "it is the queue (squeue --json), no accounting", _USE_WINDOW)
    else:
        rows.n_strangers += 1
        shown = json.dumps(record)[:_TEXT_LENGTH]
        reason = "the record is no job: it has no job_id or no times"
        rows.rejects.append(Reject(context.source, place, reason, shown))


def _refuse_a_part(facts: JsonFacts, n_strangers: int, context: ExportContext) -> None:
    if facts.errors:
        said = "; ".join(dict.fromkeys(map(_said, facts.errors)))
        raise refuse(context, f"Slurm reports errors in it: {said[:300]}", _USE_WINDOW)
    if n_strangers:
        raise refuse(context, "none of its records is a job with an id and times", _USE_WINDOW)
    if facts.n_job_lists:
        return
    if facts.keys & {"nodes", "sinfo"}:
        hint = "Name it as the cluster's node listing in the configuration."
        raise refuse(context, "it is a listing of nodes, no accounting", hint)
    raise refuse(context, "it holds no jobs", _USE_WINDOW)


def _said(error: Any) -> str:  # noqa: ANN401
    if not isinstance(error, Mapping):
        return str(error)
    words = [str(error[key]) for key in ("description", "error") if error.get(key)]
    return ": ".join(words) or str(dict(error))
