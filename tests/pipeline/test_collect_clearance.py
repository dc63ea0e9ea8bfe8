"""How far the cursor may go."""

from datetime import UTC, datetime, timedelta

import pytest

from auditor.collect.slurm_lag import QueueState
from auditor.domain.incident import MissingJob, SourceState
from auditor.pipeline.collect_clearance import Watched, held_by, judged, still_missing

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RECENT = NOW - timedelta(minutes=10)
EMPTY, MOVING, WAITING, UNKNOWN = QueueState


@pytest.mark.parametrize(
    ("queues", "has_doubts", "expected"),
    [
        pytest.param([EMPTY], False, (0, 0, NOW), id="empty"),
        pytest.param([EMPTY], True, (0, 0, NOW), id="empty after a doubt"),
        pytest.param([MOVING], False, (0, 1, RECENT), id="a busy site"),
        pytest.param([MOVING], True, (1, 1, None), id="a busy site after a doubt"),
        pytest.param([MOVING] * 3, True, (0, 3, RECENT), id="three times"),
        pytest.param([MOVING, MOVING, WAITING, MOVING], True, (4, 1, None), id="not in a row"),
        pytest.param([WAITING, WAITING], False, (2, 0, None), id="waiting"),
        pytest.param([UNKNOWN], False, (1, 0, None), id="not known"),
        pytest.param([UNKNOWN, EMPTY], True, (0, 0, NOW), id="known again"),
    ],
)
def test_what_a_queue_clears(
    queues: list[QueueState], has_doubts: bool, expected: tuple[int, int, datetime | None]
) -> None:
    state = SourceState("alpha", NOW - 99 * HOUR, NOW - HOUR, None)
    clear_to_utc = None
    for queue in queues:
        state, clear_to_utc = judged(state, queue, NOW, has_doubts=has_doubts)
    assert (state.n_unclear, state.n_small, clear_to_utc) == expected
    assert state.collected_to_utc == NOW - HOUR


def _missed(raw: str, days_ago: int) -> MissingJob:
    first = NOW - timedelta(days=days_ago)
    return MissingJob(raw, first - HOUR, first, first)


def test_which_jobs_are_missing_and_which_are_lost() -> None:
    missed = tuple(_missed(raw, days) for raw, days in (("5", 2), ("6", 31), ("7", 31), ("8", 40)))
    watched = Watched({"7": missed[2].start_utc, "20": NOW - HOUR, "21": NOW - HOUR}, missed)
    missing, lost = still_missing(watched.without({"8"}), {"20"}, NOW)
    assert [job.raw_job_id for job in missing] == ["21", "5", "7"]
    assert [job.raw_job_id for job in lost] == ["6"]
    assert missing[0] == MissingJob("21", NOW - HOUR, NOW, NOW)
    # It still runs: when it was missed first is kept, and when it ran last is known.
    assert missing[2].first_seen_utc == missed[2].first_seen_utc
    assert missing[2].last_seen_utc == NOW
    assert held_by(missing, NOW) == missed[2].start_utc
    assert held_by((), NOW) == NOW
