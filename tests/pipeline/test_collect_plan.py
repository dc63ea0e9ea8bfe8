"""Which windows are due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.incident import SourceState
from auditor.pipeline.collect_plan import Plan, Reach, advanced, narrowed, plan_windows

REACH = Reach(timedelta(hours=6), timedelta(days=7))
SINCE = datetime(2026, 10, 1, 22, tzinfo=UTC)
SPANS = st.integers(0, 60 * 86_400).map(lambda s: timedelta(seconds=s))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+00:00")


def _state(reached: str, deep: str | None) -> SourceState:
    return SourceState("alpha", SINCE, _at(reached), None if deep is None else _at(deep))


@pytest.mark.parametrize(
    ("reached", "deep", "now", "edges", "is_deep"),
    [
        pytest.param("11-23T12:10", "11-23T01:00", "11-23T12:25",
            ["11-23T06:00", "11-23T12:00", "11-23T12:25"], False, id="a quarter of an hour later"),
        pytest.param("11-23T03:00", "11-22T12:00", "11-23T03:15",
            ["11-22T18:00", "11-23T00:00", "11-23T03:15"], False, id="over midnight"),
        pytest.param("11-22T12:00", "11-22T00:10", "11-23T00:10",
            [f"11-{day}T00:00" for day in range(15, 24)] + ["11-23T00:10"], True, id="once a day"),
        pytest.param("11-20T10:00", "11-20T09:00", "11-20T09:00",
            ["11-20T00:00", "11-20T06:00", "11-20T09:00"], False, id="the clock went back an hour"),
        pytest.param("10-01T22:00", None, "10-04T05:00",
            ["10-01T22:00", "10-02T00:00", "10-03T00:00", "10-04T00:00", "10-04T05:00"], True,
            id="first time, from a midnight of the site"),
    ],
)  # fmt: skip
def test_windows(reached: str, deep: str | None, now: str, edges: list[str], is_deep: bool) -> None:
    plan = plan_windows(_state(reached, deep), SINCE, REACH, _at(now))
    instants = [_at(edge) for edge in edges]
    assert plan == Plan(tuple(pairwise(instants)), is_deep)


def test_an_earlier_begin_is_asked_for_first() -> None:
    plan = plan_windows(
        _state("11-23T12:00", "11-23T01:00"), SINCE - timedelta(days=1), REACH, _at("11-23T12:15")
    )
    assert plan.windows == (
        (SINCE - timedelta(days=1), _at("10-01T00:00")),
        (_at("10-01T00:00"), SINCE),
        (_at("11-23T06:00"), _at("11-23T12:00")),
        (_at("11-23T12:00"), _at("11-23T12:15")),
    )


def test_nothing_is_due_before_it_begins() -> None:
    state = SourceState("alpha", SINCE, SINCE, None)
    assert plan_windows(state, SINCE, REACH, SINCE).windows == ()


@given(SPANS, SPANS, SPANS)
def test_nothing_between_the_cursor_and_now_is_left_out(
    collected: timedelta, later: timedelta, deep_before: timedelta
) -> None:
    reached = SINCE + collected
    now = reached + later
    state = SourceState("alpha", SINCE, reached, now - deep_before)
    windows = plan_windows(state, SINCE, REACH, now).windows
    if now == SINCE:
        assert windows == ()
        return
    assert windows[0][0] <= max(SINCE, reached - REACH.lookback)
    assert windows[0][0] >= SINCE
    assert windows[-1][1] == now
    assert all(one[1] == two[0] for one, two in pairwise(windows))


def test_the_cursor_never_goes_back() -> None:
    state = _state("11-23T12:00", None)
    window = (_at("11-23T06:00"), _at("11-23T15:00"))
    assert advanced(state, window, window[1]).collected_to_utc == _at("11-23T15:00")
    assert advanced(state, window, _at("11-23T13:00")).collected_to_utc == _at("11-23T13:00")
    assert advanced(state, window, _at("11-16T13:00")).collected_to_utc == _at("11-23T12:00")
    early = (_at("11-01T06:00"), _at("11-01T15:00"))
    assert advanced(state, early, early[1]) == state


@given(st.lists(st.integers(1, 30 * 3600), min_size=2, max_size=40))
def test_windows_of_a_later_collection_hold_earlier_ones_whole_or_not_at_all(
    waits_s: list[int],
) -> None:
    state, now = SourceState("alpha", SINCE, SINCE, None), SINCE
    earlier: set[tuple[datetime, datetime]] = set()
    for wait_s in waits_s:
        now += timedelta(seconds=wait_s)
        plan = plan_windows(state, SINCE, REACH, now)
        for begin, end in plan.windows:
            for was_begin, was_end in earlier:
                is_inside = begin <= was_begin and was_end <= end
                holds = was_begin <= begin and end <= was_end
                assert is_inside or holds or end <= was_begin or was_end <= begin
        earlier |= set(plan.windows)
        state = replace(
            state, collected_to_utc=now, deep_utc=now if plan.is_deep else state.deep_utc
        )


@pytest.mark.parametrize(
    ("widest_h", "n_windows"),
    [
        pytest.param(None, 2, id="no limit"),
        pytest.param(48, 2, id="wider than a day"),
        pytest.param(6, 5, id="a quarter of a day"),
    ],
)
def test_windows_are_no_wider_than_slurmdbd_answers(widest_h, n_windows) -> None:
    whole = ((_at("11-22T00:00"), _at("11-23T00:00")), (_at("11-23T00:00"), _at("11-23T05:00")))
    widest = None if widest_h is None else timedelta(hours=widest_h)
    parts = narrowed(whole, widest)
    assert len(parts) == n_windows
    assert (parts[0][0], parts[-1][1]) == (whole[0][0], whole[-1][1])
    assert all(one[1] == two[0] for one, two in pairwise(parts))
