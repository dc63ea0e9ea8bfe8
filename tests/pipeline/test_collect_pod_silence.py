"""A Prometheus that says nothing, or nothing of pods: no end is made up, and all is asked again."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from auditor.pipeline.collect_pod_parts import TELLER
from tests.pipeline.pod_site import (
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

BY_API = pytest.mark.parametrize("has_api", [True, False], ids=["with an API", "without"])


def site_of(folder, *pods, **facts):
    return PodSite(folder, [DONE, OPEN, *pods], knows_ends=False, **facts)


@BY_API
@pytest.mark.parametrize("minutes", [0, 10], ids=["", "and the last slot is young"])
def test_a_prometheus_that_never_said_anything_is_no_memory_that_ran_out(
    tmp_path, has_api, minutes
):
    site = site_of(tmp_path / "mended", BRIEF, has_api=has_api, is_mute=True)
    site.later(minutes=minutes)
    for _ in range(2):
        receipt = site.collect()
        assert (receipt.is_whole, receipt.failure.code) == (False, "prometheus_series")
        assert receipt.collected_to_utc is None
        (incident,) = site.incidents()
        assert (incident.source, incident.code) == ("prometheus cloud", "prometheus_series")
        assert (incident.start_utc, incident.end_utc, incident.loses_runs) == (SINCE, None, True)
    site.is_mute = False
    site.later(minutes=15)
    assert site.collect().n_resolved == 1
    assert site.incidents() == []
    fresh = site_of(tmp_path / "fresh", BRIEF, has_api=has_api, now=site.now)
    fresh.collect()
    book, expected = (one.book()[SAID].sort_index() for one in (site, fresh))
    pd.testing.assert_frame_equal(book, expected, check_categorical=False)


@BY_API
def test_what_was_silent_is_asked_again_until_it_is_not(tmp_path, has_api):
    site = site_of(tmp_path, has_api=has_api, lookback=timedelta(0), deep_lookback=timedelta(0))
    site.collect()
    site.is_mute = True
    meanwhile = Pod("meanwhile", NOW + 10 * HOUR, NOW + 12 * HOUR, NOW + 12 * HOUR)
    site.pods.append(meanwhile)
    for _ in range(2):
        site.later(hours=20)
        assert site.collect().is_whole
        assert site.state().collected_to_utc <= NOW
        (incident,) = site.incidents()
        assert incident.code == ("prometheus_gap" if has_api else "pods_unseen")
        came_to_utc = NOW - timedelta(seconds=2) if has_api else NOW
        assert (incident.start_utc, incident.end_utc) == (came_to_utc, site.now)
        row = site.book().loc["open"]
        assert (row["state"], row["is_open"]) == ("RUNNING", True)
        seen_utc = site.now - timedelta(seconds=2) if has_api else NOW
        assert row["end_utc"] == seen_utc
    site.is_mute = False
    site.later(minutes=15)
    site.collect()
    assert site.incidents() == []
    book = site.book()
    assert book.loc["meanwhile", "gpu_wh"] == pytest.approx(400.0)
    assert book.loc["open", "gpu_wh"] == pytest.approx(400.0 * 50.25, rel=1e-3)


def test_pods_run_on_while_nothing_tells_of_pods_and_are_settled_after(tmp_path):
    site = site_of(tmp_path, Pod("left", NOW - 5 * HOUR, NOW + HOUR, n_gpu=0), has_api=False)
    site.gaps = [Gap(NOW - HOUR, NOW + 30 * HOUR, TELLER)]
    for hours in (0, 5, 20):
        site.later(hours=hours)
        site.collect()
        book = site.book()
        for name in ("open", "left"):
            seen = (book.loc[name, "state"], book.loc[name, "end_utc"])
            assert seen == ("RUNNING", NOW - HOUR), name
        assert not book.loc["done", "is_open"]
        (incident,) = site.incidents()
        assert (incident.code, incident.start_utc) == ("pods_unseen", NOW - HOUR)
    site.now = NOW + 32 * HOUR
    site.collect()
    book = site.book()
    assert (book.loc["open", "state"], book.loc["open", "end_utc"]) == ("RUNNING", site.now)
    assert book.loc["open", "elapsed_s"] == 42 * 3600
    left = book.loc["left"]
    assert (left["state"], left["end_utc"]) == ("DELETED", NOW - HOUR)
    assert left["quality_flags"] & INFERRED
    assert site.findings() == ()


def test_a_pod_that_meters_go_on_naming_has_not_ended(tmp_path):
    named = Pod("named", NOW - 5 * HOUR, untold_utc=NOW - 2 * HOUR)
    site = site_of(tmp_path, named, has_api=False)
    for _ in range(2):
        site.collect()
        row = site.book().loc["named"]
        assert (row["state"], row["end_utc"]) == ("RUNNING", NOW - 2 * HOUR)
        site.later(hours=3)
    site.pods = [OPEN, replace(named, end_utc=site.now - 3 * HOUR)]
    site.collect()
    row = site.book().loc["named"]
    assert (row["state"], row["end_utc"]) == ("DELETED", NOW - 2 * HOUR)


@BY_API
def test_a_memory_that_turns_out_to_reach_further_is_asked_for_all(tmp_path, has_api):
    early = Pod("early", NOW - 60 * HOUR, NOW - 58 * HOUR, NOW - 58 * HOUR)
    since, held_utc = NOW - timedelta(days=3), NOW - timedelta(days=1)
    site = site_of(tmp_path, early, has_api=has_api, since=since, holds_since=held_utc)
    site.collect()
    assert site.codes() == {"prometheus_retention"}
    site.holds_since = None
    site.later(days=1, minutes=1)
    site.collect()
    assert site.codes() == set()
    assert site.book().loc["early", "gpu_wh"] == pytest.approx(400.0)
    site.later(minutes=15)
    site.collect()
    assert min(site.asked) > NOW
