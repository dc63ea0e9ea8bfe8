"""The made-up Kubernetes cluster of the demo: its nodes, and what people usually run on it."""

from dataclasses import dataclass, field

CLUSTER = "gpu-cloud"
USER_KEY = "example.org/user"


@dataclass(frozen=True)
class NodePool:
    """Nodes of one kind; `n_replicas` pods share each accelerator in turns."""

    stem: str
    first: int
    n_nodes: int
    product: str
    family: str
    compute: str
    gpu_memory_mib: int
    n_gpu: int
    n_cpus: int
    memory_gib: int
    n_replicas: int = 1

    @property
    def names(self) -> list[str]:
        """Name its nodes."""
        return [f"{self.stem}-{n}" for n in range(self.first, self.first + self.n_nodes)]

    @property
    def n_pieces(self) -> int:
        """Count the accelerators that one node offers to pods."""
        return self.n_gpu * self.n_replicas

    @property
    def label(self) -> str:
        """Name its accelerators as GPU feature discovery does."""
        return self.product if self.n_replicas == 1 else f"{self.product}-SHARED"


POOLS = {
    "l40s": NodePool("l40s", 1, 3, "NVIDIA-L40S", "ada-lovelace", "8.9", 46_068, 4, 128, 512),
    "shared": NodePool("l40s", 4, 1, "NVIDIA-L40S", "ada-lovelace", "8.9", 46_068, 4, 128, 512,
                       n_replicas=4),
    "h100": NodePool("h100", 1, 2, "NVIDIA-H100-80GB-HBM3", "hopper", "9.0", 81_559, 8, 192, 2048),
}  # fmt: skip
POOL_OF_NODE = {name: pool for pool in POOLS.values() for name in pool.names}


@dataclass(frozen=True)
class PodWork:
    """What one person runs: `n_gpu`, `n_cpus` and `memory_gib` are those of one pod.

    A label cannot hold an address, so `user` stands in an annotation where it is one. `pool` is
    empty where any node will do.
    """

    namespace: str
    user: str | None
    kind: str
    name: str
    pool: str
    n_gpu: int
    n_cpus: float
    memory_gib: float
    image: str


@dataclass(frozen=True)
class BatchWork:
    """Jobs that are submitted again and again: `n_runs` of `n_pods`, `hours` is the median."""

    pod: PodWork
    n_runs: int
    n_pods: int
    hours: float
    spread: float
    failed_ratio: float = 0.05
    memory_killed_ratio: float = 0.0


@dataclass(frozen=True)
class NightlyWork:
    """A CronJob: it starts at `at_utc_s` of every day and keeps so many Jobs that are done."""

    pod: PodWork
    at_utc_s: int
    hours: float
    n_kept: int


@dataclass(frozen=True)
class StandingWork:
    """What stays up: one pod on each of `nodes` since `since`; on any free one where none is."""

    pod: PodWork
    since: str
    nodes: tuple[str, ...] = field(default=())


_ALICE = "alice@example.org"
_TORCH = "registry.example.org/vision/torch:2.9"
_FOLD = "registry.example.org/genomics/fold:3.1"
_ANSWER = "registry.example.org/assistant/serve:0.11"
_NOTEBOOK = "registry.example.org/base/notebook:2026-10"
_UPGRADE = "2026-11-02T07:10:00"
_NODES = tuple(POOL_OF_NODE)

