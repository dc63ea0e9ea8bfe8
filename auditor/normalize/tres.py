"""Trackable resources: `billing=4,cpu=4,gres/gpu:a100=2,gres/gpu=2,mem=8G,node=1`."""

import math
from dataclasses import dataclass
from functools import lru_cache

from auditor.normalize.slurm_values import (
    is_missing,
    parse_count,
    parse_size_bytes,
    parse_size_decimal_gb,
)

_GPU = "gres/gpu"


@dataclass(frozen=True)
class Tres:
    """What one TRES text says of a run, all nodes together.

    Counts are NaN where the text does not name them, but `n_gpu` is 0 in a text that names other
    resources: Slurm leaves out what a job did not get. Memory in bytes (binary multiples) and in
    GB with 1000 M = 1 G.
    """

    n_cpus: float
    n_nodes: float
    n_gpu: float
    gpu_types: str
    memory_bytes: float
    memory_decimal_gb: float


NO_TRES = Tres(math.nan, math.nan, math.nan, "", math.nan, math.nan)


def split_tres(text: str) -> dict[str, str]:
    """Split a TRES text into names and amounts, as text.

    Raises
    ------
    ValueError
        A part of it has no amount.
    """
    amounts = {}
    for part in text.strip().split(","):
        name, equals, amount = part.rpartition("=")
        if not equals or not name:
            msg = f"{part!r} has no amount"
            raise ValueError(msg)
        amounts[name.strip()] = amount
    return amounts


@lru_cache(maxsize=2**14)
def parse_tres(text: str) -> Tres:
    """Read AllocTRES, every accelerator counted once.

    `gres/gpu` is the total and `gres/gpu:TYPE` says what it is made of; without a total the types
    add up to it. `gres/gpumem`, `gres/gpuutil`, `gres/shard`, `gres/mps` and licences are no
    accelerators.

    Raises
    ------
    ValueError
        The text is no TRES.
    """
    if is_missing(text):
        return NO_TRES
    amounts = split_tres(text)
    n_gpu, gpu_types = _accelerators(amounts)
    memory = amounts.get("mem", "")
    return Tres(
        n_cpus=parse_count(amounts.get("cpu", "")),
        n_nodes=parse_count(amounts.get("node", "")),
        n_gpu=n_gpu,
        gpu_types=gpu_types,
        memory_bytes=parse_size_bytes(memory, "M"),
        memory_decimal_gb=parse_size_decimal_gb(memory),
    )


def _accelerators(amounts: dict[str, str]) -> tuple[float, str]:
    typed = {
        name.removeprefix(f"{_GPU}:"): parse_count(amount)
        for name, amount in amounts.items()
        if name.startswith(f"{_GPU}:")
    }
    typed = {word: count for word, count in typed.items() if count > 0}
    n_typed = math.fsum(typed.values())
    n_gpu = parse_count(amounts.get(_GPU, ""))
    n_gpu = n_typed if math.isnan(n_gpu) else n_gpu
    parts = (
        [f"{word}={_count_text(count)}" for word, count in sorted(typed.items())] if n_gpu else []
    )
    if n_gpu > n_typed:
        parts.append(f"={_count_text(n_gpu - n_typed)}")
    return n_gpu, ",".join(parts)


def _count_text(count: float) -> str:
    return str(int(count)) if count.is_integer() else str(count)
