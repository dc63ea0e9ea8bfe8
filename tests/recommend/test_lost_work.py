"""Failed and timed-out runs: what counts, what it saves, and what is said."""

import numpy as np
import pytest

from auditor.recommend.interface import AdviceSettings
from auditor.recommend.lost_work import lost_work
from auditor.recommend.timed_out import timed_out
from tests.recommend.samples import GIB, slices

SETTINGS = AdviceSettings()


def test_failed_runs_are_claimed_whole():
    rows = slices({"state": "FAILED"}, {"state": "OUT_OF_MEMORY"}, {"state": "COMPLETED"})
    advice = lost_work(rows, SETTINGS)
    assert (advice.saving_low_g, advice.saving_g, advice.saving_high_g) == (200, 300, 600)
    assert advice.saving_wh == 3000
    assert advice.evidence["n_runs"] == 2
    assert advice.evidence["n_out_of_memory"] == 1
    assert advice.evidence["core_s"] == 720_000
    assert advice.command == "sbatch --time=00:10:00 job.sh"
    assert advice.text == (
        "2 runs failed, 1 of them out of memory, after emitting 300 g. "
        "A short test first saves at most that, if it shows the fault that ended the long run."
    )


OTHER = {"job_name": "eval", "memory_bytes": 7 * GIB}
MORE = "More memory, where the work cannot do with less, saves at most that, "
TWICE = " A first try is twice the most that its runs held: "


@pytest.mark.parametrize(
    ("runs", "how", "advice", "command"),
    [
        pytest.param([{}], "1 run failed, out of memory,", f"{TWICE}200 GiB a node.",
                     "sbatch --mem=200G job.sh", id="one"),
        pytest.param([{}, {"memory_bytes": 1.4 * GIB}], "2 runs failed, all of them out of memory,",
                     f"{TWICE}200 GiB a node.", "sbatch --mem=200G job.sh", id="of one job"),
        pytest.param([{"n_nodes": 4.0}], "1 run failed, out of memory,", f"{TWICE}50 GiB a node.",
                     "sbatch --mem=50G job.sh", id="on several nodes"),
        pytest.param([{}, OTHER], "2 runs failed, all of them out of memory,", "", "",
                     id="of several jobs, of which each needs its own"),
        pytest.param([{"memory_bytes": np.nan}], "1 run failed, out of memory,", "", "",
                     id="nobody knows what it held"),
        pytest.param([{"scheduler": "other"}], "1 run failed, out of memory,", "", "",
                     id="of no scheduler with commands"),
    ],
)  # fmt: skip
def test_what_lacked_memory_wants_memory_and_no_test(runs, how, advice, command):
    found = lost_work(slices(*({"state": "OUT_OF_MEMORY"} | run for run in runs)), SETTINGS)
    assert found.text == (
        f"{how} after emitting {150 * len(runs)} g. {MORE}if nothing else was missing.{advice}"
    )
    assert found.command == command


def test_failures_of_the_machine_are_named_and_not_blamed():
    rows = slices({"state": "FAILED"}, {"state": "NODE_FAIL"}, {"state": "BOOT_FAIL"})
    advice = lost_work(rows, SETTINGS)
    assert advice.saving_g == 150
    assert advice.evidence["n_node_failures"] == 2
    assert advice.evidence["node_failures_g"] == 300
    assert lost_work(slices({"state": "NODE_FAIL"}), SETTINGS) is None


def test_a_run_that_met_its_limit_wants_checkpoints():
    rows = slices({"state": "TIMEOUT"}, {"state": "FAILED"}, {"state": "TIMEOUT"})
    advice = timed_out(rows, SETTINGS)
    assert advice.saving_g == 300
    assert advice.command == "sbatch --requeue --signal=B:USR1@300 job.sh"
    assert advice.evidence["longest_time_limit_s"] == 86_400
    assert advice.text == (
        "2 runs met the time limit (at most 24.00 h) after emitting 300 g. "
        "A checkpoint 5 minutes before the end, or a longer limit, saves at most that."
    )


@pytest.mark.parametrize("limit_s", [float("inf"), float("nan")], ids=["unlimited", "unknown"])
def test_a_limit_that_is_no_number_is_left_out(limit_s):
    advice = timed_out(slices({"state": "TIMEOUT", "time_limit_s": limit_s}), SETTINGS)
    assert "longest_time_limit_s" not in advice.evidence
    assert "at most that" in advice.text
    assert "(" not in advice.text


@pytest.mark.parametrize("rule", [lost_work, timed_out])
def test_silent_below_the_threshold_and_without_lost_runs(rule):
    state = {"state": "FAILED" if rule is lost_work else "TIMEOUT"}
    assert rule(slices(state), AdviceSettings(least_saving_g=151.0)) is None
    assert rule(slices(state), AdviceSettings(least_saving_g=150.0)) is not None
    assert rule(slices({}), SETTINGS) is None
    assert rule(slices({}).iloc[:0], SETTINGS) is None
    assert rule(slices(state | {"elapsed_s": 0.0}), SETTINGS) is None
