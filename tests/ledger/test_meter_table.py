"""Meters of pods: each slot is one answer's, sums never depend on what came when."""

from datetime import timedelta
from itertools import count, permutations

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.domain.frames import METERS

from .mails import MONDAY

SLOT = timedelta(hours=6)
ONE = "18187993-0000-4000-8000-000000000001"
TWO = "18187993-0000-4000-8000-000000000002"
GONE = {f"18187993-0000-4000-8000-0000000001{number:02}": 4.0 for number in range(20)}


def frame(slot_utc, *, boards_only=False, **joules_of):
    """Return meters of a slot: so many joules for each pod, a second for each joule."""
    return parts(slot_utc, joules_of, {} if boards_only else joules_of)


def parts(slot_utc, board_s, cpu_s, memory=None):
    """Return meters of a slot: for how long boards and processors of each pod were metered."""
    memory = cpu_s if memory is None else memory
    rows = [
        {
            "uid": uid,
            "slot_utc": slot_utc,
            "gpu_energy_j": board_s.get(uid, 0.0) * 2.0,
            "gpu_metered_s": board_s.get(uid, 0.0),
            "gpu_busy_s": board_s.get(uid, 0.0) / 2,
            "gpu_observed_s": board_s.get(uid, 0.0),
            "cpu_s": cpu_s.get(uid, 0.0) * 3.0,
            "cpu_metered_s": cpu_s.get(uid, 0.0),
            "max_memory_bytes": memory.get(uid) or None,
        }
        for uid in dict.fromkeys([*board_s, *cpu_s])
    ]
    columns = [column.name for column in METERS]
    return pd.DataFrame(rows, columns=columns).astype({c.name: c.dtype for c in METERS})


def energies(ledger, uids=None):
    totals = ledger.meters.totals("cloud", uids)
    return dict(zip(totals["uid"], totals["gpu_energy_j"] / 2, strict=True))


def test_sums_are_over_slots_and_memory_is_the_highest(ledger):
    ledger.meters.record("cloud", MONDAY, frame(MONDAY, **{ONE: 5.0, TWO: 1.0}))
    ledger.meters.record("cloud", MONDAY + SLOT, frame(MONDAY + SLOT, **{ONE: 2.0}))
    ledger.meters.record("other", MONDAY, frame(MONDAY, **{ONE: 100.0}))
    totals = ledger.meters.totals("cloud", [ONE]).iloc[0]
    assert totals.to_dict() == {
        "uid": ONE, "gpu_energy_j": 14.0, "gpu_metered_s": 7.0, "gpu_busy_s": 3.5,
        "gpu_observed_s": 7.0, "cpu_s": 21.0, "cpu_metered_s": 7.0, "max_memory_bytes": 5.0,
    }  # fmt: skip
    assert energies(ledger) == {ONE: 7.0, TWO: 1.0}
    assert energies(ledger, []) == {}
    nothing = ledger.meters.totals("nowhere")
    assert (len(nothing), str(nothing["gpu_energy_j"].dtype)) == (0, "float64")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param({ONE: 3.0}, {ONE: 5.0}, {ONE: 5.0}, id="more of the slot"),
        pytest.param({ONE: 5.0}, {ONE: 3.0}, {ONE: 5.0}, id="less of it: something was lost since"),
        pytest.param({ONE: 6.0}, {ONE: 3.0, TWO: 3.0}, {ONE: 3.0, TWO: 3.0}, id="shared anew"),
        pytest.param({ONE: 3.0, TWO: 2.0}, {ONE: 5.0}, {ONE: 5.0, TWO: 0.0}, id="another's now"),
        pytest.param({ONE: 3.0}, {}, {ONE: 3.0}, id="nothing any more"),
        pytest.param({}, {ONE: 3.0}, {ONE: 3.0}, id="nothing before"),
    ],
)
def test_boards_of_a_slot_are_of_the_answer_that_covers_most_of_it(ledger, first, second, expected):
    for answer in (first, second, second):
        ledger.meters.record("cloud", MONDAY, frame(MONDAY, boards_only=True, **answer))
    assert energies(ledger) == expected
    assert ledger.meters.pods_of("cloud", MONDAY) == set(expected)


