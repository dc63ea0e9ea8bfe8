"""slurmctld against slurmdbd."""

from datetime import UTC, datetime, timedelta

import pytest

from auditor.collect.slurm_lag import (
    Controller,
    QueueState,
    ask_controller,
    is_stuck,
    judge_queue,
    settled_jobs,
    watch_queue,
)
from tests.collect.fake_slurm import FakeSlurm

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())


def test_what_slurmctld_says(slurm: FakeSlurm) -> None:
    slurm.change(running=[["7", str(NOW_S - 600)], ["8", str(NOW_S - 60)], ["9", "N/A"]])
    controller = ask_controller(slurm.host())
    running = {"7": NOW - timedelta(seconds=600), "8": NOW - timedelta(seconds=60)}
    assert controller == Controller(running)
    assert settled_jobs(controller, NOW) == {"7": running["7"]}
    assert slurm.calls("squeue")[0]["argv"][1].startswith("-M alpha -ah -t RUNNING,")


@pytest.mark.parametrize(
    ("before", "after", "stuck"),
    [
        pytest.param(0, 0, False, id="empty"),
        pytest.param(0, 3, False, id="just come"),
        pytest.param(9, 3, False, id="going down"),
        pytest.param(9, 0, False, id="gone"),
        pytest.param(1, 1, False, id="a handful"),
        pytest.param(90, 90, True, id="no shorter"),
        pytest.param(9, 12, True, id="growing"),
        pytest.param(0, 5000, True, id="long"),
        pytest.param(9000, 5000, True, id="long and going down"),
        pytest.param(None, None, False, id="not told"),
        pytest.param(4, None, False, id="not told any more"),
    ],
)
def test_a_queue_that_is_stuck(before: int | None, after: int | None, stuck: bool) -> None:
    assert is_stuck(before, after) is stuck


@pytest.mark.parametrize(
    ("lengths", "state"),
    [
        pytest.param([0], QueueState.EMPTY, id="empty"),
        pytest.param([900, 400, 0], QueueState.EMPTY, id="emptied while we looked"),
        pytest.param([3, 1], QueueState.MOVING, id="a busy minute"),
        pytest.param([1, 2, 1, 2], QueueState.MOVING, id="up and down"),
        pytest.param([1, 1, 1], QueueState.WAITING, id="always the same"),
        pytest.param([1, 2, 3], QueueState.WAITING, id="only growing"),
        pytest.param([900, 400, 90], QueueState.WAITING, id="what was kept back is being sent"),
        pytest.param([], QueueState.UNKNOWN, id="not told"),
    ],
)
def test_what_a_queue_says(lengths: list[int], state: QueueState) -> None:
    assert judge_queue(lengths) is state


@pytest.mark.parametrize(
    ("queues", "lengths"),
    [
        pytest.param([0, 5], (0,), id="empty at once"),
        pytest.param([5, 2, 0, 9], (5, 2, 0), id="until it is empty"),
        pytest.param([4] * 20, (4,) * 11, id="for ten seconds"),
        pytest.param(["?"], (), id="not told"),
    ],
)
def test_the_queue_is_watched(
    slurm: FakeSlurm, queues: list[object], lengths: tuple[int, ...]
) -> None:
    left = iter(queues)
    waited_s: list[float] = []

    def sleep(pause_s: float) -> None:
        waited_s.append(pause_s)
        slurm.change(queue=next(left))

    slurm.change(queue=next(left))
    assert watch_queue(slurm.host(), sleep, lambda: False) == lengths
    assert sum(waited_s) <= 11


def test_nobody_who_wants_to_stop_waits_for_a_queue(slurm: FakeSlurm) -> None:
    slurm.change(queue=7)
    assert watch_queue(slurm.host(), lambda _: pytest.fail("it waits"), lambda: True) == (7,)
