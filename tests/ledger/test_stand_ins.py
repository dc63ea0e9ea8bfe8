"""A run from an export without Submit or raw id is the same run once somebody knows better."""

import itertools
from dataclasses import replace

import pandas as pd
import pytest

from .runs import HOUR_S, MONDAY_S, STAND_IN, View, found, load

ONE = View("1")


def stand_in(raw="1", start_s=MONDAY_S + 60, **changes):
    """Return a view from an export without Submit: its Start stands in."""
    return replace(View(raw, submit_s=start_s, wait_s=0, flags=STAND_IN), **changes)


@pytest.mark.parametrize(
    "loads",
    [
        pytest.param([[stand_in(rank=9)], [ONE]], id="the real one comes second"),
        pytest.param([[ONE], [stand_in(rank=9)]], id="the real one comes first"),
        pytest.param([[ONE, stand_in(rank=9)]], id="in one load"),
        pytest.param([[stand_in(rank=9), ONE], [stand_in(rank=9)]], id="and again"),
        pytest.param([[stand_in(n_restarts=2)], [ONE], [stand_in()]], id="restarts do not matter"),
        pytest.param([[stand_in()], [stand_in(rank=2)], [ONE]], id="a newer stand-in between"),
    ],
)
def test_a_run_that_knows_its_submit_time_goes_before_its_stand_in(ledger, loads):
    for number, views in enumerate(loads):
        load(ledger, *views, digest=f"d{number}")
    assert found(ledger, "submit_utc", "quality_flags") == [
        (pd.Timestamp(MONDAY_S, unit="s", tz="UTC"), 0)
    ]


def test_a_stand_in_is_found_in_another_month(ledger):
    last_of_october = 1_793_490_000
    real = View("5", submit_s=last_of_october, wait_s=86400)
    load(ledger, stand_in("5", real.start_s), stand_in("6", real.start_s))
    receipt = load(ledger, real, digest="d2")
    assert receipt.n_superseded == 1
    assert found(ledger, "raw_job_id", "quality_flags") == [("5", 0), ("6", STAND_IN)]


def test_stand_ins_alone_are_told_apart_by_their_start(ledger):
    load(ledger, stand_in(), stand_in(start_s=MONDAY_S + 61), stand_in("2"))
    receipt = load(ledger, stand_in(rank=2, user="bob"), stand_in("2"), digest="d2")
    assert (receipt.n_superseded, receipt.n_unchanged) == (1, 1)
    assert sorted(found(ledger, "raw_job_id", "user")) == [
        ("1", "alice"),
        ("1", "bob"),
        ("2", "alice"),
    ]


TASK = View("75", job_id="14_0", parent="14")
WITHOUT_RAW = replace(TASK, raw="14_0", rank=9)
TASK_BY_END = replace(
    TASK, submit_s=MONDAY_S + HOUR_S, wait_s=None, given_up_after_s=0, flags=STAND_IN
)


@pytest.mark.parametrize("at_once", [True, False], ids=["one load", "several loads"])
@pytest.mark.parametrize(
    ("views", "kept"),
    [
        pytest.param([TASK, WITHOUT_RAW], TASK, id="no raw id"),
        pytest.param(
            [TASK, stand_in("14_0", job_id="14_0", rank=9)], TASK, id="neither raw id nor Submit"
        ),
        pytest.param(
            [TASK, WITHOUT_RAW, stand_in("14_0", job_id="14_0", rank=9)], TASK, id="three views"
        ),
        pytest.param(
            [stand_in("75", job_id="14_0"), WITHOUT_RAW],
            stand_in("75", job_id="14_0"),
            id="a raw id goes before a Submit",
        ),
        pytest.param(
            [View("22", job_id="21+1"), View("21+1", rank=9)],
            View("22", job_id="21+1"),
            id="het component",
        ),
        pytest.param(
            [TASK, replace(TASK, job_id="75", parent=None, rank=9), WITHOUT_RAW],
            replace(TASK, rank=9),
            id="a later view with the raw id alone takes the names over",
        ),
        pytest.param(
            [
                stand_in("75", job_id="14_0", parent="14"),
                replace(TASK, job_id="75", parent=None),
                WITHOUT_RAW,
            ],
            TASK,
            id="so it does from a stand-in",
        ),
        pytest.param(
            [replace(TASK, wait_s=None), replace(TASK_BY_END, raw="14_0", rank=9)],
            replace(TASK, wait_s=None),
            id="given up before it started",
        ),
    ],
)
def test_every_order_of_views_of_one_run_leaves_one_row(ledger, views, kept, at_once):
    for number, order in enumerate(itertools.permutations(views)):
        moved = [replace(view, cluster=f"c{number}") for view in order]
        for step, group in enumerate([moved] if at_once else [[view] for view in moved]):
            load(ledger, *group, digest=f"d{number}-{step}")
        before = ledger.version
        load(ledger, *moved, digest=f"again{number}")
        assert ledger.version == before
    columns = ("raw_job_id", "job_id", "parent_job_id", "rank", "quality_flags")
    rows = found(ledger, *columns)
    expected = (kept.raw, kept.job_id, kept.parent, kept.rank, kept.flags)
    assert {tuple(None if pd.isna(v) else v for v in row) for row in rows} == {expected}
    assert len(rows) == number + 1
    assert ledger.check() == ()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(View("14_1"), id="another task"),
        pytest.param(
            View("14_0", submit_s=MONDAY_S + 5), id="another run of it, with its own Submit"
        ),
        pytest.param(replace(WITHOUT_RAW, cluster="beta"), id="another cluster"),
        pytest.param(
            View("76", job_id="14_0", submit_s=MONDAY_S + 5), id="two raw ids of one name"
        ),
    ],
)
def test_other_runs_are_left_alone(ledger, other):
    load(ledger, TASK)
    assert load(ledger, other, digest="d2").n_new == 1
    assert load(ledger, TASK, other, digest="d3").n_unchanged == 2
    assert len(ledger.read()) == 2


