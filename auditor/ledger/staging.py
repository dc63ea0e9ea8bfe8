"""Write the rows of a load once, as the data files that the book will take over."""

import itertools
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.domain.frames import CARBON, CATEGORY, ENERGY, INSTANT, NUMBER, TEXT, WHOLE
from auditor.ledger.arrow_rows import DICTIONARY_COLUMNS, FILE_COLUMNS, to_arrow
from auditor.ledger.identity import IDENTITY_COLUMNS, run_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROW_GROUP_ROWS = 100_000
_BUFFERED_ROWS = 300_000
_OPEN_FILES = 200
_STAND_INS = "-stand-ins.parquet"
_BOUND_COLUMNS = ("submit_utc", "start_utc", "end_utc", "quality_flags")
# A dictionary of values that hardly repeat costs five times the time to write.
_REPEATED_TEXT = ("job_name", "parent_job_id")
_UNREPEATED_NUMBERS = (
    "total_cpu_s",
    "max_rss_bytes",
    "gpu_utilisation_ratio",
    "consumed_energy_j",
    "gpu_energy_j",
    "gpu_metered_ratio",
    "gpu_observed_ratio",
    *(
        column.name
        for column in (*ENERGY, *CARBON)
        if column.dtype == NUMBER and column.name != "pue"
    ),
)


class Partition(NamedTuple):
    """One folder of the book."""

    cluster: str
    submit_month: str

    @property
    def folder(self) -> str:
        """Path below the book; what a folder's name cannot hold is percent-encoded."""
        return f"cluster={quote(self.cluster, safe='')}/submit_month={self.submit_month}"


@dataclass(frozen=True)
class Bounds:
    """Least and greatest value per column, integers: microseconds since 1970, or flag bits."""

    low: Mapping[str, int]
    high: Mapping[str, int]


@dataclass(frozen=True)
class DataFile:
    """One data file of the book: its place below the book's folder, its rows and its bounds."""

    path: str
    partition: Partition
    n_rows: int
    n_bytes: int
    bounds: Bounds

    @property
    def may_hold_stand_ins(self) -> bool:
        """Whether rows can be here that give way to a better view under another key.

        Their Submit was taken from Start, or their raw id is a job id; the file's name says so.
        """
        return self.path.endswith(_STAND_INS)


@dataclass
class _Open:
    """A data file being written, and the rows waiting for it."""

    path: str
    writer: pq.ParquetWriter | None = None
    waiting: list[pa.Table] = field(default_factory=list)
    n_waiting: int = 0
    n_rows: int = 0
    low: dict[str, int] = field(default_factory=dict)
    high: dict[str, int] = field(default_factory=dict)


class StagedFiles:
    """The data files of one load: rows in, files out, memory bounded whatever comes.

    Rows wait until a partition has a row group of them; `run_hashes` keeps eight bytes per row,
    in the order of the rows in each file.
    """

    def __init__(self, root: Path, load_id: str) -> None:
        self.run_hashes: defaultdict[str, list[NDArray[np.uint64]]] = defaultdict(list)
        self._finished: list[DataFile] = []
        self._root = root
        self._load_id = load_id
        self._open: OrderedDict[tuple[Partition, bool], _Open] = OrderedDict()
        self._n_files = 0
        self._n_waiting = 0

    def add(self, rows: pd.DataFrame) -> None:
        """Take the rows of one batch (columns of BOOK)."""
        for partition, part in split(rows):
            self.add_table(partition, part)

    def add_table(self, partition: Partition, table: pa.Table) -> None:
        """Take rows of one partition."""
        keys = run_keys(table.select(IDENTITY_COLUMNS))
        has_stand_ins = bool(keys.is_stand_in.any() or keys.is_text.any())
        target = self._target(partition, has_stand_ins=has_stand_ins)
        self.run_hashes[target.path].append(keys.run_hash())
        target.waiting.append(table)
        target.n_waiting += len(table)
        self._n_waiting += len(table)
        if target.n_waiting >= _ROW_GROUP_ROWS:
            self._write(target)
        elif self._n_waiting >= _BUFFERED_ROWS:
            self._write(max(self._open.values(), key=lambda one: one.n_waiting))

    def close(self) -> list[DataFile]:
        """Write what waits and return the files finished since the last call."""
        while self._open:
            self._finish(*self._open.popitem(last=False))
        finished, self._finished = self._finished, []
        return finished

    def abandon(self) -> None:
        """Let go of files that are still being written."""
        for target in self._open.values():
            if target.writer is not None:
                target.writer.close()
        self._open.clear()

    def _target(self, partition: Partition, *, has_stand_ins: bool) -> _Open:
        place = (partition, has_stand_ins)
        if place not in self._open:
            if len(self._open) >= _OPEN_FILES:
                self._finish(*self._open.popitem(last=False))
            ending = _STAND_INS if has_stand_ins else ".parquet"
            name = f"part-{self._load_id}-{self._n_files:05d}{ending}"
            self._n_files += 1
            self._open[place] = _Open(f"{partition.folder}/{name}")
        self._open.move_to_end(place)
        return self._open[place]

    def _write(self, target: _Open) -> None:
        table = pa.concat_tables(target.waiting).unify_dictionaries()
        if target.writer is None:
            path = self._root / target.path
            path.parent.mkdir(parents=True, exist_ok=True)
            target.writer = parquet_writer(path, table.schema)
        target.writer.write_table(table, row_group_size=len(table))
        _widen(target, table)
        target.n_rows += len(table)
        self._n_waiting -= target.n_waiting
        target.waiting, target.n_waiting = [], 0

    def _finish(self, place: tuple[Partition, bool], target: _Open) -> None:
        if target.waiting:
            self._write(target)
        if target.writer is not None:
            target.writer.close()
        n_bytes = (self._root / target.path).stat().st_size
        bounds = Bounds(target.low, target.high)
        self._finished.append(DataFile(target.path, place[0], target.n_rows, n_bytes, bounds))


