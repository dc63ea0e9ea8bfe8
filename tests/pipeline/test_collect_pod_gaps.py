"""What was not scraped: said while it is so, and no longer."""

from datetime import timedelta

import pytest

from auditor.pipeline.collect_pod_parts import TELLER
from tests.pipeline.pod_site import HOUR, NOW, OPEN, SINCE, Gap, PodSite

END_OF_SLOT = SINCE + 6 * HOUR


@pytest.fixture
def site(tmp_path):
    return PodSite(tmp_path, has_api=False)


def spans(site):
    return [(one.start_utc, one.end_utc) for one in site.incidents()]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ([], []),
        ([(1, 2)], [(1, 2)]),
        ([(4, 5)], [(4, 5)]),
        ([(1, 2), (4, 5)], [(1, 2), (4, 5)]),
        ([(0.5, 5.5)], [(0.5, 5.5)]),
        ([(1, 5), (7, 8)], [(1, 5), (7, 8)]),
    ],
    ids=["whole", "first-part", "last-part", "two-parts", "grown", "another"],
)
def test_what_is_there_when_a_slot_is_asked_again_is_no_gap(site, then, expected):
    site.gaps = [Gap(SINCE + HOUR, SINCE + 5 * HOUR)]
    site.collect()
    assert spans(site) == [(SINCE + HOUR, SINCE + 5 * HOUR)]
    for _ in range(2):
        site.gaps = [Gap(SINCE + begin * HOUR, SINCE + end * HOUR) for begin, end in then]
        site.later(days=1, minutes=1)
        site.collect()
        found = [(SINCE + begin * HOUR, SINCE + end * HOUR) for begin, end in expected]
        assert spans(site) == found
        for one in site.incidents():
            when = f"from {one.start_utc:%Y-%m-%d %H:%M} UTC to {one.end_utc:%Y-%m-%d %H:%M} UTC"
            assert when in one.text


def test_of_a_gap_over_two_slots_only_what_is_asked_again_can_be_over(site):
    site.lookback, site.deep_lookback = timedelta(0), timedelta(0)
    site.gaps = [Gap(SINCE + 4 * HOUR, SINCE + 8 * HOUR)]
    site.collect()
    assert spans(site) == [(SINCE + 4 * HOUR, SINCE + 8 * HOUR)]
    site.gaps = []
    site.now = NOW + timedelta(minutes=5)
    site.collect()
    assert all(start >= SINCE for start, _ in spans(site))
    left = [span for span in spans(site) if span[0] < END_OF_SLOT]
    assert left == [(SINCE + 4 * HOUR, SINCE + 8 * HOUR)]


@pytest.mark.parametrize(
    ("gaps", "said", "unsaid"),
    [
        ([("a meter", False)], ["is modelled"], ["counters", "not known"]),
        ([("a meter", True)], ["the energy is known"], ["modelled", "pods"]),
        (
            [("a meter", True), ("another", False)],
            ["counters that ran on do not tell", "is modelled"],
            ["pods"],
        ),
    ],
    ids=["modelled", "bridged", "both"],
)
def test_a_gap_is_called_modelled_only_where_it_is(site, gaps, said, unsaid):
    span = (SINCE + HOUR, SINCE + 2 * HOUR)
    site.gaps = [Gap(*span, what, is_bridged) for what, is_bridged in gaps]
    site.collect()
    (incident,) = site.incidents()
    assert all(word in incident.text for word in said)
    assert not any(word in incident.text for word in unsaid)


@pytest.mark.parametrize(
    ("has_api", "codes"),
    [(True, {"prometheus_gap": False}), (False, {"pods_unseen": True, "prometheus_gap": False})],
    ids=["with an API", "without"],
)
def test_runs_are_lost_where_nothing_else_tells_of_pods(site, has_api, codes):
    site.has_api, site.pods = has_api, [OPEN]
    span = (SINCE + HOUR, SINCE + 2 * HOUR)
    site.gaps = [Gap(*span, TELLER), Gap(SINCE, SINCE + 3 * HOUR)]
    site.collect()
    found = site.incidents()
    assert {one.code: one.loses_runs for one in found} == codes
    for one in found:
        assert (TELLER in one.text) == (has_api or one.code == "pods_unseen")
        assert ("only those pods are known" in one.text) == (one.code == "pods_unseen")
        # The long gap of a meter is none of what tells of pods.
        assert (one.code != "pods_unseen") or (one.start_utc, one.end_utc) == span
    site.gaps = []
    site.later(days=1, minutes=1)
    site.collect()
    assert site.incidents() == []
