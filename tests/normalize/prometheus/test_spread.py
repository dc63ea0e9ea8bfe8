"""Who drew the energy of a step of which a part is nobody's."""

import numpy as np
import pytest
from hypothesis import given as drawing
from hypothesis import settings
from hypothesis import strategies as st

from auditor.normalize.prometheus.boards import boards_of
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.shares import attribute
from auditor.normalize.prometheus.steps import counter_steps, power_steps
from tests.normalize.kubernetes.pod_runs import runs, samples
from tests.normalize.prometheus.board_lines import MAX_W, MJ, given, held_by, part, pods

IDLE_W, BUSY_W = 60.0, 200.0


def drawn(times_s, *spans):
    """Return a counter [mJ] of a board that is idle but for spans (begin_s, end_s, watts)."""

    def joules(at_s):
        held = [(max(0, min(at_s, end) - begin), watts) for begin, end, watts in spans]
        return IDLE_W * at_s + sum(held_s * (watts - IDLE_W) for held_s, watts in held)

    return {at_s: joules(at_s) * MJ for at_s in times_s}


def told_of(line, *spans, **labels):
    """Return the samples of a board: of each pod (name, begin_s, end_s), and of nobody else."""
    series = [({**held_by(name), **labels}, part(line, begin, end)) for name, begin, end in spans]
    named = {at_s for _, values in series for at_s in values}
    free = {at_s: value for at_s, value in line.items() if at_s not in named}
    return [one for one in [*series, ({**held_by(""), **labels}, free)] if one[1]]


EVERY_MINUTE = range(0, 1801, 60)
# Two hours of which nobody looked.
WITH_A_GAP = [*range(0, 1201, 60), *range(8400, 9601, 60)]


@pytest.mark.parametrize(
    ("times_s", "begin_s", "end_s"),
    [
        (EVERY_MINUTE, 310, 1030),
        (EVERY_MINUTE, 290, 350),
        (EVERY_MINUTE, 300, 1031),
        (WITH_A_GAP, 310, 4000),
        (WITH_A_GAP, 4000, 9010),
        (WITH_A_GAP, 310, 9010),
    ],
    ids=["both-ends", "seen-once", "on-a-look", "ends-in-a-gap", "begins-in-a-gap", "over-a-gap"],
)
def test_nobody_draws_more_than_an_idle_board(times_s, begin_s, end_s):
    line = drawn(times_s, (begin_s, end_s, BUSY_W))
    told = samples(*told_of(line, ("one", begin_s, end_s)))
    found, parts = given(told, pods(("one", begin_s, end_s)))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": BUSY_W * (end_s - begin_s)})
    assert found.idle_j == pytest.approx(IDLE_W * (max(times_s) - (end_s - begin_s)))


@pytest.mark.parametrize(
    ("is_begin_told", "energy_j"),
    [(True, BUSY_W * 710 + (BUSY_W - IDLE_W) * 10), (False, IDLE_W * 10 + BUSY_W * 710)],
    ids=["begin-recorded", "neither"],
)
def test_what_one_whose_end_nobody_recorded_drew_above_idle_after_its_last_look_is_its_own(
    is_begin_told, energy_j
):
    line = drawn(EVERY_MINUTE, (310, 1030, BUSY_W))
    times = runs(("one", "a", "one", 310, None))
    times = times.assign(is_begin_told=is_begin_told, is_end_told=False)
    _, parts = given(samples(*told_of(line, ("one", 310, 1030))), NamedPods(times))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": energy_j})


_EVENLY_J = BUSY_W * 120 + 2 * (BUSY_W * 50 + IDLE_W * 10) * 50 / 60


@pytest.mark.parametrize(
    ("model", "other", "energy_j"),
    [
        ("NVIDIA L40S", "NVIDIA L40S", BUSY_W * 220),
        ("NVIDIA L40S", "NVIDIA H100 PCIe", _EVENLY_J),
        ("", "", _EVENLY_J),
    ],
    ids=["alike", "another-model", "models-unknown"],
)
def test_what_a_board_that_is_never_free_draws_idle_is_that_of_its_model(model, other, energy_j):
    line = drawn(range(0, 241, 60), (10, 230, BUSY_W))
    told = samples(
        *told_of(line, ("one", 10, 230), modelName=model),
        *told_of(drawn(EVERY_MINUTE), UUID="GPU-2", modelName=other),
    )
    _, parts = given(told, pods(("one", 10, 230)))
    assert parts["energy_j"].to_dict() == pytest.approx({"one": energy_j})


