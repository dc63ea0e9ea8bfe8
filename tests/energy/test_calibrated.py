"""The default method: limits, laws, and what each component rests on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.domain.frames import COMPONENTS, ENERGY, check
from auditor.energy.estimate import BLOCK_RUNS, estimate_energy
from auditor.energy.model import CENTRAL, EnergyModel
from tests.energy.samples import GIB, HOUR_S, frames

MODEL = EnergyModel(pue_of={"alpha": (1.1, 1.2, 1.3)})


def of(**changes):
    return estimate_energy(*frames(changes), MODEL).iloc[0]


LIMITS = [
    pytest.param({"gpu_utilisation_ratio": 0.0}, "gpu_wh", 2 * 60 * 10, id="idle accelerators"),
    pytest.param({"gpu_utilisation_ratio": 1.0}, "gpu_wh", 2 * 400 * 10, id="full accelerators"),
    pytest.param({"gpu_utilisation_ratio": 1.7}, "gpu_wh", 2 * 400 * 10, id="above full is full"),
    pytest.param({"gpu_utilisation_ratio": 0.25}, "gpu_wh", 2 * 145 * 10, id="a quarter used"),
    pytest.param({}, "gpu_wh", 2 * 230 * 10, id="utilisation unknown"),
    pytest.param({"n_gpu": 0.0}, "gpu_wh", 0, id="no accelerator"),
    pytest.param({"n_gpu": np.nan}, "gpu_wh", 0, id="accelerators unknown"),
    pytest.param({"gpu_idle_w": 999.0}, "gpu_wh", 2 * 400 * 10, id="idle above maximum"),
    pytest.param({"total_cpu_s": 16 * 36_000.0}, "cpu_wh", 16 * 4.4 * 10, id="full cores"),
    pytest.param({"total_cpu_s": 17 * 36_000.0}, "cpu_wh", 16 * 4.4 * 10, id="CPU time too high"),
    pytest.param({"total_cpu_s": 8 * 36_000.0}, "cpu_wh", 16 * 2.75 * 10, id="half used cores"),
    pytest.param({"total_cpu_s": np.nan}, "cpu_wh", 16 * 2.75 * 10, id="CPU time unknown"),
    pytest.param({"total_cpu_s": 0.0}, "cpu_wh", 16 * 2.75 * 10, id="zero of ten hours is unknown"),
    pytest.param(
        {"total_cpu_s": 0.0, "elapsed_s": 36}, "cpu_wh", 16 * 1.1 * 0.01, id="zero of 36 s is idle"
    ),
    pytest.param({"n_cpus": 0.0}, "cpu_wh", 0, id="no cores"),
    pytest.param({"n_cpus": np.nan}, "cpu_wh", 0, id="cores unknown"),
    pytest.param({"memory_bytes": 2.0 * GIB}, "memory_wh", 2 * 0.3725 * 10, id="2 GiB"),
    pytest.param({"memory_bytes": np.nan}, "memory_wh", 0, id="memory unknown"),
    pytest.param({"node_base_w": 30.0}, "node_wh", 300, id="base load stated"),
    pytest.param({"elapsed_s": 0}, "energy_wh", 0, id="no time"),
]


@pytest.mark.parametrize(("changes", "column", "expected_wh"), LIMITS)
def test_limiting_case(changes, column, expected_wh):
    assert of(**changes)[column] == pytest.approx(expected_wh, rel=1e-12)


BASES = [
    pytest.param({}, ("assumed", "utilisation", "modelled", "assumed"), id="usual export"),
    pytest.param(
        {"gpu_utilisation_ratio": 0.4, "node_base_w": 9.0},
        ("utilisation", "utilisation", "modelled", "modelled"),
        id="everything known",
    ),
    pytest.param(
        {"gpu_utilisation_ratio": 0.4, "gpu_known": False, "total_cpu_s": np.nan},
        ("assumed", "assumed", "modelled", "assumed"),
        id="unknown model",
    ),
    pytest.param(
        {"n_gpu": 0.0, "memory_bytes": np.nan},
        ("", "utilisation", "", "assumed"),
        id="cores only",
    ),
    pytest.param({"elapsed_s": 0, "node_base_w": 9.0}, ("", "", "", ""), id="never started"),
]


@pytest.mark.parametrize(("changes", "expected"), BASES)
def test_each_component_says_its_basis(changes, expected):
    energy = of(**changes)
    assert tuple(energy[f"{component}_basis"] for component in COMPONENTS) == expected


def test_rest_of_the_node_is_a_share_of_the_other_components():
    energy = of()
    others_wh = energy.gpu_wh + energy.cpu_wh + energy.memory_wh
    assert energy.node_wh == pytest.approx(MODEL.rest_of_node_ratio[CENTRAL] * others_wh)


def test_low_and_high_take_every_factor_at_its_end():
    jobs, hardware = frames({"total_cpu_s": np.nan, "n_gpu": 1.0, "elapsed_s": HOUR_S})
    energy = estimate_energy(jobs, hardware, MODEL).iloc[0]
    low_wh = 55 + 345 * 0.30
    assert energy.gpu_low_wh == pytest.approx(low_wh)
    low_wh += 16 * (0.55 + (3.3 - 0.55) * 0.1) + 64 * 0.037
    assert energy.energy_low_wh == pytest.approx(low_wh * 1.11 * 1.1)
    high_wh = 65 + 335 * 0.75 + 16 * 5.5 + 64 * 0.625
    assert energy.energy_high_wh == pytest.approx(high_wh * 1.60 * 1.3)


def test_reported_utilisation_widens_the_low_end_only():
    energy = of(gpu_utilisation_ratio=0.5, gpu_idle_low_w=60.0, gpu_idle_high_w=60.0)
    assert energy.gpu_low_wh == pytest.approx(2 * (60 + 340 * 0.5 * 0.48) * 10)
    assert energy.gpu_high_wh == energy.gpu_wh


def test_a_cluster_without_a_stated_pue_takes_the_default():
    jobs, hardware = frames({"cluster": "alpha"}, {"cluster": "beta"})
    energy = estimate_energy(jobs, hardware, MODEL)
    assert list(energy.pue) == [1.2, MODEL.default_pue[CENTRAL]]


def test_missing_bounds_take_the_central_value():
    energy = of(gpu_max_low_w=np.nan, gpu_max_high_w=np.nan)
    assert energy.gpu_low_wh == energy.gpu_wh == energy.gpu_high_wh


def test_unlike_frames_are_refused():
    jobs, hardware = frames({}, {})
    with pytest.raises(ValueError, match="one index"):
        estimate_energy(jobs, hardware.iloc[:1], MODEL)


def test_no_runs_give_an_empty_frame():
    jobs, hardware = frames({})
    assert len(check(estimate_energy(jobs.iloc[:0], hardware.iloc[:0], MODEL), ENERGY)) == 0


def test_blocks_leave_no_seam():
    jobs, hardware = frames(*({"elapsed_s": seconds} for seconds in range(7)))
    n_copies = BLOCK_RUNS // 7 + 2
    many_jobs = jobs.loc[jobs.index.repeat(n_copies)].reset_index(drop=True)
    many_hardware = hardware.loc[hardware.index.repeat(n_copies)].reset_index(drop=True)
    many = estimate_energy(many_jobs, many_hardware, MODEL)
    once = estimate_energy(jobs, hardware, MODEL)
    expected = once.loc[once.index.repeat(n_copies)].reset_index(drop=True)
    assert many.equals(expected)


positive = st.integers(0, 10**9).map(lambda thousandths: thousandths / 1000)
share = st.floats(0, 1)
some_run = st.fixed_dictionaries(
    {
        "cluster": st.sampled_from(["alpha", "beta"]),
        "elapsed_s": st.integers(0, 10**8),
        "n_cpus": st.one_of(st.just(np.nan), positive),
        "n_gpu": st.one_of(st.just(np.nan), positive),
        "memory_bytes": st.one_of(st.just(np.nan), st.integers(0, 2**50).map(float)),
        "requested_memory_decimal_gb": st.one_of(st.just(np.nan), positive),
        "total_cpu_s": st.one_of(st.just(np.nan), positive),
        "gpu_utilisation_ratio": st.one_of(st.just(np.nan), share),
        "gpu_energy_j": st.one_of(st.just(np.nan), st.floats(-1e9, 1e13)),
        "gpu_metered_ratio": st.one_of(st.just(np.nan), st.floats(-0.1, 1.1)),
        "gpu_observed_ratio": st.one_of(st.just(np.nan), st.floats(0, 1.1)),
        "gpu_idle_low_w": st.floats(0, 60),
        "gpu_max_low_w": st.floats(0, 400),
        "gpu_max_high_w": st.floats(400, 2000),
        "gpu_known": st.booleans(),
        "cpu_max_low_w_per_core": st.floats(0, 4.4),
        "cpu_max_high_w_per_core": st.floats(4.4, 50),
        "cpu_idle_w_per_core": st.floats(0, 10),
        "node_base_w": st.one_of(st.just(np.nan), positive),
    }
)
some_runs = st.lists(some_run, min_size=1, max_size=6)
any_method = st.sampled_from(["calibrated", "green-algorithms", "tdp"])


@settings(deadline=None)
@given(runs=some_runs, method=any_method)
def test_energy_is_never_missing_and_its_band_is_in_order(runs, method):
    energy = check(estimate_energy(*frames(*runs), _with(method)), ENERGY)
    numbers = energy.select_dtypes("float64").to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    for name in (*COMPONENTS, "energy"):
        assert (energy[f"{name}_low_wh"] <= energy[f"{name}_wh"]).all()
        assert (energy[f"{name}_wh"] <= energy[f"{name}_high_wh"]).all()


@settings(deadline=None)
@given(runs=some_runs, method=any_method)
def test_components_times_pue_are_the_energy(runs, method):
    energy = estimate_energy(*frames(*runs), _with(method))
    parts_wh = sum(energy[f"{component}_wh"] for component in COMPONENTS)
    np.testing.assert_allclose(energy.it_energy_wh, parts_wh, rtol=1e-12)
    np.testing.assert_allclose(energy.energy_wh, parts_wh * energy.pue, rtol=1e-12)


@settings(deadline=None)
@given(runs=some_runs, method=any_method, data=st.data())
def test_order_of_the_runs_changes_nothing(runs, method, data):
    order = data.draw(st.permutations(range(len(runs))))
    jobs, hardware = frames(*runs)
    straight = estimate_energy(jobs, hardware, _with(method))
    turned = estimate_energy(jobs.iloc[order], hardware.iloc[order], _with(method))
    assert turned.loc[straight.index].equals(straight)


@settings(deadline=None)
@given(run=some_run, times=st.integers(2, 50))
def test_twice_the_time_and_the_work_is_twice_the_energy(run, times):
    # A reading is judged by how long it is.
    run |= {"elapsed_s": run["elapsed_s"] + 61, "gpu_energy_j": np.nan}
    longer = run | {
        "elapsed_s": run["elapsed_s"] * times,
        "total_cpu_s": run["total_cpu_s"] * times,
    }
    energy = estimate_energy(*frames(run, longer), MODEL)
    assert energy.energy_wh[1] == pytest.approx(times * energy.energy_wh[0], rel=1e-9)


@settings(deadline=None)
@given(run=some_run, shares=st.tuples(share, share))
def test_more_use_never_costs_less(run, shares):
    runs = [run | {"gpu_utilisation_ratio": used} for used in sorted(shares)]
    energy = estimate_energy(*frames(*runs), MODEL)
    for column in ("gpu_low_wh", "gpu_wh", "gpu_high_wh"):
        assert energy[column][1] >= energy[column][0] * (1 - 1e-12)


def _with(method):
    return EnergyModel(method=method, pue_of={"alpha": (1.1, 1.2, 1.3)})
