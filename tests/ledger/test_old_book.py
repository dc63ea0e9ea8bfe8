"""A book that was written before some columns were thought of is read, loaded into and checked."""

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from auditor.domain.frames import BOOK, check
from auditor.ledger.arrow_rows import SCHEMA

from .aged import LATER, age
from .runs import View, batch, found, load, source

OLD = (View("1"), View("2", user="bob"))


@pytest.fixture
def old(ledger):
    load(ledger, *OLD)
    age(ledger.folder)
    return ledger


def _columns(ledger):
    return {field.name for field in DeltaTable(str(ledger.folder / "book")).schema().fields}


def test_it_is_old(old):
    assert _columns(old) == set(SCHEMA.names) - LATER
    files = (old.folder / "book").glob("*/*/*.parquet")
    assert not any(LATER & set(pq.read_schema(file).names) for file in files)


def test_it_is_read_with_what_it_did_not_say(old):
    runs = check(old.read(), BOOK)
    assert runs["scheduler"].tolist() == ["slurm", "slurm"]
    assert runs[sorted(LATER - {"scheduler"})].isna().all(axis=None)
    assert runs["energy_wh"].tolist() == [130.0, 130.0]


@pytest.mark.parametrize("name", [*sorted(LATER), "energy_wh"])
def test_each_column_can_be_asked_for_alone(old, name):
    assert len(old.read(columns=[name])) == len(OLD)


def test_it_is_loaded_into_and_read_as_one(old):
    load(old, View("3", cluster="alpha"), View("4", cluster="beta"), digest="d2")
    assert _columns(old) == set(SCHEMA.names)
    by_id = dict(found(old, "raw_job_id", "scheduler"))
    assert by_id == {"1": "slurm", "2": "slurm", "3": "scheduler", "4": "scheduler"}
    assert len(check(old.read(), BOOK)) == 4
    assert old.check() == ()


def test_what_does_not_change_it_leaves_its_columns(old):
    version = old.version
    load(old, *OLD, digest="d2")
    assert (old.version, _columns(old)) == (version, set(SCHEMA.names) - LATER)


def test_rows_that_stay_when_a_file_is_written_again_say_slurm(old):
    load(old, View("1", rank=2, energy_wh=200.0), digest="d2")
    kept = found(old, "raw_job_id", "scheduler", "energy_wh")
    assert kept == [("1", "scheduler", 260.0), ("2", "slurm", 130.0)]
    table = DeltaTable(str(old.folder / "book")).to_pyarrow_table()
    by_id = dict(
        zip(*(table[name].to_pylist() for name in ("raw_job_id", "scheduler")), strict=True)
    )
    assert by_id == {"1": "scheduler", "2": "slurm"}
    assert old.check() == ()


def test_its_estimates_can_be_replaced(old):
    runs = old.read()
    runs["energy_high_wh"] *= 2
    receipt = old.replace_estimates([runs], source("new factors"))
    assert receipt.n_superseded == len(OLD)
    assert old.read()["scheduler"].tolist() == ["slurm", "slurm"]
    assert old.check() == ()


def test_its_versions_from_before_are_still_there(old):
    before = old.version
    old.load([batch(View("3"))], source("d2"))
    assert len(old.read(version=before)) == len(OLD)
    assert len(old.read()) == len(OLD) + 1


def test_small_files_old_and_new_are_written_as_one(old, monkeypatch):
    monkeypatch.setattr("auditor.ledger.loading._MANY_SMALL_FILES", 2)
    for number in range(3, 6):
        load(old, View(str(number)), digest=f"d{number}")
    assert [raw for (raw,) in found(old, "raw_job_id")] == ["1", "2", "3", "4", "5"]
    assert old.check() == ()


def test_a_metered_part_above_the_whole_is_found(ledger):
    rows = batch(View("1"))
    rows.rows["gpu_measured_wh"] = 101.0
    ledger.load([rows], source())
    assert [finding.code for finding in ledger.check()] == ["measured"]
