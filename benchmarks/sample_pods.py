"""Draw the pods of the demo and bind them to its nodes: never more accelerators than there are.

What is drawn is what kubectl still lists at the moment of the export. Instants are seconds since
1970.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from benchmarks.sample_pod_work import (
    BATCH,
    NEVER_PLACED,
    NIGHTLY,
    POOLS,
    PRETRAIN,
    REFRESH,
    SHELL,
    STANDING,
    BatchWork,
    NightlyWork,
    NodePool,
    PodWork,
    StandingWork,
)
from benchmarks.sample_runs import (
    EXPORT_S,
    FIRST_DAY_S,
    S_PER_DAY,
    S_PER_HOUR,
    Draw,
    instant,
    submission_s,
)

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_N_TRIES = 3
_BACKOFF_S = 10
_CPU_NODE = "l40s-2"
_FOREVER_S = 2**40
_EVICTED_RUN = 1  # which of the nights that are kept


def made_up_uid(*words: str) -> str:
    """Return the uid of an object, the same for the same words."""
    return str(UUID(bytes=hashlib.sha256("/".join(words).encode()).digest()[:16], version=4))


def made_up_suffix(*words: str, length: int = 5) -> str:
    """Return letters as Kubernetes ends names that it makes."""
    digest = hashlib.sha256("/".join(words).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:length])


@dataclass(frozen=True)
class Pod:
    """One pod. `bound_s` None: no node took it; `end_s` None: it still runs."""

    work: PodWork
    owner: str
    name: str
    node: str | None
    created_s: int
    bound_s: int | None
    started_s: int | None
    end_s: int | None
    outcome: str  # Completed, Error, OOMKilled, Evicted, Running or Pending
    place: int = 0

    @property
    def uid(self) -> str:
        """Return its uid."""
        return made_up_uid("pod", self.work.namespace, self.name)

    @property
    def n_gpu(self) -> float:
        """Count its accelerators; one that pods share in turns counts as their share."""
        n_replicas = POOLS[self.work.pool].n_replicas if self.work.pool else 1
        return self.work.n_gpu / n_replicas


@dataclass(frozen=True)
class Job:
    """A Job and how it ended; `cron_job` made it where it is not None."""

    work: PodWork
    name: str
    created_s: int
    n_pods: int
    pods: tuple[Pod, ...]
    cron_job: str | None = None

    @property
    def n_succeeded(self) -> int:
        """Count pods that did their work."""
        return sum(pod.outcome == "Completed" for pod in self.pods)

    @property
    def n_active(self) -> int:
        """Count pods that have not ended."""
        return sum(pod.end_s is None for pod in self.pods)


@dataclass(frozen=True)
class Cluster:
    """All pods and Jobs as kubectl lists them: by namespace and name."""

    pods: tuple[Pod, ...]
    jobs: tuple[Job, ...]


@dataclass
class _Pieces:
    """When each accelerator that nodes offer becomes free."""

    free_s: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, pools: dict[str, NodePool]) -> "_Pieces":
        """Begin with all of them free."""
        return cls({name: [0] * pool.n_pieces for pool in pools.values() for name in pool.names})

    def bind(self, work: PodWork, ready_s: int) -> tuple[str, int]:
        """Find the node that has room first, and when."""
        n_gpu = work.n_gpu
        rooms = ((sorted(self.free_s[name])[n_gpu - 1], name) for name in POOLS[work.pool].names)
        return min((max(ready_s, free_s), name) for free_s, name in rooms)[::-1]

    def hold(self, node: str, n_gpu: int, until_s: int) -> None:
        """Give the accelerators away until a moment."""
        free = sorted(self.free_s[node])
        self.free_s[node] = [until_s] * n_gpu + free[n_gpu:]


@dataclass
class _Kubelets:
    """Bind pods and run them."""

    draw: Draw
    pieces: _Pieces

    def run(self, pod: Pod, length_s: int) -> Pod:
        """Run a pod to its end, or up to the export."""
        work, node, bound_s = pod.work, pod.node or _CPU_NODE, pod.created_s + 1
        if work.n_gpu:
            node, bound_s = self.pieces.bind(work, bound_s)
        started_s = bound_s + self.draw.whole(4, 180)
        end_s = started_s + length_s
        if work.n_gpu:
            self.pieces.hold(node, work.n_gpu, end_s)
        pod = replace(pod, node=node, bound_s=bound_s, started_s=started_s, end_s=end_s)
        is_over = end_s < EXPORT_S
        return pod if is_over else replace(pod, end_s=None, outcome="Running")

    def outcome(self, work: BatchWork) -> tuple[str, int]:
        """Draw how one try ends and after how many seconds."""
        length_s = int(self.draw.stretched(work.hours, work.spread) * S_PER_HOUR) + 20
        aim = self.draw.share()
        if aim < work.failed_ratio:
            return "Error", max(15, int(length_s * self.draw.share()))
        if aim < work.failed_ratio + work.memory_killed_ratio:
            return "OOMKilled", max(60, int(length_s * 0.6))
        return "Completed", length_s


def _new(work: PodWork, owner: str, name: str, created_s: int, outcome: str) -> Pod:
    return Pod(work, owner, name, None, created_s, None, None, None, outcome)


def _tries(kubelets: _Kubelets, work: BatchWork, job: Job, place: int) -> Iterator[Pod]:
    """Run one pod of a Job, and again after a fault, until it works or the Job gives up."""
    created_s = job.created_s + 1
    outcome, length_s = kubelets.outcome(work)
    for n_failed in range(_N_TRIES):
        stem = f"{job.name}-{place}" if job.n_pods > 1 else job.name
        name = f"{stem}-{made_up_suffix(stem, str(n_failed))}"
        pod = _new(work.pod, job.name, name, created_s, outcome)
        pod = kubelets.run(replace(pod, place=place), length_s)
        yield pod
        if pod.outcome == "Completed" or pod.end_s is None:
            return
        created_s = pod.end_s + _BACKOFF_S * 2**n_failed + 1
        # What did not fit into memory does not fit the next time.
        if outcome != "OOMKilled":
            outcome, length_s = kubelets.outcome(work)


def _job(kubelets: _Kubelets, work: BatchWork, name: str, created_s: int) -> Job:
    job = Job(work.pod, name, created_s, work.n_pods, ())
    places = range(work.n_pods)
    pods = [pod for place in places for pod in _tries(kubelets, work, job, place)]
    return replace(job, pods=tuple(pods))


def _training(kubelets: _Kubelets, work: BatchWork, name: str, created_s: int) -> list[Pod]:
    """Run the pods of one PyTorchJob: they begin and end together."""
    outcome, length_s = kubelets.outcome(work)
    roles = ["master-0", *(f"worker-{n}" for n in range(work.n_pods - 1))]
    pods = [_new(work.pod, name, f"{name}-{role}", created_s + 1, outcome) for role in roles]
    return [kubelets.run(replace(pod, place=n), length_s) for n, pod in enumerate(pods)]


def _nightly(kubelets: _Kubelets, work: NightlyWork) -> Iterator[Job]:
    """Run a CronJob on the last nights: of those before its Jobs are deleted."""
    last_midnight_s = EXPORT_S - EXPORT_S % S_PER_DAY
    for n_ago in reversed(range(work.n_kept)):
        created_s = last_midnight_s - n_ago * S_PER_DAY + work.at_utc_s
        name = f"{work.pod.name}-{created_s // 60}"
        batch = BatchWork(work.pod, 1, 1, work.hours, 0.2, failed_ratio=0.0)
        job = _job(kubelets, batch, name, created_s)
        yield replace(job, cron_job=work.pod.name)


def _with_eviction(kubelets: _Kubelets, job: Job) -> Job:
    """Let a node run out of disk under the first pod of a Job, and a second one do the work."""
    (pod,) = job.pods
    if pod.started_s is None or pod.end_s is None:
        return job
    evicted = replace(pod, outcome="Evicted", end_s=pod.started_s + 900)
    again = _new(job.work, job.name, f"{job.name}-{made_up_suffix(job.name, 'again')}",
                 pod.started_s + 911, "Completed")  # fmt: skip
    again = kubelets.run(replace(again, node="l40s-3"), pod.end_s - pod.started_s)
    return replace(job, pods=(evicted, again))


def _standing(kubelets: _Kubelets, work: StandingWork) -> Iterator[Pod]:
    """Start what stays up; a Deployment's ReplicaSet is named after the hash of its template."""
    pod, created_s = work.pod, instant(work.since)
    owner = pod.name
    if pod.kind == "Deployment":
        owner = f"{pod.name}-{made_up_suffix(pod.name, length=10)}"
    for place, node in enumerate(work.nodes or (None,)):
        is_set = pod.kind == "StatefulSet"
        end = str(place) if is_set else made_up_suffix(owner, str(place))
        new = _new(pod, owner, f"{owner}-{end}", created_s + 3 * place, "Running")
        yield kubelets.run(replace(new, node=node, place=place), _FOREVER_S)


