import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.carbon.bands import CarbonBands
from auditor.carbon.cut import CARBON_COLUMNS, ENERGY_COLUMNS, cut_by_day, cut_to_period
from auditor.carbon.operational import estimate_carbon
from auditor.domain.frames import SLICES, check
from auditor.errors import IntensityError
from tests.carbon.runs import DAY_S, HOUR_S, book, grid, period, second_by_second

BANDS = CarbonBands()
MIXED_BASIS = np.arange(240) % 4
SERIES = grid(np.random.default_rng(2).uniform(1, 900, 240), basis=MIXED_BASIS)
ZONES = {"DE": SERIES}
ADDED_UP = (
    "elapsed_s",
    "suspended_s",
    "core_s",
    "gpu_s",
    "total_cpu_s",
    "embodied_g",
    "gpu_energy_j",
    *ENERGY_COLUMNS,
    *CARBON_COLUMNS,
)


def estimated(start_s, elapsed_s, suspended_s=None, series=SERIES, **columns):
    rows = book(start_s, elapsed_s, suspended_s, **columns)
    rows["cluster"] = pd.Categorical(["alpha"] * len(rows))
    rows["embodied_g"] = rows["elapsed_s"] * 0.01
    carbon = estimate_carbon(rows, rows, {"alpha": series}, BANDS).drop(columns="embodied_g")
    return rows.assign(**{name: carbon[name] for name in carbon})


def sums(rows):
    return rows[list(ADDED_UP)].sum()


def test_a_run_inside_is_whole():
    rows = estimated([HOUR_S], [HOUR_S], n_cpus=[4], n_gpu=[2])
    cut = check(cut_to_period(rows, period(0, DAY_S), ZONES, BANDS), SLICES)
    untouched = [name for name in rows.columns if name not in {"elapsed_s", "suspended_s"}]
    pd.testing.assert_frame_equal(cut[untouched], rows[untouched])
    row = cut.iloc[0]
    assert (row["elapsed_s"], row["core_s"], row["gpu_s"]) == (3600, 14_400, 7_200)
    assert row["active_ratio"] == 1
    assert row["slice_start_utc"] == row["start_utc"]
    assert row["slice_end_utc"] == row["end_utc"]


def test_energy_goes_with_time_and_carbon_with_the_hours():
    series = grid([100, 300, 100, 100])
    rows = estimated([0], [2 * HOUR_S], series=series, energy_wh=[1000])
    cut = cut_to_period(rows, period(HOUR_S, DAY_S), {"DE": series}, BANDS).iloc[0]
    assert cut["energy_wh"] == pytest.approx(500, rel=1e-15)
    assert cut["carbon_g"] == pytest.approx(150, rel=1e-15)
    assert cut["intensity_g_per_kwh"] == pytest.approx(300, rel=1e-14)
    assert cut["slice_start_utc"].timestamp() == HOUR_S


def test_suspension_is_spread_over_the_run():
    rows = estimated([0], [3 * HOUR_S], [HOUR_S], n_cpus=[2])
    cut = cut_to_period(rows, period(0, HOUR_S), ZONES, BANDS).iloc[0]
    assert cut["active_ratio"] == 0.75
    assert cut["elapsed_s"] == pytest.approx(2700)
    assert cut["suspended_s"] == pytest.approx(900)
    assert cut["core_s"] == pytest.approx(5400)


@pytest.mark.parametrize(
    ("start_s", "elapsed_s", "end_s", "is_kept"),
    [
        pytest.param(HOUR_S, 60, HOUR_S + 60, True, id="inside"),
        pytest.param(0, HOUR_S, HOUR_S, False, id="ends where the period begins"),
        pytest.param(2 * HOUR_S, 60, 2 * HOUR_S + 60, False, id="begins where it ends"),
        pytest.param(0, DAY_S, DAY_S, True, id="all around it"),
        pytest.param(HOUR_S, 0, HOUR_S, True, id="no length, at its start"),
        pytest.param(2 * HOUR_S, 0, 2 * HOUR_S, False, id="no length, at its end"),
        pytest.param(None, 0, HOUR_S, True, id="never started, given up at its start"),
        pytest.param(None, 0, 2 * HOUR_S, False, id="never started, given up at its end"),
        pytest.param(None, 0, None, False, id="pending"),
    ],
)
def test_what_lies_in_the_period(start_s, elapsed_s, end_s, is_kept):
    rows = estimated([start_s], [elapsed_s], end_s=[end_s])
    cut = cut_to_period(rows, period(HOUR_S, 2 * HOUR_S), ZONES, BANDS)
    assert len(cut) == is_kept
    assert len(cut_by_day(rows, period(HOUR_S, 2 * HOUR_S), ZONES, BANDS)) == is_kept


