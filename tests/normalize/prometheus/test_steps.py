"""Steps of boards, and whose they are."""

import numpy as np
import pandas as pd
import pytest

from auditor.normalize.prometheus.boards import boards_of
from auditor.normalize.prometheus.gaps import board_holes, is_late, scrape_holes
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.shares import attribute
from auditor.normalize.prometheus.steps import (
    counter_steps,
    filling_steps,
    lacking_boards,
    power_steps,
)
from tests.normalize.kubernetes.pod_runs import runs, samples

MAX_W = 400.0
BOARD = {"UUID": "GPU-1", "modelName": "NVIDIA A100-SXM4-80GB"}
MJ = 1000.0


def held_by(name, **labels):
    return {**BOARD, "namespace": "a" if name else "", "pod": name, **labels}


def pods(*rows, **options):
    return NamedPods(runs(*((name, "a", name, begin, end) for name, begin, end in rows), **options))


def given(samples_, named, plausible_w=MAX_W):
    boards = boards_of(samples_, named)
    steps = counter_steps(boards, np.full(len(boards.uuids), plausible_w))
    found = attribute(steps[steps["is_good"]], boards, named.runs)
    uid = named.runs["uid"].iloc[found.parts["run"]]
    return found, found.parts.set_index(uid.to_numpy())


def counter(watts, begin_s=0, step_s=60, start_j=0.0):
    """Return a counter [mJ] at steps, of the watts drawn before each of its readings."""
    values = np.cumsum([start_j, *(one * step_s for one in watts)]) * MJ
    return {begin_s + place * step_s: value for place, value in enumerate(values)}


def part(values, begin_s, end_s):
    return {time_s: value for time_s, value in values.items() if begin_s <= time_s < end_s}


def test_pods_back_to_back_have_what_the_step_before_their_sample_drew():
    line = counter([100, 100, 300, 300, 50])
    told = samples(
        (held_by("one"), part(line, 0, 150)),
        (held_by("two"), part(line, 150, 260)),
        (held_by(""), part(line, 260, 999)),
    )
    found, parts = given(told, pods(("one", -60, 130), ("two", 130, 250)))
    assert parts["energy_j"].to_dict() == {"one": 200 * 60, "two": 600 * 60}
    assert found.idle_j == 50 * 60
    # What it covers is each pod's own time: to its end, and from its begin.
    assert parts["covered_s"].to_dict() == {"one": 130, "two": 120}


def test_a_series_that_was_silent_while_the_board_was_lent_is_not_charged_for_it():
    line = counter([60] * 3 + [300] * 5 + [60] * 2)
    lent = part(line, 181, 481)
    idle = {time_s: value for time_s, value in line.items() if time_s not in lent}
    told = samples((held_by(""), idle), (held_by("one"), lent))
    found, parts = given(told, pods(("one", 180, 480)))
    assert parts["energy_j"].sum() == 300 * 300
    assert found.idle_j == 60 * 300
    assert found.unattributed_j == 0


