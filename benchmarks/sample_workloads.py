"""The made-up clusters of the demo: their nodes, their people and what these usually run."""

from dataclasses import dataclass

MIB_PER_GIB = 1024


@dataclass(frozen=True)
class NodeKind:
    """Nodes of one kind. A slot is what one job takes at least: an accelerator or some cores."""

    cluster: str
    partition: str
    stem: str
    first: int
    n_nodes: int
    n_slots: int
    cores_per_slot: int
    memory_gib: int
    gres: str = ""
    features: str = ""

    @property
    def has_gpu(self) -> bool:
        """Tell whether a slot is an accelerator."""
        return bool(self.gres)

    @property
    def names(self) -> list[str]:
        """Name its nodes."""
        return [f"{self.stem}{n:03d}" for n in range(self.first, self.first + self.n_nodes)]


@dataclass(frozen=True)
class Workload:
    """What one person runs again and again over the two weeks.

    `n_runs` submissions, each an array of `array_size` tasks where above 1; a job takes `n_slots`
    on each of `n_nodes`; `hours` is the median duration, `spread` its log-normal sigma. Ratios are
    shares of what was allocated. A negative `gpu_ratio` means nobody measured the accelerators.
    """

    user: str
    account: str
    kind: str
    name: str
    n_runs: int
    hours: float
    limit_h: int
    n_slots: int = 1
    n_nodes: int = 1
    array_size: int = 1
    spread: float = 0.4
    cpu_ratio: float = 0.6
    gpu_ratio: float = -1.0
    memory_gib: int = 0  # 0 asks for the slot's share of its node
    memory_ratio: float = 0.4
    failed_ratio: float = 0.05
    memory_killed_ratio: float = 0.0


KINDS = {
    "a100": NodeKind("alpha", "gpu", "gpu", 1, 4, 4, 32, 1000, "a100", "a100,sxm4"),
    "v100": NodeKind("alpha", "gpu", "gpu", 5, 2, 4, 10, 368, "v100", "v100,sxm2"),
    "l40s": NodeKind("alpha", "gpu", "gpu", 7, 2, 4, 16, 500, "l40s", "l40s"),
    "mig": NodeKind("alpha", "interactive", "gpu", 9, 1, 28, 4, 1000, "a100_1g.10gb", "a100,mig"),
    "cpu": NodeKind("alpha", "cpu", "cpu", 1, 16, 8, 16, 500, "", "milan"),
    "h100": NodeKind("beta", "accel", "bgpu", 1, 2, 4, 24, 1000, "h100", "h100,sxm5"),
    "ice": NodeKind("beta", "main", "bcpu", 1, 10, 9, 8, 250, "", "icelake"),
}

WORKLOADS = (
    Workload("alice", "vision", "a100", "train_vit_large", 22, 9.0, 24, n_slots=2,
             gpu_ratio=0.82, cpu_ratio=0.12, memory_ratio=0.35, failed_ratio=0.08),
    Workload("alice", "vision", "a100", "evaluate", 30, 0.4, 2, gpu_ratio=0.55, cpu_ratio=0.1),
    Workload("bob", "vision", "l40s", "finetune", 5, 1.6, 4, array_size=12, gpu_ratio=0.7,
             cpu_ratio=0.2, failed_ratio=0.15),
    Workload("carol", "climate", "cpu", "icon_ensemble", 9, 7.0, 12, n_slots=8, n_nodes=4,
             cpu_ratio=0.93, memory_ratio=0.3, failed_ratio=0.04),
    Workload("dave", "genomics", "cpu", "snakejob.align_reads", 9, 0.5, 4, array_size=60,
             spread=0.7, cpu_ratio=0.7, memory_gib=64, memory_ratio=0.45),
    Workload("dave", "genomics", "cpu", "snakejob.call_variants", 6, 0.25, 2, array_size=50,
             spread=0.6, cpu_ratio=0.5, memory_gib=32, memory_ratio=0.5, failed_ratio=0.02),
    Workload("erin", "materials", "cpu", "vasp_relax", 60, 6.5, 12, n_slots=4, spread=0.7,
             cpu_ratio=0.95, memory_ratio=0.25),
    Workload("frank", "materials", "v100", "gromacs_md", 34, 7.5, 12, spread=0.5, gpu_ratio=0.88,
             cpu_ratio=0.8, memory_ratio=0.05),
    Workload("grace", "genomics", "a100", "fold_proteins", 26, 2.6, 8, gpu_ratio=0.4,
             cpu_ratio=0.3, memory_ratio=0.6, memory_killed_ratio=0.22),
    Workload("heidi", "teaching", "mig", "spawner-jupyterhub", 150, 1.5, 4, spread=0.5,
             gpu_ratio=0.06, cpu_ratio=0.04, memory_ratio=0.1, failed_ratio=0.0),
    Workload("ivan", "teaching", "mig", "exercise", 170, 0.2, 2, spread=0.9, gpu_ratio=0.25,
             cpu_ratio=0.2, memory_ratio=0.1, failed_ratio=0.3),
    Workload("mallory", "vision", "a100", "<b>notebook</b>", 14, 11.0, 12, n_slots=2,
             spread=0.15, gpu_ratio=0.02, cpu_ratio=0.01, memory_ratio=0.04, failed_ratio=0.0),
    Workload("niaj", "cfd", "cpu", "openfoam_wing|mesh3", 12, 5.0, 24, n_slots=8, n_nodes=2,
             cpu_ratio=0.9, memory_ratio=0.2, failed_ratio=0.1),
    Workload("olivia", "cfd", "h100", "surrogate_train", 20, 6.0, 24, n_slots=2, gpu_ratio=-1.0,
             cpu_ratio=0.15),
    Workload("judy", "climate", "ice", "regrid", 60, 0.6, 2, n_slots=2, spread=0.6,
             cpu_ratio=0.55),
    Workload("peggy", "climate", "ice", "préparation", 45, 1.2, 4, n_slots=1, memory_gib=200,
             memory_ratio=0.03, cpu_ratio=0.3),
    Workload("olivia", "cfd", "ice", "postprocess", 25, 0.8, 4, n_slots=3, cpu_ratio=0.6),
)  # fmt: skip

USERS = (
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory",
    "niaj", "olivia", "peggy",
)  # fmt: skip
UID = {user: 1001 + number for number, user in enumerate(USERS)}