def test_one_that_never_started_counts_nothing():
    rows = estimated([None], [0], end_s=[HOUR_S], n_cpus=[np.nan], energy_wh=[0])
    cut = cut_to_period(rows, period(0, DAY_S), ZONES, BANDS).iloc[0]
    assert (cut["elapsed_s"], cut["core_s"], cut["carbon_g"]) == (0, 0, 0)


def test_an_empty_period_holds_nothing():
    rows = estimated([0, HOUR_S], [DAY_S, 0])
    assert len(cut_to_period(rows, period(HOUR_S, HOUR_S), ZONES, BANDS)) == 0


def test_rows_keep_their_index_and_days_repeat_it():
    rows = estimated([0, 0], [3 * DAY_S, HOUR_S]).set_axis([7, 9])
    cut = cut_by_day(rows, period(0, 2 * DAY_S), ZONES, BANDS)
    assert cut.index.tolist() == [7, 7, 9]
    assert cut["day"].tolist() == ["1970-01-01", "1970-01-02", "1970-01-01"]
    assert str(cut["day"].dtype) == "category"


def test_a_run_that_ends_at_midnight_has_no_piece_of_the_next_day():
    rows = estimated([0, DAY_S], [DAY_S, 0])
    cut = cut_by_day(rows, period(0, 3 * DAY_S), ZONES, BANDS)
    assert cut["day"].tolist() == ["1970-01-01", "1970-01-02"]
    assert cut["elapsed_s"].tolist() == [DAY_S, 0]


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        pytest.param("Europe/Berlin", "2026-03-29", 23, id="23 hours"),
        pytest.param("Europe/Berlin", "2026-10-25", 25, id="25 hours"),
        pytest.param("America/Santiago", "2026-09-06", 23, id="without a midnight"),
        pytest.param("Australia/Lord_Howe", "2026-10-04", 23.5, id="half an hour"),
        pytest.param("Asia/Kathmandu", "2026-10-25", 24, id="odd offset"),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(timezone, day, hours):
    start = pd.Timestamp(day, tz="UTC") - pd.Timedelta(days=3)
    start_s = int(start.timestamp())
    rows = estimated([start_s], [7 * DAY_S])
    cut = cut_by_day(rows, period(start_s, start_s + 7 * DAY_S, timezone), ZONES, BANDS)
    assert cut.loc[cut["day"] == day, "elapsed_s"].tolist() == [pytest.approx(hours * HOUR_S)]
    assert cut["day"].is_monotonic_increasing
    assert cut["elapsed_s"].sum() == pytest.approx(7 * DAY_S)


def test_a_date_that_a_zone_left_out_is_no_day():
    start_s = int(pd.Timestamp("2011-12-29", tz="UTC").timestamp())
    rows = estimated([start_s], [3 * DAY_S])
    cut = cut_by_day(rows, period(start_s, start_s + 3 * DAY_S, "Pacific/Apia"), ZONES, BANDS)
    assert cut["day"].tolist() == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"]
    assert cut["elapsed_s"].sum() == pytest.approx(3 * DAY_S)


def test_a_run_cut_in_an_unknown_zone_is_refused_by_name():
    rows = estimated([0], [DAY_S])
    with pytest.raises(IntensityError, match="DE"):
        cut_to_period(rows, period(0, HOUR_S), {}, BANDS)


def test_a_whole_run_needs_no_series():
    rows = estimated([0], [HOUR_S])
    assert len(cut_to_period(rows, period(0, HOUR_S), {}, BANDS)) == 1


def test_pieces_add_up_even_when_the_series_has_changed_since():
    rows = estimated([0], [4 * DAY_S])
    other = {"DE": grid(np.random.default_rng(9).uniform(1, 900, 240))}
    cut = cut_by_day(rows, period(0, 4 * DAY_S), other, BANDS)
    np.testing.assert_allclose(cut["carbon_g"].sum(), rows["carbon_g"].sum(), rtol=1e-13)