def _batch(kubelets: _Kubelets) -> tuple[list[Pod], list[Job]]:
    """Run what people submit, in the order of submission; one training begins last."""
    asks = [(submission_s(kubelets.draw), work) for work in BATCH for _ in range(work.n_runs)]
    asks.append((EXPORT_S - 7 * S_PER_HOUR, PRETRAIN))
    number_of: dict[str, int] = {}
    pods, jobs = [], []
    for created_s, work in sorted(asks, key=lambda ask: (ask[0], ask[1].pod.name)):
        number = number_of[work.pod.name] = number_of.get(work.pod.name, 0) + 1
        name = f"{work.pod.name}-{number}"
        if work.pod.kind == "PyTorchJob":
            is_last = created_s == EXPORT_S - 7 * S_PER_HOUR
            long = replace(work, hours=14.0, spread=0.0, failed_ratio=0.0) if is_last else work
            pods += _training(kubelets, long, name, created_s)
        else:
            jobs.append(_job(kubelets, work, name, created_s))
    return pods, jobs


def draw_cluster(seed: int = 80) -> Cluster:
    """Draw all that kubectl lists."""
    kubelets = _Kubelets(Draw(seed), _Pieces.of(POOLS))
    pods = [pod for work in STANDING for pod in _standing(kubelets, work)]
    trained, jobs = _batch(kubelets)
    pods += trained
    for work in NIGHTLY:
        nights = list(_nightly(kubelets, work))
        if work is REFRESH:
            nights[_EVICTED_RUN] = _with_eviction(kubelets, nights[_EVICTED_RUN])
        jobs += nights
    shell_s = FIRST_DAY_S + 10 * S_PER_DAY + 9 * S_PER_HOUR
    pods.append(kubelets.run(_new(SHELL, "", SHELL.name, shell_s, "Completed"), 9 * S_PER_HOUR))
    never_s = FIRST_DAY_S + 12 * S_PER_DAY + 8 * S_PER_HOUR
    never = _new(NEVER_PLACED, NEVER_PLACED.name,
                 f"{NEVER_PLACED.name}-{made_up_suffix(NEVER_PLACED.name)}",
                 never_s + 1, "Pending")  # fmt: skip
    jobs.append(Job(NEVER_PLACED, NEVER_PLACED.name, never_s, 1, (never,)))
    pods += [pod for job in jobs for pod in job.pods]
    ordered = sorted(pods, key=lambda pod: (pod.work.namespace, pod.name))
    jobs.sort(key=lambda job: (job.work.namespace, job.name))
    return Cluster(tuple(ordered), tuple(jobs))
