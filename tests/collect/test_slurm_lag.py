"""slurmctld against slurmdbd."""

from datetime import UTC, datetime, timedelta

import pytest

from auditor.collect.slurm_lag import Controller, ask_controller, is_stuck, settled_jobs
from tests.collect.fake_slurm import FakeSlurm

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())


def test_what_slurmctld_says(slurm: FakeSlurm) -> None:
    slurm.change(running=[["7", str(NOW_S - 600)], ["8", str(NOW_S - 60)], ["9", "N/A"]], queue=4)
    controller = ask_controller(slurm.host())
    running = {"7": NOW - timedelta(seconds=600), "8": NOW - timedelta(seconds=60)}
    assert controller == Controller(running, 4)
    assert settled_jobs(controller, NOW) == {"7": running["7"]}
    assert slurm.calls("squeue")[0]["argv"][1].startswith("-M alpha -ah -t RUNNING,")


@pytest.mark.parametrize(
    ("before", "after", "stuck"),
    [
        pytest.param(0, 0, False, id="empty"),
        pytest.param(0, 3, False, id="just come"),
        pytest.param(9, 3, False, id="going down"),
        pytest.param(9, 0, False, id="gone"),
        pytest.param(9, 9, True, id="no shorter"),
        pytest.param(9, 12, True, id="growing"),
        pytest.param(0, 5000, True, id="long"),
        pytest.param(9000, 5000, True, id="long and going down"),
        pytest.param(None, None, False, id="not told"),
        pytest.param(4, None, False, id="not told any more"),
    ],
)
def test_a_queue_that_is_stuck(before: int | None, after: int | None, stuck: bool) -> None:
    assert is_stuck(before, after) is stuck
