"""What the desk knows of the book's data files."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from auditor.ledger.desk_connection import DeskConnection

_COLUMNS = "path, n_bytes, crc32, load_digest, window_source"


@dataclass(frozen=True)
class FileRecord:
    """A data file as it was written; the load is None for estimates that were made again.

    `window_source` is the source of a load with a window, None for others: if that load was killed
    before it was recorded, the next one of the source answers for the file.
    """

    path: str
    n_bytes: int
    crc32: int
    load_digest: str | None
    window_source: str | None = None


class FileTable:
    """Sizes and checksums of data files."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk

    def record(self, files: Iterable[FileRecord]) -> None:
        """Remember data files; do it before the book names them."""
        with self._desk.transaction() as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO data_files ({_COLUMNS}) VALUES (?,?,?,?,?)",  # noqa: S608  (our own words)
                (astuple(file) for file in files),
            )

    def records(self) -> dict[str, FileRecord]:
        """Return what is known of data files, by path."""
        rows = self._desk.rows(f"SELECT {_COLUMNS} FROM data_files")  # noqa: S608
        return {row[0]: FileRecord(*row) for row in rows}

    def forget(self, paths: Iterable[str]) -> None:
        """Forget data files that are gone, and replaced loads that only they kept known."""
        with self._desk.transaction() as connection:
            connection.executemany(
                "DELETE FROM data_files WHERE path = ?", ((path,) for path in paths)
            )
            connection.execute(
                "DELETE FROM loads WHERE is_replaced AND NOT EXISTS"
                " (SELECT 1 FROM data_files WHERE load_digest = loads.digest)"
            )
