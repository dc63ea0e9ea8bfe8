"""Held and not used: accelerators, cores, memory."""

import numpy as np
import pandas as pd
import pytest

from auditor.recommend.idle_gpu import idle_gpu
from auditor.recommend.interface import AdviceSettings
from auditor.recommend.low_use_cpu import low_use_cpu
from auditor.recommend.over_asked_memory import over_asked_memory
from tests.recommend.samples import GIB, RUN, START, slices

SETTINGS = AdviceSettings(least_saving_g=0.0)
# 4 accelerators for 10 h at a tenth: 4 x (60 + 340 x 0.1) W x 10 h = 3,760 Wh
GPU_RUN = {
    "n_gpu": 4.0,
    "gpu_s": 144_000.0,
    "gpu_utilisation_ratio": 0.1,
    "gpu_wh": 3760.0,
    "it_energy_wh": 4760.0,
    "energy_wh": 7140.0,
    "carbon_low_g": 500.0,
    "carbon_g": 714.0,
    "carbon_high_g": 1000.0,
}


def test_fewer_accelerators_save_their_idle_draw():
    advice = idle_gpu(slices(GPU_RUN), SETTINGS)
    # One accelerator at 40 % does the work of four at 10 %: three idle ones less, 1,800 Wh of IT.
    assert advice.saving_wh == pytest.approx(3 * 60 * 10 * 1.5)
    assert advice.saving_g == pytest.approx(270)
    assert advice.saving_low_g == pytest.approx(500 * 1800 / 4760)
    assert advice.saving_high_g == pytest.approx(1000 * 1800 / 4760)
    assert advice.command == "sbatch --gpus=1 job.sh"
    assert advice.evidence["needed_n_gpu"] == 1
    assert advice.evidence["mean_utilisation_ratio"] == pytest.approx(0.1)
    assert advice.text == (
        "Asking for 1 accelerator for job train of alice in main, as many as the work of its run "
        "fills to 80%, saves 270 g. "
        "It covers the only run that held more than the work needs."
    )


def test_accelerators_that_did_nothing_are_saved_whole():
    unused = GPU_RUN | {
        "gpu_utilisation_ratio": 0.0, "gpu_wh": 2400.0, "it_energy_wh": 3400.0,
        "energy_wh": 5100.0, "carbon_g": 510.0,
    }  # fmt: skip
    advice = idle_gpu(slices(unused), SETTINGS)
    assert advice.saving_g == pytest.approx(2400 * 1.5 / 10)
    assert advice.command == "sbatch --gres=none job.sh"


def test_a_run_with_a_share_of_a_card_needs_no_less_than_one_card():
    shared = GPU_RUN | {"n_gpu": 0.25, "gpu_s": 9000.0, "gpu_utilisation_ratio": 0.1}
    unused = GPU_RUN | {"n_gpu": 2.0, "gpu_s": 72_000.0, "gpu_utilisation_ratio": 0.0}
    advice = idle_gpu(slices(shared, unused), SETTINGS)
    assert (advice.evidence["needed_n_gpu"], advice.evidence["n_runs"]) == (1, 1)
    assert idle_gpu(slices(shared), SETTINGS) is None


NOT_IDLE = [
    pytest.param(GPU_RUN | {"gpu_utilisation_ratio": np.nan}, id="utilisation unknown"),
    pytest.param(GPU_RUN | {"gpu_utilisation_ratio": 0.15}, id="at the threshold"),
    pytest.param(GPU_RUN | {"gpu_observed_ratio": 0.49}, id="seen for less than half"),
    pytest.param(GPU_RUN | {"n_gpu": 1.0}, id="the only one, and used"),
    pytest.param({"gpu_utilisation_ratio": 0.0}, id="none held"),
]


@pytest.mark.parametrize("run", NOT_IDLE)
def test_no_advice_on_accelerators_without_reason(run):
    assert idle_gpu(slices(run), SETTINGS) is None


def test_what_was_seen_for_half_of_a_run_is_advised_on():
    seen = slices(GPU_RUN | {"gpu_observed_ratio": 0.5})
    assert idle_gpu(seen, SETTINGS) == idle_gpu(slices(GPU_RUN), SETTINGS)


