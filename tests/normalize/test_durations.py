import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.normalize.durations import parse_duration_s, parse_durations
from tests.normalize.raw_frames import text_array

NAN = math.nan
CASES = {
    "10-13:27:06": 912426.0,
    "02:44.935": 164.935,
    "00:00.001": 0.001,
    "15:33:59": 56039.0,
    "37-14:00:00": 3247200.0,
    "123456-00:00:01": 123456 * 86400.0 + 1,
    "59:59": 3599.0,
    "86400": 86400.0,
    "12.5": 12.5,
    "UNLIMITED": math.inf,
    "Partition_Limit": NAN,
    "INVALID": NAN,
    "": NAN,
    "4294967294": NAN,
}
UNREADABLE = ["abc", "1:2:3:4", "-00:00:05", "1-2", "xx:00:00", "1x-00:00:00", "02:44,935"]


@pytest.mark.parametrize(("text", "seconds"), CASES.items())
def test_a_duration_is_read(text, seconds):
    assert parse_duration_s(text) == pytest.approx(seconds, nan_ok=True)


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_duration_is_an_error(text):
    with pytest.raises(ValueError, match="no duration"):
        parse_duration_s(text)


def long_column(cells):
    """Repeat cells behind enough others that the column is read from its bytes."""
    return text_array(*(f"00:{n // 60 % 60:02d}:{n % 60:02d}" for n in range(2000)), *cells)


@pytest.mark.parametrize("column", [text_array, lambda *cells: long_column(cells)])
def test_a_column_is_read_as_its_cells_are(column):
    cells = [*CASES, *UNREADABLE]
    durations = parse_durations(column(*cells))
    expected = [*CASES.values(), *[NAN] * len(UNREADABLE)]
    np.testing.assert_allclose(durations.seconds[-len(cells) :], expected)
    assert durations.unreadable[-len(cells) :].tolist() == [c in UNREADABLE for c in cells]


def test_a_column_of_digits_and_blanks_is_seconds():
    durations = parse_durations(text_array("17", "", "3600"))
    np.testing.assert_allclose(durations.seconds, [17, NAN, 3600])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(["17", "4294967294"], [17, NAN], id="no value"),
        pytest.param(["17", "x"], [17, NAN], id="a word among digits"),
        pytest.param(["17", "-3"], [17, NAN], id="below zero"),
        pytest.param(["", ""], [NAN, NAN], id="blank"),
        pytest.param([], [], id="none"),
    ],
)
def test_a_column_of_seconds_with_hazards(cells, expected):
    np.testing.assert_allclose(parse_durations(text_array(*cells)).seconds, expected)


def test_a_slice_and_large_strings_are_read_from_their_own_bytes():
    column = long_column(["01:00:00", "2-00:00:00"])
    np.testing.assert_allclose(parse_durations(column.slice(100)).seconds[-2:], [3600, 172800])
    large = parse_durations(column.cast(pa.large_string()))
    np.testing.assert_allclose(large.seconds, parse_durations(column).seconds)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9998 * 86400), min_size=1, max_size=30))
def test_what_sacct_writes_is_read_back(seconds):
    cells = []
    for value in seconds:
        days, rest = divmod(value, 86400)
        clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
        cells.append(f"{days}-{clock}" if days else clock)
    read = parse_durations(long_column(cells)).seconds[-len(cells) :]
    assert read.tolist() == [float(value) for value in seconds]