def test_where_nothing_was_emitted_time_divides():
    clean = grid([0.0, 0.0, 5.0])
    rows = estimated([0], [2 * HOUR_S], series=clean, energy_wh=[100])
    cut = cut_to_period(rows, period(0, HOUR_S), {"DE": clean}, BANDS).iloc[0]
    assert (cut["carbon_g"], cut["energy_wh"]) == (0, 50)


def test_measured_time_is_that_of_the_piece():
    series = grid([100, 100], basis=[0, 2])
    rows = estimated([0], [2 * HOUR_S], series=series)
    halves = [
        cut_to_period(rows, period(begin, begin + HOUR_S), {"DE": series}, BANDS)
        for begin in (0, HOUR_S)
    ]
    assert [half["intensity_measured_ratio"].iloc[0] for half in halves] == [1.0, 0.0]


RUNS = st.lists(
    st.tuples(
        st.integers(-DAY_S, 12 * DAY_S), st.integers(0, 5 * DAY_S), st.integers(0, 2 * DAY_S)
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=30)
@given(runs=RUNS, edges=st.lists(st.integers(0, 11 * DAY_S), min_size=1, max_size=4, unique=True))
def test_splitting_a_period_anywhere_changes_no_sum(runs, edges):
    rows = estimated(*(list(column) for column in zip(*runs, strict=True)))
    begin, end = -2 * DAY_S, 20 * DAY_S
    whole = cut_to_period(rows, period(begin, end), ZONES, BANDS)
    cuts = [begin, *sorted(edges), end]
    parts = [cut_to_period(rows, period(a, b), ZONES, BANDS) for a, b in itertools.pairwise(cuts)]
    np.testing.assert_allclose(sum(sums(part) for part in parts), sums(whole), rtol=1e-12)
    expected = rows.assign(core_s=rows["elapsed_s"], gpu_s=rows["elapsed_s"])
    np.testing.assert_allclose(sums(whole), sums(expected), rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    start_s=st.integers(-DAY_S, 11 * DAY_S),
    length_s=st.integers(2, 5 * DAY_S),
    share=st.floats(0.0, 1.0),
)
def test_splitting_a_run_anywhere_changes_no_sum(start_s, length_s, share):
    first_s = min(max(int(length_s * share), 1), length_s - 1)
    power_w = 500.0
    wh = [power_w * seconds / 3600 for seconds in (length_s, first_s, length_s - first_s)]
    rows = estimated(
        [start_s, start_s, start_s + first_s],
        [length_s, first_s, length_s - first_s],
        energy_low_wh=wh,
        energy_wh=wh,
        energy_high_wh=wh,
    )
    one, two = rows.iloc[:1], rows.iloc[1:]
    for bounds in ((-2 * DAY_S, 20 * DAY_S), (3 * DAY_S, 10 * DAY_S + 17)):
        cut = [cut_to_period(part, period(*bounds), ZONES, BANDS) for part in (one, two)]
        for name in ("energy_wh", *CARBON_COLUMNS):
            assert cut[0][name].sum() == pytest.approx(cut[1][name].sum(), rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(runs=RUNS, begin=st.integers(0, 5 * DAY_S), length=st.integers(1, 9 * DAY_S))
def test_days_add_up_to_the_period_and_a_cut_can_be_cut_again(runs, begin, length):
    rows = estimated(*(list(column) for column in zip(*runs, strict=True)))
    span = period(begin, begin + length, "America/New_York")
    cut = cut_to_period(rows, span, ZONES, BANDS)
    days = cut_by_day(rows, span, ZONES, BANDS)
    again = cut_by_day(cut, span, ZONES, BANDS)
    np.testing.assert_allclose(sums(days), sums(cut), rtol=1e-12)
    np.testing.assert_allclose(sums(again), sums(days), rtol=1e-12)
    pd.testing.assert_frame_equal(cut_to_period(cut, span, ZONES, BANDS), cut)


@settings(deadline=None, max_examples=25)
@given(start_s=st.integers(-DAY_S, 11 * DAY_S), length_s=st.integers(1, DAY_S))
def test_a_piece_is_power_times_the_seconds_of_its_hours(start_s, length_s):
    rows = estimated([-DAY_S], [13 * DAY_S], energy_wh=[13 * 24_000])
    end_s = min(start_s + length_s, 12 * DAY_S)
    cut = cut_to_period(rows, period(start_s, end_s), ZONES, BANDS).iloc[0]
    expected = second_by_second(start_s, end_s, SERIES) / 3600
    assert cut["carbon_g"] == pytest.approx(expected, rel=1e-9)
