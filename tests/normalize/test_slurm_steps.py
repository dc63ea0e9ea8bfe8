import numpy as np
import pytest

from auditor.normalize.columns import Cells
from auditor.normalize.identity import tell_rows
from auditor.normalize.slurm_steps import gather_steps, match_steps
from tests.normalize.raw_frames import raw_frame

NAN = np.nan


def usage(text):
    cells = Cells.of(raw_frame(text))
    return gather_steps(cells, tell_rows(cells))


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        pytest.param("JobIDRaw\n1\n1.batch\n1.0\n2\n2.0", [0, 0, 1], id="below their run"),
        pytest.param("JobIDRaw\n1\n2\n1.0\n2.0", [0, 1], id="all runs first"),
        pytest.param("JobIDRaw\n1\n1.0\n3\n1\n2\n1.1", [0, 2], id="the closest above"),
        pytest.param("JobIDRaw\n9.0\n1\n8.0", [-1, -1], id="orphans"),
        pytest.param("JobIDRaw\n1.0\n1.1", [-1, -1], id="no run at all"),
        pytest.param(
            "JobIDRaw|DBIndex\n1|7\n1|8\n1.0|7\n1.0|8\n1.0|9\n1.1|\n2|5\n1.2|",
            [0, 1, -1, 1, 1],
            id="DBIndex names the run",
        ),
        pytest.param("JobID\n14_4\n14_4.0\n21+1\n21+1.0", [0, 1], id="people's ids"),
    ],
)
def test_steps_find_their_run(text, runs):
    cells = Cells.of(raw_frame(text))
    kinds = tell_rows(cells)
    assert match_steps(cells, kinds).tolist() == runs
    assert gather_steps(cells, kinds).n_orphans == runs.count(-1)


def test_cpu_time_adds_up_and_memory_is_the_largest():
    used = usage("""
        JobIDRaw|TotalCPU|UserCPU|SystemCPU|MaxRSS|NTasks|TRESUsageInTot|ConsumedEnergyRaw
        1|||||||
        1.batch|00:10.500|||2000K|1||0
        1.0||00:00:20|00:00:05|1000K|4||
        1.1||00:00:01||1M|2|mem=9M|500
        2|||||||
        2.extern||||||cpu=1|
    """)
    np.testing.assert_allclose(used.total_cpu_s, [36.5, NAN])
    np.testing.assert_allclose(used.max_rss_bytes, [9 * 2**20, NAN])
    np.testing.assert_allclose(used.consumed_energy_j, [500, NAN])


def test_largest_task_stands_for_all_without_a_total():
    used = usage("JobIDRaw|MaxRSS|NTasks\n1||\n1.0|1000K|4\n2||\n2.0|300K|")
    np.testing.assert_allclose(used.max_rss_bytes, [4000 * 1024, 300 * 1024])


@pytest.mark.parametrize(
    ("steps", "ratio"),
    [
        pytest.param(["1.0|100||gres/gpu=1|gres/gpuutil=50|"], 0.5, id="percent"),
        pytest.param(
            ["1.batch|100||gres/gpu=1|gres/gpuutil=10|", "1.0|300||gres/gpu=1|gres/gpuutil=50|"],
            0.4,
            id="weighted by elapsed time",
        ),
        pytest.param(
            ["1.0|100||gres/gpu=1|gres/gpuutil=50|", "1.extern|900||gres/gpu=1|gres/gpuutil=0|"],
            0.5,
            id="not extern",
        ),
        pytest.param(
            ["1.batch|100||gres/gpu=1|gres/gpuutil=0|", "1.0|90||gres/gpu=1|gres/gpuutil=90|"],
            0.9,
            id="a batch step that saw nothing of its steps",
        ),
        pytest.param(["1.batch|100||gres/gpu=1|gres/gpuutil=0|"], 0.0, id="idle batch"),
        pytest.param(["1.0||00:01:00||mem=5,gres/gpuutil=50|"], 0.5, id="no AllocTRES"),
        pytest.param(["1.0|||gres/gpu=1|gres/gpuutil=50|"], 0.5, id="no elapsed"),
        pytest.param(["1.0|100||gres/gpu=4|gres/gpuutil=200|"], 0.5, id="added up over four"),
        pytest.param(["1.0|100||gres/gpu=4||gres/gpuutil=200"], 0.5, id="total only"),
        pytest.param(["1.0|100||gres/gpu=1|gres/gpuutil=101|"], 1.0, id="never above one"),
        pytest.param(["1.0|100||cpu=x|gres/gpuutil=50|"], 0.5, id="AllocTRES unreadable"),
        pytest.param(["1.0|100||gres/gpu=1|cpu=1,gres/gpumem=8G|"], NAN, id="not told"),
        pytest.param(["1.0|0||gres/gpu=1|gres/gpuutil=50|"], NAN, id="no time"),
    ],
)
def test_utilisation_of_accelerators(steps, ratio):
    header = "JobIDRaw|ElapsedRaw|Elapsed|AllocTRES|TRESUsageInAve|TRESUsageInTot"
    used = usage("\n".join([header, "1|||||", *steps]))
    np.testing.assert_allclose(used.gpu_utilisation_ratio, [ratio])


def test_without_the_column_a_step_is_one_accelerator():
    used = usage("JobIDRaw|TRESUsageInAve\n1|\n1.0|gres/gpuutil=150")
    np.testing.assert_allclose(used.gpu_utilisation_ratio, [1.0])