@pytest.mark.parametrize(
    ("first", "second", "boards", "processors"),
    [
        pytest.param(
            ({ONE: 4.0}, {ONE: 4.0, TWO: 4.0, **GONE}), ({ONE: 5.0}, {ONE: 5.0, TWO: 1.0}),
            {ONE: 5.0}, {ONE: 5.0, TWO: 4.0, **GONE}, id="many pods have gone since",
        ),
        pytest.param(
            ({ONE: 2.0, TWO: 2.0}, {ONE: 2.0, TWO: 2.0}), ({ONE: 5.0}, {ONE: 5.0}),
            {ONE: 5.0, TWO: 2.0}, {ONE: 5.0, TWO: 2.0}, id="half of the nodes are out of sight",
        ),
        pytest.param(
            ({ONE: 2.0, TWO: 2.0}, {ONE: 2.0, TWO: 2.0}),
            ({ONE: 5.0, TWO: 3.0}, {ONE: 5.0}),
            {ONE: 5.0, TWO: 3.0}, {ONE: 5.0, TWO: 2.0}, id="only the processors are out of sight",
        ),
        pytest.param(
            ({ONE: 2.0, TWO: 2.0}, {ONE: 2.0, TWO: 2.0}),
            ({ONE: 4.0}, {ONE: 2.0, TWO: 2.0}),
            {ONE: 4.0, TWO: 0.0}, {ONE: 2.0, TWO: 2.0}, id="the board was another's",
        ),
        pytest.param(
            ({ONE: 5.0}, {ONE: 2.0}), ({ONE: 2.0}, {ONE: 5.0}),
            {ONE: 5.0}, {ONE: 5.0}, id="each meter by itself",
        ),
    ],
)  # fmt: skip
def test_each_meter_is_judged_by_itself(ledger, first, second, boards, processors):
    for board_s, cpu_s in (first, second, second):
        ledger.meters.record("cloud", MONDAY, parts(MONDAY, board_s, cpu_s))
    totals = ledger.meters.totals("cloud").set_index("uid")
    assert totals["gpu_metered_s"][list(boards)].to_dict() == boards
    assert totals["gpu_observed_s"][list(boards)].to_dict() == boards
    assert totals["cpu_metered_s"].to_dict() == processors
    assert totals["max_memory_bytes"].to_dict() == processors


def test_that_nobody_looked_at_the_memory_says_nothing_of_it(ledger):
    ledger.meters.record("cloud", MONDAY, parts(MONDAY, {}, {ONE: 3.0, TWO: 3.0}))
    ledger.meters.record("cloud", MONDAY, parts(MONDAY, {}, {ONE: 5.0, TWO: 3.0}, {TWO: 2.0}))
    totals = ledger.meters.totals("cloud").set_index("uid")
    assert totals["max_memory_bytes"].to_dict() == {ONE: 3.0, TWO: 2.0}


def test_how_many_accelerators_it_asked_for_may_come_to_be_known_later(ledger):
    """The same energy, first thought to be of a whole card, then of a quarter."""
    early = parts(MONDAY, {ONE: 4.0}, {})
    ledger.meters.record("cloud", MONDAY, early)
    ledger.meters.record("cloud", MONDAY, early.assign(gpu_metered_s=1.0))
    assert ledger.meters.totals("cloud")["gpu_metered_s"].tolist() == [1.0]


CLUSTERS = count()
N_PODS, N_NODES, SLOT_MINUTES = 6, 3, 360


