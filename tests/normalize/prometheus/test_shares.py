"""Whose the steps of boards are."""

import numpy as np
import pytest

from auditor.normalize.prometheus.boards import boards_of, counted
from auditor.normalize.prometheus.names import NamedPods
from tests.normalize.kubernetes.pod_runs import runs, samples
from tests.normalize.prometheus.board_lines import MJ, counter, given, held_by, part, pods


def test_pods_back_to_back_have_their_time_of_the_step_between_them():
    line = counter([100, 100, 300, 300, 50])
    told = samples(
        (held_by("one"), part(line, 0, 150)),
        (held_by("two"), part(line, 150, 260)),
        (held_by(""), part(line, 260, 999)),
    )
    found, parts = given(told, pods(("one", -60, 130), ("two", 130, 250)))
    expected = {"one": 200 * 60 + 300 * 10, "two": 300 * (50 + 60) + 50 * 10}
    assert parts["energy_j"].to_dict() == pytest.approx(expected)
    assert found.idle_j == pytest.approx(50 * 50)
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
    late = {time_s + 7: value + 40e6 for time_s, value in counter([50] * 3).items()}
    told = samples((held_by("", job="bare"), late), (held_by("one", job="named"), line))
    found, parts = given(told, pods(("one", 0, 180)))
    assert parts["energy_j"].sum() == 90 * 180
    assert found.idle_j == 0


@pytest.mark.parametrize("name", ["one", ""], ids=["names-pods", "bare"])
def test_a_job_that_takes_anothers_place_counts_if_it_names_pods_as_well(name):
    line = counter([90] * 40)
    told = samples(
        (held_by("one", job="old"), part(line, 0, 1201)),
        (held_by(name, job="new"), part(line, 1140, 9999)),
    )
    found, parts = given(told, pods(("one", 0, None)))
    expected_s = 2400 if name else 1200
    assert parts["covered_s"].to_dict() == {"one": expected_s}
    assert parts["energy_j"].to_dict() == pytest.approx({"one": 90 * expected_s})
    assert found.idle_j == pytest.approx(0)


def test_a_pod_that_ended_is_not_charged_though_the_exporter_goes_on_naming_it():
    line = counter([100] * 60)
    told = samples((held_by("one"), line), (held_by("two"), part(line, 630, 9999)))
    _, parts = given(told, pods(("one", -60, 600), ("two", 600, None)))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": 60_000, "two": 300_000})
    assert parts["covered_s"].to_dict() == {"one": 600, "two": 3000}
    alone, parts = given(samples((held_by("one"), line)), pods(("one", -60, 630)))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": 63_000})
    # A name that comes back may be another pod's, of which nobody told.
    assert alone.unattributed_j == pytest.approx((3600 - 630 - 90) * 100)
    assert alone.idle_j + alone.unattributed_j == pytest.approx(297_000)


def test_an_end_that_nobody_recorded_ends_nothing_at_once():
    runs_ = runs(("one", "a", "one", -60, 600)).assign(is_end_told=False)
    found, parts = given(samples((held_by("one"), counter([100] * 60))), NamedPods(runs_))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": (600 + 900) * 100})
    assert found.unattributed_j == pytest.approx(210_000)


def test_who_held_a_board_in_a_gap_have_no_more_than_there_was():
    line = {-60: 0.0, 0: 6e6, 7200: 726e6}
    told = samples((held_by("one"), part(line, -60, 10)), (held_by("two"), part(line, 10, 9999)))
    # By their times both were there for most of it.
    found, parts = given(told, pods(("one", -600, 5400), ("two", 1800, None)))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": 6000 + 360_000, "two": 360_000})
    assert found.idle_j == pytest.approx(0)


def test_what_is_held_of_two_boards_counts_as_was_asked_whichever_meter_told():
    line = counter([90])
    named = pods(("one", 0, None), n_gpu=0.5)
    other = {**held_by("one"), "UUID": "GPU-2"}
    sets = [boards_of(samples((board, line)), named) for board in (held_by("one"), other)]
    assert [one.holders["n_units"].unique().tolist() for one in sets] == [[0.5], [0.5]]
    both = counted(sets, named.runs)
    assert [one.holders["n_units"].unique().tolist() for one in both] == [[0.25], [0.25]]
    # One after the other it has each of them for all that it asked for.
    moved = samples((held_by("one"), counter([90] * 9)), (other, counter([90] * 9, 900)))
    whole = boards_of(moved, pods(("one", 0, None), n_gpu=1.0))
    assert whole.holders["n_units"].unique().tolist() == [1.0]


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
