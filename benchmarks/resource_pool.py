"""What jobs ask for: about 1,500 distinct resource strings, as on a large cluster."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

N_REQUESTS = 1500
MIB_PER_GIB = 1024

# (gres word, accelerators per node, node name stem, nodes, weight); "" is a gres without a type.
_GPU_KINDS = (
    ("a100", 4, "gpua", 96, 0.40),
    ("h100", 4, "gpuh", 32, 0.20),
    ("v100", 4, "gpuv", 48, 0.15),
    ("l40s", 8, "gpul", 24, 0.12),
    ("nvidia_a100_1g.10gb", 28, "gpum", 8, 0.08),
    ("", 2, "gpux", 16, 0.05),
)
_CPU_NODES = 480
_N_CPUS = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
_GIB_PER_CPU = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24)
_GPU_SHARE = 0.6
_N_NODES = (1, 1, 1, 1, 1, 2, 4, 8, 16)


@dataclass(frozen=True)
class ResourcePool:
    """Distinct requests as columns; `weight` says how often each is asked for (sums to 1).

    `node_list` holds eight places per request, side by side: place p of request i is row 8 i + p.
    """

    n_cpus: NDArray[np.int64]
    n_nodes: NDArray[np.int64]
    n_gpu: NDArray[np.int64]
    memory_mib: NDArray[np.int64]
    weight: NDArray[np.float64]
    is_gpu: NDArray[np.bool_]
    requested_memory: pa.Array
    requested: pa.Array
    allocated: pa.Array
    allocated_to_step: pa.Array
    node_list: pa.Array


@dataclass(frozen=True)
class _Request:
    n_cpus: int
    n_nodes: int
    n_gpu: int
    memory_mib: int
    gres: str
    stem: str
    nodes_of_kind: int

    def tres(self, *, billing: bool) -> str:
        parts = [f"billing={self.n_cpus + 16 * self.n_gpu}"] if billing else []
        parts.append(f"cpu={self.n_cpus}")
        if self.n_gpu and self.gres:
            parts.append(f"gres/gpu:{self.gres}={self.n_gpu}")
        if self.n_gpu:
            parts.append(f"gres/gpu={self.n_gpu}")
        return ",".join((*parts, f"mem={self.memory_mib}M", f"node={self.n_nodes}"))

    def places(self, random: np.random.Generator) -> list[str]:
        first = random.integers(1, self.nodes_of_kind - self.n_nodes + 2, size=PLACES)
        if self.n_nodes == 1:
            return [f"{self.stem}{number:03d}" for number in first]
        return [f"{self.stem}[{a:03d}-{a + self.n_nodes - 1:03d}]" for a in first]


PLACES = 8


def _draw_request(random: np.random.Generator, *, gpu: bool) -> _Request:
    n_nodes = int(random.choice(_N_NODES))
    memory_per_cpu = int(random.choice(_GIB_PER_CPU))
    if not gpu:
        n_cpus = int(random.choice(_N_CPUS)) * n_nodes
        memory_mib = n_cpus * memory_per_cpu * MIB_PER_GIB
        return _Request(n_cpus, n_nodes, 0, memory_mib, "", "cpu", _CPU_NODES)
    shares = [kind[4] for kind in _GPU_KINDS]
    gres, per_node, stem, nodes, _ = _GPU_KINDS[random.choice(len(_GPU_KINDS), p=shares)]
    n_nodes = min(n_nodes, 4)
    n_gpu = int(random.integers(1, min(per_node, 8) + 1)) * n_nodes
    n_cpus = n_gpu * int(random.choice((4, 8, 12, 16)))
    return _Request(
        n_cpus, n_nodes, n_gpu, n_cpus * memory_per_cpu * MIB_PER_GIB, gres, stem, nodes
    )


def build_pool(seed: int) -> ResourcePool:
    """Draw the pool; the same seed gives the same pool."""
    random = np.random.default_rng([seed, 1])
    distinct: dict[str, _Request] = {}
    while len(distinct) < N_REQUESTS:
        request = _draw_request(random, gpu=random.random() < _GPU_SHARE)
        distinct.setdefault(request.tres(billing=True), request)
    requests = list(distinct.values())
    is_gpu = np.array([request.n_gpu > 0 for request in requests])
    rank = random.permutation(N_REQUESTS) + 1
    weight = rank**-0.7 * np.where(is_gpu, 0.35, 1.0)
    return ResourcePool(
        n_cpus=np.array([request.n_cpus for request in requests]),
        n_nodes=np.array([request.n_nodes for request in requests]),
        n_gpu=np.array([request.n_gpu for request in requests]),
        memory_mib=np.array([request.memory_mib for request in requests]),
        weight=weight / weight.sum(),
        is_gpu=is_gpu,
        requested_memory=pa.array([f"{r.memory_mib // r.n_nodes}M" for r in requests]),
        requested=pa.array([request.tres(billing=True) for request in requests]),
        allocated=pa.array([request.tres(billing=True) for request in requests]),
        allocated_to_step=pa.array([request.tres(billing=False) for request in requests]),
        node_list=pa.array([place for r in requests for place in r.places(random)]),
    )