GIVEN_UP = View("9", wait_s=None, state="CANCELLED")


def by_end_alone(view, **changes):
    """Return a view of a run that never started from an export without Submit."""
    shifted = replace(view, submit_s=view.end_s, flags=STAND_IN, **changes)
    return replace(shifted, given_up_after_s=0)


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "second"])
@pytest.mark.parametrize(
    ("view", "n_rows"),
    [
        pytest.param(by_end_alone(GIVEN_UP, rank=9), 1, id="the same end"),
        pytest.param(by_end_alone(replace(GIVEN_UP, submit_s=MONDAY_S + 1)), 2, id="another end"),
        pytest.param(by_end_alone(replace(GIVEN_UP, raw="10")), 2, id="another job"),
    ],
)
def test_a_run_that_never_started_is_known_by_its_end(ledger, view, n_rows, is_first):
    waited = replace(GIVEN_UP, submit_s=MONDAY_S - 40 * 86400, given_up_after_s=40 * 86400 + HOUR_S)
    for number, one in enumerate([view, waited] if is_first else [waited, view]):
        load(ledger, one, digest=f"d{number}")
    assert len(ledger.read()) == n_rows
    assert int(ledger.read()["quality_flags"].min()) == 0


def test_a_pending_view_is_not_the_run_that_was_given_up(ledger):
    load(ledger, View("9", wait_s=None, is_pending=True, submit_s=MONDAY_S - 60))
    assert load(ledger, by_end_alone(GIVEN_UP), digest="d2").n_new == 1


POD = View("18187993-0000-4000-8000-000000000001", job_id="team/train-0")


def seen_late(hours=5, **changes):
    """Return a view of the pod from somebody who did not see it begin, nor knows when it was."""
    start_s = POD.submit_s + hours * HOUR_S
    return replace(POD, submit_s=start_s, wait_s=0, flags=STAND_IN, **changes)


@pytest.mark.parametrize(
    "loads",
    [
        pytest.param([[seen_late(rank=9)], [replace(POD, elapsed_s=9 * HOUR_S)]], id="it is last"),
        pytest.param([[replace(POD, elapsed_s=9 * HOUR_S)], [seen_late(rank=9)]], id="it is first"),
        pytest.param(
            [[replace(POD, elapsed_s=9 * HOUR_S), seen_late(2), seen_late(3)]], id="at once"
        ),
        pytest.param(
            [[seen_late(1)], [seen_late(2, rank=3)], [replace(POD, elapsed_s=9 * HOUR_S)]],
            id="after two others",
        ),
    ],
)
def test_a_uid_is_one_run_whenever_it_was_seen_to_begin(ledger, loads):
    for number, views in enumerate(loads):
        load(ledger, *views, digest=f"d{number}")
    assert found(ledger, "submit_utc", "quality_flags") == [
        (pd.Timestamp(MONDAY_S, unit="s", tz="UTC"), 0)
    ]
    assert ledger.check() == ()


def test_a_uid_from_another_month_is_the_same_run(ledger):
    last_of_october = 1_793_490_000
    real = replace(POD, submit_s=last_of_october, elapsed_s=3 * 86400)
    late = replace(POD, submit_s=last_of_october + 2 * 86400, wait_s=0, flags=STAND_IN)
    for views in ([late], [real]), ([real], [late]):
        for number, view in enumerate(views):
            load(ledger, *view, digest=f"d{number}{view[0].flags}")
        assert found(ledger, "quality_flags") == [(0,)]


def test_two_views_of_a_uid_that_both_lack_its_submit_are_one(ledger):
    load(ledger, seen_late(1, rank=2, elapsed_s=4 * HOUR_S), digest="a")
    load(ledger, seen_late(3, rank=5), digest="b")
    assert found(ledger, "rank") == [(5,)]


def test_another_uid_is_another_run(ledger):
    other = replace(seen_late(0), raw="18187993-0000-4000-8000-000000000002")
    load(ledger, POD, other)
    assert len(found(ledger, "raw_job_id")) == 2
