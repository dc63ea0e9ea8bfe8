"""Which view is kept, on bare keys."""

import numpy as np
import pyarrow as pa
import pytest

from auditor.domain.job import QualityFlag
from auditor.ledger.identity import RunKeys, run_keys
from auditor.ledger.supersede import Fate, decide

N, S, U, D = Fate.NEW, Fate.SUPERSEDES, Fate.UNCHANGED, Fate.DUPLICATE


def keys(*rows):
    """Return keys from (raw, rank)."""
    raw, rank = (np.array([row[part] for row in rows], dtype=np.int64) for part in range(2))
    zeros = np.zeros(len(rows), dtype=np.int64)
    no = zeros.astype(bool)
    return RunKeys(raw.astype(np.uint64), zeros, zeros, zeros, rank, no, no)


@pytest.mark.parametrize("collide", [False, True], ids=["", "every hash the same"])
@pytest.mark.parametrize(
    ("incoming", "existing", "equal_wins", "fates", "stays"),
    [
        ([], [(1, 1)], False, [], [True]),
        ([(1, 1)], [], False, [N], []),
        ([(1, 1), (2, 1)], [(3, 1)], False, [N, N], [True]),
        ([(1, 1), (1, 2), (1, 0)], [], False, [D, N, D], []),
        ([(1, 1)], [(1, 1), (2, 1)], False, [U], [True, True]),
        ([(1, 1)], [(1, 1), (2, 1)], True, [S], [False, True]),
        ([(1, 1)], [(1, 2)], True, [U], [True]),
        ([(1, 3), (1, 2)], [(2, 9), (1, 1)], False, [S, D], [True, False]),
        ([(1, 1), (1, 1)], [(1, 2)], False, [U, D], [True]),
    ],
)
def test_one_row_of_each_run_is_kept(
    monkeypatch, incoming, existing, equal_wins, fates, stays, collide
):
    monkeypatch.setattr("auditor.ledger.supersede._DECIDED_AT_ONCE", 1)
    if collide:
        monkeypatch.setattr(RunKeys, "run_hash", lambda self: np.zeros(len(self), np.uint64))
    decision = decide(keys(*incoming), keys(*existing), equal_wins=equal_wins)
    assert decision.fates.tolist() == fates
    assert decision.stays.tolist() == stays


def table(*raw, flags=0, restarts=3, end_us=None):
    n = len(raw)
    end = pa.array([end_us] * n, pa.timestamp("us", tz="UTC"))
    instants = pa.array([1_000_000] * n, pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "raw_job_id": pa.array(raw, pa.large_string()),
            "submit_utc": instants,
            "start_utc": pa.nulls(n, instants.type),
            "end_utc": pa.nulls(n, instants.type) if end_us is None else end,
            "n_restarts": [restarts] * n,
            "rank": [1] * n,
            "quality_flags": [flags] * n,
        }
    )


def test_digits_are_read_as_they_are_and_other_text_is_hashed():
    words = ["0", "7", "07", "+7", "-7", "7_1", "\uff17", "9" * 18, "9" * 30, "", "7 "]
    found = run_keys(table(*words)).raw
    assert len(set(found.tolist())) == len(words)
    assert found[[0, 1, 7]].tolist() == [0, 7, 10**18 - 1]
    np.testing.assert_array_equal(run_keys(table("7", "12")).raw, [7, 12])
    np.testing.assert_array_equal(found, [run_keys(table(word)).raw[0] for word in words])


def test_a_stand_in_knows_no_restarts_and_a_run_may_have_no_start():
    found = run_keys(table("1", flags=QualityFlag.SUBMIT_FROM_START | QualityFlag.FORGEABLE))
    assert (found.n_restarts[0], found.is_stand_in[0]) == (-1, True)
    assert run_keys(table("1")).n_restarts[0] == 3


@pytest.mark.parametrize(("end_us", "moment_us"), [(None, 1_000_000), (9_000_000, -9_000_000)])
def test_a_run_that_never_started_is_known_by_its_end(end_us, moment_us):
    found = run_keys(table("1", end_us=end_us))
    assert (found.submit_us[0], found.moment_us[0]) == (1_000_000, moment_us)
    flags = QualityFlag.SUBMIT_FROM_START.value
    assert run_keys(table("1", end_us=end_us, flags=flags)).submit_us[0] == moment_us


def test_hashes_spread():
    n = 100_000
    zeros = np.zeros(n, dtype=np.int64)
    count = np.arange(n, dtype=np.int64)
    raw = count.astype(np.uint64)
    for parts in (
        (raw, zeros, zeros),
        (zeros.astype(np.uint64), count, zeros),
        (raw, -count, count),
    ):
        hashes = RunKeys(*parts, zeros, zeros, *[zeros.astype(bool)] * 2).run_hash()
        assert len(np.unique(hashes)) == n
