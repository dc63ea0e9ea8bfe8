"""Which rows are views of the same run, in integers that compare exactly."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.domain.job import QualityFlag

IDENTITY_COLUMNS = (
    "raw_job_id",
    "submit_utc",
    "start_utc",
    "end_utc",
    "n_restarts",
    "rank",
    "quality_flags",
)
_TEXT_ID = np.uint64(1 << 63)
_POD_ID = np.uint64(3 << 62)
_HASH_BITS = np.uint64((1 << 62) - 1)
# RFC 9562; a pod that a node's own files describe has a plain hash.
_POD_UID = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$|^[0-9a-f]{32}$"
_PLAIN_BELOW = 10**18
_PLAIN = "^(0|[1-9][0-9]{0,17})$"
_MULTIPLIERS = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


@dataclass(frozen=True)
class RunKeys:
    """The identity of rows of one partition, each array (n,).

    `raw` is the raw job id: its digits as a number, or a 62-bit hash of any other text, marked as
    such and where it is the uid of a pod. Instants are microseconds since 1970; `moment_us` is the
    start, for a run that never started its end, negative, and for a pending one its Submit. A uid
    is one run, whenever it was: for a pod it is 0. A stand-in is a row whose Submit was taken from
    elsewhere: `submit_us` is its moment, and its restart count says nothing about the run and
    reads -1 here, so that it never shares a key with a row that knows its Submit. `is_named` marks
    digits with a job id beside them that is another (14_0); False where nobody asked.
    """

    raw: NDArray[np.uint64]
    submit_us: NDArray[np.int64]
    n_restarts: NDArray[np.int64]
    moment_us: NDArray[np.int64]
    rank: NDArray[np.int64]
    is_stand_in: NDArray[np.bool_]
    is_named: NDArray[np.bool_]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.raw)

    @property
    def is_text(self) -> NDArray[np.bool_]:
        """Which raw ids are no digits and no uid: the job id of a run whose raw id was not told."""
        marked: NDArray[np.bool_] = (self.raw >= _TEXT_ID) & (self.raw < _POD_ID)
        return marked

    def run_hash(self) -> NDArray[np.uint64]:
        """Return one number per row, equal for equal keys (and, once in 2^64, for others)."""
        return _mixed(self.raw, self.submit_us, self.n_restarts)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "RunKeys":
        """Return some of the rows."""
        return RunKeys(*(getattr(self, field.name)[rows] for field in fields(self)))


def run_keys(table: pa.Table) -> RunKeys:
    """Return the identity of a table that has `IDENTITY_COLUMNS`, and maybe `job_id`."""
    flags = table.column("quality_flags").to_numpy()
    is_stand_in = (flags & QualityFlag.SUBMIT_FROM_START.value) != 0
    raw = raw_numbers(table.column("raw_job_id"))
    submit_us = table.column("submit_utc").cast(pa.int64()).to_numpy()
    moment_us = np.where(raw >= _POD_ID, 0, _moments(table))
    is_named = np.zeros(len(table), dtype=np.bool_)
    if "job_id" in table.column_names:
        differs = pc.not_equal(table.column("job_id"), table.column("raw_job_id"))
        is_named = pc.fill_null(differs, fill_value=False).to_numpy() & (raw < _TEXT_ID)
    return RunKeys(
        raw=raw,
        submit_us=np.where(is_stand_in, moment_us, submit_us),
        n_restarts=np.where(is_stand_in, -1, table.column("n_restarts").to_numpy()),
        moment_us=moment_us,
        rank=table.column("rank").to_numpy(),
        is_stand_in=is_stand_in,
        is_named=is_named,
    )


def joined(parts: list[RunKeys]) -> RunKeys:
    """Return the rows of all parts, in order."""
    none, no = np.empty(0, np.int64), np.empty(0, np.bool_)
    every = [RunKeys(np.empty(0, np.uint64), none, none, none, none, no, no), *parts]
    columns = [field.name for field in fields(RunKeys)]
    return RunKeys(*(np.concatenate([getattr(p, name) for p in every]) for name in columns))


def _moments(table: pa.Table) -> NDArray[np.int64]:
    moments = table.column("start_utc").cast(pa.int64())
    if moments.null_count:
        given_up = pc.negate(table.column("end_utc").cast(pa.int64()))
        moments = pc.coalesce(moments, given_up, table.column("submit_utc").cast(pa.int64()))
    found: NDArray[np.int64] = moments.to_numpy()
    return found


def raw_numbers(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Read plain digits as they are; a leading zero or a sign makes another id, thus text."""
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        return _mixed_numbers(column)
    found: NDArray[np.int64] = numbers.to_numpy()
    is_plain = not len(found) or (found.min() >= 0 and found.max() < _PLAIN_BELOW)
    if not is_plain or not pc.all(pc.equal(numbers.cast(column.type), column)).as_py():
        return _mixed_numbers(column)
    return found.astype(np.uint64)


def _mixed_numbers(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    encoded = column.combine_chunks().dictionary_encode()
    words = encoded.dictionary.cast(pa.large_string())
    hashes = pd.util.hash_array(words.to_numpy(zero_copy_only=False), categorize=False)
    is_pod = pc.match_substring_regex(words, _POD_UID).to_numpy(zero_copy_only=False)
    numbers = (hashes & _HASH_BITS) | np.where(is_pod, _POD_ID, _TEXT_ID)
    is_plain = pc.match_substring_regex(words, _PLAIN).to_numpy(zero_copy_only=False)
    plain = words.filter(pa.array(is_plain)).cast(pa.int64()).to_numpy()
    numbers[is_plain] = plain.astype(np.uint64)
    found: NDArray[np.uint64] = numbers[encoded.indices.to_numpy()]
    return found


def _mixed(
    first: NDArray[np.uint64], second: NDArray[np.int64], third: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Mix three numbers as splitmix64 does (Steele, Lea, Flood 2014), without a table."""
    mixed = first * _MULTIPLIERS[0]
    for part in (second.astype(np.uint64), third.astype(np.uint64)):
        mixed ^= mixed >> np.uint64(30)
        mixed *= _MULTIPLIERS[1]
        mixed ^= mixed >> np.uint64(27)
        mixed += part * _MULTIPLIERS[2]
    mixed ^= mixed >> np.uint64(31)
    return mixed
