"""Loading and reading through the front door."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from auditor.domain.frames import BOOK, check
from auditor.domain.intensity import IntensityBasis, IntensitySeries
from auditor.domain.period import Period
from auditor.domain.reject import Reject
from auditor.ledger.book import Book
from auditor.ledger.interface import FactorSet, Filters, LoadBatch, Note
from auditor.ledger.ledger import Ledger

from .runs import MONDAY_S, View, batch, book, found, load, source

ONE = View("1")
WEEK = Period(
    datetime.fromtimestamp(MONDAY_S, UTC),
    datetime.fromtimestamp(MONDAY_S, UTC) + timedelta(days=7),
    "UTC",
    "2026-W47",
)


def test_a_load_comes_back_with_every_column_as_it_was(ledger):
    views = (
        View("7", user=None, wait_s=None),
        View("8", cluster="beta", flags=512),
        View("9", wait_s=None, is_pending=True),
        View("10_3", job_id="10_3", parent="10"),
    )
    load(ledger, *views)
    expected = book(*views).sort_values(["cluster", "submit_utc", "raw_job_id"])
    read = check(ledger.read(), BOOK)
    pd.testing.assert_frame_equal(
        read, expected.reset_index(drop=True), check_categorical=False, check_exact=True
    )


def test_an_empty_ledger_and_an_empty_load_answer_with_no_rows(ledger):
    assert len(check(ledger.read(WEEK, Filters(user=("alice",))), BOOK)) == 0
    receipt = load(ledger)
    assert (receipt.n_jobs, receipt.n_new, receipt.book_version) == (0, 0, 0)
    assert ledger.check() == ()


@pytest.mark.parametrize(
    ("stored", "offered", "counts", "kept_state"),
    [
        pytest.param(
            [ONE], [ONE], {"n_unchanged": 1}, "COMPLETED", id="the same again changes nothing"
        ),
        pytest.param(
            [replace(ONE, state="RUNNING", rank=1)],
            [replace(ONE, rank=2)],
            {"n_superseded": 1},
            "COMPLETED",
            id="a later view supersedes",
        ),
        pytest.param(
            [replace(ONE, rank=2)],
            [replace(ONE, state="RUNNING", rank=1)],
            {"n_unchanged": 1},
            "COMPLETED",
            id="an older view never replaces a newer one",
        ),
        pytest.param(
            [],
            [replace(ONE, state="RUNNING"), replace(ONE, rank=2), replace(ONE, state="PENDING")],
            {"n_new": 1, "n_duplicate_in_load": 2},
            "COMPLETED",
            id="views of one run within a load",
        ),
        pytest.param(
            [ONE],
            [replace(ONE, rank=2, state="FAILED"), replace(ONE, rank=3, state="TIMEOUT")],
            {"n_superseded": 1, "n_duplicate_in_load": 1},
            "TIMEOUT",
            id="two newer views at once",
        ),
    ],
)
def test_the_highest_rank_wins(ledger, stored, offered, counts, kept_state):
    load(ledger, *stored)
    receipt = load(ledger, *offered, digest="d2")
    expected = {"n_new": 0, "n_superseded": 0, "n_unchanged": 0, "n_duplicate_in_load": 0} | counts
    assert {name: getattr(receipt, name) for name in expected} == expected
    assert found(ledger, "raw_job_id", "state") == [("1", kept_state)]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(ONE, cluster="beta"), id="cluster"),
        pytest.param(replace(ONE, raw="2"), id="raw id"),
        pytest.param(replace(ONE, raw="01"), id="leading zero"),
        pytest.param(replace(ONE, raw="1_1"), id="array task"),
        pytest.param(replace(ONE, raw="+1"), id="sign"),
        pytest.param(replace(ONE, submit_s=MONDAY_S + 1), id="submit time"),
        pytest.param(replace(ONE, submit_s=MONDAY_S + 40 * 86400), id="submit month"),
        pytest.param(replace(ONE, n_restarts=1), id="restart count"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["one load", "two loads"])
def test_every_part_of_the_key_tells_runs_apart(ledger, other, at_once):
    for views in [[ONE, other]] if at_once else [[ONE], [other]]:
        load(ledger, *views)
    assert len(ledger.read()) == 2
    assert ledger.check() == ()


def test_every_load_is_one_version_and_an_older_one_can_be_read(ledger):
    first = load(ledger, ONE, View("2", submit_s=MONDAY_S + 20 * 86400), View("3", cluster="beta"))
    second = load(ledger, replace(ONE, rank=2, user="bob"), View("4"), digest="d2")
    same = load(ledger, ONE, digest="d3")
    assert [first.book_version, second.book_version, same.book_version] == [1, 2, 2]
    assert len(ledger.read(version=1)) == 3
    assert "bob" not in set(ledger.read(version=1)["user"])
    assert sorted(ledger.read(columns=["user"])["user"]) == ["alice", "alice", "alice", "bob"]


def test_the_same_rows_whatever_the_size_of_the_batches(ledger, tmp_path, monkeypatch):
    views = [
        View(str(n), submit_s=MONDAY_S + n * 86400, cluster="ab"[n % 2], user=f"u{n % 3}")
        for n in range(70)
    ]
    load(ledger, *views)
    monkeypatch.setattr("auditor.ledger.staging._ROW_GROUP_ROWS", 3)
    monkeypatch.setattr("auditor.ledger.staging._BUFFERED_ROWS", 5)
    monkeypatch.setattr("auditor.ledger.staging._OPEN_FILES", 2)
    with Ledger.open(tmp_path / "other", create=True) as other:
        mixed = views[::3] + views[1::3] + views[2::3]
        other.load([batch(*mixed[n : n + 4]) for n in range(0, 70, 4)], source())
        other.load([batch(*(replace(v, rank=2) for v in views[:40]))], source("d2"))
        facts = [column.name for column in BOOK if column.name != "rank"]
        pd.testing.assert_frame_equal(
            other.read()[facts], ledger.read()[facts], check_categorical=False
        )
        assert not [finding for finding in other.check() if finding.code != "factors"]


def test_many_small_loads_do_not_leave_many_small_files(ledger, monkeypatch):
    monkeypatch.setattr("auditor.ledger.loading._MANY_SMALL_FILES", 4)
    views = [View(str(n), submit_s=MONDAY_S + n) for n in range(22)]
    elsewhere = View("1", cluster="beta")
    load(ledger, elsewhere)
    for number, view in enumerate(views):
        load(ledger, view, digest=f"d{number}")
    files = list(Book(ledger.folder / "book").snapshot().files)
    assert len(files) <= 6
    assert max(file.n_rows for file in files) > 15
    assert len(ledger.read(None, Filters(cluster=("alpha",)))) == len(views)
    assert len(ledger.read(version=9)) == 9
    assert load(ledger, *views, elsewhere, digest="again").book_version == 23
    assert ledger.check() == ()
    assert (ledger.folder / "book" / "_delta_log" / "_last_checkpoint").exists()


def test_replaced_estimates_touch_no_other_run(ledger):
    load(ledger, ONE, View("2"), View("3", rank=5))
    again = [replace(ONE, energy_wh=50.0), replace(View("3"), energy_wh=1.0), View("99")]
    receipt = ledger.replace_estimates([book(*again)], source("factors"))
    assert (receipt.n_superseded, receipt.n_unchanged, receipt.n_new) == (1, 2, 0)
    assert found(ledger, "raw_job_id", "it_energy_wh") == [("1", 50.0), ("2", 100.0), ("3", 100.0)]
    assert ledger.quality().n_loads == 1


def test_quality_tells_what_the_loads_behind_a_period_said(ledger):
    bad = tuple(Reject("jobs.csv", line, "too few columns", "x|y") for line in (3, 9))
    note = Note("forgeable", "job names can hold the delimiter", "use --json")
    piece = batch(ONE, rejects=bad, notes=(note, note), n_steps=4)
    for _ in range(2):
        ledger.load([piece, batch(View("2"), notes=(note,))], source("d1"))
    ledger.load([batch(View("3", submit_s=MONDAY_S - 60 * 86400))], source("d2", "old.csv"))
    quality = ledger.quality(WEEK)
    assert (quality.n_loads, quality.n_rows, quality.n_jobs) == (1, 8, 2)
    assert (quality.n_steps, quality.n_rejected, quality.rejects) == (4, 2, bad)
    assert [(n.source, n.note) for n in quality.notes] == [("jobs.csv", note)]
    assert ledger.quality(WEEK, Filters(cluster=("beta",))).n_loads == 0
    assert ledger.quality().n_loads == 2
    assert ledger.quality(WEEK, n_shown=1).rejects == bad[:1]


def test_a_load_of_nothing_but_rejects_is_shown_with_every_period(ledger):
    ledger.load([batch(rejects=(Reject("bad.csv", 2, "cut"),))], source("d9", "bad.csv"))
    assert ledger.quality(WEEK).n_rejected == 1


def test_factors_and_series_come_back_as_they_were(ledger):
    series = IntensitySeries(
        zone="DE",
        edges_s=np.array([0, 3600, 7200]),
        g_per_kwh=np.array([300.5, 1 / 3]),
        basis=np.array([0, 2], dtype=np.uint8),
        fallback_g_per_kwh=380.0,
        fallback_source="annual",
        source="de.csv",
        kind="direct",
        fallback_basis=IntensityBasis.ESTIMATED,
    )
    none = np.array([])
    constant = IntensitySeries(
        "NO", none.astype(np.int64), none, none.astype(np.uint8), 30.0, "stated", "constant"
    )
    for _ in range(2):
        ledger.record_factor_set(FactorSet("f1", '{"a": 1}', (constant, series)))
    kept = ledger.factor_set("f1")
    assert kept.text == '{"a": 1}'
    assert [one.digest() for one in kept.series] == [series.digest(), constant.digest()]
    np.testing.assert_array_equal(kept.series[0].edges_s, series.edges_s)
    assert ledger.factor_set("f2") is None


def test_a_failing_load_leaves_the_ledger_as_it_was(ledger):
    load(ledger, ONE)

    def breaking():
        yield batch(View("2"), View("3", cluster="beta"))
        raise OSError(5, "gone")

    with pytest.raises(OSError, match="gone"):
        ledger.load(breaking(), source("d2"))
    assert found(ledger, "raw_job_id") == [("1",)]
    assert ledger.quality().n_loads == 1
    assert len(list((ledger.folder / "book").glob("*/*/*.parquet"))) == 1
    assert load(ledger, View("2"), digest="d2").n_new == 1


@pytest.mark.parametrize("column", ["cluster", "submit_utc"])
def test_a_run_without_its_place_is_a_bug_of_the_stage_before(ledger, column):
    rows = book(ONE)
    rows[column] = rows[column].where([False])
    with pytest.raises(TypeError, match="no place in the book"):
        ledger.load([LoadBatch(rows, (), 1, 0)], source())
