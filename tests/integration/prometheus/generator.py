"""A week of a made-up cluster as its exporters would tell it, and what each pod really used.

Power is a smooth curve whose energy is known exactly; exporters look at it every `STEP_S`. The
text is OpenMetrics, for `promtool tsdb create-blocks-from`.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

STEP_S = 30
OTHERS_STEP_S = 180
BEGIN_S = 1_794_700_800  # 2026-11-15T00:00:00Z
DAYS = 7
END_S = BEGIN_S + DAYS * 86400
GAP_S = (BEGIN_S + 3 * 86400 + 5 * 3600, BEGIN_S + 3 * 86400 + 7 * 3600)
RESTARTS_S = {"gpu-a1": BEGIN_S + 2 * 86400 + 4567, "gpu-b2": BEGIN_S + 5 * 86400 + 30000}
AWAY_S = 150
IDLE_W = 60.0
N_REPLICAS = 4
PROFILES = (("3g.40gb", 3), ("2g.20gb", 2), ("1g.10gb", 1), ("1g.10gb", 1))
HOSTILE = ('quote"q', "back\\slash", "new\nline", "<script>alert(1)</script>", "=cmd()", "ünï-🔥")
USERS = ("alice", "bob", "carol", "dave")
TEAMS = ("vision", "nlp", "climate")
WHOLE_NODES = {
    **{f"gpu-a{n}": ("NVIDIA-A100-SXM4-80GB", 4) for n in range(4)},
    **{f"gpu-b{n}": ("NVIDIA-H100-80GB-HBM3", 2) for n in range(4)},
}
MIG_NODE, SHARED_NODE = "gpu-mig", "gpu-shared"
_EVERY_S = 2700
_FLOPS_SPAN_S = 2700.0


@dataclass(repr=False, eq=False)
class Pod:
    """One pod: when it held which boards, and what it drew on each."""

    uid: str
    namespace: str
    name: str
    node: str
    begin_s: float
    end_s: float
    boards: list["Board"]
    owner: tuple[str, str]
    user: str
    number: int
    slice_number: int = -1
    power_w: float = 0.0
    phase: float = 0.0
    energy_j: float = 0.0

    @property
    def created_s(self) -> int:
        return int(self.begin_s) - 20

    @property
    def gone_s(self) -> float:
        """When the object is deleted: finished pods of Jobs stay for a while."""
        return self.end_s + (0 if self.owner[0] == "StatefulSet" else 3 * 3600)

    def watts_s(self, begin_s: np.ndarray, end_s: np.ndarray) -> np.ndarray:
        """Joules of one board between two times, above its idle draw."""
        a = np.clip(begin_s, self.begin_s, self.end_s)
        b = np.clip(end_s, self.begin_s, self.end_s)
        turn = 2 * np.pi / _FLOPS_SPAN_S
        wave = (np.cos(turn * a + self.phase) - np.cos(turn * b + self.phase)) / turn
        return self.power_w * ((b - a) + 0.3 * wave)


@dataclass(repr=False, eq=False)
class Board:
    uuid: str
    node: str
    index: int
    product: str
    pods: list[Pod] = field(default_factory=list)

    def joules(self, begin_s: np.ndarray, end_s: np.ndarray) -> np.ndarray:
        total = IDLE_W * (end_s - begin_s)
        for pod in self.pods:
            total = total + pod.watts_s(begin_s, end_s)
        return total


@dataclass(repr=False, eq=False)
class World:
    """The cluster, the text of its exporters, and the truth."""

    pods: list[Pod]
    boards: list[Board]
    scrapes_s: np.ndarray

    def truth(self) -> pd.DataFrame:
        """Return each pod as it really was; energy_wh from the first look to the last."""
        return pd.DataFrame(
            {
                "uid": [pod.uid for pod in self.pods],
                "namespace": [pod.namespace for pod in self.pods],
                "name": [pod.name for pod in self.pods],
                "node": [pod.node for pod in self.pods],
                "user": [pod.user for pod in self.pods],
                "start_s": [pod.begin_s for pod in self.pods],
                "end_s": [pod.end_s for pod in self.pods],
                "n_gpu": [n_gpu(pod) for pod in self.pods],
                "energy_wh": [pod.energy_j / 3600 for pod in self.pods],
                "cpu_s": [cpu_rate(pod) * (pod.end_s - pod.begin_s) for pod in self.pods],
                "owner_kind": [pod.owner[0] for pod in self.pods],
            }
        )

    @property
    def boards_wh(self) -> float:
        """All energy of all boards from each one's first look to its last."""
        total = 0.0
        for board in self.boards:
            times = looks(self.scrapes_s, board.node)
            total += float(board.joules(times[:1], times[-1:])[0])
        return total / 3600


