"""A Kubernetes cluster collected from, again and again: one run for each pod, whoever tells."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pandas as pd
import pytest

from auditor.pipeline.collect_pod_parts import TELLER
from tests.pipeline.pod_site import (
    BARE,
    BRIEF,
    DONE,
    HOUR,
    INFERRED,
    NOW,
    OPEN,
    SAID,
    SINCE,
    Gap,
    Pod,
    PodSite,
)


@pytest.fixture
def site(tmp_path: Path) -> PodSite:
    return PodSite(tmp_path, [DONE, OPEN, BRIEF, BARE])


def test_a_first_collection_knows_every_pod_and_what_its_meters_said(site: PodSite) -> None:
    receipt = site.collect()
    assert receipt.is_whole
    assert (receipt.n_windows, receipt.n_new, receipt.failure) == (2, 4, None)
    assert receipt.n_rows == receipt.n_jobs + receipt.n_steps + receipt.n_rejects
    book = site.book()
    assert book["elapsed_s"].to_dict() == {
        "done": 5 * 3600, "open": 10 * 3600 - 2, "brief": 3600, "bare": 7 * 3600,
    }  # fmt: skip
    assert book["gpu_energy_j"].dropna().to_dict() == {
        "done": 5 * 3600 * 200.0, "open": 10 * 3600 * 400.0, "brief": 3600 * 200.0,
    }  # fmt: skip
    assert set(book["gpu_basis"]) == {"measured", ""}
    assert book["gpu_wh"].round(6).to_dict() == {
        "done": 1000.0, "open": 4000.0, "brief": 200.0, "bare": 0.0,
    }  # fmt: skip
    assert (book["state"] == "RUNNING").to_dict() == {
        "done": False, "open": True, "brief": False, "bare": False,
    }  # fmt: skip
    assert book.loc["brief", "source"] == "prometheus cloud"
    assert set(book["user"]) == {"alice"}
    assert site.findings() == ()
    assert site.incidents() == []


def test_what_asked_for_nothing_is_counted_by_what_it_used(site: PodSite) -> None:
    site.collect()
    bare = site.book().loc["bare"]
    assert (bare["n_cpus"], bare["memory_bytes"]) == (2.0, 4 * 2.0**30)


def test_collecting_again_changes_nothing(site: PodSite) -> None:
    site.pods.remove(OPEN)
    site.collect()
    version = site.version()
    for _ in range(3):
        site.later(minutes=15)
        receipt = site.collect()
        assert (receipt.is_whole, receipt.n_new, receipt.n_superseded) == (True, 0, 0)
    site.later(days=1, hours=1)
    assert site.collect().n_superseded == 0
    assert site.version() == version


def test_a_run_that_goes_on_grows_and_ends(site: PodSite) -> None:
    site.collect()
    site.later(hours=1)
    site.collect()
    assert site.book().loc["open", "elapsed_s"] == 11 * 3600 - 2
    site.pods = [DONE, replace(OPEN, end_utc=NOW + 2 * HOUR), BARE]
    site.later(hours=3)
    site.collect()
    row = site.book().loc["open"]
    assert (row["elapsed_s"], row["state"], row["gpu_wh"]) == (12 * 3600, "COMPLETED", 4800.0)


def in_small_steps(site: PodSite) -> None:
    end_utc, pods = site.now, site.pods
    site.now = SINCE + 2 * HOUR
    while site.now < end_utc:
        site.pods = [pod for pod in pods if pod.created_utc < site.now]
        site.collect()
        site.now += timedelta(hours=2, minutes=50)
    site.now, site.pods = end_utc, pods


def with_holes(site: PodSite) -> None:
    """Be off for most of the time, and have it made up for."""
    end_utc = site.now
    for hours in (11, 7, 4):
        site.now = end_utc - hours * HOUR
        site.pods, pods = [pod for pod in site.pods if pod.created_utc < site.now], site.pods
        site.collect()
        site.pods = pods
    site.now = end_utc


def deep_each_time(site: PodSite) -> None:
    site.lookback = timedelta(days=2)
    in_small_steps(site)
    site.lookback = timedelta(hours=6)


@pytest.mark.parametrize("history", [in_small_steps, with_holes, deep_each_time])
@pytest.mark.parametrize("has_api", [True, False])
def test_how_often_and_when_it_was_collected_makes_no_difference(
    tmp_path: Path, history: Callable[[PodSite], None], has_api: bool
) -> None:
    pods = [
        DONE,
        OPEN,
        BRIEF,
        replace(BARE, uses_first_hour_only=True),
        Pod("gone", NOW - 7 * HOUR, NOW - 5 * HOUR, NOW - 5 * HOUR),
    ]
    once = PodSite(tmp_path / "once", pods, has_api=has_api)
    often = PodSite(tmp_path / "often", pods, has_api=has_api)
    once.collect()
    history(often)
    often.collect()
    pd.testing.assert_frame_equal(
        often.book()[SAID].sort_index(), once.book()[SAID].sort_index(), check_categorical=False
    )
    assert often.findings() == ()


EVENTS: dict[str, Callable[[PodSite], object]] = {
    "the API": lambda site: _collected(site, has_api=True, has_meters=False),
    "the meters": lambda site: _collected(site, has_api=False, has_meters=True),
    "an export": lambda site: site.ingest(*site.pods),
}


def _collected(site: PodSite, *, has_api: bool, has_meters: bool) -> None:
    site.has_api, site.has_meters = has_api, has_meters
    assert site.collect().failure is None


@pytest.mark.parametrize("knows_created", [True, False], ids=["created", "created unknown"])
@pytest.mark.parametrize("order", list(permutations(EVENTS)), ids=" then ".join)
def test_one_pod_is_one_run_whoever_tells_of_it_first(
    tmp_path: Path, order: tuple[str, ...], knows_created: bool
) -> None:
    pod = Pod("pod", NOW - 8 * HOUR, NOW - HOUR)
    site = PodSite(tmp_path, [pod], since=NOW - 12 * HOUR, knows_created=knows_created)
    for event in order:
        EVENTS[event](site)
    # What the export brought without meters is put right by the next collection.
    _collected(site, has_api=True, has_meters=True)
    (row,) = site.book().to_dict("records")
    assert (row["submit_utc"], row["start_utc"]) == (pod.created_utc, pod.start_utc)
    assert (row["elapsed_s"], row["state"], row["gpu_wh"]) == (7 * 3600, "COMPLETED", 1400.0)
    assert site.findings() == ()


@pytest.mark.parametrize("order", list(permutations(["early", "late", "export"])), ids=" ".join)
def test_views_of_an_open_pod_in_any_order_stay_one_run(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    pod = Pod("pod", NOW - 20 * HOUR)
    site = PodSite(tmp_path, [pod], since=NOW - 24 * HOUR, has_api=False)
    for event in order:
        site.now = NOW - 9 * HOUR if event == "early" else NOW
        if event == "export":
            site.ingest(pod, seen_utc=NOW - 5 * HOUR)
        else:
            site.collect()
    site.now = NOW
    site.collect()
    (row,) = site.book().to_dict("records")
    assert (row["elapsed_s"], row["is_open"], row["gpu_wh"]) == (20 * 3600, True, 4000.0)


@pytest.mark.parametrize(
    ("has_meters", "knows_ends", "end_utc", "state", "flags"),
    [
        pytest.param(True, True, NOW + HOUR, "COMPLETED", 0, id="the meters tell when it ended"),
        pytest.param(True, False, NOW + HOUR, "DELETED", INFERRED, id="they saw it last"),
        pytest.param(
            False, False, NOW - timedelta(seconds=2), "DELETED", INFERRED, id="the API saw it last"
        ),
    ],
)
def test_a_pod_that_is_not_listed_any_more_has_ended(
    tmp_path: Path, has_meters: bool, knows_ends: bool, end_utc: datetime, state: str, flags: int
) -> None:
    site = PodSite(tmp_path, [OPEN, DONE], has_meters=has_meters, knows_ends=knows_ends)
    site.collect()
    site.pods = [DONE, replace(OPEN, end_utc=NOW + HOUR, gone_utc=NOW + HOUR)]
    site.later(hours=2)
    site.collect()
    row = site.book().loc["open"]
    assert (row["end_utc"], row["state"], row["is_open"]) == (end_utc, state, False)
    assert row["quality_flags"] == flags
    version = site.version()
    site.later(minutes=15)
    site.collect()
    assert site.version() == version


def test_meters_alone_end_what_they_do_not_see_any_more(tmp_path: Path) -> None:
    last = Pod("last", NOW - 2 * HOUR, NOW - timedelta(minutes=10))
    gone = Pod("gone", NOW - 11 * HOUR, NOW - 7 * HOUR)
    site = PodSite(tmp_path, [OPEN, gone, last], has_api=False, knows_ends=False)
    site.collect()
    book = site.book()
    assert book["is_open"].to_dict() == {"gone": False, "open": True, "last": True}
    assert (book.loc["gone", "state"], book.loc["gone", "end_utc"]) == ("DELETED", gone.end_utc)
    version = site.version()
    site.later(minutes=21)
    site.gaps = [Gap(NOW - timedelta(minutes=5), NOW + HOUR, TELLER)]
    site.collect()
    assert site.book()["is_open"].sum() == 2
    site.gaps = []
    site.collect()
    assert site.book()["is_open"].to_dict() == {"gone": False, "open": True, "last": False}
    assert site.version() > version


def test_a_pod_that_waited_and_went_was_given_up(tmp_path: Path) -> None:
    waiting = Pod("waiting", NOW + 5 * HOUR)
    waiting = replace(waiting, start_utc=NOW + timedelta(seconds=10))
    site = PodSite(tmp_path, [DONE, waiting], has_meters=False)
    site.collect()
    assert site.book().loc["waiting", "state"] == "PENDING"
    site.pods = [DONE]
    site.later(minutes=15)
    site.collect()
    row = site.book().loc["waiting"]
    assert (row["state"], row["is_open"], row["energy_wh"]) == ("CANCELLED", False, 0.0)
    assert row["end_utc"] == NOW - timedelta(seconds=2)


def test_an_inferred_end_is_taken_back_when_the_pod_is_listed_again(tmp_path: Path) -> None:
    site = PodSite(tmp_path, [OPEN, DONE], has_meters=False)
    site.collect()
    site.pods = [DONE]
    site.later(minutes=15)
    site.collect()
    assert site.book().loc["open", "state"] == "DELETED"
    site.pods = [OPEN, DONE]
    site.later(minutes=15)
    site.collect()
    row = site.book().loc["open"]
    assert (row["state"], row["elapsed_s"], row["quality_flags"]) == ("RUNNING", 37798, 0)


def test_a_recorded_end_is_not_taken_back(tmp_path: Path) -> None:
    site = PodSite(tmp_path, [replace(OPEN, end_utc=NOW - HOUR)])
    site.collect()
    site.pods = [OPEN]
    site.later(minutes=15)
    site.collect()
    row = site.book().loc["open"]
    assert (row["state"], row["elapsed_s"]) == ("COMPLETED", 9 * 3600)


def test_a_cluster_that_lists_nothing_at_all_ends_nothing(tmp_path: Path) -> None:
    site = PodSite(tmp_path, [OPEN], has_meters=False)
    site.collect()
    site.pods = []
    site.later(minutes=15)
    site.collect()
    assert site.book().loc["open", "state"] == "RUNNING"


def test_facts_that_may_not_be_seen_any_more_are_kept(site: PodSite, monkeypatch) -> None:
    site.collect()
    before = site.book()[SAID]
    listing = site.listing
    monkeypatch.setattr(
        site,
        "listing",
        lambda *told: listing(*told).replace("nvidia.com/gpu.product", "x").replace("alice", ""),
    )
    site.collect()
    pd.testing.assert_frame_equal(site.book()[SAID], before, check_categorical=False)
