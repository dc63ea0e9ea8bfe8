"""Which of two views of one run is the later and better one.

A rank is a whole number of 63 bits, from the top:

==== ==================================================================================
bits meaning
==== ==================================================================================
62   the run has ended: a finished view outranks every open one
61   the view is safe: it did not come from a text that its users could have forged
     (ended views only)
60   meters told of the pod, and it has ended: what they said is not in an export of it
59-  elapsed seconds, 31 bits from 59 to 29 (a later view of an open run is longer, and
     `sacct -T` cuts an ended one to its window)
28-  how many facts are known, 5 bits from 28 to 24: of two views equally long, the one that
     knows, say, the time limit
23-  24 bits of content hash
==== ==================================================================================

The content hash makes the order total, so that the rows that remain never depend on the order in
which views were loaded; views of equal content have equal rank. It covers every column but ids,
`source`, `line` and `end_utc`, which follows from others. What columns say that came later
(`_LATER`) counts only where it says more than a book that was written before them.
"""

import hashlib
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import CATEGORY, INSTANT, JOBS, NUMBER, TEXT, Column
from auditor.domain.job import QualityFlag

_ENDED, _SAFE, _METERED = np.int64(1) << 62, np.int64(1) << 61, np.int64(1) << 60
_ELAPSED_SHIFT, _FACTS_SHIFT, _HASH_BITS = 29, 24, 24
_MAX_ELAPSED_S = 2**31 - 1
_IDENTITY = frozenset(
    {"rank", "source", "line", "cluster", "raw_job_id", "job_id", "parent_job_id", "end_utc"}
)
_FACTS = (
    "user", "account", "partition", "qos", "job_name", "node_list", "eligible_utc", "time_limit_s",
    "n_cpus", "n_nodes", "n_gpu", "memory_bytes", "requested_memory_decimal_gb", "total_cpu_s",
    "max_rss_bytes", "gpu_utilisation_ratio", "consumed_energy_j", "gpu_energy_j",
)  # fmt: skip
# What only meters say of a pod.
_BY_METERS = ("total_cpu_s", "max_rss_bytes", "gpu_utilisation_ratio", "gpu_energy_j")
_LATER = frozenset(("scheduler", "gpu_energy_j", "gpu_metered_ratio", "gpu_observed_ratio"))
_FIRST_SCHEDULER = "slurm"
_WORD_BYTES = 8
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, as splitmix64 uses it


def rank_views(jobs: pd.DataFrame) -> NDArray[np.int64]:
    """Rank every view of a run, (n,) int64; see the layout above.

    Parameters
    ----------
    jobs
        A frame of JOBS without its rank.
    """
    content = _content_hash(jobs)
    elapsed_s = np.minimum(jobs["reported_elapsed_s"].to_numpy(), _MAX_ELAPSED_S)
    is_open = jobs["is_open"].to_numpy()
    forgeable = (jobs["quality_flags"].to_numpy() & int(QualityFlag.FORGEABLE)) != 0
    view = (elapsed_s << _ELAPSED_SHIFT) | (_count_facts(jobs) << _FACTS_SHIFT)
    view |= _top_bits(content, _HASH_BITS)
    ended = np.where(forgeable, _ENDED, _ENDED | _SAFE) | view
    ended = np.where(_is_metered(jobs), ended | _METERED, ended)
    rank: NDArray[np.int64] = np.where(is_open, view, ended)
    return rank


def _is_metered(jobs: pd.DataFrame) -> NDArray[np.bool_]:
    is_pod: NDArray[np.bool_] = (jobs["scheduler"].astype("object") == "kubernetes").to_numpy()
    return is_pod & jobs[list(_BY_METERS)].notna().to_numpy().any(axis=1)


def _count_facts(jobs: pd.DataFrame) -> NDArray[np.int64]:
    n_facts = np.zeros(len(jobs), dtype=np.int64)
    for name in _FACTS:
        n_facts += jobs[name].notna().to_numpy()
    return n_facts


def _top_bits(content: NDArray[np.uint64], n_bits: int) -> NDArray[np.int64]:
    return (content >> np.uint64(64 - n_bits)).astype(np.int64)


def _content_hash(jobs: pd.DataFrame) -> NDArray[np.uint64]:
    """Add up a word for each cell, in which its column has a part, and mix the bits of the sum."""
    content = np.zeros(len(jobs), dtype=np.uint64)
    for column in JOBS:
        if column.name not in _IDENTITY:
            words = _words(jobs[column.name], column)
            content += _said(jobs[column.name], words) if column.name in _LATER else words
    for shift in (np.uint64(32), np.uint64(29)):
        content ^= content >> shift
        content *= _MULTIPLIER
    return content


def _said(cells: pd.Series, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    says_nothing = cells.isna().to_numpy()
    if cells.name == "scheduler":
        says_nothing = says_nothing | (cells.astype("object") == _FIRST_SCHEDULER).to_numpy()
    return np.where(says_nothing, np.uint64(0), words)


def _words(cells: pd.Series, column: Column) -> NDArray[np.uint64]:
    """Return the cells of a column as 64-bit words; equal cells give equal words."""
    if column.dtype == CATEGORY:
        digests = [_digest(column.name, word) for word in cells.cat.categories.tolist()]
        words: NDArray[np.uint64] = np.array([*digests, 0], dtype=np.uint64)[cells.array.codes]
        return words
    if column.dtype == TEXT:
        return np.asarray(pd.util.hash_pandas_object(cells, index=False), dtype=np.uint64)
    values = cells.astype("int64").to_numpy() if column.dtype == INSTANT else cells.to_numpy()
    if column.dtype == NUMBER:
        values = (values + 0.0).view(np.uint64)  # one zero for -0.0 and 0.0
    part = np.uint64(_digest(column.name, "") | 1)
    parts: NDArray[np.uint64] = values.astype(np.uint64) * part
    return parts


@lru_cache(maxsize=2**16)
def _digest(column: str, word: str) -> int:
    content = f"{column}\0{word}".encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=_WORD_BYTES).digest(), "little")