def n_gpu(pod: Pod) -> float:
    if pod.node == SHARED_NODE:
        return 1 / N_REPLICAS
    return 1.0 if pod.node == MIG_NODE else float(len(pod.boards))


def cpu_rate(pod: Pod) -> float:
    return 0.5 + pod.number % 7


def is_exported(node: str) -> bool:
    """Half the nodes are scraped with target labels that push the workload's names aside."""
    return node in {MIG_NODE, SHARED_NODE} or int(node[-1]) % 2 == 0


def looks(scrapes_s: np.ndarray, node: str) -> np.ndarray:
    """Return when a node's exporters were scraped: each at its own second, not while away."""
    offset = (sum(map(ord, node)) * 7) % STEP_S
    times = scrapes_s + offset
    restart_s = RESTARTS_S.get(node)
    if restart_s is not None:
        times = times[(times < restart_s) | (times >= restart_s + AWAY_S)]
    return times[(times < GAP_S[0]) | (times >= GAP_S[1])]


def make_world(seed: int = 11, n_tries: int = 215) -> World:
    """Make a week of pods: back to back on their boards, some under names that come back."""
    draw = random.Random(seed)  # noqa: S311  (a made-up cluster)
    boards = [
        Board(f"GPU-{node}-{index}", node, index, product)
        for node, (product, n_boards) in WHOLE_NODES.items()
        for index in range(n_boards)
    ]
    pods: list[Pod] = []
    for number in range(n_tries):
        pods += _whole_pod(draw, boards, number)
    mig = Board("GPU-mig-0", MIG_NODE, 0, "NVIDIA-A100-SXM4-80GB")
    shared = Board("GPU-shared-0", SHARED_NODE, 0, "NVIDIA-A100-SXM4-80GB")
    pods += _sliced_pods(draw, mig, len(pods))
    pods += _shared_pods(draw, shared, len(pods))
    world = World(pods, [*boards, mig, shared], np.arange(BEGIN_S, END_S, STEP_S, dtype=float))
    _settle(world)
    return world


def _whole_pod(draw: random.Random, boards: list[Board], number: int) -> list[Pod]:
    node = draw.choice(list(WHOLE_NODES))
    here = [board for board in boards if board.node == node]
    wanted = min(len(here), draw.choice((1, 1, 2, 4)))
    chosen = sorted(here, key=lambda one: max((pod.end_s for pod in one.pods), default=0.0))
    chosen = chosen[:wanted]
    free_s = max((pod.end_s for board in chosen for pod in board.pods), default=0.0)
    begin_s = max(free_s, BEGIN_S + number * _EVERY_S + draw.uniform(0, 7200))
    end_s = min(begin_s + 900 + draw.lognormvariate(9.6, 0.7), END_S - 4000)
    if end_s < begin_s + 900:
        return []
    return [_pod(draw, number, (begin_s, end_s), chosen)]


def _pod(draw: random.Random, number: int, span_s: tuple[float, float], boards: list[Board]) -> Pod:
    kind = draw.choice(("Job", "StatefulSet", "PyTorchJob"))
    team = draw.choice(TEAMS)
    name = f"train-{number}-{draw.randrange(1 << 20):05x}"
    owner = (kind, f"train-{number}")
    if kind == "StatefulSet":
        # Names come back: one set of each team on each node, which runs one pod at a time.
        name, owner = f"serve-{boards[0].uuid.lower()}-0", (kind, f"serve-{boards[0].uuid.lower()}")
    pod = Pod(
        uid=f"{draw.randrange(1 << 32):08x}-0000-4000-8000-{number:012x}",
        namespace=f"team-{team}" if kind != "StatefulSet" else "team-serve",
        name=name,
        node=boards[0].node,
        begin_s=float(int(span_s[0])),
        end_s=float(int(span_s[1])),
        boards=boards,
        owner=owner,
        user=draw.choice(USERS),
        number=number,
        power_w=draw.uniform(120, 280),
        phase=draw.uniform(0, 6),
    )
    for board in boards:
        board.pods.append(pod)
    return pod


