"""Read an export of accounting, whatever scheduler it is from: the dialect is found by looking."""

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from auditor.normalize.dialect import HEAD_BYTES, KUBERNETES, find_dialect
from auditor.normalize.future import without_future
from auditor.normalize.interface import Batch, ExportContext
from auditor.normalize.kubernetes.reader import read_pods
from auditor.normalize.opencost.reader import (
    looks_like_opencost_csv,
    looks_like_opencost_json,
    read_opencost_csv,
    read_opencost_json,
)
from auditor.normalize.slurm_export import read_slurm
from auditor.normalize.table.reader import is_table, read_table

CHUNK_BYTES = 24 * 1024 * 1024

Progress = Callable[[int], None]


def read_export(
    stream: BinaryIO,
    context: ExportContext,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
) -> Iterator[Batch]:
    """Read an export in batches of whole runs.

    Parameters
    ----------
    stream : BinaryIO
        The bytes as they were written, decompressed.
    context : ExportContext
        What is known beside them; what ends after its `now_utc` is a reject.
    chunk_bytes : int
        How much text is read at a time [bytes].
    progress : callable, optional
        Told how many bytes were read, as they are read.

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
    if progress is not None:
        stream = cast("BinaryIO", _Told(stream, progress))
    for batch in _batches(stream, context, chunk_bytes):
        yield without_future(batch, context)


def _batches(stream: BinaryIO, context: ExportContext, chunk_bytes: int) -> Iterator[Batch]:
    head = stream.read(HEAD_BYTES)
    if is_table(head, context):
        yield from read_table(head, stream, context, chunk_bytes)
    elif looks_like_opencost_json(head):
        yield from read_opencost_json(head, stream, context)
    elif looks_like_opencost_csv(head.partition(b"\n")[0]):
        yield from read_opencost_csv(head, stream, context)
    elif (dialect := find_dialect(head, context)) == KUBERNETES:
        yield from read_pods(head, stream, context)
    else:
        yield from read_slurm(head, stream, dialect, context, chunk_bytes)


class _Told(io.RawIOBase):
    """A stream that tells how many bytes are read from it."""

    def __init__(self, inner: BinaryIO, progress: Progress) -> None:
        super().__init__()
        self._inner = inner
        self._progress = progress

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, or to the end."""
        chunk = self._inner.read(size)
        if chunk:
            self._progress(len(chunk))
        return chunk
