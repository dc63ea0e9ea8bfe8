import math

import numpy as np
import pytest

from auditor.normalize.times import parse_time, parse_times
from tests.normalize.raw_frames import text_array

NAN = math.nan
AT_S = 1795450918.0  # 2026-11-23T16:21:58Z


@pytest.mark.parametrize(
    ("text", "seconds", "is_local"),
    [
        ("1795450918", AT_S, False),
        ("2026-11-23T16:21:58", AT_S, True),
        ("2026-11-23 16:21:58", AT_S, True),
        ("2026-11-23T17:21:58+01:00", AT_S, False),
        ("2026-11-23T17:21:58+0100", AT_S, False),
        ("2026-11-23T16:21:58Z", AT_S, False),
        ("2026-11-23T16:21:58.5Z", AT_S + 0.5, False),
    ],
)
def test_a_time_is_read(text, seconds, is_local):
    assert parse_time(text) == (seconds, is_local)


@pytest.mark.parametrize(
    "text", ["23/11/2026 04:21 PM", "16:21:58", "2026-13-01T00:00:00", "99999999999", "-5", "soon"]
)
def test_what_can_only_be_guessed_is_an_error(text):
    with pytest.raises(ValueError, match=r"no time|month"):
        parse_time(text)


@pytest.mark.parametrize(
    ("cells", "seconds", "local", "unreadable"),
    [
        pytest.param(["1795450918"] * 2, [AT_S] * 2, 0, [], id="epochs"),
        pytest.param(["2026-11-23T16:21:58"], [AT_S], 1, [], id="local"),
        pytest.param(["2026-11-23T17:21:58+01:00"], [AT_S], 0, [], id="offset"),
        pytest.param(["Unknown", "None", ""], [NAN] * 3, 0, [], id="words"),
        pytest.param(["0", "1795450918"], [0, AT_S], 0, [], id="zero is 1970"),
        pytest.param(["4294967294", "1795450918"], [NAN, AT_S], 0, [], id="no value"),
        pytest.param(["Unknown", "2026-11-23T16:21:58"], [NAN, AT_S], 1, [], id="some unknown"),
        pytest.param(["1795450918", "soon"], [AT_S, NAN], 0, [1], id="one bad"),
        pytest.param(["2026-11-23T16:21:58", "2026-13-23T16:21:58"], [AT_S, NAN], 1, [1], id="13"),
        pytest.param(["4200000000"], [NAN], 0, [0], id="after 2100"),
        pytest.param([], [], 0, [], id="none"),
    ],
)
def test_a_column_of_times(cells, seconds, local, unreadable):
    instants = parse_times(text_array(*cells))
    np.testing.assert_allclose(instants.seconds, seconds)
    known = ~np.isnan(instants.seconds)
    assert (instants.is_local[known] == bool(local)).all()
    assert np.flatnonzero(instants.unreadable).tolist() == unreadable


def test_forms_may_mix():
    instants = parse_times(text_array("1795450918", "2026-11-23T16:21:58", "None"))
    np.testing.assert_allclose(instants.seconds, [AT_S, AT_S, NAN])
    assert instants.is_local[:2].tolist() == [False, True]
