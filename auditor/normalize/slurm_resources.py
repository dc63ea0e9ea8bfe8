"""What a run held: CPUs, nodes, accelerators and memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.job import QualityFlag
from auditor.normalize.columns import Cells, Encoded
from auditor.normalize.hostlist import count_hosts
from auditor.normalize.slurm_values import (
    is_missing,
    parse_count,
    parse_requested_memory,
)
from auditor.normalize.tres import NO_TRES, Tres, parse_tres

Numbers = NDArray[np.float64]
_NUMBERS = ("n_cpus", "n_nodes", "n_gpu", "memory_bytes", "memory_decimal_gb")


@dataclass(frozen=True)
class AllocatedTres:
    """AllocTRES of each run by its distinct texts; `unreadable` marks rows that cannot be read.

    `table` has one row for each distinct text, a column for each of `_NUMBERS`.
    """

    codes: NDArray[np.int32]
    table: Numbers
    types: list[str]
    unreadable: NDArray[np.bool_]

    def numbers(self, name: str) -> Numbers:
        """Return one number of the TRES for every row."""
        values: Numbers = self.table[:, _NUMBERS.index(name)][self.codes]
        return values

    def gpu_types(self) -> pd.Categorical:
        """Return the accelerator types of every row."""
        return Encoded(self.codes, self.types).categories(lambda types: types)

    def lacks_type(self) -> NDArray[np.bool_]:
        """Tell the rows that hold accelerators without a type."""
        return Encoded(self.codes, self.types).marks(
            lambda types: types.startswith("=") or ",=" in types
        )


@dataclass(frozen=True)
class Resources:
    """What the runs held, (n,) each; NaN is not known. Memory of all nodes together."""

    n_cpus: Numbers
    n_nodes: Numbers
    n_gpu: Numbers
    gpu_types: pd.Categorical
    memory_bytes: Numbers
    requested_memory_decimal_gb: Numbers
    flags: NDArray[np.int64]


def read_tres(cells: Cells) -> AllocatedTres:
    """Read AllocTRES, each distinct text once."""
    nothing = Encoded(np.zeros(cells.n_rows, dtype=np.int32), [""])
    encoded = cells.encoded("AllocTRES") or nothing
    parsed = [_tres_or_none(text) for text in encoded.distinct]
    unreadable = np.array([tres is None for tres in parsed], dtype=bool)
    known = [tres or NO_TRES for tres in parsed]
    rows = [[getattr(tres, name) for name in _NUMBERS] for tres in known]
    table = np.array(rows, dtype=np.float64).reshape(-1, len(_NUMBERS))
    types = [tres.gpu_types for tres in known]
    return AllocatedTres(encoded.codes, table, types, unreadable[encoded.codes])


def _tres_or_none(text: str) -> Tres | None:
    try:
        return parse_tres(text)
    except ValueError:
        return None


def read_resources(
    cells: Cells, tres: AllocatedTres, started: NDArray[np.bool_], elapsed_s: Numbers
) -> Resources:
    """Work out what each run held.

    Parameters
    ----------
    cells
        Allocation rows.
    tres
        Their AllocTRES.
    started
        Which of them ever began; the others held nothing.
    elapsed_s
        How long they ran.
    """
    n_cpus = _filled(cells, tres.numbers("n_cpus"), ("AllocCPUS", "NCPUS"))
    n_cpus = np.where(started, _filled(cells, n_cpus, ("ReqCPUS",)), n_cpus)
    n_nodes = _filled(cells, tres.numbers("n_nodes"), ("AllocNodes", "NNodes"))
    n_nodes = _filled(cells, n_nodes, ("NodeList",), _count_listed)
    n_gpu = tres.numbers("n_gpu")
    requested_bytes, requested_gb = _requested_memory(cells, n_nodes, n_cpus)
    allocated_bytes = tres.numbers("memory_bytes")
    allocated_gb = tres.numbers("memory_decimal_gb")
    memory_bytes = np.where(allocated_bytes > 0, allocated_bytes, requested_bytes)
    ran = started & (elapsed_s > 0)
    flags = np.where(ran & np.isnan(memory_bytes), int(QualityFlag.MEMORY_UNUSABLE), 0)
    flags |= np.where(started & np.isnan(n_cpus), int(QualityFlag.RESOURCES_UNKNOWN), 0)
    flags |= np.where(tres.lacks_type(), int(QualityFlag.GPU_TYPE_UNKNOWN), 0)
    return Resources(
        n_cpus=_nothing_before_start(n_cpus, started),
        n_nodes=_nothing_before_start(n_nodes, started),
        n_gpu=_nothing_before_start(n_gpu, started),
        gpu_types=tres.gpu_types(),
        memory_bytes=memory_bytes,
        requested_memory_decimal_gb=np.where(np.isnan(requested_gb), allocated_gb, requested_gb),
        flags=flags,
    )


def _nothing_before_start(counts: Numbers, started: NDArray[np.bool_]) -> Numbers:
    return np.where(np.isnan(counts) & ~started, 0.0, counts)


def _filled(
    cells: Cells,
    counts: Numbers,
    names: tuple[str, ...],
    parse: Callable[[str], float] | None = None,
) -> Numbers:
    """Fill the unknown counts from the columns named, the first that knows."""
    for name in names:
        unknown = np.isnan(counts)
        if not unknown.any():
            return counts
        encoded = cells.rows(unknown).encoded(name)
        if encoded is not None:
            counts = counts.copy()
            counts[unknown] = encoded.numbers(parse or _count)
    return counts


def _count(text: str) -> float:
    try:
        return parse_count(text)
    except ValueError:
        return math.nan


def _count_listed(text: str) -> float:
    try:
        return math.nan if is_missing(text) else float(count_hosts(text))
    except ValueError:
        return math.nan


def _requested_memory(cells: Cells, n_nodes: Numbers, n_cpus: Numbers) -> tuple[Numbers, Numbers]:
    """Return ReqMem for all nodes together: in bytes, and in GB with 1000 M = 1 G."""
    encoded = cells.encoded("ReqMem")
    if encoded is None:
        missing = np.full(cells.n_rows, np.nan)
        return missing, missing
    asked = [parse_requested_memory(text) for text in encoded.distinct]
    codes = encoded.codes
    amount_bytes = np.array([one.amount_bytes for one in asked])[codes]
    amount_gb = np.array([one.amount_decimal_gb for one in asked])[codes]
    if all(one.per == "job" for one in asked):
        return amount_bytes, amount_gb
    per_node = np.array([one.per == "node" for one in asked])[codes]
    per_cpu = np.array([one.per == "cpu" for one in asked])[codes]
    times = np.where(per_node, n_nodes, np.where(per_cpu, n_cpus, 1.0))
    return amount_bytes * times, amount_gb * times
