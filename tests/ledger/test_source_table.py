"""Cursors only go forward, and incidents grow until they are resolved."""

from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.domain.incident import Incident, MissingJob, SourceState
from auditor.domain.period import Period

from .mails import MONDAY

HOUR = timedelta(hours=1)
STATE = SourceState("alpha", MONDAY - 500 * HOUR, MONDAY, None)
DOWN = Incident(
    source="sacct alpha",
    cluster="alpha",
    code="slurmdbd_down",
    text="slurmdbd did not answer",
    hint="Start it.",
    start_utc=MONDAY,
    end_utc=MONDAY + HOUR,
    first_seen_utc=MONDAY + HOUR,
    last_seen_utc=MONDAY + HOUR,
)


def test_the_cursor_of_each_cluster_is_its_own(ledger):
    assert ledger.sources.state("alpha") is None
    other = replace(STATE, cluster="beta", deep_utc=MONDAY - HOUR)
    for state in (STATE, other):
        ledger.sources.advance(state)
    assert ledger.sources.state("alpha") == STATE
    assert ledger.sources.state("beta") == other


@pytest.mark.parametrize(
    ("collected_h", "deep_h", "expected_collected_h", "expected_deep_h"),
    [
        pytest.param(1, 2, 1, 2, id="both forward"),
        pytest.param(-1, -1, 0, 0, id="neither back"),
        pytest.param(3, None, 3, 0, id="no deep look this time"),
    ],
)
def test_the_cursor_never_goes_back(
    ledger, collected_h, deep_h, expected_collected_h, expected_deep_h
):
    ledger.sources.advance(replace(STATE, deep_utc=MONDAY))
    ledger.sources.advance(
        SourceState(
            "alpha",
            MONDAY - 600 * HOUR,
            MONDAY + collected_h * HOUR,
            None if deep_h is None else MONDAY + deep_h * HOUR,
        )
    )
    assert ledger.sources.state("alpha") == SourceState(
        "alpha",
        MONDAY - 600 * HOUR,
        MONDAY + expected_collected_h * HOUR,
        MONDAY + expected_deep_h * HOUR,
    )


def test_a_cursor_that_went_too_far_is_taken_back(ledger):
    ledger.sources.advance(replace(STATE, deep_utc=MONDAY, n_unclear=2, n_small=1))
    assert ledger.sources.state("alpha").n_unclear == 2
    earlier = replace(STATE, collected_to_utc=MONDAY - HOUR)
    ledger.sources.take_back(earlier)
    assert ledger.sources.state("alpha") == earlier


def test_missing_jobs_of_each_cluster_are_its_own(ledger):
    first = MissingJob("7", MONDAY, MONDAY + HOUR, MONDAY + HOUR)
    second = MissingJob("12", MONDAY, MONDAY + HOUR, MONDAY + 2 * HOUR)
    ledger.sources.keep_missing("alpha", [first, second])
    ledger.sources.keep_missing("beta", [first])
    assert set(ledger.sources.missing_jobs("alpha")) == {first, second}
    ledger.sources.keep_missing("alpha", [second])
    assert ledger.sources.missing_jobs("alpha") == (second,)
    assert ledger.sources.missing_jobs("beta") == (first,)


def seen_again(start_h, end_h, seen_h):
    return replace(
        DOWN,
        text="it still does not",
        hint="Call somebody.",
        start_utc=MONDAY + start_h * HOUR,
        end_utc=None if end_h is None else MONDAY + end_h * HOUR,
        first_seen_utc=MONDAY + seen_h * HOUR,
        last_seen_utc=MONDAY + seen_h * HOUR,
    )


@pytest.mark.parametrize(
    ("again", "expected_h"),
    [
        pytest.param(seen_again(0.5, 2, 2), (0, 2, 2), id="later end"),
        pytest.param(seen_again(-3, 0.5, 3), (-3, 1, 3), id="earlier start"),
        pytest.param(seen_again(0, None, 2), (0, None, 2), id="it goes on"),
        pytest.param(seen_again(0, 2, -5), (0, 2, 1), id="the clock was set back"),
    ],
)
def test_an_incident_seen_again_grows(ledger, again, expected_h):
    ledger.sources.raise_incident(DOWN)
    ledger.sources.raise_incident(again)
    start_h, end_h, seen_h = expected_h
    assert ledger.sources.incidents() == (
        replace(
            again,
            start_utc=MONDAY + start_h * HOUR,
            end_utc=None if end_h is None else MONDAY + end_h * HOUR,
            first_seen_utc=DOWN.first_seen_utc,
            last_seen_utc=MONDAY + seen_h * HOUR,
        ),
    )


@pytest.mark.parametrize("told", [{"source": "sacct beta"}, {"code": "not_operator"}])
def test_other_sources_and_codes_are_other_incidents(ledger, told):
    for incident in (DOWN, replace(DOWN, **told)):
        ledger.sources.raise_incident(incident)
    assert len(ledger.sources.incidents()) == 2


def test_a_resolved_incident_is_over_and_the_next_is_a_new_one(ledger):
    ledger.sources.raise_incident(replace(DOWN, end_utc=None))
    ledger.sources.raise_incident(replace(DOWN, code="not_operator"))
    ledger.sources.raise_incident(replace(DOWN, source="sacct beta"))
    now = MONDAY + 5 * HOUR
    assert ledger.sources.resolve("sacct alpha", [], now) == 0
    assert ledger.sources.resolve("sacct alpha", ["slurmdbd_down", "other"], now) == 1
    assert ledger.sources.resolve("sacct alpha", ["slurmdbd_down"], now + HOUR) == 0
    (resolved,) = [i for i in ledger.sources.incidents() if i.resolved_utc]
    assert resolved == replace(DOWN, end_utc=now, resolved_utc=now)
    assert len(ledger.sources.incidents(unresolved_only=True)) == 2
    again = replace(DOWN, start_utc=now, end_utc=None)
    ledger.sources.raise_incident(again)
    assert again in ledger.sources.incidents(unresolved_only=True)
    assert resolved in ledger.sources.incidents()


def test_a_resolved_incident_cannot_be_raised(ledger):
    with pytest.raises(ValueError, match="resolved already"):
        ledger.sources.raise_incident(replace(DOWN, resolved_utc=MONDAY))


@pytest.mark.parametrize(
    ("start_h", "end_h", "is_found"),
    [
        pytest.param(-2, 0, False, id="before"),
        pytest.param(-2, 1, True, id="across the start"),
        pytest.param(1, 2, True, id="inside"),
        pytest.param(-2, 200, True, id="all of it"),
        pytest.param(167, None, True, id="goes on from inside"),
        pytest.param(-2, None, True, id="goes on from before"),
        pytest.param(168, None, False, id="goes on from after"),
        pytest.param(168, 169, False, id="after"),
        pytest.param(0, 0, True, id="a moment at the start"),
        pytest.param(168, 168, False, id="a moment at the end"),
    ],
)
def test_which_incidents_overlap_a_period(ledger, start_h, end_h, is_found):
    ledger.sources.raise_incident(
        replace(
            DOWN,
            start_utc=MONDAY + start_h * HOUR,
            end_utc=None if end_h is None else MONDAY + end_h * HOUR,
        )
    )
    period = Period(MONDAY, MONDAY + 168 * HOUR, "UTC", "2026-W48")
    assert bool(ledger.sources.incidents(period)) == is_found
    assert bool(ledger.sources.incidents(period, ("beta", "alpha"))) == is_found
    assert ledger.sources.incidents(period, ("beta",)) == ()