PRETRAIN = BatchWork(
    PodWork("team-vision", _ALICE, "PyTorchJob", "vit-pretrain", "h100", 2, 40, 360, _TORCH),
    n_runs=7, n_pods=4, hours=4.5, spread=0.35, failed_ratio=0.2,
)  # fmt: skip
BATCH = (
    PRETRAIN,
    BatchWork(
        PodWork("team-vision", "bob", "Job", "detector-sweep", "l40s", 1, 12, 96, _TORCH),
        n_runs=5, n_pods=6, hours=1.6, spread=0.3, failed_ratio=0.12,
    ),
    BatchWork(
        PodWork("genomics", "grace", "Job", "fold-targets", "h100", 1, 16, 160, _FOLD),
        n_runs=18, n_pods=1, hours=2.2, spread=0.5, memory_killed_ratio=0.2,
    ),
    BatchWork(
        PodWork("cfd", "olivia", "Job", "surrogate-tune", "h100", 2, 32, 240,
                "registry.example.org/cfd/jax:0.8"),
        n_runs=8, n_pods=1, hours=5.0, spread=0.4,
    ),
)  # fmt: skip
REFRESH = NightlyWork(
    PodWork("genomics", "grace", "CronJob", "refresh-database", "", 0, 6, 48, _FOLD),
    at_utc_s=2 * 3600, hours=0.8, n_kept=3,
)  # fmt: skip
NIGHTLY = (
    REFRESH,
    NightlyWork(
        PodWork("assistant", "heidi", "CronJob", "evaluate-answers", "shared", 1, 3, 24, _ANSWER),
        at_utc_s=3 * 3600 + 1800, hours=0.7, n_kept=14,
    ),
)  # fmt: skip
STANDING = (
    StandingWork(
        PodWork("assistant", "heidi", "Deployment", "answer-service", "l40s", 1, 8, 64, _ANSWER),
        "2026-11-03T09:20:00",
    ),
    StandingWork(
        PodWork("team-vision", _ALICE, "StatefulSet", "notebook-alice", "l40s", 1, 8, 64,
                _NOTEBOOK),
        "2026-11-19T08:42:00",
    ),
    StandingWork(
        PodWork("team-vision", "bob", "StatefulSet", "notebook-bob", "shared", 1, 3, 24,
                _NOTEBOOK),
        "2026-11-09T10:05:00",
    ),
    StandingWork(
        PodWork("genomics", "grace", "StatefulSet", "notebook-grace", "shared", 1, 3, 24,
                _NOTEBOOK),
        "2026-11-12T13:30:00",
    ),
    StandingWork(
        PodWork("kube-system", None, "DaemonSet", "kube-proxy", "", 0, 0, 0,
                "registry.k8s.io/kube-proxy:v1.34.1"),
        _UPGRADE, _NODES,
    ),
    StandingWork(
        PodWork("gpu-operator", None, "DaemonSet", "nvidia-dcgm-exporter", "", 0, 0.1, 0.25,
                "nvcr.io/nvidia/k8s/dcgm-exporter:4.4.1-4.6.0-distroless"),
        _UPGRADE, _NODES,
    ),
    StandingWork(
        PodWork("gpu-operator", None, "DaemonSet", "nvidia-device-plugin-daemonset", "", 0, 0.05,
                0.0625, "nvcr.io/nvidia/k8s-device-plugin:v0.18.0"),
        _UPGRADE, _NODES,
    ),
    StandingWork(
        PodWork("kube-system", None, "Deployment", "coredns", "", 0, 0.1, 0.0625,
                "registry.k8s.io/coredns/coredns:v1.12.1"),
        _UPGRADE, ("l40s-1", "l40s-3"),
    ),
    StandingWork(
        PodWork("monitoring", None, "StatefulSet", "prometheus", "", 0, 2, 8,
                "quay.io/prometheus/prometheus:v3.7.3"),
        _UPGRADE, ("l40s-3",),
    ),
    StandingWork(
        PodWork("monitoring", None, "Deployment", "kube-state-metrics", "", 0, 0.1, 0.25,
                "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.17.0"),
        _UPGRADE, ("l40s-3",),
    ),
    StandingWork(
        PodWork("monitoring", None, "Deployment", "grafana", "", 0, 0.25, 0.5,
                "docker.io/grafana/grafana:12.2.1"),
        _UPGRADE, ("l40s-3",),
    ),
)  # fmt: skip
# Nobody's name on it, and a label that no node has.
SHELL = PodWork("team-vision", None, "", "gpu-shell", "l40s", 1, 4, 32, _TORCH)
NEVER_PLACED = PodWork("team-vision", "bob", "Job", "detector-large", "", 4, 48, 400, _TORCH)
WISHED_PRODUCT = "NVIDIA-A100-SXM4-80GB"