@pytest.mark.parametrize(
    ("watts", "is_good"),
    [
        ([200, 200], [True, True]),
        ([200, -1], [True, False]),
        ([200, 601], [True, False]),
        ([0, 599], [True, True]),
        ([0, 400, 0, 400], [True] * 4),
        ([0, 1000, 0, 1000], [True] * 4),
        ([0, 1300], [True, False]),
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


def test_a_step_across_a_gap_is_spread_in_time_by_the_facts_of_pods():
    # Two hours at 100 W between two looks; the first pod left after half an hour, the second came
    # an hour before the end.
    line = {-60: 0.0, 0: 0.0 + 60 * 100 * MJ, 7200: (60 + 7200) * 100 * MJ}
    told = samples((held_by("one"), part(line, -60, 10)), (held_by("two"), part(line, 10, 9999)))
    found, parts = given(told, pods(("one", -600, 1800), ("two", 3600, None)))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": 186_000, "two": 360_000})
    assert parts["covered_s"].to_dict() == {"one": 60 + 1800, "two": 3600}
    assert found.idle_j == pytest.approx(180_000)


def test_one_whose_end_nobody_knows_left_at_its_last_sample():
    line = {-60: 0.0, 0: 6e6, 7200: 726e6}
    told = samples((held_by("one"), part(line, -60, 10)), (held_by(""), part(line, 10, 9999)))
    found, parts = given(told, pods(("one", -600, None)))
    assert parts["energy_j"].to_dict() == {"one": 6000}
    assert found.idle_j == 720_000


def test_slices_have_their_part_of_the_board_and_its_rest_is_nobodys():
    line = counter([70] * 2)
    told = samples(
        (held_by("one", GPU_I_ID="1", GPU_I_PROFILE="3g.40gb"), line),
        (held_by("two", GPU_I_ID="2", GPU_I_PROFILE="2g.20gb"), line),
        (held_by("", GPU_I_ID="3", GPU_I_PROFILE="1g.10gb"), line),
    )
    found, parts = given(told, pods(("one", 0, 120), ("two", 0, 120), n_gpu=1.0))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": 3600, "two": 2400})
    assert parts["covered_s"].to_dict() == {"one": 120, "two": 120}
    assert found.idle_j == pytest.approx(2400)


def test_a_board_of_four_slices_is_split_by_four():
    line = counter([80])
    label = {"GPU_I_ID": "1", "GPU_I_PROFILE": "2g.12gb", "modelName": "NVIDIA A30"}
    _, parts = given(samples((held_by("one", **label), line)), pods(("one", 0, 60)))
    assert parts["energy_j"].to_dict() == {"one": 2400}


@pytest.mark.parametrize(
    ("n_gpu", "covered_s"), [(0.25, 15), (np.nan, 30)], ids=["a-replica-is-a-quarter", "unknown"]
)
def test_those_who_share_a_board_in_turns_have_equal_parts(n_gpu, covered_s):
    line = counter([90])
    told = samples((held_by("one"), line), (held_by("two"), line))
    found, parts = given(told, pods(("one", 0, 60), ("two", 0, 60), n_gpu=n_gpu))
    assert parts["energy_j"].to_dict() == {"one": 2700, "two": 2700}
    assert parts["covered_s"].to_dict() == {"one": covered_s, "two": covered_s}
    assert found.idle_j == 0


def test_two_containers_of_one_pod_hold_a_board_once():
    line = counter([90])
    told = samples(
        (held_by("one", container="main"), line), (held_by("one", container="side"), line)
    )
    _, parts = given(told, pods(("one", 0, 60)))
    assert parts[["energy_j", "covered_s"]].to_numpy().tolist() == [[5400, 60]]


def test_of_two_jobs_that_tell_of_a_board_the_one_that_names_pods_counts():
    line = counter([90] * 3)
    late = {time_s + 7: value for time_s, value in line.items()}
    told = samples((held_by("", job="bare"), late), (held_by("one", job="named"), line))
    found, parts = given(told, pods(("one", 0, 180)))
    assert parts["energy_j"].sum() == 90 * 180
    assert found.idle_j == 0


def test_energy_of_a_pod_that_nobody_knows_and_of_an_exporter_is_neithers():
    line = counter([90] * 2)
    told = samples(
        (held_by("stranger"), line),
        ({**held_by("exporter"), "UUID": "GPU-2"}, line),
    )
    found, parts = given(told, pods(("exporter", 0, None), daemons=("exporter",)))
    assert parts.empty
    assert found.unattributed_j == 90 * 120
    assert found.idle_j == 90 * 120


def test_holes_of_boards_are_told_together():
    line = {0: 0.0, 60: 1e6, 4000: 50e6, 4060: 51e6}
    other = {**held_by("one"), "UUID": "GPU-2"}
    boards = boards_of(
        samples((held_by("one"), line), (other, {**line, 3990: 49e6})), pods(("one", 0, None))
    )
    steps = counter_steps(boards, np.full(2, MAX_W))
    holes = board_holes(boards, steps, (0, 8000))
    told = [(one.start_s, one.end_s, one.n_things) for one in holes]
    assert told == [(60, 4000, 2), (4060, 8000, 2)]
    assert board_holes(boards, steps, (0, 4100))[0].end_s == 4000


@pytest.mark.parametrize(
    ("times", "resumed", "expected"),
    [
        ([0, 60, 120], False, []),
        ([0, 60, 700, 760], False, [(60, 700)]),
        ([600, 660, 720, 780], False, []),
        ([600, 660, 720, 780], True, [(0, 600)]),
        ([0, 60], False, [(60, 800)]),
        ([], True, []),
    ],
    ids=["none", "hole", "began", "resumed", "stopped", "nothing"],
)
def test_holes_between_scrapes(times, resumed, expected):
    scrapes = pd.DataFrame({"job": "ksm", "time_s": pd.Series(times, dtype="float64")})
    end_s = 800 if times != [0, 60, 120] else 180
    holes = scrape_holes(scrapes, 60.0, (0, end_s), resumed=resumed)
    assert [(one.start_s, one.end_s) for one in holes] == expected
    assert is_late(scrapes, (0, end_s)) == (times[:1] == [600])
