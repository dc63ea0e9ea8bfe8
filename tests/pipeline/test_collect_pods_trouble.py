"""What keeps the collection of a Kubernetes cluster from being whole, and how it goes on after."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from auditor.collect.errors import CollectError
from auditor.ledger.ledger import Ledger
from auditor.ledger.meter_table import MeterTable
from auditor.ledger.source_table import SourceTable
from tests.pipeline.pod_site import (
    BARE,
    BRIEF,
    DONE,
    HOUR,
    NOW,
    OPEN,
    SAID,
    SINCE,
    SLOT,
    Gap,
    Pod,
    PodSite,
    Remark,
)


@pytest.fixture
def site(tmp_path: Path) -> PodSite:
    return PodSite(tmp_path, [DONE, OPEN, BRIEF, BARE])


def test_an_api_that_is_down_is_an_incident_and_nothing_moves(site: PodSite) -> None:
    site.collect()
    version, state = site.version(), site.state()
    site.faults = {"api": CollectError("it does not answer", code="kubernetes_down")}
    site.later(hours=1)
    receipt = site.collect()
    assert receipt.failure is site.faults["api"]
    assert (receipt.is_whole, site.version(), site.state()) == (False, version, state)
    (incident,) = site.incidents()
    assert (incident.source, incident.code) == ("kubernetes cloud", "kubernetes_down")
    assert incident.start_utc == NOW - timedelta(seconds=2)
    site.faults = {}
    assert site.collect().n_resolved == 1
    assert site.incidents() == []


@pytest.mark.parametrize("code", ["prometheus_down", "prometheus_denied", "timeout"])
def test_meters_that_cannot_be_asked_are_asked_again(site: PodSite, code: str) -> None:
    site.faults = {"meters": CollectError("it does not answer", code=code)}
    receipt = site.collect()
    assert receipt.failure is site.faults["meters"]
    assert receipt.collected_to_utc is None
    assert set(site.book().index) == {"done", "open", "bare"}
    assert site.book()["gpu_energy_j"].isna().all()
    (incident,) = site.incidents()
    assert (incident.source, incident.code) == ("prometheus cloud", code)
    assert (incident.start_utc, incident.end_utc) == (SINCE, None)
    site.faults = {}
    site.later(hours=1)
    receipt = site.collect()
    assert (receipt.is_whole, receipt.n_resolved, site.incidents()) == (True, 1, [])
    assert site.book().loc["done", "gpu_wh"] == 1000.0


def test_a_gap_is_said_with_its_span_and_its_energy_is_modelled(site: PodSite) -> None:
    gap = Gap(SINCE + HOUR, SINCE + 3 * HOUR)
    site.gaps = [gap]
    site.collect()
    (incident,) = site.incidents()
    assert (incident.code, incident.start_utc, incident.end_utc) == (
        "prometheus_gap", gap.start_utc, gap.end_utc,
    )  # fmt: skip
    row = site.book().loc["done"]
    assert row["gpu_metered_ratio"] == pytest.approx(3 / 5)
    assert row["gpu_measured_wh"] == pytest.approx(600.0)
    assert row["gpu_wh"] > 600.0
    site.later(days=2)
    assert site.collect().is_whole
    assert [one.code for one in site.incidents()] == ["prometheus_gap"]


def test_a_gap_over_several_slots_is_one_and_two_gaps_are_two(site: PodSite) -> None:
    site.since = SINCE - 18 * HOUR
    long = Gap(site.since + 4 * HOUR, site.since + 14 * HOUR)
    site.gaps = [
        long,
        Gap(long.start_utc, long.end_utc, "cAdvisor"),
        Gap(NOW - 2 * HOUR, NOW),
    ]
    for _ in range(3):
        site.collect()
        site.later(minutes=20)
    first, second = site.incidents()
    assert (first.start_utc, first.end_utc) == (long.start_utc, long.end_utc)
    span = "from 2026-11-22 10:00 UTC to 2026-11-22 20:00 UTC"
    assert f"no samples of a meter, cAdvisor {span}" in first.text
    assert (second.start_utc, second.end_utc) == (NOW - 2 * HOUR, NOW)


def test_what_meters_lack_altogether_is_a_note_of_the_report(site: PodSite) -> None:
    site.meter_remarks = (Remark("labels_missing", "no label is there"),)
    assert [note.code for note in site.collect().notes] == ["labels_missing"]
    with site.ledger() as ledger:
        (found,) = ledger.quality().notes
    assert (found.source, found.note.code) == ("prometheus cloud", "labels_missing")


def test_energy_of_pods_nobody_told_of_is_said(site: PodSite) -> None:
    site.unattributed_wh = 1500.0
    site.collect()
    found = [one for one in site.incidents() if one.code == "energy_unattributed"]
    assert len(found) == 2
    assert "1.500 kWh" in found[0].text
    site.unattributed_wh = 0.0
    site.later(days=1, minutes=1)
    assert site.collect().n_resolved == 2
    assert site.incidents() == []


def test_a_memory_that_does_not_reach_back_is_said_and_not_asked_again(site: PodSite) -> None:
    site.since = NOW - timedelta(days=3)
    site.holds_since = NOW - timedelta(days=1)
    receipt = site.collect()
    (incident,) = receipt.incidents
    assert incident.code == "prometheus_retention"
    held_utc = NOW - timedelta(days=1)
    assert (incident.start_utc, incident.end_utc) == (site.since, held_utc)
    state = site.state()
    assert state is not None
    assert state.since_utc == held_utc
    assert len(site.asked) == 12
    site.later(minutes=15)
    site.collect()
    assert min(site.asked) >= NOW - 12 * HOUR


def test_collection_that_begins_earlier_asks_for_what_lies_before(site: PodSite) -> None:
    site.collect()
    early = Pod("early", SINCE - 10 * HOUR, SINCE - 9 * HOUR, SINCE)
    site.pods.append(early)
    site.since = SINCE - 12 * HOUR
    site.later(minutes=15)
    site.collect()
    assert site.book().loc["early", "gpu_wh"] == 200.0
    site.later(minutes=15)
    site.collect()
    assert min(site.asked) > SINCE


def test_looks_alone_say_what_they_cannot_see(site: PodSite) -> None:
    site.has_meters = False
    receipt = site.collect()
    (note,) = receipt.notes
    assert (note.code, "every 15 minutes" in note.text) == ("looks_only", True)
    state = site.state()
    assert state is not None
    # What was gone before the first look is not known.
    assert state.since_utc == state.collected_to_utc == NOW - timedelta(seconds=2)
    site.later(minutes=30)
    assert site.collect().incidents == ()
    site.later(hours=5)
    (incident,) = site.collect().incidents
    assert incident.code == "looks_missed"
    assert incident.end_utc is not None
    assert incident.end_utc - incident.start_utc == 5 * HOUR
    site.later(minutes=15)
    site.collect()
    assert site.codes() == {"looks_missed"}


def test_what_a_look_lacks_is_an_incident_until_a_look_lacks_it_no_more(site: PodSite) -> None:
    site.remarks = (Remark("kubernetes_partial", "nodes may not be listed"),)
    assert site.collect().is_whole
    assert site.codes() == {"kubernetes_partial"}
    site.remarks = ()
    assert site.collect().n_resolved == 1
    assert site.codes() == set()


def test_it_stops_between_slots_and_goes_on_there(site: PodSite) -> None:
    receipt = site.collect(should_stop=lambda: len(site.asked) >= 1)
    assert (receipt.is_whole, receipt.n_windows, receipt.failure) == (False, 1, None)
    assert receipt.collected_to_utc == SINCE + SLOT
    assert site.incidents(unresolved_only=False) == []
    site.later(hours=1)
    assert site.collect().is_whole
    assert site.book().loc["done", "gpu_wh"] == 1000.0


STEPS = [
    (MeterTable, "record"), (Ledger, "load"), (SourceTable, "advance"), (SourceTable, "resolve"),
]  # fmt: skip


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_it_dies_anywhere_and_the_next_one_puts_it_right(
    tmp_path: Path, owner: type, name: str, side: str
) -> None:
    pods, since = [DONE, OPEN, BRIEF, BARE], NOW - 12 * HOUR
    whole = PodSite(tmp_path / "whole", pods, since=since)
    whole.collect()
    site = PodSite(tmp_path / "killed", pods, since=since)
    # Each collection dies one step later than the one before, until one has no step left to die at.
    number = 0
    while _dies(site, (owner, name), number, side):
        number += 1
    assert number >= 2
    assert site.collect().is_whole
    pd.testing.assert_frame_equal(
        site.book()[SAID].sort_index(), whole.book()[SAID].sort_index(), check_categorical=False
    )
    assert site.findings() == ()


def _dies(site: PodSite, step: tuple[type, str], number: int, side: str) -> bool:
    """Collect, and die before or after a step was taken some times; tell whether it came to it."""
    n_calls = 0
    taken = getattr(*step)

    def die(*args: object, **words: object) -> object:
        nonlocal n_calls
        n_calls += 1
        if n_calls > number and side == "before":
            raise KeyboardInterrupt
        answer = taken(*args, **words)
        if n_calls > number:
            raise KeyboardInterrupt
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*step, die)
        try:
            site.collect()
        except KeyboardInterrupt:
            return True
    return False


def test_meters_are_told_of_the_pods_that_others_know(site: PodSite) -> None:
    site.collect()
    site.later(minutes=15)
    site.collect()
    last = site.told[-1].set_index("name")
    columns = ["uid", "namespace", "start_utc", "end_utc", "n_gpu", "is_start_inferred"]
    assert list(last.columns) == columns
    assert last.loc["open", "start_utc"] == OPEN.start_utc
    assert pd.isna(last.loc["open", "end_utc"])
    assert last.loc["done", "end_utc"] == DONE.end_utc


def test_meters_of_runs_long_ended_are_forgotten_and_stay_in_the_book(site: PodSite) -> None:
    site.deep_lookback = timedelta(days=1)
    pods = [*site.pods, Pod("wide", SINCE + 3 * HOUR, SINCE + 9 * HOUR)]
    site.pods = pods
    site.collect()
    site.pods = [OPEN]
    for _ in range(3):
        site.later(days=1, minutes=1)
        site.collect()
    with site.ledger() as ledger:
        kept = set(ledger.meters.totals("cloud")["uid"])
    assert kept == {OPEN.uid}
    before = site.book()[SAID]
    # Asked for once more, of meters that have lost a part: that is not taken for the whole.
    site.holds_since = SINCE + SLOT
    site.pods = pods
    site.lookback = timedelta(days=5)
    site.collect()
    after = site.book()[SAID]
    pd.testing.assert_frame_equal(after, before, check_categorical=False)
    assert site.book().loc["open", "gpu_wh"] == pytest.approx((3 * 24 + 10) * 400, rel=1e-2)
    assert site.findings() == ()


def test_a_clock_that_was_ahead_begins_all_over_again(site: PodSite) -> None:
    site.collect()
    with site.ledger() as ledger:
        state = ledger.sources.state("cloud")
        assert state is not None
        ledger.sources.advance(replace(state, collected_to_utc=NOW + 40 * HOUR))
    site.later(minutes=15)
    receipt = site.collect()
    assert receipt.is_whole
    assert min(site.asked) == SINCE
    state = site.state()
    assert state is not None
    assert state.collected_to_utc < NOW + HOUR
    assert site.codes() == set()
