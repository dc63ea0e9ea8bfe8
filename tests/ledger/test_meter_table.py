"""Meters of pods: each slot is one answer's, sums never depend on what came when."""

from datetime import timedelta
from itertools import permutations

import pandas as pd
import pytest

from auditor.domain.frames import METERS

from .mails import MONDAY

SLOT = timedelta(hours=6)
ONE = "18187993-0000-4000-8000-000000000001"
TWO = "18187993-0000-4000-8000-000000000002"


def frame(slot_utc, **joules_of):
    """Return meters of a slot: so many joules for each pod, a second for each joule."""
    rows = [
        {
            "uid": uid,
            "slot_utc": slot_utc,
            "gpu_energy_j": joules * 2.0,
            "gpu_metered_s": joules,
            "gpu_busy_s": joules / 2,
            "gpu_observed_s": joules,
            "cpu_s": joules * 3.0,
            "cpu_metered_s": joules,
            "max_memory_bytes": joules or None,
        }
        for uid, joules in joules_of.items()
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
def test_a_slot_is_of_the_answer_that_covers_most_of_it(ledger, first, second, expected):
    for answer in (first, second, second):
        ledger.meters.record("cloud", MONDAY, frame(MONDAY, **answer))
    assert energies(ledger) == expected
    assert ledger.meters.pods_of("cloud", MONDAY) == set(expected)


def test_a_pod_that_is_not_named_any_more_has_no_memory_either(ledger):
    ledger.meters.record("cloud", MONDAY, frame(MONDAY, **{ONE: 3.0, TWO: 2.0}))
    ledger.meters.record("cloud", MONDAY, frame(MONDAY, **{ONE: 5.0}))
    totals = ledger.meters.totals("cloud").set_index("uid")
    assert totals["max_memory_bytes"].isna().to_dict() == {ONE: False, TWO: True}


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
