"""Read an export of Slurm accounting, in whichever of its dialects."""

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from typing import BinaryIO

from auditor.normalize.clusters import refuse_several
from auditor.normalize.dialect import JSON, Dialect
from auditor.normalize.interface import Batch, ExportContext, RawPiece, SourceNote
from auditor.normalize.json_reader import read_json
from auditor.normalize.keyvalue_reader import read_key_values
from auditor.normalize.layout import TextLayout
from auditor.normalize.runs import empty_frame
from auditor.normalize.sacct_fields import SAFE_COMMAND, USED_FIELDS
from auditor.normalize.slurm_jobs import assemble_jobs
from auditor.normalize.text_reader import read_text

_FORGEABLE = SourceNote(
    code="forgeable",
    text="a text export with cells that users write (job names, comments) and a delimiter that can "
    "be typed: a user could have written whole rows of it",
    hint=f"Export with `{SAFE_COMMAND}`, or as text with a random delimiter of 8 or more characters"
    " and DBIndex as the last field.",
)
_NO_ROWS = SourceNote(
    code="no_rows",
    text="the export holds no rows: an empty answer is not always 'no jobs'",
    hint="Give sacct a window (-S and -E), -a for all users, and the right to see them.",
)


def read_slurm(
    head: bytes, stream: BinaryIO, dialect: Dialect, context: ExportContext, chunk_bytes: int
) -> Iterator[Batch]:
    """Read an export in batches of whole runs.

    Parameters
    ----------
    head, stream
        The bytes read so far, and the rest of them.
    dialect
        What `find_dialect` found.
    context
        What is known beside them.
    chunk_bytes
        How much text is read at a time [bytes].

    Yields
    ------
    Batch
        At least one. A load must take all of them or none: the reason to refuse a file may come
        late.

    Raises
    ------
    ExportRefusedError
        The source is no accounting, or cannot be read without guessing; the hint says what to run.
    """
    n_rows = 0
    named: set[str] = set()
    for piece in _pieces(head, stream, dialect, context, chunk_bytes):
        refuse_several(named, piece.frame, context.cluster)
        batch = _batch(piece, context)
        n_rows += batch.n_rows
        if batch.n_rows:
            yield batch
    if n_rows == 0:
        nothing = RawPiece(empty_frame(tuple(sorted(USED_FIELDS))), [], 0, (_NO_ROWS,))
        yield _batch(nothing, context)


def _pieces(
    head: bytes, stream: BinaryIO, dialect: Dialect, context: ExportContext, chunk_bytes: int
) -> Iterator[RawPiece]:
    if isinstance(dialect, TextLayout):
        return read_text(head, stream, dialect, context, chunk_bytes)
    if dialect == JSON:
        return read_json(head, stream, context, chunk_bytes)
    return read_key_values(head, stream, context, chunk_bytes)


def _batch(piece: RawPiece, context: ExportContext) -> Batch:
    assembled = assemble_jobs(piece.frame, replace(context, forgeable=piece.is_forgeable))
    notes = (_FORGEABLE,) if piece.is_forgeable else ()
    return Batch(
        jobs=assembled.jobs,
        rejects=sorted([*piece.rejects, *assembled.rejects], key=attrgetter("line")),
        n_rows=len(piece.frame) + len(piece.rejects),
        n_jobs=len(assembled.jobs),
        n_steps=assembled.n_steps,
        notes=(*notes, *piece.notes, *assembled.notes),
    )
