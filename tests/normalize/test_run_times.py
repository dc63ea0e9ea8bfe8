from dataclasses import replace

import numpy as np
import pytest

from auditor.domain.job import QualityFlag as Flag
from auditor.normalize.run_times import Reported, StateMarks, place_runs
from auditor.normalize.zones import Readings

HOUR_S = 3600.0
NAN = np.nan
BASE_S = 1.79e9


def readings(first_s, second_s=None):
    second_s = first_s if second_s is None else second_s
    return Readings(np.array([BASE_S + first_s]), np.array([BASE_S + second_s]))


def marks(state):
    return StateMarks(
        open=np.array([state in ("RUNNING", "PENDING", "SUSPENDED")]),
        known=np.array([state != "FOO"]),
        running=np.array([state == "RUNNING"]),
        pending=np.array([state == "PENDING"]),
        requeued=np.array([state == "REQUEUED"]),
    )


def seconds(value_s):
    return np.array([value_s], dtype=float)


ORDINARY = Reported(
    submit=readings(0.0),
    eligible=readings(0.0),
    start=readings(60.0),
    end=readings(160.0),
    elapsed_s=seconds(100),
    suspended_s=seconds(0),
    time_limit_s=seconds(HOUR_S),
    has_nodes=np.array([True]),
    state=marks("COMPLETED"),
)


def place(**changes):
    """Place one run that differs from an ordinary one."""
    times = place_runs(replace(ORDINARY, **changes))
    assert times.flags.shape == (1,)
    return times


def shown(times):
    """Return start, end, elapsed and suspension, the instants from the base on."""
    instants = (times.start_s[0] - BASE_S, times.end_s[0] - BASE_S)
    return (*instants, times.elapsed_s[0], times.suspended_s[0])


CASES = {
    "an ordinary run": ({}, (60, 160, 100, 0), 0),
    "suspended by its column": (
        {"end": readings(165.0), "suspended_s": seconds(5)},
        (60, 165, 100, 5),
        0,
    ),
    "suspended by inference": (
        {"end": readings(165.0), "suspended_s": None},
        (60, 165, 100, 5),
        Flag.SUSPENDED_INFERRED,
    ),
    "a blank cell of suspension": (
        {"end": readings(165.0), "suspended_s": seconds(NAN)},
        (60, 165, 100, 5),
        Flag.SUSPENDED_INFERRED,
    ),
    "a requeued run is not bracketed": (
        {"end": readings(900.0), "suspended_s": None, "state": marks("REQUEUED")},
        (60, 160, 100, 0),
        0,
    ),
    "elapsed is believed over End": (
        {"end": readings(100.0)},
        (60, 160, 100, 0),
        Flag.CLOCK_REPAIRED,
    ),
    "End disagrees with the suspension": (
        {"end": readings(170.0), "suspended_s": seconds(5)},
        (60, 165, 100, 5),
        Flag.CLOCK_REPAIRED,
    ),
    "no time but End after Start": (
        {"elapsed_s": seconds(0), "suspended_s": None},
        (60, 60, 0, 0),
        Flag.CLOCK_REPAIRED,
    ),
    "elapsed worked out": ({"elapsed_s": seconds(NAN)}, (60, 160, 100, 0), 0),
    "no Start column": (
        {"start": None, "end": None},
        (0, 100, 100, 0),
        Flag.START_FROM_SUBMIT,
    ),
    "no Start column, End is not believed": (
        {"start": None, "end": readings(500.0), "suspended_s": None},
        (0, 100, 100, 0),
        Flag.START_FROM_SUBMIT,
    ),
    "no End column": ({"end": None}, (60, 160, 100, 0), 0),
    "Start unknown, End known": (
        {"start": readings(NAN)},
        (60, 160, 100, 0),
        Flag.CLOCK_REPAIRED,
    ),
    "running": (
        {"end": readings(NAN), "state": marks("RUNNING")},
        (60, 160, 100, 0),
        0,
    ),
    "running with End = Start": (
        {"end": readings(60.0), "state": marks("RUNNING")},
        (60, 160, 100, 0),
        0,
    ),
    "zero seconds": (
        {"elapsed_s": seconds(0), "end": readings(60.0)},
        (60, 60, 0, 0),
        0,
    ),
    "runaway": (
        {
            "end": readings(NAN),
            "elapsed_s": seconds(2 * HOUR_S + 1),
            "state": marks("RUNNING"),
        },
        (60, 60 + HOUR_S, HOUR_S, 0),
        Flag.RUNAWAY,
    ),
    "within the slack": (
        {"end": readings(NAN), "elapsed_s": seconds(2 * HOUR_S), "state": marks("RUNNING")},
        (60, 60 + 2 * HOUR_S, 2 * HOUR_S, 0),
        0,
    ),
    "unlimited": (
        {
            "end": readings(NAN),
            "elapsed_s": seconds(9e6),
            "time_limit_s": seconds(np.inf),
            "state": marks("RUNNING"),
        },
        (60, 60 + 9e6, 9e6, 0),
        0,
    ),
}


@pytest.mark.parametrize(("changes", "expected", "flags"), CASES.values(), ids=CASES)
def test_a_run_is_placed(changes, expected, flags):
    times = place(**changes)
    assert shown(times) == expected
    assert times.flags[0] == flags
    assert times.end_s == times.start_s + times.elapsed_s + times.suspended_s
    assert not any(fault.rows.any() for fault in times.faults)


def test_a_runaway_keeps_its_face_value():
    face_s = 29 * 86400.0
    times = place(end=readings(NAN), elapsed_s=seconds(face_s), state=marks("RUNNING"))
    assert (times.reported_elapsed_s[0], times.elapsed_s[0]) == (face_s, HOUR_S)


