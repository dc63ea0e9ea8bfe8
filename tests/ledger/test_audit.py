"""Every kind of damage is found, and a sound ledger has none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from auditor.ledger.book import Book
from auditor.ledger.interface import LoadBatch
from auditor.ledger.staging import Partition, StagedFiles

from .runs import MONDAY_S, View, batch, book, source

VIEWS = (View("1"), View("2", wait_s=None), View("3", wait_s=None, is_pending=True))


def codes(ledger):
    return {finding.code: finding.n for finding in ledger.check()}


def test_a_sound_ledger_has_no_findings(ledger):
    ledger.load([batch(*VIEWS)], source())
    assert ledger.check() == ()


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("gpu_wh", np.nan, "energy_missing"),
        ("cpu_wh", 1e-6, "components"),
        ("it_energy_wh", 99.9999, "components"),
        ("energy_wh", 130.001, "overhead"),
        ("pue", 1.2, "overhead"),
        ("energy_low_wh", 131.0, "bounds"),
        ("carbon_high_g", -1.0, "bounds"),
        ("elapsed_s", 3599, "times"),
        ("suspended_s", 1, "times"),
        ("factor_set", "nobody's", "factors"),
    ],
)
def test_a_row_that_cannot_be_is_found(ledger, column, value, code):
    rows = book(View("1"), View("2"))
    dtype = str(rows[column].dtype)
    odd = rows[column].astype(object)
    odd[1] = value
    rows[column] = odd.astype("str" if dtype == "category" else dtype).astype(dtype)
    ledger.load([LoadBatch(rows, (), 2, 0)], source())
    assert codes(ledger)[code] == 1


def put(ledger, partition: Partition, *views: View) -> None:
    """Put rows into the book past all decisions."""
    staged = StagedFiles(ledger.folder / "book", "planted")
    staged.add(book(*views))
    (file,) = staged.close()
    root = ledger.folder / "book"
    target = root / partition.folder / "planted.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    (root / file.path).rename(target)
    moved = replace(file, path=target.relative_to(root).as_posix(), partition=partition)
    Book(root).commit([moved], [], {})


def test_a_second_view_of_a_run_is_found(ledger):
    ledger.load([batch(*VIEWS)], source())
    put(ledger, Partition("alpha", "2026-11"), View("1", rank=3))
    assert codes(ledger) == {"duplicate": 1}


def test_a_run_in_the_wrong_month_is_found(ledger):
    put(ledger, Partition("alpha", "2026-10"), View("1"), View("2", submit_s=MONDAY_S - 1))
    assert codes(ledger) == {"wrong_partition": 2}


def damage_nothing(path):
    path.unlink()


def damage_length(path):
    path.write_bytes(path.read_bytes()[:-10])


def damage_content(path):
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [damage_nothing, damage_length, damage_content])
def test_a_damaged_data_file_is_found(ledger, damage):
    ledger.load([batch(*VIEWS)], source())
    damage(next((ledger.folder / "book").glob("*/*/*.parquet")))
    assert set(codes(ledger)) == {"files"}


def test_no_row_is_added_or_lost_against_the_log(ledger):
    ledger.load([batch(*VIEWS)], source())
    (file,) = Book(ledger.folder / "book").snapshot().files
    Book(ledger.folder / "book").commit([replace(file, n_rows=5)], [], {})
    assert codes(ledger)["row_count"] == 2
    assert isinstance(ledger.read(), pd.DataFrame)
