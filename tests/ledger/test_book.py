"""The table by itself: what the log says about a file, and what cannot be read."""

import pytest

from auditor.errors import LedgerError
from auditor.ledger.book import Book
from auditor.ledger.staging import Bounds, DataFile, Partition


@pytest.mark.parametrize("micros", [0, 1, 999, 1000, 1_794_787_200_000_000, 1_794_787_200_000_001])
def test_bounds_in_the_log_enclose_what_is_in_the_file(tmp_path, micros):
    book = Book(tmp_path)
    book.create()
    bounds = Bounds(
        {"end_utc": micros, "quality_flags": 4}, {"end_utc": micros, "quality_flags": 516}
    )
    file = DataFile("a.parquet", Partition("alpha", "2026-11"), 7, 5, bounds)
    (tmp_path / "a.parquet").write_bytes(b"12345")
    assert book.commit([file], [], {"load": "x"}) == 1
    (found,) = book.snapshot().files
    assert (found.path, found.partition, found.n_rows) == (file.path, file.partition, 7)
    assert micros - 1000 < found.bounds.low["end_utc"] <= micros
    assert micros <= found.bounds.high["end_utc"] < micros + 1000
    assert (found.bounds.low["quality_flags"], found.bounds.high["quality_flags"]) == (4, 516)


def test_a_version_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LedgerError, match="there is no book"):
        Book(tmp_path / "none").snapshot()
    Book(tmp_path).create()
    Book(tmp_path).create()
    assert Book(tmp_path).snapshot().version == 0
    with pytest.raises(LedgerError, match="at version 9"):
        Book(tmp_path).snapshot(9)
