"""Draw the jobs of one piece of an export: who, what, when and how it ended, as numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.resource_pool import PLACES, ResourcePool

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]

STATES = (
    "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED",
    "REQUEUED", "RUNNING", "PENDING",
)  # fmt: skip
COMPLETED, FAILED, TIMEOUT, CANCELLED, OUT_OF_MEMORY = range(5)
REQUEUED, RUNNING, PENDING = 7, 8, 9
_STATE_SHARES = (0.715, 0.135, 0.04, 0.08, 0.02, 0.002, 0.008)
_LIMITS_MIN = np.array([60, 240, 720, 1440, 2880, 4320])
_LIMIT_SHARES = (0.15, 0.2, 0.2, 0.25, 0.12, 0.08)

N_USERS = 600
N_ACCOUNTS = 120
FIRST_JOB_ID = 1_000_000
_ARRAY_SHARE = 0.03
_REQUEUE_SHARE = 0.006
_NEVER_STARTED_SHARE = 0.45
_SUSPENDED_SHARE = 0.001
_HOURS_PER_WEEK = 168


@dataclass(frozen=True)
class Plan:
    """What to generate. Instants in seconds since 1970; the export is made at `end_s`."""

    n_jobs: int
    seed: int
    start_s: int
    end_s: int


@dataclass(frozen=True)
class DrawnJobs:
    """One row per run, all columns of one length, durations in seconds."""

    row: Whole
    raw_id: Whole
    master_id: Whole
    task: Whole  # -1 outside arrays
    user: Whole
    account: Whole
    request: Whole
    place: Whole
    name: Whole
    limit_min: Whole
    state: Whole
    submit_s: Whole
    start_s: Whole
    elapsed_s: Whole
    suspended_s: Whole
    cpu_time_ms: Whole
    memory_ratio: NDArray[np.float64]
    started: Mask

    @property
    def is_open(self) -> Mask:
        """Tell which have not ended."""
        return self.state >= RUNNING

    @property
    def end_s(self) -> Whole:
        """End, or the moment a run that never started was given up [s since 1970]."""
        return self.start_s + self.elapsed_s + self.suspended_s


@dataclass(frozen=True)
class _Groups:
    """Plain jobs and arrays of one piece: `of_row` names the group, `first` its first row."""

    of_row: Whole
    first: Whole
    size: Whole


def _draw_groups(random: np.random.Generator, n_rows: int) -> _Groups:
    size = np.where(random.random(n_rows) < _ARRAY_SHARE, random.geometric(0.05, n_rows) + 1, 1)
    stop = np.minimum(np.cumsum(size), n_rows)
    n_groups = int(np.searchsorted(stop, n_rows)) + 1
    size = np.diff(stop[:n_groups], prepend=0)
    of_row = np.repeat(np.arange(n_groups), size)
    return _Groups(of_row, np.cumsum(size) - size, size)


def _submit_times(plan: Plan, share: NDArray[np.float64]) -> Whole:
    """Place shares 0..1 of the export on its span, busier in working hours [s since 1970]."""
    edges = np.arange(plan.start_s, plan.end_s + 3600, 3600)
    hour = np.arange(edges.size - 1)
    by_day = 1 + 0.9 * np.sin(np.pi * np.clip((hour % 24 - 7) / 13, 0, 1))
    weight = by_day * np.where(hour % _HOURS_PER_WEEK < 120, 1.0, 0.45)  # noqa: PLR2004  (five days of hours)
    cumulated = np.r_[0.0, np.cumsum(weight)] / weight.sum()
    instants = np.interp(share, cumulated, edges.astype(np.float64))
    return np.minimum(instants.astype(np.int64), plan.end_s - 1)


def _zipf_choice(random: np.random.Generator, n: int, size: int) -> Whole:
    weight = np.arange(1, n + 1) ** -0.9
    return np.searchsorted(np.cumsum(weight) / weight.sum(), random.random(size)).clip(0, n - 1)


def _draw_elapsed(random: np.random.Generator, state: Whole, limit_s: Whole, is_gpu: Mask) -> Whole:
    median_s = np.where(is_gpu, 4200.0, 1500.0)
    drawn = median_s * np.exp(1.8 * random.standard_normal(state.size))
    drawn = np.where((state == FAILED) & (random.random(state.size) < 0.3), drawn / 200, drawn)  # noqa: PLR2004  (fails at once)
    late = random.integers(0, 31, state.size)
    return np.where(state == TIMEOUT, limit_s + late, np.minimum(drawn, limit_s)).astype(np.int64)


@dataclass
class _Columns:
    """Columns while they are still being changed."""

    raw_id: Whole
    submit_s: Whole
    wait_s: Whole
    elapsed_s: Whole
    state: Whole
    request: Whole
    of_group: dict[str, Whole]


def _requeue(random: np.random.Generator, plan: Plan, columns: _Columns, plain: Mask) -> None:
    """Turn some pairs of plain rows into two runs of one job: same id, a new Submit."""
    row = np.arange(0, plain.size - 1, 2)
    ended_s = (columns.submit_s + columns.wait_s + columns.elapsed_s)[row]
    able = plain[row] & plain[row + 1] & (columns.state[row] == COMPLETED)
    able &= (ended_s + columns.wait_s[row + 1] < plan.end_s) & (columns.wait_s[row] > 0)
    first = row[able & (random.random(row.size) < _REQUEUE_SHARE)]
    columns.state[first] = REQUEUED
    columns.submit_s[first + 1] = (columns.submit_s + columns.wait_s + columns.elapsed_s)[first] + 1
    for values in (columns.raw_id, columns.request, *columns.of_group.values()):
        values[first + 1] = values[first]


def _draw_columns(
    random: np.random.Generator, plan: Plan, pool: ResourcePool, groups: _Groups, row: Whole
) -> _Columns:
    n_groups, of_row = groups.size.size, groups.of_row
    share = (row + random.random(row.size)) / plan.n_jobs
    request = random.choice(pool.weight.size, n_groups, p=pool.weight)[of_row]
    user = _zipf_choice(random, N_USERS, n_groups)
    account = (user * 7 + random.integers(0, 3, n_groups)) % N_ACCOUNTS
    limit_min = random.choice(_LIMITS_MIN, n_groups, p=_LIMIT_SHARES)[of_row]
    name = random.integers(0, 400, n_groups)
    state = random.choice(len(_STATE_SHARES), row.size, p=_STATE_SHARES)
    elapsed_s = _draw_elapsed(random, state, limit_min * 60, pool.is_gpu[request])
    wait_s = np.minimum(120 * np.exp(2 * random.standard_normal(row.size)), 5 * 86_400)
    # The last task of an array takes the master's id, the others the ids after it.
    place_in_array = np.arange(row.size) - groups.first[of_row]
    size = groups.size[of_row]
    shift = np.where(place_in_array == size - 1, 0, place_in_array + 1)
    return _Columns(
        raw_id=FIRST_JOB_ID + row[groups.first][of_row] + shift,
        submit_s=_submit_times(plan, share)[groups.first][of_row],
        wait_s=wait_s.astype(np.int64),
        elapsed_s=elapsed_s,
        state=state,
        request=request,
        of_group={
            "user": user[of_row],
            "account": account[of_row],
            "limit_min": limit_min,
            "name": name[of_row],
        },
    )


def draw_jobs(plan: Plan, pool: ResourcePool, first_row: int, n_rows: int) -> DrawnJobs:
    """Draw rows `[first_row, first_row + n_rows)` of the plan; depends on nothing drawn before."""
    random = np.random.default_rng([plan.seed, 2, first_row])
    row = np.arange(first_row, first_row + n_rows)
    groups = _draw_groups(random, n_rows)
    columns = _draw_columns(random, plan, pool, groups, row)
    in_array = (groups.size > 1)[groups.of_row]
    _requeue(random, plan, columns, ~in_array)
    state, start_s = columns.state, columns.submit_s + columns.wait_s
    given_up = (state == CANCELLED) & (random.random(n_rows) < _NEVER_STARTED_SHARE)
    elapsed_s = np.where(given_up, 0, columns.elapsed_s)
    suspended = (random.random(n_rows) < _SUSPENDED_SHARE) & (elapsed_s > 0)
    suspended_s = np.where(suspended, random.integers(5, 7200, n_rows), 0)
    pending = start_s >= plan.end_s
    running = ~pending & ~given_up & (start_s + elapsed_s + suspended_s > plan.end_s)
    state = np.select([pending, running], [PENDING, RUNNING], state)
    is_open = pending | running
    elapsed_s = np.select([pending, running], [0, plan.end_s - start_s], elapsed_s)
    efficiency = np.where(
        pool.is_gpu[columns.request], random.beta(1.5, 6, n_rows), random.beta(5, 1.5, n_rows)
    )
    cpu_time_ms = elapsed_s * pool.n_cpus[columns.request] * efficiency * 1000
    return DrawnJobs(
        row=row,
        raw_id=columns.raw_id,
        master_id=FIRST_JOB_ID + row[groups.first][groups.of_row],
        task=np.where(in_array, np.arange(n_rows) - groups.first[groups.of_row], -1),
        request=columns.request,
        place=random.integers(0, PLACES, n_rows),
        state=state,
        submit_s=columns.submit_s,
        start_s=start_s,
        elapsed_s=elapsed_s,
        suspended_s=np.where(is_open, 0, suspended_s),
        cpu_time_ms=np.where(is_open, 0, cpu_time_ms).astype(np.int64),
        memory_ratio=random.beta(2, 4, n_rows),
        started=~pending & ~given_up,
        **columns.of_group,
    )