def parquet_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a data file: dictionaries where values repeat, cheap encodings, bounds to skip by.

    Measured on a million runs: whole numbers and instants as packed differences, and measurements
    with their bytes split before a light codec, cost half the time of zstd and snappy and take a
    tenth more room.
    """
    numbers = [column.name for column in FILE_COLUMNS if column.dtype == NUMBER]
    packed = [column.name for column in FILE_COLUMNS if column.dtype in (WHOLE, INSTANT)]
    repeated = [name for name in numbers if name not in _UNREPEATED_NUMBERS]
    words = [column.name for column in FILE_COLUMNS if column.dtype in (CATEGORY, TEXT)]
    encodings = dict.fromkeys(packed, "DELTA_BINARY_PACKED")
    encodings |= dict.fromkeys(_UNREPEATED_NUMBERS, "BYTE_STREAM_SPLIT")
    codecs = dict.fromkeys(column.name for column in FILE_COLUMNS)
    codecs |= dict.fromkeys((*words, *_UNREPEATED_NUMBERS), "lz4")
    return pq.ParquetWriter(
        path,
        schema,
        compression={name: codec or "none" for name, codec in codecs.items()},
        use_dictionary=[*DICTIONARY_COLUMNS, *_REPEATED_TEXT, *repeated],
        column_encoding=encodings,
        write_statistics=[*_BOUND_COLUMNS, "user"],
        store_schema=False,
    )


def _widen(target: _Open, table: pa.Table) -> None:
    for name in _BOUND_COLUMNS:
        bounds = pc.min_max(table.column(name).cast(pa.int64())).as_py()
        if bounds["min"] is not None:
            target.low[name] = min(bounds["min"], target.low.get(name, bounds["min"]))
            target.high[name] = max(bounds["max"], target.high.get(name, bounds["max"]))


def split(rows: pd.DataFrame) -> list[tuple[Partition, pa.Table]]:
    """Cut rows by cluster and submit month (UTC), and sort each part by user.

    Who asks for one user then reads few pages of every column. Each part is a copy: a slice would
    keep the whole batch in memory while it waits.

    Raises
    ------
    TypeError
        A row has no cluster or no submit time: a bug in the stage before.
    """
    if not len(rows):
        return []
    submitted = rows["submit_utc"].dt.tz_localize(None).to_numpy()
    months = submitted.astype("datetime64[M]").astype(np.int64)
    clusters = rows["cluster"].cat.codes.to_numpy().astype(np.int64)
    if np.isnat(submitted).any() or clusters.min() < 0:
        msg = "a run without cluster or submit time has no place in the book"
        raise TypeError(msg)
    names = rows["cluster"].cat.categories.to_list()
    codes = months * len(names) + clusters
    users = rows["user"].cat.codes.to_numpy().astype(np.int64)
    order = np.argsort(codes * (int(users.max()) + 2) + users + 1, kind="stable")
    ordered = codes[order]
    edges = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(rows)]
    return [
        (_partition(int(ordered[first]), names), to_arrow(rows, order[first:last]))
        for first, last in itertools.pairwise(edges)
    ]


def _partition(code: int, names: list[str]) -> Partition:
    month, cluster = divmod(code, len(names))
    return Partition(names[cluster], str(np.datetime64(month, "M")))
