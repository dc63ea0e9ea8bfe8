"""Steps of boards, and whether they are believed."""

import numpy as np
import pytest

from auditor.normalize.prometheus.boards import boards_of
from auditor.normalize.prometheus.steps import (
    counter_steps,
    filling_steps,
    lacking_boards,
    power_steps,
    reading_steps,
)
from tests.normalize.kubernetes.pod_runs import samples
from tests.normalize.prometheus.board_lines import MAX_W, counter, held_by, pods


@pytest.mark.parametrize(
    ("watts", "is_good"),
    [
        ([200, 200], [True, True]),
        ([200, -1], [True, False]),
        ([200, 601], [True, False]),
        ([0, 599], [True, True]),
        ([0, 400, 0, 400], [True] * 4),
        ([0, 1000, 0, 1000], [True] * 4),
        ([0, 1300], [False, False]),
        ([0] * 6, [False] * 6),
        ([100] + [0] * 5, [True] * 6),
        ([100] + [0] * 6, [True] + [False] * 6),
    ],
    ids=["plain", "reset", "too-much", "much", "repeats", "repeats-busy", "repeats-too-much",
         "stands", "five-minutes", "stands-later"],
)  # fmt: skip
def test_a_step_is_believed_where_a_board_can_have_drawn_it(watts, is_good):
    told = samples((held_by("one"), counter(watts, start_j=1e9)))
    boards = boards_of(told, pods(("one", 0, None)))
    steps = counter_steps(boards, np.array([MAX_W]))
    assert steps["is_good"].tolist() == is_good


def test_power_fills_in_where_the_counter_tells_nothing():
    line = {0: 0.0, 60: 12e6, 120: 1e6, 180: 13e6}
    told = samples((held_by("one"), line))
    gauge = samples((held_by("one"), dict.fromkeys((0, 60, 120, 180), 210.0)))
    named = pods(("one", 0, None))
    boards, gauged = boards_of(told, named), boards_of(gauge, named)
    steps = counter_steps(boards, np.array([MAX_W]))
    assert lacking_boards(boards, steps) == ["GPU-1"]
    filled = filling_steps(gauged, power_steps(gauged, np.array([MAX_W])), boards, steps)
    inside = filled[filled["begin_s"] >= 0]
    assert inside[["begin_s", "end_s", "energy_j"]].to_numpy().tolist() == [[60, 120, 210 * 60]]


def test_power_counts_for_one_interval_after_a_gap_and_never_where_it_is_none():
    gauge = samples((held_by("one"), {0: 100, 60: 100, 4000: 100, 4060: 900, 4120: -1}))
    boards = boards_of(gauge, pods(("one", 0, None)))
    steps = power_steps(boards, np.array([MAX_W]))
    assert (steps["end_s"] - steps["begin_s"]).tolist() == [60] * 5
    assert steps["is_good"].tolist() == [True, True, True, False, False]


def test_what_a_counter_catches_up_with_is_spread_over_the_time_it_stood():
    told = {0: 0.0, **{60 * n: 6e6 for n in range(1, 41)}, 2460: 246e6, 2520: 252e6}
    boards = boards_of(samples((held_by("one"), told)), pods(("one", 0, None)))
    steps = counter_steps(boards, np.array([MAX_W]))
    assert steps["is_good"].all()
    assert steps["energy_j"].to_numpy() == pytest.approx(6000.0)
    gauge = boards_of(samples((held_by("one"), dict.fromkeys(told, 100.0))), pods(("one", 0, None)))
    by_power = power_steps(gauge, np.array([MAX_W]))
    assert filling_steps(gauge, by_power[1:], boards, steps).empty


@pytest.mark.parametrize(
    "told",
    [
        {0: 0.0, **{60 * n: 6e6 for n in range(1, 41)}, 2460: 18e6},
        {**{60 * n: 6e6 for n in range(41)}, 2460: 246e6},
        {0: 0.0, **{60 * n: 6e6 for n in range(1, 41)}, 2460: 3000e6},
    ],
    ids=["lost", "nobody-saw-it-begin", "too-much"],
)
def test_a_long_stand_is_not_believed_unless_it_is_caught_up_with(told):
    boards = boards_of(samples((held_by("one"), told)), pods(("one", 0, None)))
    steps = counter_steps(boards, np.array([MAX_W]))
    assert not steps.loc[steps["begin_s"] >= 60, "is_good"].any()


def test_power_fills_a_step_only_where_more_than_half_of_it_is_untold():
    line = {0: 0.0, 100: 10e6, 200: 5e6, 300: 15e6}
    gauge = dict.fromkeys((20, 140, 160, 240, 280), 100.0)
    named = pods(("one", 0, None))
    boards = boards_of(samples((held_by("one"), line)), named)
    gauged = boards_of(samples((held_by("one"), gauge)), named)
    steps = counter_steps(boards, np.array([MAX_W]))
    by_power = power_steps(gauged, np.array([MAX_W]))
    filled = filling_steps(gauged, by_power[1:], boards, steps)
    # 20 to 140 lies half before 100; 160 to 240 begins where nothing is told, and half of it is.
    assert filled["end_s"].tolist() == [140, 160, 240]


def test_a_changed_interval_is_no_gap_and_a_hole_stays_one():
    fast = {at: float(at) for at in range(0, 3600, 15)}
    slow = {at: float(at) for at in range(3600, 9000, 301)}
    boards = boards_of(samples((held_by("one"), {**fast, **slow})), pods(("one", 0, None)))
    assert not reading_steps(boards)["is_gap"].any()
    lengths = power_steps(boards, np.array([np.inf])).groupby("board")[["begin_s", "end_s"]]
    assert lengths.first()["end_s"].item() == 0
    holed = {at: value for at, value in {**fast, **slow}.items() if not 1200 < at < 1600}
    boards = boards_of(samples((held_by("one"), holed)), pods(("one", 0, None)))
    gaps = reading_steps(boards).query("is_gap")
    assert gaps[["begin_s", "end_s"]].to_numpy().tolist() == [[1200, 1605]]