@pytest.mark.parametrize(
    ("changes", "is_open", "flags"),
    [
        ({}, False, 0),
        ({"end": readings(NAN)}, True, Flag.END_UNKNOWN),
        ({"end": readings(NAN), "state": marks("FOO")}, True, 0),
        ({"state": marks("FOO")}, False, 0),
        ({"end": None, "state": marks("RUNNING")}, True, 0),
        ({"end": None}, False, 0),
        ({"state": marks("RUNNING")}, True, 0),
    ],
)
def test_a_run_is_open_by_state_or_by_a_missing_end(changes, is_open, flags):
    times = place(**changes)
    assert times.is_open[0] == is_open
    assert times.flags[0] == flags


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"start": readings(NAN), "elapsed_s": seconds(0)}, id="Start None"),
        pytest.param({"start": readings(-BASE_S), "elapsed_s": seconds(0)}, id="start 0"),
        pytest.param({"elapsed_s": seconds(0), "has_nodes": np.array([False])}, id="no node"),
        pytest.param({"start": readings(NAN), "elapsed_s": seconds(NAN)}, id="no elapsed"),
    ],
)
def test_a_run_that_never_started_ends_when_it_was_given_up(changes):
    times = place(**changes, state=marks("CANCELLED"))
    assert np.isnan(times.start_s[0])
    assert times.end_s[0] == BASE_S + 160
    assert times.elapsed_s[0] == 0


def test_without_an_end_column_it_was_given_up_at_submit():
    times = place(end=None, start=readings(NAN), elapsed_s=seconds(0))
    assert times.end_s[0] == BASE_S


def test_a_pending_run_has_no_times():
    times = place(state=marks("PENDING"), elapsed_s=seconds(0), end=readings(NAN))
    assert np.isnan(times.start_s[0])
    assert np.isnan(times.end_s[0])


def test_a_run_of_1970_is_not_counted_but_shown():
    times = place(start=readings(-BASE_S), end=readings(13798 - BASE_S), elapsed_s=seconds(13798))
    assert times.flags[0] == Flag.RUN_OUTSIDE_TIME
    assert (times.elapsed_s[0], times.reported_elapsed_s[0]) == (0, 13798)
    assert times.end_s[0] == times.start_s[0] == 0


def test_a_run_without_start_and_end_is_not_counted_but_shown():
    times = place(start=readings(NAN), end=readings(NAN), state=marks("RUNNING"))
    assert times.flags[0] == Flag.RUN_OUTSIDE_TIME
    assert (times.elapsed_s[0], times.reported_elapsed_s[0]) == (0, 100)


@pytest.mark.parametrize(
    ("changes", "submit_s"),
    [
        ({"submit": None}, 60),
        ({"submit": readings(NAN)}, 60),
        ({"submit": None, "start": readings(NAN), "elapsed_s": seconds(0)}, 160),
    ],
)
def test_start_else_end_stands_in_for_submit(changes, submit_s):
    times = place(**changes)
    assert times.submit_s[0] == BASE_S + submit_s
    assert times.flags[0] == Flag.SUBMIT_FROM_START


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"elapsed_s": seconds(NAN), "end": readings(NAN), "state": marks("RUNNING")},
            "no Elapsed, and no End",
        ),
        ({"elapsed_s": seconds(NAN), "end": readings(10.0)}, "ends before it starts"),
        ({"elapsed_s": seconds(4e9)}, "after the year 2100"),
        (
            {
                "submit": None,
                "start": readings(NAN),
                "end": readings(NAN),
                "elapsed_s": seconds(0),
                "state": marks("PENDING"),
            },
            "cannot be placed in time",
        ),
    ],
)
def test_a_run_that_cannot_be_is_a_fault(changes, reason):
    faults = [fault.reason for fault in place(**changes).faults if fault.rows[0]]
    assert len(faults) == 1
    assert reason in faults[0]


def twice(label_s):
    """Return both readings of a wall clock in a repeated hour, the first at `label_s`."""
    return readings(label_s, label_s + HOUR_S)


AMBIGUOUS = {
    "End equal to Start an hour later": (twice(0), twice(0), HOUR_S, twice(-60), 0, 0),
    "End before Start": (twice(900), twice(-900), 1800, twice(0), 900, 0),
    "End outside tells the second": (twice(0), readings(5000), 1400, readings(-60), 3600, 0),
    "End outside tells the first": (twice(0), readings(5000), 5000, twice(0), 0, 0),
    "Submit tells the second": (twice(0), readings(NAN), 100, readings(600), 3600, 0),
    "nothing tells": (twice(60), twice(160), 100, readings(-9000), 60, Flag.TIME_AMBIGUOUS),
    "nothing tells of Submit": (
        readings(9000), readings(9100), 100, twice(0), 9000, Flag.TIME_AMBIGUOUS,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "elapsed_s", "submit", "start_s", "flags"), AMBIGUOUS.values(), ids=AMBIGUOUS
)
def test_a_repeated_hour_is_told_apart(start, end, elapsed_s, submit, start_s, flags):
    state = marks("RUNNING" if np.isnan(end.first_s[0]) else "COMPLETED")
    times = place(
        start=start,
        end=end,
        elapsed_s=seconds(elapsed_s),
        submit=submit,
        eligible=None,
        state=state,
    )
    assert times.start_s[0] == BASE_S + start_s
    assert times.flags[0] == flags


def test_elapsed_is_worked_out_over_a_repeated_hour():
    times = place(start=readings(3000), end=twice(-500), elapsed_s=seconds(NAN))
    assert times.elapsed_s[0] == 100


def test_eligible_is_never_before_submit():
    times = place(submit=readings(30), eligible=twice(0))
    assert times.eligible_s[0] == BASE_S + HOUR_S
