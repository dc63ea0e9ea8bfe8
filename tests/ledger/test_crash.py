"""Die at any moment, load again: the book is as if nothing had happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from auditor.ledger import book, durable
from auditor.ledger.interface import FactorSet
from auditor.ledger.ledger import Ledger

from .killed_loader import FIRST, MOMENTS, load_second
from .runs import FACTORS, View, batch, source

COMMITTED = {"committed, log not forced", "before the desk", "after the desk"}


def prepared(folder: Path) -> Ledger:
    ledger = Ledger.open(folder, create=True)
    ledger.record_factor_set(FactorSet(FACTORS, "{}"))
    ledger.load([batch(*FIRST)], source("first"))
    return ledger


@pytest.fixture(scope="module")
def untroubled(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    with prepared(tmp_path_factory.mktemp("untroubled")) as ledger:
        load_second(ledger)
        return ledger.read()


def unnamed_files(ledger: Ledger) -> set[str]:
    """Return the files of the load that no version names."""
    root = ledger.folder / "book"
    there = {path.relative_to(root).as_posix() for path in root.glob("*/*/*.parquet")}
    versions = range(ledger.version + 1)
    named = {file.path for v in versions for file in book.Book(root).snapshot(v).files}
    return there - named


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_load_that_was_killed_is_loaded_again(tmp_path, untroubled, moment):
    with prepared(tmp_path) as ledger:
        before = ledger.read()
        module = f"{__package__}.killed_loader"
        place = Path(__file__).parents[__package__.count(".") + 1]
        dead = subprocess.run(
            [sys.executable, "-m", module, str(tmp_path), moment], cwd=place, check=False
        )
        assert dead.returncode == -signal.SIGKILL
        after = untroubled if moment in COMMITTED else before
        pd.testing.assert_frame_equal(ledger.read(), after, check_categorical=False)
        receipt = load_second(ledger)
        assert receipt.n_unchanged == (30 if moment in COMMITTED else 0)
        pd.testing.assert_frame_equal(ledger.read(), untroubled, check_categorical=False)
        assert ledger.version == 2
        assert ledger.quality().n_jobs == 61
        assert unnamed_files(ledger) == set()
        assert not (tmp_path / "loading").exists()
        assert ledger.check() == ()


def test_everything_is_on_the_disk_before_a_load_is_acknowledged(tmp_path, monkeypatch):
    with prepared(tmp_path) as ledger:
        log = tmp_path / "book" / "_delta_log" / f"{2:020d}.json"
        forced: dict[str, bool] = {}
        monkeypatch.setattr(
            durable,
            "sync_file",
            lambda path: forced.setdefault(path.relative_to(tmp_path).as_posix(), log.exists()),
        )
        load_second(ledger)
        snapshot = book.Book(tmp_path / "book").snapshot()
    new = [file for file in snapshot.files if f"book/{file.path}" in forced]
    assert {file.partition for file in new} == {file.partition for file in snapshot.files}
    assert not any(forced[f"book/{file.path}"] for file in new), "data first, then the log"
    assert not any(forced[f"book/{file.partition.folder}"] for file in new)
    assert forced[f"book/_delta_log/{log.name}"]
    assert forced["book/_delta_log"]


def test_files_and_folders_are_forced(tmp_path, monkeypatch):
    forced = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: forced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
    )
    target = tmp_path / "a" / "b" / "c.txt"
    target.parent.mkdir(parents=True)
    target.touch()
    durable.sync_files([target], tmp_path)
    assert set(forced) == {str(p) for p in (target, *list(target.parents)[:3])}
    assert forced[0] == str(target)


def test_a_vacuum_keeps_what_younger_versions_use(tmp_path):
    with prepared(tmp_path) as ledger:
        load_second(ledger)
        n_files = len(list((tmp_path / "book").glob("*/*/*.parquet")))
        assert ledger.vacuum(keep_days=1) == 0
        now = len(ledger.read())
        assert ledger.vacuum(keep_days=0) > 0
        assert len(list((tmp_path / "book").glob("*/*/*.parquet"))) < n_files
        assert len(ledger.read()) == now
        assert ledger.load([batch(View("1"))], source("after")).n_new == 1
