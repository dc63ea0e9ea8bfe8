"""Which of two answers of one source goes first."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.pipeline.collect_views import lifted_ranks

_ENDED = 1 << 62
_HASH = (1 << 24) - 1
SUBMIT = pd.Timestamp("2026-11-23T10:00:00Z").as_unit("us")
NUMBERS = (
    "reported_elapsed_s", "suspended_s", "time_limit_s", "n_cpus", "n_nodes", "n_gpu",
    "memory_bytes", "gpu_utilisation_ratio", "total_cpu_s", "max_rss_bytes", "consumed_energy_j",
)  # fmt: skip
RANKS = st.integers(1 << 24, (1 << 61) - 1)


def _views(*views: tuple[int, int]) -> pd.DataFrame:
    """Return runs of (raw id, rank); one that has ended is ranked so."""
    ranks = np.array([rank for _, rank in views], dtype=np.int64)
    return pd.DataFrame(
        {
            "cluster": pd.Categorical(["alpha"] * len(views)),
            "raw_job_id": pd.Series([str(raw) for raw, _ in views], dtype="str"),
            "submit_utc": pd.Series([SUBMIT] * len(views), dtype="datetime64[us, UTC]"),
            "n_restarts": np.zeros(len(views), dtype=np.int64),
            "rank": ranks,
            "is_open": ranks < _ENDED,
            **dict.fromkeys(("gpu_types", "user", "account", "partition", "qos", "wckey"), "x"),
            **dict.fromkeys(("state", "job_name", "node_list"), "x"),
            **dict.fromkeys(("eligible_utc", "start_utc"), SUBMIT),
            **dict.fromkeys(NUMBERS, 3.0),
        }
    )


def _lifted(now: int, before: int) -> int:
    (rank,) = lifted_ranks(_views((7, now)), _views((6, before + 1), (7, before)))
    return int(rank)


@given(RANKS, RANKS, st.booleans())
def test_another_answer_wins_and_the_same_one_changes_nothing(
    before: int, now: int, has_ended: bool
) -> None:
    before, now = (rank | (_ENDED if has_ended else 0) for rank in (before, now))
    lifted = _lifted(now, before)
    assert lifted & _HASH == now & _HASH
    if now & _HASH == before & _HASH:
        assert lifted == now
        return
    assert lifted > before
    assert lifted == now or now <= before
    assert (lifted >= _ENDED) is has_ended
    # The same answer again finds itself in the book, and loses to it.
    assert _lifted(now, lifted) <= lifted
    # What was there before wins again, should accounting return to it.
    assert _lifted(before, lifted) > lifted


@given(RANKS, RANKS)
def test_an_end_is_not_taken_back(before: int, now: int) -> None:
    assert _lifted(now, before | _ENDED) == now
    assert _lifted(now | _ENDED, before) == now | _ENDED


def test_runs_that_the_book_does_not_have_keep_their_rank() -> None:
    jobs = _views((1, 5 << 24), (2, 9 << 24), (3, (1 << 24) + 1))
    known = _views((2, (9 << 24) + 7))
    assert list(lifted_ranks(jobs, known)) == [5 << 24, 10 << 24, (1 << 24) + 1]
    assert list(lifted_ranks(jobs, known.iloc[:0])) == list(jobs["rank"])
    assert list(lifted_ranks(jobs.iloc[:0], known)) == []


@pytest.mark.parametrize(
    ("now", "goes_first"),
    [
        pytest.param({}, True, id="flags alone"),
        pytest.param({"total_cpu_s": np.nan}, False, id="steps purged"),
        pytest.param({"total_cpu_s": 2.0}, False, id="some steps purged"),
        pytest.param({"total_cpu_s": 4.0, "max_rss_bytes": 2.0}, True, id="more, and less"),
        pytest.param({"job_name": "", "account": None}, False, id="names forgotten"),
        pytest.param({"n_gpu": np.nan, "gpu_types": "", "memory_bytes": 9.0}, False, id="no TRES"),
        pytest.param({"n_gpu": 0.0, "gpu_types": ""}, True, id="other TRES"),
        pytest.param({"user": "bob", "total_cpu_s": np.nan}, True, id="another user"),
        pytest.param({"reported_elapsed_s": 2.0}, True, id="a shorter run"),
    ],
)
@pytest.mark.parametrize("rank", [_ENDED | 2 << 24 | 5, _ENDED | 9 << 24 | 5])
def test_an_answer_that_merely_lacks_facts_takes_none_away(
    rank: int, now: dict[str, object], goes_first: bool
) -> None:
    before = _ENDED | 4 << 24 | 7
    (lifted,) = lifted_ranks(_views((7, rank)).assign(**now), _views((7, before)))
    assert (lifted > before) is np.bool_(goes_first)
