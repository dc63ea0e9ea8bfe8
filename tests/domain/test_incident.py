"""How far a collection is known to have come."""

from datetime import UTC, datetime, timedelta

import pytest

from auditor.domain.incident import SourceState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)


@pytest.mark.parametrize(
    ("collected_min", "deep_min", "is_ahead", "trusted"),
    [
        pytest.param(-15, None, False, NOW - timedelta(minutes=15), id="as it should be"),
        pytest.param(4, 4, False, NOW, id="a clock that was moved a little"),
        pytest.param(6, None, True, SINCE, id="in the future"),
        pytest.param(-15, 6, True, SINCE, id="the long look back in the future"),
    ],
)
def test_a_cursor_in_the_future_is_void(
    collected_min: int, deep_min: int | None, is_ahead: bool, trusted: datetime
) -> None:
    collected, deep = (
        None if minutes is None else NOW + timedelta(minutes=minutes)
        for minutes in (collected_min, deep_min)
    )
    assert collected is not None
    state = SourceState("alpha", SINCE, collected, deep)
    assert state.is_ahead_of(NOW) is is_ahead
    assert state.trusted_to(NOW) == trusted