@st.composite
def sights(draw):
    """Draw when pods were there, and answers: up to when, since when, and of which nodes."""
    minutes = st.integers(0, SLOT_MINUTES)
    lives = [sorted(draw(st.tuples(minutes, minutes))) for _ in range(N_PODS)]
    answers = draw(
        st.lists(
            st.tuples(minutes, minutes, st.sets(st.integers(0, N_NODES - 1))),
            min_size=1, max_size=5,
        )
    )  # fmt: skip
    return lives, answers


def seen(lives, answer):
    """Return for how long an answer covers each pod that it has samples of."""
    since, until, nodes = answer
    covered = {
        f"pod-{number}": float(min(end, until) - max(begin, since))
        for number, (begin, end) in enumerate(lives)
        if number % N_NODES in nodes
    }
    return {uid: length_s for uid, length_s in covered.items() if length_s > 0}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=sights())
def test_an_answer_with_fewer_samples_never_takes_the_place_of_a_better_one(ledger, world):
    lives, answers = world
    told = [seen(lives, one) for one in answers]
    cluster = f"c{next(CLUSTERS)}"
    known = {}
    for one in told:
        before = ledger.meters.totals(cluster)["gpu_metered_s"].sum()
        ledger.meters.record(cluster, MONDAY, parts(MONDAY, one, one))
        totals = ledger.meters.totals(cluster).set_index("uid")
        known = {uid: max(known.get(uid, 0.0), one.get(uid, 0.0)) for uid in {*known, *one}}
        # Processors are each pod's best; boards are never less than before, nor more than the best.
        assert totals["cpu_metered_s"].to_dict() == known
        assert totals["max_memory_bytes"].to_dict() == known
        assert totals["gpu_metered_s"].sum() >= before
        assert (totals["gpu_metered_s"] <= totals["cpu_metered_s"]).all()
    whole = seen(lives, (0, SLOT_MINUTES, set(range(N_NODES))))
    ledger.meters.record(cluster, MONDAY, parts(MONDAY, whole, whole))
    totals = ledger.meters.totals(cluster).set_index("uid")
    assert totals["gpu_metered_s"].to_dict() == totals["cpu_metered_s"].to_dict() == whole


def test_the_order_of_answers_makes_no_difference(ledger):
    slots = [MONDAY, MONDAY + SLOT, MONDAY]
    answers = [{ONE: 2.0}, {ONE: 4.0, TWO: 1.0}, {ONE: 6.0}]
    for number, order in enumerate(permutations(range(3))):
        for place in order:
            ledger.meters.record(f"c{number}", slots[place], frame(slots[place], **answers[place]))
    totals = [ledger.meters.totals(f"c{number}") for number in range(6)]
    for other in totals[1:]:
        pd.testing.assert_frame_equal(other, totals[0])
    assert totals[0]["gpu_energy_j"].tolist() == [20.0, 2.0]


@pytest.mark.parametrize(
    "meters",
    [
        pytest.param(frame(MONDAY + SLOT, **{ONE: 1.0}), id="of another slot"),
        pytest.param(
            pd.concat([frame(MONDAY, **{ONE: 1.0})] * 2, ignore_index=True), id="a pod twice"
        ),
    ],
)
def test_meters_are_of_one_slot_and_name_a_pod_once(ledger, meters):
    with pytest.raises(ValueError, match="one slot"):
        ledger.meters.record("cloud", MONDAY, meters)
    assert energies(ledger) == {}


def test_pods_without_anything_new_are_forgotten_whole_or_not_at_all(ledger):
    for number in range(3):
        slot = MONDAY + number * SLOT
        pods = {ONE: 1.0} if number else {ONE: 1.0, TWO: 1.0}
        ledger.meters.record("cloud", slot, frame(slot, **pods))
    assert ledger.meters.forget("cloud", MONDAY + SLOT, but=[TWO]) == 0
    assert ledger.meters.forget("cloud", MONDAY + SLOT) == 1
    assert energies(ledger) == {ONE: 3.0}
    assert ledger.meters.forget("cloud", MONDAY + 9 * SLOT) == 1
    assert energies(ledger) == {}
