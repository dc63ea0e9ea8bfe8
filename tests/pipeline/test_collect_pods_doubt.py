"""What a look at the pods cannot be believed in, or may not count: said, and put right later."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.pod_site import BARE, BRIEF, DONE, HOUR, NOW, OPEN, SINCE, Look, Pod, PodSite


@pytest.fixture
def site(tmp_path: Path) -> PodSite:
    return PodSite(tmp_path, [DONE, OPEN, BRIEF, BARE])


def allocation(start: datetime, end: datetime) -> str:
    """Return what OpenCost answers for one pod in a window."""
    begun, ended = (f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in (start, end))
    hours = (end - start) / HOUR
    entry = {
        "name": "team/open/main",
        "properties": {"node": "node-1", "namespace": "team", "pod": "open", "container": "main"},
        "window": {"start": begun, "end": ended},
        "start": begun,
        "end": ended,
        "minutes": hours * 60,
        "cpuCoreRequestAverage": 4,
        "cpuCoreHours": 4 * hours,
        "ramByteHours": 8 * hours * 2**30,
        "gpuHours": hours,
    }
    return json.dumps({"code": 200, "data": [{"team/open/main": entry}]})


@pytest.mark.parametrize("has_meters", [True, False], ids=["with meters", "the API alone"])
def test_only_pods_over_allocations_of_the_same_time_are_left_out(
    site: PodSite, has_meters: bool
) -> None:
    site.has_meters = has_meters
    late = Pod("late", OPEN.start_utc + 2 * HOUR)
    site.pods = [OPEN, late]
    site.ingest_text(allocation(OPEN.start_utc, OPEN.start_utc + HOUR))
    receipt = site.collect()
    assert (receipt.failure, receipt.is_whole) == (None, True)
    assert receipt.n_rows == receipt.n_jobs + receipt.n_steps + receipt.n_rejects
    (incident,) = receipt.incidents
    assert (incident.source, incident.code) == ("kubernetes cloud", "allocations_overlap")
    assert (incident.start_utc, incident.end_utc) == (OPEN.start_utc, None)
    assert "2026-11-23 02:00 to 2026-11-23 03:00 UTC: 1 of its pods" in incident.text
    assert "cloud-live" in incident.hint
    assert set(site.book()["raw_job_id"].str.partition("/")[0]) == {"opencost", late.uid}
    site.later(minutes=15)
    site.collect()
    assert site.codes() == {"allocations_overlap"}
    site.pods = [late]
    site.later(minutes=15)
    assert site.collect().n_resolved == 1
    assert site.codes() == set()
    assert site.findings() == ()


def test_a_pod_does_not_grow_into_an_allocation(site: PodSite) -> None:
    site.pods = [OPEN, DONE]
    site.collect()
    before = site.book()
    begun = site.now + HOUR
    site.later(hours=3)
    site.ingest_text(allocation(begun, begun + HOUR))
    receipt = site.collect()
    assert [one.code for one in receipt.incidents] == ["allocations_overlap"]
    kept = site.book().loc[["open"]]
    assert kept["end_utc"].tolist() == before.loc[["open"], "end_utc"].tolist()
    # What left it out does not take it for gone; and it ends where it was seen last.
    assert kept["state"].tolist() == ["RUNNING"]
    site.pods = [DONE]
    site.later(minutes=15)
    assert site.collect().n_resolved == 1
    assert site.book().loc[["open"], "state"].tolist() == ["DELETED"]


def test_an_allocation_of_another_time_hinders_nobody(site: PodSite) -> None:
    site.ingest_text(allocation(SINCE - 5 * HOUR, SINCE - 4 * HOUR))
    receipt = site.collect()
    assert (receipt.failure, receipt.is_whole) == (None, True)


def unreadable(listing: str, *uids: str) -> str:
    """Return a listing whose pods of these uids ask for what is no amount."""
    told = json.loads(listing)
    for item in told["items"]:
        if item["metadata"]["uid"] in uids:
            item["spec"]["containers"][0]["resources"]["requests"]["memory"] = "much"
    return json.dumps(told)


def without_uid(listing: str, uid: str) -> str:
    return listing.replace(uid, "")


@pytest.mark.parametrize("has_meters", [True, False], ids=["with meters", "the API alone"])
@pytest.mark.parametrize(
    ("spoil", "states"),
    [
        pytest.param(unreadable, {"open": "RUNNING", "gone": "DELETED"}, id="by its uid"),
        pytest.param(without_uid, {"open": "RUNNING", "gone": "RUNNING"}, id="without a uid"),
    ],
)
def test_a_pod_that_is_listed_and_refused_has_not_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, states: Any, has_meters: bool
) -> None:
    gone = Pod("gone", NOW - 5 * HOUR, n_gpu=0)
    site = PodSite(tmp_path, [OPEN, gone, DONE], has_meters=has_meters, knows_ends=False)
    site.collect()
    listing = site.listing
    site.pods = [OPEN, DONE]
    site.later(minutes=15)
    monkeypatch.setattr(site, "listing", lambda *told: spoil(listing(*told), OPEN.uid))
    site.collect()
    assert "pods_refused" in site.codes()
    assert site.book().loc[["open", "gone"], "state"].to_dict() == states
    monkeypatch.setattr(site, "listing", listing)
    site.later(minutes=15)
    site.collect()
    assert site.codes() == set()
    book = site.book()
    assert book.loc[["open", "gone"], "state"].to_dict() == {"open": "RUNNING", "gone": "DELETED"}
    assert book.loc["open", "end_utc"] == site.now - timedelta(seconds=2)


@pytest.mark.parametrize("has_meters", [True, False], ids=["with meters", "the API alone"])
def test_a_list_without_pods_is_said_and_counts_as_no_look(
    site: PodSite, has_meters: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.has_meters = has_meters
    site.pods = [OPEN]
    site.collect()
    seen_utc = site.book().loc["open", "end_utc"]
    before = site.state()
    site.pods = []
    nothing = {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": []}
    listing = site.listing
    monkeypatch.setattr(site, "listing", lambda *_: json.dumps(nothing))
    for _ in range(2):
        site.later(hours=1)
        receipt = site.collect()
        assert (receipt.failure, receipt.is_whole) == (None, True)
        assert "kubernetes_empty" in site.codes()
    assert "nothing is taken to have ended. 1 pods" in receipt.incidents[0].text
    row = site.book().loc["open"]
    assert (row["state"], row["end_utc"]) == ("RUNNING", seen_utc)
    assert (site.state() == before) == (not has_meters)
    site.pods = [OPEN]
    monkeypatch.setattr(site, "listing", listing)
    site.collect()
    assert "kubernetes_empty" not in site.codes()
    # Who has looks alone does not know what came and went meanwhile.
    assert ("looks_missed" in site.codes()) == (not has_meters)


YEAR = timedelta(days=365)


@pytest.mark.parametrize("has_meters", [True, False], ids=["with meters", "the API alone"])
def test_a_look_of_a_clock_ahead_counts_up_to_now(site: PodSite, has_meters: bool) -> None:
    site.has_meters = has_meters

    @contextmanager
    def ahead(should_stop: Any) -> Iterator[Look]:
        with site.honest_look(should_stop) as look:
            yield replace(look, seen_utc=look.seen_utc + YEAR)

    site.look = ahead
    site.collect()
    assert site.book().loc["open", "end_utc"] == site.now
    site.pods = [DONE]
    site.later(minutes=15)
    site.collect()
    row = site.book().loc["open"]
    assert (row["state"], row["end_utc"] <= site.now) == ("DELETED", True)
    assert site.findings() == ()


@pytest.mark.parametrize("is_listed", [True, False], ids=["still there", "gone"])
def test_a_book_that_was_written_by_a_clock_ahead_is_put_right(
    tmp_path: Path, is_listed: bool
) -> None:
    site = PodSite(tmp_path, [DONE], has_meters=False)
    site.collect()
    site.now = NOW + YEAR
    site.ingest(OPEN)
    assert site.book().loc["open", "end_utc"] == NOW + YEAR
    site.now = NOW + timedelta(minutes=15)
    site.pods = [OPEN, DONE] if is_listed else [DONE]
    site.collect()
    row = site.book().loc["open"]
    seen_utc = site.now if is_listed else NOW
    assert row["end_utc"] == seen_utc - timedelta(seconds=2)
    assert row["elapsed_s"] == (row["end_utc"] - OPEN.start_utc).total_seconds()
    assert row["state"] == ("RUNNING" if is_listed else "DELETED")
    assert site.findings() == ()


def test_a_later_list_by_hand_puts_right_what_one_by_a_clock_ahead_said(site: PodSite) -> None:
    site.now = NOW + YEAR
    site.ingest(OPEN)
    site.now = NOW
    site.ingest(OPEN, seen_utc=NOW - HOUR)
    assert site.book().loc["open", "end_utc"] == NOW - HOUR