def test_runs_without_utilisation_are_counted_beside():
    rows = slices(GPU_RUN, GPU_RUN | {"gpu_utilisation_ratio": np.nan})
    advice = idle_gpu(rows, SETTINGS)
    assert advice.evidence["n_gpu_runs_without_utilisation"] == 1
    assert advice.evidence["n_runs"] == advice.evidence["n_runs_without_record"] == 1
    assert advice.text.endswith("1 more run of it left no record of what was used.")


# 10 cores for 10 h at 16 %: 100 h x (1 + 4 x 0.16) W = 164 Wh
LOW_CPU_RUN = {"total_cpu_s": 57_600.0, "cpu_wh": 164.0, "it_energy_wh": 664.0, "energy_wh": 996.0}


def test_fewer_cores_save_their_idle_draw():
    advice = low_use_cpu(slices(LOW_CPU_RUN), SETTINGS)
    # Two cores at 80 % do the work of ten at 16 %: eight idle ones less, 80 Wh of IT.
    assert advice.saving_wh == pytest.approx(8 * 1 * 10 * 1.5)
    assert advice.saving_g == pytest.approx(150 * 80 / 664)
    assert advice.command == "#SBATCH --cpus-per-task=2"
    assert advice.evidence["needed_n_cpus"] == 2
    assert advice.evidence["mean_efficiency_ratio"] == pytest.approx(0.16)


def test_cores_over_several_nodes_are_tasks():
    advice = low_use_cpu(slices(LOW_CPU_RUN | {"n_nodes": 2.0}), SETTINGS)
    assert advice.command == "#SBATCH --ntasks=2"


NOT_LOW = [
    pytest.param({"total_cpu_s": 180_000.0}, id="half used"),
    pytest.param({"total_cpu_s": np.nan}, id="CPU time unknown"),
    pytest.param({"total_cpu_s": 0.0}, id="no CPU time recorded in ten hours"),
    pytest.param({"n_cpus": 1.0, "total_cpu_s": 10.0}, id="a single core"),
    pytest.param({"core_s": np.nan, "n_cpus": np.nan}, id="cores unknown"),
    pytest.param(
        {"elapsed_s": 3600.0, "total_cpu_s": 200_000.0}, id="used in the part outside the period"
    ),
    pytest.param(
        {"active_ratio": 0.1, "total_cpu_s": 20_000.0}, id="used when it was not suspended"
    ),
]


@pytest.mark.parametrize("run", NOT_LOW)
def test_no_advice_on_cores_without_reason(run):
    assert low_use_cpu(slices(run), SETTINGS) is None


def test_memory_is_asked_as_peak_and_headroom_in_whole_gib():
    advice = over_asked_memory(slices({"max_rss_bytes": 20.5 * GIB}), SETTINGS)
    # 20.5 GiB x 1.2 = 24.6, so 25 of 100: three quarters of the memory's 400 of 1,000 Wh.
    assert advice.command == "#SBATCH --mem=25G"
    assert advice.saving_g == pytest.approx(150 * 0.75 * 0.4)
    assert advice.saving_wh == pytest.approx(1500 * 0.75 * 0.4)
    assert advice.evidence["memory_ratio_of_energy"] == pytest.approx(0.4)
    assert "saves 45.0 g" in advice.text
    assert "only 45" not in advice.text


def test_memory_is_asked_for_each_node():
    run = {"max_rss_bytes": 20.5 * GIB, "n_nodes": 4.0}
    advice = over_asked_memory(slices(run), SETTINGS)
    assert advice.command == "#SBATCH --mem=7G"
    assert advice.saving_g == pytest.approx(150 * 0.72 * 0.4)


NOT_OVER = [
    pytest.param({}, id="peak unknown"),
    pytest.param({"max_rss_bytes": 0.0}, id="no peak recorded"),
    pytest.param({"max_rss_bytes": 83.4 * GIB}, id="well asked"),
    pytest.param({"max_rss_bytes": 10 * GIB, "memory_bytes": np.nan}, id="memory unknown"),
    pytest.param({"max_rss_bytes": 10 * GIB, "memory_bytes": 0.0}, id="none allocated"),
]


@pytest.mark.parametrize("run", NOT_OVER)
def test_no_advice_on_memory_without_reason(run):
    assert over_asked_memory(slices(run), SETTINGS) is None


