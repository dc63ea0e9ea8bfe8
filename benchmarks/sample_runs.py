"""Draw the jobs of the demo and place them on its nodes: never more at once than there is."""

import math
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from benchmarks.sample_workloads import KINDS, MIB_PER_GIB, UID, WORKLOADS, NodeKind, Workload

S_PER_DAY = 86_400
S_PER_HOUR = 3600


def instant(text: str) -> int:
    """Read an ISO instant in UTC as seconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


FIRST_DAY_S = instant("2026-11-08")
EXPORT_S = instant("2026-11-23T05:00")
# Share of a workload's submissions by day from Sunday 8 November: the second week is busier.
_DAY_WEIGHTS = (2, 8, 9, 8, 9, 7, 2, 2, 11, 12, 10, 11, 8, 3, 3)
_LOCAL_HOUR_WEIGHTS = (1, 0, 0, 0, 0, 0, 1, 2, 5, 9, 10, 9, 6, 8, 9, 9, 8, 6, 4, 3, 3, 3, 2, 2)
_LAST_EVENING = ("train_vit_large", "icon_ensemble", "vasp_relax", "gromacs_md", "surrogate_train")
_UTC_OFFSET_S = S_PER_HOUR  # Berlin and Oslo in November


@dataclass(frozen=True)
class Run:
    """One run of one job. Instants in seconds since 1970; `start_s` None: it never started."""

    raw_id: int
    job_id: str
    kind: NodeKind
    work: Workload
    submit_s: int
    eligible_s: int
    start_s: int | None
    elapsed_s: int
    end_s: int | None
    state: str
    exit_code: str
    nodes: tuple[str, ...]
    suspended_s: int = 0
    killed_by: int | None = None
    reason: str = "None"
    database_index: int = 0

    @property
    def n_cpus(self) -> int:
        """Count its CPUs on all nodes."""
        return self.work.n_slots * self.work.n_nodes * self.kind.cores_per_slot

    @property
    def n_gpu(self) -> int:
        """Count its accelerators on all nodes."""
        return self.work.n_slots * self.work.n_nodes if self.kind.has_gpu else 0

    @property
    def memory_mib(self) -> int:
        """Return what it asked for on one node [MiB]."""
        share = self.kind.memory_gib * self.work.n_slots // self.kind.n_slots
        return (self.work.memory_gib or share) * MIB_PER_GIB

    @property
    def state_text(self) -> str:
        """Word the state as sacct does."""
        return self.state if self.killed_by is None else f"{self.state} by {self.killed_by}"


@dataclass(frozen=True)
class _Ask:
    """One job as submitted, before it got its nodes."""

    work: Workload
    submit_s: int
    task: int | None
    last_task: bool


class Draw:
    """Draws that stay the same on every version of Python: they use `random()` alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def share(self) -> float:
        """Draw a number from 0 to 1."""
        return self._random.random()

    def below(self, ratio: float) -> bool:
        """Draw whether something happens that does so this often."""
        return self.share() < ratio

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number from `low`, below `high`."""
        return low + int(self.share() * (high - low))

    def weighted(self, weights: tuple[int, ...]) -> int:
        """Draw a place, each as often as its weight says."""
        aim = self.share() * sum(weights)
        for index, weight in enumerate(weights):
            aim -= weight
            if aim < 0:
                return index
        return len(weights) - 1

    def stretched(self, median: float, spread: float) -> float:
        """Draw from a log-normal distribution."""
        radius = math.sqrt(-2 * math.log(1 - self.share()))
        return median * math.exp(spread * radius * math.cos(2 * math.pi * self.share()))


def submission_s(draw: Draw) -> int:
    """Draw when somebody submits something [s since 1970]: by day, mostly."""
    day, hour = draw.weighted(_DAY_WEIGHTS), draw.weighted(_LOCAL_HOUR_WEIGHTS)
    submit_s = FIRST_DAY_S + day * S_PER_DAY + hour * S_PER_HOUR - _UTC_OFFSET_S
    return submit_s + draw.whole(0, S_PER_HOUR)


def _asks(draw: Draw) -> list[_Ask]:
    asks: list[_Ask] = []
    for work in WORKLOADS:
        for _ in range(work.n_runs):
            submit_s = submission_s(draw)
            tasks = range(work.array_size) if work.array_size > 1 else (None,)
            asks += [_Ask(work, submit_s, t, t == work.array_size - 1) for t in tasks]
    last = [work for work in WORKLOADS if work.name in _LAST_EVENING]
    asks += [_Ask(work, EXPORT_S - 7 * S_PER_HOUR, None, last_task=False) for work in last]
    return sorted(asks, key=lambda ask: (ask.submit_s, ask.work.user, ask.task or 0))


class _Nodes:
    """When each slot of each node of one kind becomes free [s since 1970]."""

    def __init__(self, kind: NodeKind) -> None:
        self._free_s = {name: [0] * kind.n_slots for name in kind.names}

    def place(self, n_nodes: int, n_slots: int, submit_s: int) -> tuple[list[str], int]:
        """Find the nodes on which the job can start first, and when."""
        ready = sorted(
            (max(submit_s, sorted(free)[n_slots - 1]), name) for name, free in self._free_s.items()
        )
        return sorted(name for _, name in ready[:n_nodes]), ready[n_nodes - 1][0]

    def hold(self, names: list[str], n_slots: int, until_s: int) -> None:
        for name in names:
            free = sorted(self._free_s[name])
            self._free_s[name] = [until_s] * n_slots + free[n_slots:]


def _outcome(draw: Draw, work: Workload) -> tuple[str, str, int]:
    """Draw state, exit code and seconds of one run."""
    seconds = int(draw.stretched(work.hours, work.spread) * S_PER_HOUR) + 5
    limit_s = work.limit_h * S_PER_HOUR
    aim = draw.share()
    if aim < work.failed_ratio:
        return "FAILED", "1:0", max(3, int(seconds * draw.share() ** 2))
    if aim < work.failed_ratio + work.memory_killed_ratio:
        return "OUT_OF_MEMORY", "0:125", max(60, int(seconds * 0.6))
    if aim > 0.985:  # noqa: PLR2004  (one in seventy is cancelled)
        return "CANCELLED", "0:0", max(10, int(seconds * draw.share()))
    if seconds > limit_s:
        return "TIMEOUT", "0:0", limit_s + draw.whole(0, 30)
    return "COMPLETED", "0:0", seconds


def _run(draw: Draw, ask: _Ask, ids: tuple[int, str], nodes: _Nodes) -> Run:
    work, kind = ask.work, KINDS[ask.work.kind]
    state, exit_code, elapsed_s = _outcome(draw, work)
    names, start_s = nodes.place(work.n_nodes, work.n_slots, ask.submit_s + 1)
    start_s += draw.whole(0, 40)
    run = Run(ids[0], ids[1], kind, work, ask.submit_s, ask.submit_s, start_s, elapsed_s,
              start_s + elapsed_s, state, exit_code, tuple(names))  # fmt: skip
    if state == "CANCELLED":
        run = replace(run, killed_by=UID[work.user])
        if draw.below(0.5):
            return replace(run, start_s=None, elapsed_s=0, end_s=ask.submit_s + 300, nodes=())
    if start_s >= EXPORT_S:
        return replace(run, start_s=None, elapsed_s=0, end_s=None, nodes=(), killed_by=None,
                       state="PENDING", exit_code="0:0", reason="Resources")  # fmt: skip
    nodes.hold(names, work.n_slots, start_s + elapsed_s)
    if start_s + elapsed_s > EXPORT_S:
        return replace(run, elapsed_s=EXPORT_S - start_s, end_s=None, state="RUNNING",
                       exit_code="0:0", killed_by=None)  # fmt: skip
    return run


def _special(runs: list[Run]) -> list[Run]:
    """Add what every real week has: a lost node, a suspended job, a runaway record."""
    long_runs = [r for r in runs if r.state == "COMPLETED" and r.elapsed_s > 4 * S_PER_HOUR]
    lost = next(r for r in long_runs if r.work.user == "frank")
    cut_s = lost.start_s + 3200 if lost.start_s is not None else 0
    first = replace(lost, elapsed_s=3200, end_s=cut_s, state="NODE_FAIL", exit_code="1:0")
    again = replace(lost, submit_s=cut_s, eligible_s=cut_s + 121, start_s=cut_s + 121,
                    elapsed_s=lost.elapsed_s - 3321)  # fmt: skip
    erin = [r for r in long_runs if r.work.user == "erin"][3]
    paused = replace(erin, elapsed_s=erin.elapsed_s - 1800, suspended_s=1800)
    exchanged = {id(lost): (first, again), id(erin): (paused,)}
    runs = [new for run in runs for new in exchanged.get(id(run), (run,))]
    ivan = next(r for r in runs if r.work.user == "ivan" and r.state == "COMPLETED")
    return [
        replace(
            ivan, elapsed_s=EXPORT_S - ivan.start_s, end_s=None, state="RUNNING", nodes=ivan.nodes
        )
        if run is ivan and ivan.start_s is not None
        else run
        for run in runs
    ]


def draw_runs(seed: int = 46) -> dict[str, list[Run]]:
    """Draw the runs of each cluster, in the order of submission."""
    draw = Draw(seed)
    nodes = {name: _Nodes(kind) for name, kind in KINDS.items()}
    runs: list[Run] = []
    next_id, master_id = 41_000, 0
    for ask in _asks(draw):
        if ask.task is None or ask.task == 0:
            master_id = next_id
        raw_id = master_id if ask.task is None or ask.last_task else next_id + 1
        job_id = str(raw_id) if ask.task is None else f"{master_id}_{ask.task}"
        runs.append(_run(draw, ask, (raw_id, job_id), nodes[ask.work.kind]))
        next_id += 1
    by_cluster: dict[str, list[Run]] = {"alpha": [], "beta": []}
    for run in _special(runs):
        mine = by_cluster[run.kind.cluster]
        mine.append(replace(run, database_index=9001 + len(mine)))
    return by_cluster
