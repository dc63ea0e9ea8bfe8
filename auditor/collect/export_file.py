"""Open export files: plain, compressed, or standard input."""

import gzip
import hashlib
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from auditor.errors import ExportRefusedError, UsageError

STDIN = "-"
_HEAD_BYTES = 1024 * 1024


class _DigestingStream(io.RawIOBase):
    """A binary stream that remembers what was read from it, by its size and two checksums.

    CRC-32 of all of it and SHA-256 of its head: enough to know an export again, at a third of the
    time that SHA-256 of all of it would take. It is no protection against forgery.
    """

    def __init__(self, inner: BinaryIO) -> None:
        super().__init__()
        self._inner = inner
        self._n_bytes = 0
        self._checksum = 0
        self._head = hashlib.sha256()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, or to the end."""
        try:
            chunk = self._inner.read(size)
        except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
            msg = f"it cannot be read to its end: {error}"
            raise ExportRefusedError(
                msg, hint="Is it cut, or packed otherwise than its name says?"
            ) from error
        if self._n_bytes < _HEAD_BYTES:
            self._head.update(chunk[: _HEAD_BYTES - self._n_bytes])
        self._checksum = zlib.crc32(chunk, self._checksum)
        self._n_bytes += len(chunk)
        return chunk

    def digest(self) -> str:
        """Name the content read so far."""
        return f"{self._head.hexdigest()[:32]}-{self._checksum:08x}-{self._n_bytes}"


@dataclass(frozen=True)
class OpenExport:
    """An export being read: its name for people, its stream, its size where known [bytes].

    `digest` names the content that was read so far.
    """

    name: str
    stream: BinaryIO
    size_bytes: int | None
    digest: Callable[[], str]


def _export(name: str, inner: BinaryIO, size_bytes: int | None) -> OpenExport:
    stream = _DigestingStream(inner)
    return OpenExport(name, cast("BinaryIO", stream), size_bytes, stream.digest)


@contextmanager
def open_export(path: str) -> Iterator[OpenExport]:
    """Open an export for reading; `-` is standard input, .gz and .xz are unpacked on the way.

    Raises
    ------
    UsageError
        The file is missing or may not be read.
    """
    if path == STDIN:
        yield _export("standard input", sys.stdin.buffer, None)
        return
    file = Path(path)
    try:
        opened = file.open("rb")
    except OSError as error:
        msg = f"{path} cannot be opened: {error.strerror}"
        raise UsageError(msg, hint="Name export files, or - for standard input.") from error
    with opened, _unpacked(opened, file.suffix) as stream:
        size_bytes = file.stat().st_size if stream is opened else None
        yield _export(file.name, stream, size_bytes)


def _unpacked(opened: BinaryIO, suffix: str) -> BinaryIO:
    match suffix:
        case ".gz":
            return cast("BinaryIO", gzip.GzipFile(fileobj=opened))
        case ".xz":
            return cast("BinaryIO", lzma.LZMAFile(opened))
        case _:
            return opened