def _sliced_pods(draw: random.Random, board: Board, first: int) -> list[Pod]:
    pods = []
    for place in range(len(PROFILES)):
        at_s = BEGIN_S + draw.uniform(1000, 20000)
        while at_s < END_S - 60000:
            end_s = at_s + draw.uniform(20000, 60000)
            pod = _pod(draw, first + len(pods), (at_s, end_s), [board])
            pod.slice_number, pod.power_w = place, 25.0 * PROFILES[place][1]
            pod.owner = ("Job", f"slices-{pod.number}")
            pod.name, pod.namespace = f"slice-{pod.number}", "team-slices"
            pods.append(pod)
            at_s = end_s + draw.uniform(0, 20000)
    return pods


def _shared_pods(draw: random.Random, board: Board, first: int) -> list[Pod]:
    pods = []
    for _ in range(8):
        at_s = BEGIN_S + draw.uniform(0, DAYS * 80000)
        end_s = min(at_s + draw.uniform(20000, 60000), END_S - 4000)
        sharing = [pod for pod in board.pods if pod.begin_s < end_s and pod.end_s > at_s]
        if len(sharing) >= N_REPLICAS:
            continue
        pod = _pod(draw, first + 500 + len(pods), (at_s, end_s), [board])
        pod.power_w, pod.owner = 50.0, ("Job", f"shared-{pod.number}")
        pod.name, pod.namespace = f"shared-{pod.number}", "team-shared"
        pods.append(pod)
    return pods


def _settle(world: World) -> None:
    """Work out what each pod really drew: boards that are shared by the rules of sharing."""
    for board in world.boards:
        if board.node in WHOLE_NODES:
            for pod in board.pods:
                begin, end = np.array([pod.begin_s]), np.array([pod.end_s])
                pod.energy_j += float(board.joules(begin, end)[0])
            continue
        edges = np.array(sorted({edge for pod in board.pods for edge in (pod.begin_s, pod.end_s)}))
        joules = board.joules(edges[:-1], edges[1:])
        for begin_s, end_s, energy_j in zip(edges[:-1], edges[1:], joules, strict=True):
            here = [pod for pod in board.pods if pod.begin_s <= begin_s and pod.end_s >= end_s]
            for pod in here:
                n_slices = PROFILES[pod.slice_number][1]
                share = 1 / len(here) if board.node == SHARED_NODE else n_slices / 7
                pod.energy_j += energy_j * share


Series = tuple[str, np.ndarray, np.ndarray]


def write(world: World, path: Path, exported_slices: bool = True) -> int:
    """Write the text of all exporters; returns the number of samples."""
    families: dict[str, list[Series]] = {}
    for name, labels, times, values in _series(world):
        if len(times):
            row = (_labels(labels), times, np.broadcast_to(values, times.shape))
            families.setdefault(name, []).append(row)
    n_samples = 0
    with path.open("w", encoding="utf-8") as out:
        for name, rows in families.items():
            out.write(f"# TYPE {name} unknown\n")
            for labels, times, values in sorted(rows, key=lambda row: row[0]):
                shown = zip(times.tolist(), values.tolist(), strict=True)
                out.writelines(f"{name}{labels} {value!r} {time!r}\n" for time, value in shown)
                n_samples += len(times)
        out.write("# EOF\n")
    return n_samples


def _labels(labels: dict[str, str]) -> str:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "{" + ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items()) + "}"


Row = tuple[str, dict[str, str], np.ndarray, np.ndarray | float]


