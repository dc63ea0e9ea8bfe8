"""What the runs of a table held: CPUs, nodes, accelerators and memory."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.job import QualityFlag
from auditor.normalize.columns import Cells, Encoded, constant_category
from auditor.normalize.hostlist import count_hosts
from auditor.normalize.run_times import Fault
from auditor.normalize.table.cells import is_nothing, read_numbers
from auditor.normalize.table.column_map import TableMap

Numbers = NDArray[np.float64]
_UNSAFE = str.maketrans({"=": " ", ",": " "})


@dataclass(frozen=True)
class Held:
    """What the runs held, (n,) each; NaN is not known. A run that never started held nothing."""

    n_cpus: Numbers
    n_nodes: Numbers
    n_gpu: Numbers
    gpu_types: pd.Categorical
    memory_bytes: Numbers
    node_list: pd.Categorical
    flags: NDArray[np.int64]


def read_held(
    cells: Cells, table: TableMap, started: NDArray[np.bool_]
) -> tuple[Held, list[Fault]]:
    """Read what each run held, and which rows cannot be read.

    Parameters
    ----------
    cells
        Rows of a table.
    table
        Its columns.
    started
        Which of them ever began.
    """
    values: dict[str, Numbers] = {}
    faults: list[Fault] = []
    for name in ("n_cpus", "n_nodes", "n_gpu", "gpu_share", "memory"):
        values[name], found = read_numbers(cells, name, table)
        faults += found
    faults.append(Fault(values["gpu_share"] > 1, "gpu_share is above 1"))
    # Who holds whole accelerators often leaves the share empty.
    share = np.where(np.isnan(values["gpu_share"]), 1.0, values["gpu_share"])
    n_gpu = np.where(started, values["n_gpu"] * share, 0.0)
    n_cpus = np.where(started, values["n_cpus"], 0.0)
    gpu_types = types_of(n_gpu, _models(cells))
    node_list, n_listed = _nodes(cells)
    n_nodes = np.where(np.isnan(values["n_nodes"]), n_listed, values["n_nodes"])
    flags = np.where(np.isnan(n_cpus), int(QualityFlag.RESOURCES_UNKNOWN), 0)
    flags |= np.where(started & np.isnan(values["memory"]), int(QualityFlag.MEMORY_UNUSABLE), 0)
    flags |= lacks_type(gpu_types)
    held = Held(
        n_cpus=n_cpus,
        n_nodes=np.where(started, n_nodes, 0.0),
        n_gpu=n_gpu,
        gpu_types=gpu_types,
        memory_bytes=values["memory"],
        node_list=node_list,
        flags=flags,
    )
    return held, faults


def _models(cells: Cells) -> Encoded:
    """Return the site's words for the accelerators, '' where there is none."""
    encoded = cells.encoded("gpu_model") or Encoded(np.zeros(cells.n_rows, dtype=np.int32), [""])
    words = ["" if is_nothing(text) else text.strip() for text in encoded.distinct]
    return Encoded(encoded.codes, words)


def types_of(n_gpu: Numbers, models: Encoded) -> pd.Categorical:
    """Return accelerators as JOBS has them: 'T4=2', '=0.5' without a model, '' for none.

    Parameters
    ----------
    n_gpu
        How many, (n,); NaN is not known.
    models
        The word for them. The characters that the form needs become blanks.
    """
    counts, amounts = pd.factorize(np.where(np.isnan(n_gpu), 0.0, n_gpu))
    together = counts * max(len(models.distinct), 1) + models.codes
    codes, distinct = pd.factorize(together)
    words = [word.translate(_UNSAFE).strip() for word in models.distinct] or [""]
    texts = []
    for pair in distinct.tolist():
        count, word = divmod(pair, len(words))
        amount = float(amounts[count])
        texts.append(f"{words[word]}={amount:.12g}" if amount > 0 else "")
    return Encoded(codes.astype(np.int32), texts).categories(lambda text: text)


def lacks_type(gpu_types: pd.Categorical) -> NDArray[np.int64]:
    """Flag the rows that hold accelerators without a model."""
    untyped = np.array([text.startswith("=") for text in gpu_types.categories], dtype=bool)
    flags = np.where(untyped, np.int64(QualityFlag.GPU_TYPE_UNKNOWN), np.int64(0))
    found: NDArray[np.int64] = flags[gpu_types.codes] if len(flags) else np.zeros(0, np.int64)
    return found


def _nodes(cells: Cells) -> tuple[pd.Categorical, Numbers]:
    encoded = cells.encoded("nodes")
    if encoded is None:
        return constant_category(None, cells.n_rows), np.full(cells.n_rows, np.nan)
    nodes = encoded.categories(lambda text: None if is_nothing(text) else text.strip())
    return nodes, encoded.numbers(_count)


def _count(text: str) -> float:
    try:
        return math.nan if is_nothing(text) else float(count_hosts(text))
    except ValueError:
        return math.nan
