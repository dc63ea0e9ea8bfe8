"""Hardware as rows of the catalogue and as what one kind of node has."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Accelerator:
    """One row of `data/hardware/accelerators.csv`. Powers of one device. [W], memory [bytes]."""

    name: str
    vendor: str
    kind: str  # gpu, tpu, hpu
    max_w: float
    idle_w: float
    idle_basis: str  # measured, datasheet, assumed
    memory_bytes: float
    max_mig_slices: int  # 0 where the device cannot be sliced
    calculator_name: str  # its name in the ML Emissions Calculator, else ""
    calculator_w: float  # its watts there, else NaN
    source: str
    source_date: str
    note: str


@dataclass(frozen=True)
class Cpu:
    """One row of `data/hardware/cpus.csv`. TDP of one socket [W]."""

    name: str
    vendor: str
    n_cores: int
    tdp_w: float
    calculator_name: str
    calculator_w: float
    source: str
    source_date: str
    note: str

    @property
    def w_per_core(self) -> float:
        """Nameplate power of one core: TDP over cores [W]."""
        return self.tdp_w / self.n_cores


@dataclass(frozen=True)
class NodeProfile:
    """What one kind of node has, as stated or looked up; None is 'not stated'. Powers [W].

    `rule` says in words which rule gave it, for `auditor explain`.
    """

    rule: str
    gpu: str | None = None
    gpu_w: float | None = None
    gpu_idle_w: float | None = None
    n_gpus: int | None = None
    cpu: str | None = None
    cpu_w_per_core: float | None = None
    cpu_idle_w_per_core: float | None = None
    n_cores: int | None = None
    memory_bytes: float | None = None
    node_base_w: float | None = None
    gpu_types: tuple[str, ...] = ()  # the gres types a node listing gives it
    features: tuple[str, ...] = ()
    n_cpus_per_core: float | None = None  # CPUs as the scheduler counts them per physical core


@dataclass(frozen=True)
class NodeRule:
    """One `[[clusters.nodes]]` entry: selectors that must all match, and the profile they give.

    `match` is a Slurm host list or a glob over node names, `partition` a glob; None matches all.
    """

    cluster: str
    match: str | None
    partition: str | None
    profile: NodeProfile


@dataclass(frozen=True)
class HardwareDefaults:
    """What is taken when nobody said: settings, shown in every report they mattered to.

    Each is a triple (low, central, high). Powers [W]. Defaults and their sources are in
    docs/method.md.
    """

    unknown_gpu_max_w: tuple[float, float, float] = (70.0, 300.0, 700.0)
    unknown_gpu_idle_w: tuple[float, float, float] = (10.0, 40.0, 120.0)
    unknown_cpu_w_per_core: tuple[float, float, float] = (1.5, 5.0, 12.0)
    gpu_idle_ratio: tuple[float, float, float] = (0.05, 0.14, 0.2)  # where a row gives no idle
    cpu_idle_ratio: tuple[float, float, float] = (0.1, 0.3, 0.5)  # idle over maximum of a core