@pytest.mark.parametrize(
    ("begin_s", "most_w"), [(310, BUSY_W), (1150, MAX_W)], ids=["as-it-drew-before", "as-it-can"]
)
def test_what_another_drew_in_a_gap_is_not_the_pods_that_left(begin_s, most_w):
    line = drawn(WITH_A_GAP, (begin_s, 2000, BUSY_W), (2000, 8000, 390.0))
    told = samples(*told_of(line, ("one", begin_s, 2000)))
    _, parts = given(told, pods(("one", begin_s, 2000)))
    before_j = (line[1200] - drawn(WITH_A_GAP)[1200]) / MJ + IDLE_W * (1200 - begin_s)
    evenly_j = (line[8400] - line[1200]) / MJ / 7200 * 800
    assert parts["energy_j"].to_dict() == pytest.approx(
        {"one": before_j + max(evenly_j, most_w * 800)}
    )


def test_a_gap_in_which_nobody_is_known_tells_nothing_of_an_idle_board():
    times_s = [*range(0, 601, 60), 7800, 7860, 7920]
    line = drawn(times_s, (-60, 590, BUSY_W), (600, 7800, 390.0), (7810, 9999, BUSY_W))
    other = told_of(drawn(times_s), UUID="GPU-2")
    told = samples(*told_of(line, ("one", -60, 590), ("two", 7810, 9999)), *other)
    _, parts = given(told, pods(("one", -60, 590), ("two", 7810, None)))
    expected = {"one": BUSY_W * 590, "two": BUSY_W * 110}
    assert parts["energy_j"].to_dict() == pytest.approx(expected)


def test_who_overlap_in_a_gap_in_which_a_board_drew_less_than_idle_have_just_that():
    line = drawn(WITH_A_GAP, (1200, 8400, 30.0))
    told = samples(*told_of(line, ("one", 310, 1201), ("two", 8400, 9010)))
    found, parts = given(told, pods(("one", 310, 6000), ("two", 3000, 9010)))
    assert found.idle_j == pytest.approx(IDLE_W * (310 + 9600 - 9010))
    assert parts["energy_j"].sum() == pytest.approx(IDLE_W * (890 + 610) + 30.0 * 7200)


def test_readings_of_power_stand_for_all_of_their_step():
    watts = {at_s: BUSY_W if 310 <= at_s < 1030 else IDLE_W for at_s in EVERY_MINUTE}
    named = pods(("one", 310, 1030))
    gauged = boards_of(samples(*told_of(watts, ("one", 310, 1030))), named)
    found = attribute(power_steps(gauged, np.array([MAX_W])), gauged, named.runs)
    assert found.parts["energy_j"].tolist() == pytest.approx([BUSY_W * 710 + IDLE_W * 10])


def test_what_sharers_leave_of_a_step_is_spread_evenly():
    line = drawn(EVERY_MINUTE, (300, 630, BUSY_W))
    shared = [(held_by(name), part(line, 300, 630)) for name in ("one", "two")]
    told = samples(*shared, *told_of(line, ("", 300, 630))[1:])
    _, parts = given(told, pods(("one", 300, 630), ("two", 300, 630)))
    each_j = (BUSY_W * 300 + (BUSY_W + IDLE_W) * 30 / 2) / 2
    assert parts["energy_j"].to_dict() == pytest.approx({"one": each_j, "two": each_j})


_WATTS = st.floats(1, MAX_W)
_EDGES = st.lists(st.integers(0, 2400), min_size=4, max_size=4, unique=True).map(sorted)


@settings(deadline=None, max_examples=40)
@drawing(st.lists(_WATTS, min_size=32, max_size=32), _EDGES, st.booleans(), st.booleans())
def test_no_pod_has_more_than_there_was_and_none_less_than_its_even_part(
    watts, edges, is_begin_told, is_end_told
):
    times_s = [*range(0, 1201, 60), *range(1800, 2401, 60)]
    line = dict(zip(times_s, np.cumsum(watts) * 60 * MJ, strict=True))
    spans = [("one", *edges[:2]), ("two", *edges[2:])]
    named = NamedPods(
        runs(*((name, "a", name, begin, end) for name, begin, end in spans)).assign(
            is_begin_told=is_begin_told, is_end_told=is_end_told
        )
    )
    boards = boards_of(samples(*told_of(line, *spans)), named)
    steps = counter_steps(boards, np.array([MAX_W]))
    found = attribute(steps, boards, named.runs)
    evenly = attribute(steps.assign(most_w=np.nan), boards, named.runs)
    all_j = steps["energy_j"].sum()
    assert found.idle_j + found.parts["energy_j"].sum() == pytest.approx(all_j)
    assert found.idle_j >= -1e-6 * all_j
    had_j = found.parts.set_index("run")["energy_j"]
    assert (had_j >= evenly.parts.set_index("run")["energy_j"] - 1e-6 * all_j).all()
    for run, (_, begin_s, end_s) in enumerate(spans):
        near = steps[(steps["begin_s"] < end_s) & (steps["end_s"] >= begin_s)]
        assert had_j.get(run, 0.0) <= near["energy_j"].sum() * (1 + 1e-9)