@pytest.mark.parametrize(
    ("rule", "run"),
    [
        (idle_gpu, GPU_RUN),
        (low_use_cpu, LOW_CPU_RUN),
        (over_asked_memory, {"max_rss_bytes": GIB}),
    ],
)
def test_silent_below_the_threshold_and_without_rows(rule, run):
    assert rule(slices(run), AdviceSettings(least_saving_g=1e6)) is None
    assert rule(slices(run).iloc[:0], SETTINGS) is None


HELD = [
    pytest.param(idle_gpu, GPU_RUN, "needed_n_gpu", id="accelerators"),
    pytest.param(low_use_cpu, LOW_CPU_RUN, "needed_n_cpus", id="cores"),
    pytest.param(over_asked_memory, {"max_rss_bytes": 2 * GIB}, "needed_gib_per_node", id="memory"),
]


@pytest.mark.parametrize(("rule", "run", "needed"), HELD)
def test_advice_is_about_the_job_that_would_save_most(rule, run, needed):
    large = run | {"user": "bob", "job_name": "sweep", "carbon_g": 9000.0}
    advice = rule(slices(run, large, large, run | {"partition": "long"}), SETTINGS)
    names = [advice.evidence[name] for name in ("user", "job_name", "partition")]
    assert names == ["bob", "sweep", "main"]
    assert "for job sweep of bob in main" in advice.text
    assert "It covers 2 of 4 runs" in advice.text
    assert (advice.evidence["n_runs"], advice.evidence["n_runs_of_all"]) == (2, 4)
    alone = [rule(slices(one), SETTINGS) for one in (run, large)]
    assert advice.saving_g == pytest.approx(2 * alone[1].saving_g)
    of_all_g = 2 * alone[0].saving_g + 2 * alone[1].saving_g
    assert advice.evidence["saving_of_all_g"] == pytest.approx(of_all_g)
    assert needed in advice.evidence


@pytest.mark.parametrize(
    ("rule", "run", "hungry", "needed", "expected"),
    [
        pytest.param(
            idle_gpu, GPU_RUN, {"gpu_utilisation_ratio": 0.5}, "needed_n_gpu", 3, id="accelerators"
        ),
        pytest.param(
            low_use_cpu, LOW_CPU_RUN, {"total_cpu_s": 288_000.0 * 0.7}, "needed_n_cpus", 7,
            id="cores",
        ),
        pytest.param(
            over_asked_memory, {"max_rss_bytes": 2 * GIB}, {"max_rss_bytes": 50 * GIB},
            "needed_gib_per_node", 60, id="memory",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("state", ["COMPLETED", "FAILED", "TIMEOUT"])
def test_the_command_fits_every_run_of_the_job(rule, run, hungry, needed, expected, state):
    advice = rule(slices(run, run | hungry | {"state": state}), SETTINGS)
    assert advice.evidence[needed] == expected
    assert str(expected) in advice.command
    assert advice.evidence["n_runs_fitted"] == 2


def test_a_job_that_ran_out_of_memory_is_not_told_to_ask_for_less():
    lean = {"max_rss_bytes": GIB}
    assert over_asked_memory(slices(lean, lean | {"state": "OUT_OF_MEMORY"}), SETTINGS) is None


def test_runs_without_a_name_are_grouped_by_user_and_partition():
    nameless = LOW_CPU_RUN | {"job_name": None}
    other = nameless | {"user": "bob", "carbon_g": 1.0}
    advice = low_use_cpu(slices(nameless, nameless, other), SETTINGS)
    assert "for the jobs of alice in main, as many as the work of its 2 runs" in advice.text
    assert advice.evidence["job_name"] == ""


def test_a_run_that_asked_for_less_than_the_size_saves_nothing():
    modest = {"max_rss_bytes": 5 * GIB, "memory_bytes": 20 * GIB}
    large = {"max_rss_bytes": 50 * GIB}
    advice = over_asked_memory(slices(modest, large), SETTINGS)
    assert advice.command == "#SBATCH --mem=60G"
    assert (advice.evidence["n_runs"], advice.evidence["n_runs_fitted"]) == (1, 2)
    assert advice.saving_g == pytest.approx(over_asked_memory(slices(large), SETTINGS).saving_g)


def test_the_sample_run_lasts_as_long_as_it_says():
    assert RUN["end_utc"] - START == pd.Timedelta(seconds=RUN["elapsed_s"])
