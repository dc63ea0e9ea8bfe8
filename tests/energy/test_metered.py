"""What meters said of accelerators: its limits, its laws, and when it is not believed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.energy.estimate import estimate_energy
from auditor.energy.model import EnergyModel
from tests.energy.samples import HOUR_S, frames

MODEL = EnergyModel(pue_of={"alpha": (1.0, 1.0, 1.0)})
J_PER_WH = 3600.0


def of(model=MODEL, **changes):
    return estimate_energy(*frames(changes), model).iloc[0]


def reading(energy_wh, ratio, **changes):
    return {"gpu_energy_j": energy_wh * J_PER_WH, "gpu_metered_ratio": ratio, **changes}


# Two accelerators of 60 to 400 W over ten hours: the model says 4600 Wh without utilisation.
LIMITS = [
    pytest.param(reading(4000, 1.0), (4000, 4000, "measured"), id="metered whole"),
    pytest.param(reading(4000, 1.000001), (4000, 4000, "measured"), id="a ratio rounded above 1"),
    pytest.param(reading(0, 0.0), (4600, 0, "assumed"), id="metered never"),
    pytest.param(reading(np.nan, np.nan), (4600, 0, "assumed"), id="nobody metered"),
    pytest.param(reading(2000, 0.5), (4300, 2000, "assumed"), id="the smaller half"),
    pytest.param(reading(3000, 0.75), (4150, 3000, "measured"), id="the larger part"),
    pytest.param(
        reading(2000, 0.5, gpu_utilisation_ratio=0.25),
        (3450, 2000, "measured"),
        id="beside utilisation",
    ),
    pytest.param(
        reading(200, 0.1, gpu_utilisation_ratio=0.25),
        (200 + 0.9 * 2900, 200, "utilisation"),
        id="less than utilisation gives",
    ),
    pytest.param(
        reading(3000, 1.0, n_gpu=0.25), (3000, 3000, "measured"), id="alone on a shared card"
    ),
    pytest.param(
        reading(400, 0.5, n_gpu=0.25), (400 + 287.5, 400, "measured"), id="a quarter of a card"
    ),
    pytest.param(reading(100, 1.0, n_gpu=0.0), (0, 0, ""), id="no accelerator"),
    pytest.param(reading(100, 1.0, n_gpu=np.nan), (0, 0, ""), id="accelerators unknown"),
    pytest.param(reading(100, 1.0, elapsed_s=0), (0, 0, ""), id="no time"),
]
REFUSED = [
    pytest.param(reading(2 * 481 * 10, 1.0), id="above 1.2 times the maximum"),
    pytest.param(reading(2 * 481 * 5, 0.5), id="above it while it was metered"),
    pytest.param(reading(2 * 13.7 * 10, 1.0), id="below a quarter of idle"),
    pytest.param(reading(0.0, 1.0), id="nothing in ten hours"),
    pytest.param(reading(4000, np.nan), id="of no time"),
    pytest.param(reading(4000, 0.0), id="of time zero"),
    pytest.param(reading(4000, -0.5), id="of negative time"),
    pytest.param(reading(np.nan, 1.0), id="no number"),
    pytest.param(reading(-4000, 1.0), id="negative"),
    pytest.param(reading(np.inf, 1.0), id="infinite"),
]
BELIEVED = [
    pytest.param(reading(2 * 479 * 10, 1.0), id="below 1.2 times the maximum"),
    pytest.param(reading(2 * 13.8 * 10, 1.0), id="above a quarter of idle"),
    pytest.param(reading(5.0, 0.05), id="below it for half an hour"),
    pytest.param(reading(2 * 470, 0.05), id="a sample too many in half an hour"),
    pytest.param(reading(2 * 479 * 10, 1.0, gpu_max_high_w=np.nan), id="without a bound"),
    pytest.param(reading(2 * 700 * 10, 1.0, gpu_max_high_w=700.0), id="within a wider bound"),
]


@pytest.mark.parametrize(("changes", "expected"), LIMITS)
def test_limiting_case(changes, expected):
    energy = of(**changes)
    assert (energy.gpu_wh, energy.gpu_measured_wh) == pytest.approx(expected[:2], rel=1e-12)
    assert energy.gpu_basis == expected[2]


@pytest.mark.parametrize("changes", REFUSED)
def test_a_reading_that_cannot_be_is_not_believed(changes):
    energy = of(**changes)
    assert (energy.gpu_wh, energy.gpu_measured_wh, energy.gpu_basis) == (4600, 0, "assumed")


@pytest.mark.parametrize("changes", BELIEVED)
def test_a_reading_that_can_be_is_believed(changes):
    assert of(**changes).gpu_measured_wh == pytest.approx(changes["gpu_energy_j"] / J_PER_WH)


def test_half_an_hour_is_not_believed_above_what_an_hour_can_draw():
    assert of(**reading(2 * 481, 0.05)).gpu_measured_wh == 0


def test_the_band_of_a_meter_is_its_own():
    energy = of(**reading(4000, 1.0))
    assert (energy.gpu_low_wh, energy.gpu_high_wh) == pytest.approx((3800, 4200))
    half = of(**reading(2000, 0.5))
    assert half.gpu_low_wh == pytest.approx(1900 + (55 + 345 * 0.3) * 10)
    assert half.gpu_high_wh == pytest.approx(2100 + (65 + 335 * 0.75) * 10)


@pytest.mark.parametrize("method", ["tdp", "green-algorithms"])
def test_methods_for_comparison_keep_to_their_definition(method):
    model = EnergyModel(method=method)
    energy = estimate_energy(*frames({}, reading(4000, 1.0)), model)
    assert energy.iloc[0].equals(energy.iloc[1])
    assert (energy.gpu_measured_wh == 0).all()


powers_w = st.floats(60, 400)
ratios = st.floats(0.001, 1)


@settings(deadline=None)
@given(power_w=powers_w, ratio=ratios, utilisation=st.one_of(st.just(np.nan), st.floats(0, 1)))
def test_metered_and_modelled_parts_add_up(power_w, ratio, utilisation):
    whole = of(gpu_utilisation_ratio=utilisation)
    metered_wh = 2 * power_w * 10 * ratio
    energy = of(**reading(metered_wh, ratio, gpu_utilisation_ratio=utilisation))
    assert energy.gpu_measured_wh == pytest.approx(metered_wh)
    rest_wh = energy.gpu_wh - energy.gpu_measured_wh
    assert rest_wh == pytest.approx((1 - ratio) * whole.gpu_wh, abs=1e-6)
    assert (energy.gpu_basis == "measured") == (energy.gpu_measured_wh >= rest_wh)


@settings(deadline=None)
@given(
    hours=st.lists(st.integers(1, 500), min_size=2, max_size=6),
    powers=st.lists(powers_w, min_size=6, max_size=6),
    shares=st.lists(ratios, min_size=6, max_size=6),
)
def test_a_run_is_the_sum_of_the_runs_it_is_cut_into(hours, powers, shares):
    parts = [
        reading(2 * power_w * hour * share, share, elapsed_s=hour * HOUR_S)
        for hour, power_w, share in zip(hours, powers, shares, strict=False)
    ]
    n_covered_h = sum(h * p["gpu_metered_ratio"] for h, p in zip(hours, parts, strict=True))
    whole = of(
        gpu_energy_j=sum(part["gpu_energy_j"] for part in parts),
        gpu_metered_ratio=n_covered_h / sum(hours),
        elapsed_s=sum(hours) * HOUR_S,
    )
    pieces = estimate_energy(*frames(*parts), MODEL)
    for column in ("gpu_low_wh", "gpu_wh", "gpu_high_wh", "gpu_measured_wh"):
        assert pieces[column].sum() == pytest.approx(whole[column], rel=1e-9)