def _series(world: World) -> Iterator[Row]:
    others_s = world.scrapes_s[:: OTHERS_STEP_S // STEP_S]
    times = looks(others_s, "ksm-0")
    nodes = [*WHOLE_NODES, MIG_NODE, SHARED_NODE]
    for node in nodes:
        yield from _node_series(node, times)
    for pod in [*world.pods, *map(_exporter, nodes)]:
        yield from _pod_series(pod, times)
        yield from _container_series(pod, looks(others_s, pod.node))
    for node in nodes:
        root = {"job": "kubelet", "node": node, "id": "/", "cpu": "total"}
        at = looks(others_s, node)
        yield "container_cpu_usage_seconds_total", root, at, at - BEGIN_S
    for board in world.boards:
        yield from _board_series(board, looks(world.scrapes_s, board.node))


def _exporter(node: str) -> Pod:
    return Pod(
        uid=f"eeeeeeee-0000-4000-8000-{sum(map(ord, node)) * 1000 + ord(node[-1]):012x}",
        namespace="gpu-operator", name=f"dcgm-exporter-{node}", node=node,
        begin_s=BEGIN_S - 9999.0, end_s=END_S + 9999.0, boards=[],
        owner=("DaemonSet", "dcgm-exporter"), user="", number=0,
    )  # fmt: skip


def _node_series(node: str, times: np.ndarray) -> Iterator[Row]:
    product = WHOLE_NODES.get(node, ("NVIDIA-A100-SXM4-80GB", 1))[0]
    labels = {"job": "ksm", "node": node, "label_nvidia_com_gpu_product": product}
    if node == SHARED_NODE:
        labels["label_nvidia_com_gpu_product"] += "-SHARED"
        labels["label_nvidia_com_gpu_replicas"] = str(N_REPLICAS)
    yield "kube_node_labels", labels, times[::5], 1
    yield "kube_node_info", {"job": "ksm", "node": node}, times, 1


def _pod_series(pod: Pod, times: np.ndarray) -> Iterator[Row]:
    there = times[(times >= pod.created_s) & (times < pod.gone_s)]
    bound = there[there >= pod.begin_s]
    ended = there[there >= pod.end_s]
    base = {"job": "ksm", "namespace": pod.namespace, "pod": pod.name, "uid": pod.uid}
    kind, owner = pod.owner
    about = {"created_by_kind": kind, "created_by_name": owner, "priority_class": "batch"}
    yield "kube_pod_info", {**base, **about}, there[there < pod.begin_s], 1
    yield "kube_pod_info", {**base, **about, "node": pod.node}, bound, 1
    owned = {"owner_kind": kind, "owner_name": owner, "owner_is_controller": "true"}
    yield "kube_pod_owner", {**base, **owned}, there, 1
    if kind == "Job":
        job = {"job": "ksm", "namespace": pod.namespace, "job_name": owner}
        cron = {"owner_kind": "CronJob", "owner_name": "nightly"}
        none = {"owner_kind": "<none>", "owner_name": "<none>"}
        yield "kube_job_owner", {**job, **(cron if pod.number % 2 else none)}, there, 1
    labels = {"label_example_org_user": pod.user, "label_note": HOSTILE[pod.number % len(HOSTILE)]}
    yield "kube_pod_labels", {**base, **labels}, there, 1
    for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown"):
        now = np.where(there < pod.begin_s, "Pending", "Running")
        now = np.where(there >= pod.end_s, "Succeeded", now)
        yield "kube_pod_status_phase", {**base, "phase": phase}, there, (now == phase) * 1
    yield "kube_pod_created", base, there, float(pod.created_s)
    yield "kube_pod_start_time", base, bound, pod.begin_s + 2
    yield "kube_pod_status_scheduled_time", base, bound, pod.begin_s
    yield "kube_pod_completion_time", base, ended, pod.end_s
    yield from _request_series(pod, base, there)


def _request_series(pod: Pod, base: dict[str, str], there: np.ndarray) -> Iterator[Row]:
    asked = [("cpu", 4.0), ("memory", 16e9)]
    if pod.boards:
        asked.append((_resource(pod), 1.0 if pod.node == SHARED_NODE else n_gpu(pod)))
    for resource, amount in asked:
        labels = {**base, "container": "main", "node": pod.node, "resource": resource}
        yield "kube_pod_container_resource_requests", labels, there, amount


def _resource(pod: Pod) -> str:
    if pod.node != MIG_NODE:
        return "nvidia_com_gpu"
    return f"nvidia_com_mig_{PROFILES[pod.slice_number][0].replace('.', '_')}"


def _container_series(pod: Pod, times: np.ndarray) -> Iterator[Row]:
    """Two lives of the main container, the pod's own sum, and its sandbox."""
    middle_s = (pod.begin_s + pod.end_s) / 2
    lives = [("1", pod.begin_s, middle_s), ("2", middle_s, pod.end_s)]
    group = f"/kubepods/burstable/pod{pod.uid}" if pod.number % 2 else f"/k/{pod.number}"
    base = {"job": "kubelet", "namespace": pod.namespace, "pod": pod.name, "cpu": "total"}
    memory = {name: text for name, text in base.items() if name != "cpu"}
    for life, begin_s, end_s in lives:
        here = times[(times >= begin_s) & (times < end_s)]
        labels = {"container": "main", "id": f"{group}/{life}"}
        used = cpu_rate(pod) * (here - begin_s)
        yield "container_cpu_usage_seconds_total", {**base, **labels}, here, used
        yield "container_memory_working_set_bytes", {**memory, **labels}, here, 2e9 + here % 7
    here = times[(times >= pod.begin_s) & (times < pod.end_s)]
    for container, name in (("", group), ("POD", f"{group}/pause")):
        labels = {"container": container, "id": name}
        used = cpu_rate(pod) * (here - pod.begin_s)
        yield "container_cpu_usage_seconds_total", {**base, **labels}, here, used
        yield "container_memory_working_set_bytes", {**memory, **labels}, here, 3e9


def _board_series(board: Board, times: np.ndarray) -> Iterator[Row]:
    """Counter [mJ] since the exporter's host came up, power and activity, for each holder."""
    restart_s = RESTARTS_S.get(board.node, BEGIN_S - 500.0)
    booted_s = np.where(times >= restart_s, restart_s, BEGIN_S - 500.0)
    counter = np.rint(board.joules(booted_s, times) * 1000)
    power = board.joules(times - 5, times + 5) / 10
    base = {
        "job": "dcgm-operator" if is_exported(board.node) else "dcgm-plain",
        "gpu": str(board.index), "UUID": board.uuid, "device": f"nvidia{board.index}",
        "modelName": board.product.replace("-", " "), "Hostname": "424773df46e0",
    }  # fmt: skip
    if is_exported(board.node):
        target = {"namespace": "gpu-operator", "pod": f"dcgm-exporter-{board.node}"}
        base |= {**target, "container": "exporter"}
    for labels, is_here, busy in _held(board, times):
        where = {**base, **labels}
        at = times[is_here]
        yield "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", where, at, counter[is_here]
        if board.node in RESTARTS_S:
            yield "DCGM_FI_DEV_POWER_USAGE", where, at, power[is_here]
        if board.node.startswith("gpu-b"):
            yield "DCGM_FI_DEV_GPU_UTIL", where, at, busy * 100
        else:
            yield "DCGM_FI_PROF_GR_ENGINE_ACTIVE", where, at, busy


def _held(board: Board, times: np.ndarray) -> Iterator[tuple[dict[str, str], np.ndarray, float]]:
    """Return labels and times of each holder of a board, and of nobody where nobody holds it."""
    if board.node == MIG_NODE:
        for place, (profile, _) in enumerate(PROFILES):
            slices = {"GPU_I_ID": str(place + 1), "GPU_I_PROFILE": profile}
            pods = [pod for pod in board.pods if pod.slice_number == place]
            for labels, is_here, busy in _names(board, pods, times):
                yield {**slices, **labels}, is_here, busy
        return
    yield from _names(board, board.pods, times)


def _names(
    board: Board, pods: list[Pod], times: np.ndarray
) -> Iterator[tuple[dict[str, str], np.ndarray, float]]:
    prefix = "exported_" if is_exported(board.node) else ""
    is_free = np.ones(len(times), dtype=bool)
    by_name: dict[tuple[str, str], np.ndarray] = {}
    for pod in pods:
        is_here = (times >= pod.begin_s) & (times < pod.end_s)
        is_free &= ~is_here
        key = (pod.namespace, pod.name)
        by_name[key] = by_name.get(key, np.zeros(len(times), dtype=bool)) | is_here
    for (namespace, name), is_here in by_name.items():
        labels = {"namespace": namespace, "pod": name, "container": "main"}
        yield {f"{prefix}{key}": text for key, text in labels.items()}, is_here, 0.75
    yield {}, is_free, 0.0
