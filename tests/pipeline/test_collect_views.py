"""Which of two answers of one source goes first."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from auditor.pipeline.collect_views import lifted_ranks

_ENDED = 1 << 62
_HASH = (1 << 24) - 1
SUBMIT = pd.Timestamp("2026-11-23T10:00:00Z").as_unit("us")
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
