"""Utilisation that was seen for a part of a run: its limits, its laws, and beside a meter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.energy.estimate import estimate_energy
from auditor.energy.model import EnergyModel
from tests.energy.samples import HOUR_S, frames
from tests.energy.test_calibrated import any_method, some_run

MODEL = EnergyModel(pue_of={"alpha": (1.0, 1.0, 1.0)})
BOUNDS = ("gpu_low_wh", "gpu_wh", "gpu_high_wh")


def of(*runs):
    return estimate_energy(*frames(*runs), MODEL)


def seen(utilisation, observed, **changes):
    return {"gpu_utilisation_ratio": utilisation, "gpu_observed_ratio": observed, **changes}


def metered(energy_wh, ratio):
    return {"gpu_energy_j": energy_wh * 3600.0, "gpu_metered_ratio": ratio}


# Two accelerators of 60 to 400 W over ten hours: 1200 Wh idle, 8000 full, 4600 assumed.
CASES = [
    pytest.param(seen(0.0, 0.003), (3.6 + 4586.2, "assumed"), id="idle for a moment"),
    pytest.param(seen(1.0, 0.003), (24.0 + 4586.2, "assumed"), id="full for a moment"),
    pytest.param(seen(1.0, 0.5), (6300, "utilisation"), id="full for half"),
    pytest.param(seen(0.0, 0.5), (2900, "assumed"), id="idle for half: less than half the energy"),
    pytest.param(seen(0.0, 0.8), (1880, "utilisation"), id="idle for most"),
    pytest.param(seen(0.5, 0.5), (4600, "utilisation"), id="equal parts"),
    pytest.param(seen(1.0, 0.9, gpu_known=False), (7660, "assumed"), id="of an unknown model"),
    pytest.param(
        seen(0.0, 0.5, **metered(2000, 0.5)), (2000 + 2300, "assumed"), id="only while metered"
    ),
    pytest.param(
        seen(0.0, 0.75, **metered(2000, 0.5)), (2000 + 600 / 2 + 1150, "measured"), id="and later"
    ),
    pytest.param(
        seen(1.0, 0.9, **metered(200, 0.1)),
        (200 + 0.9 * (8000 * 0.8 / 0.9 + 4600 * 0.1 / 0.9), "utilisation"),
        id="the larger part of what nobody metered",
    ),
    pytest.param(seen(0.0, 0.25, **metered(9e9, 0.5)), (3750, "assumed"), id="meter refused"),
]


@pytest.mark.parametrize(("run", "expected"), CASES)
def test_each_part_has_its_load(run, expected):
    energy = of(run).iloc[0]
    assert energy.gpu_wh == pytest.approx(expected[0], rel=1e-12)
    assert energy.gpu_basis == expected[1]


@settings(deadline=None)
@given(run=some_run, method=any_method)
def test_observed_whole_is_as_accounting_says_it(run, method):
    whole = run | {"gpu_observed_ratio": 1.0}
    unsaid = run | {"gpu_observed_ratio": np.nan}
    energy = estimate_energy(*frames(whole, unsaid), EnergyModel(method=method))
    assert energy.iloc[0].equals(energy.iloc[1])


@settings(deadline=None)
@given(run=some_run, method=any_method)
def test_observed_never_is_assumed(run, method):
    never = run | {"gpu_observed_ratio": 0.0}
    unknown = run | seen(np.nan, np.nan)
    energy = estimate_energy(*frames(never, unknown), EnergyModel(method=method))
    assert energy.iloc[0].equals(energy.iloc[1])


share = st.floats(0, 1)


@settings(deadline=None)
@given(utilisation=share, shares=st.tuples(share, share), meter=st.sampled_from([None, 0.3]))
def test_more_that_was_seen_goes_from_assumed_to_used_without_a_leap(utilisation, shares, meter):
    more = {} if meter is None else metered(2 * 200 * 10 * meter, meter)
    few, many = sorted(shares)
    energy = of(*(seen(utilisation, ratio, **more) for ratio in (0.0, few, many, 1.0)))
    for column in BOUNDS:
        values = energy[column].to_numpy()
        sign = np.sign(values[3] - values[0])
        assert (np.diff(values) * sign >= -1e-9).all()
        leap_wh = (many - few) * abs(values[3] - values[0]) / (1.0 - (meter or 0.0))
        assert abs(values[2] - values[1]) <= leap_wh + 1e-9


@settings(deadline=None)
@given(utilisation=share, shares=st.tuples(share, share), metered_ratio=st.floats(0, 0.9))
def test_less_that_was_seen_never_has_the_narrower_band(utilisation, shares, metered_ratio):
    reading = metered(2 * 200 * 10 * metered_ratio, metered_ratio) if metered_ratio > 0.01 else {}
    energy = of(*(seen(utilisation, ratio, **reading) for ratio in sorted(shares)))
    width = (energy.gpu_high_wh - energy.gpu_low_wh) / energy.gpu_wh
    assert width[0] >= width[1] * (1 - 1e-12)


@settings(deadline=None)
@given(
    hours=st.lists(st.integers(1, 500), min_size=2, max_size=6),
    uses=st.lists(share, min_size=6, max_size=6),
    shares=st.lists(st.floats(0.001, 1), min_size=6, max_size=6),
)
def test_a_run_is_the_sum_of_the_runs_it_is_cut_into(hours, uses, shares):
    cut = list(zip(hours, uses, shares, strict=False))
    parts = [seen(use, ratio, elapsed_s=hour * HOUR_S) for hour, use, ratio in cut]
    n_seen_h = sum(hour * ratio for hour, _, ratio in cut)
    n_busy_h = sum(hour * ratio * use for hour, use, ratio in cut)
    n_h = sum(hours)
    whole = of(seen(n_busy_h / n_seen_h, n_seen_h / n_h, elapsed_s=n_h * HOUR_S)).iloc[0]
    for column in BOUNDS:
        assert of(*parts)[column].sum() == pytest.approx(whole[column], rel=1e-9)
