"""Which rows are runs, which are steps, and what their ids say."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.normalize.columns import Cells

_DIGITS = "0123456789"
_RAW_ID = "[0-9]+"
# 14_4, 17_[1-1000:3], a list that sacct cut (18_[0,7,...), a bitmap (0x92), 21+0
_JOB_ID = r"[0-9]+(_([0-9]+|\[[^\]]*\]?|0x[0-9A-Fa-f]+))?(\+[0-9]+)?"


@dataclass(frozen=True)
class RowKinds:
    """Which rows are allocations and which are steps; the rest are neither. (n,) each."""

    is_run: NDArray[np.bool_]
    is_step: NDArray[np.bool_]


def id_texts(cells: Cells) -> pa.Array:
    """Return the column that names the runs: JobIDRaw, or JobID where there is none.

    Raises
    ------
    KeyError
        There is neither; a reader refuses such exports.
    """
    return joined(cells.column("JobIDRaw" if "JobIDRaw" in cells.names else "JobID"))


def joined(column: pa.Array) -> pa.Array:
    """Return a column as one array: some operations on ids take no chunks."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def tell_rows(cells: Cells) -> RowKinds:
    """Tell runs, steps (`4711.batch`) and rows whose id is no job id."""
    ids = id_texts(cells)
    digits = _mask(pc.ascii_is_decimal(ids))
    if digits.all():
        return RowKinds(digits, np.zeros(cells.n_rows, dtype=bool))
    pattern = _RAW_ID if "JobIDRaw" in cells.names else _JOB_ID
    is_run = _mask(pc.match_substring_regex(ids, f"^{pattern}$"))
    is_step = _mask(pc.match_substring_regex(ids, rf"^{pattern}\.[^.]+$"))
    return RowKinds(is_run, is_step & ~is_run)


def stem_of(ids: pa.Array) -> pa.Array:
    """Return ids of steps without the step: `21+1.0` is a step of `21+1`."""
    return pc.list_element(pc.split_pattern(ids, ".", max_splits=1, reverse=True), 0)


def parents_of(job_ids: pa.Array) -> pa.Array:
    """Return the array master or het leader of each job, null for a plain job.

    `14_4` and `17_[1-1000:3]` belong to 14, `21+1` to 21.
    """
    belongs = pc.invert(pc.ascii_is_decimal(job_ids))
    some = job_ids.filter(belongs)
    leaders = pc.ascii_rtrim(pc.ascii_rtrim(some, characters=_DIGITS), characters="_+")
    odd = pc.invert(pc.ascii_is_decimal(leaders))
    leaders = pc.replace_with_mask(leaders, odd, _first_parts(some.filter(odd)))
    return pc.replace_with_mask(pa.nulls(len(job_ids), pa.string()), belongs, leaders)


def _first_parts(job_ids: pa.Array) -> pa.Array:
    parts = pc.split_pattern(pc.replace_substring(job_ids, "+", "_"), "_", max_splits=1)
    return pc.if_else(pc.match_substring_regex(job_ids, "[_+]"), pc.list_element(parts, 0), None)


def _mask(column: pa.Array) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = column.to_numpy(zero_copy_only=False)
    return mask
