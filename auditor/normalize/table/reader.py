"""Read a table that no dialect describes, as its cluster's configuration says."""

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from typing import BinaryIO

from auditor.errors import ExportRefusedError, UsageError
from auditor.normalize.interface import Batch, ExportContext, SourceNote
from auditor.normalize.table.column_map import TableMap
from auditor.normalize.table.jobs import assemble_table
from auditor.normalize.table.text import CellPiece, TextTable, no_cells, open_table, read_cells

_NO_ROWS = SourceNote(
    code="no_rows",
    text="the table holds no rows: an empty answer is not always 'no jobs'",
    hint="Look at the command that made it.",
)
_N_SHOWN = 40
_LONGEST_SHOWN = 60


def is_table(head: bytes, context: ExportContext) -> bool:
    """Say whether a source is to be read as the table of `context`.

    It is where the caller named the cluster, or where its header has all columns of the table.
    """
    if context.table is None:
        return False
    return context.cluster is not None or not _open(head, context.table).missing


def read_table(
    head: bytes, stream: BinaryIO, context: ExportContext, chunk_bytes: int
) -> Iterator[Batch]:
    """Read a table in batches of rows, about `chunk_bytes` at a time.

    Parameters
    ----------
    head
        The first bytes of the source.
    stream
        The rest of it.
    context
        Its `table` says what is what.

    Yields
    ------
    Batch
        At least one.

    Raises
    ------
    ExportRefusedError
        It is empty, or lacks a column that the configuration names.
    UsageError
        Nobody says whose it is.
    """
    if context.table is None:
        msg = f"{context.source} is no table that the configuration describes"
        raise ExportRefusedError(msg, hint="Describe it in [clusters.table].")
    cluster = context.cluster or context.table.cluster or context.default_cluster
    if cluster is None:
        msg = "nobody says whose table it is"
        raise UsageError(msg, hint="State it with --cluster NAME.")
    if not head.strip():
        msg = f"{context.source} cannot be read: it is empty"
        raise ExportRefusedError(msg, hint="Look at the command that made it.")
    table = _open(head, context.table)
    _refuse_columns(table, context)
    named = replace(context, cluster=cluster)
    n_rows = 0
    for piece in read_cells(head, stream, table, context.source, chunk_bytes):
        batch = _batch(piece, context.table, named)
        n_rows += batch.n_rows
        if batch.n_rows:
            yield batch
    if n_rows == 0:
        nothing = _batch(no_cells(table), context.table, named)
        yield replace(nothing, notes=(_NO_ROWS,))


def _open(head: bytes, table: TableMap) -> TextTable:
    wanted = {name: column.name for name, column in table.columns.items()}
    return open_table(head, table.delimiter, wanted)


def _refuse_columns(table: TextTable, context: ExportContext) -> None:
    if not all(column.isprintable() for column in table.columns):
        msg = f"{context.source} cannot be read: its first line is no header of a table"
        raise ExportRefusedError(msg, hint="[clusters.table] needs a text with a header.")
    has = _listed([column[:_LONGEST_SHOWN] for column in table.columns[:_N_SHOWN]])
    if missing := table.missing:
        msg = f"{context.source} cannot be read: it has no column {_listed(missing)}"
        raise ExportRefusedError(msg, hint=f"[clusters.table] names it. It has: {has}.")
    if repeated := table.repeated:
        msg = f"{context.source} cannot be read: it has several columns {_listed(repeated)}"
        raise ExportRefusedError(msg, hint=f"Give each column a name of its own. It has: {has}.")


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def _batch(piece: CellPiece, table: TableMap, context: ExportContext) -> Batch:
    assembled = assemble_table(piece.frame, table, context)
    rejects = sorted([*piece.rejects, *assembled.rejects], key=attrgetter("line"))
    return Batch(
        jobs=assembled.jobs,
        rejects=rejects,
        n_rows=len(assembled.jobs) + len(rejects),
        n_jobs=len(assembled.jobs),
        n_steps=0,
        notes=assembled.notes,
    )
