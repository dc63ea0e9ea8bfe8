"""The book of jobs: a Delta Lake table of Parquet files, one version per load."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from auditor.errors import LedgerError
from auditor.ledger.arrow_rows import PARTITIONS, SCHEMA
from auditor.ledger.durable import sync_files
from auditor.ledger.staging import Bounds, DataFile, Partition

_BOUNDS_OF_INSTANTS = ("submit_utc", "start_utc", "end_utc")
_BOUNDED = (*_BOUNDS_OF_INSTANTS, "quality_flags")
_RETENTION = "interval 90 days"
_CONFIGURATION = {
    "delta.logRetentionDuration": _RETENTION,
    "delta.deletedFileRetentionDuration": _RETENTION,
    "delta.checkpointInterval": "20",
    # Else a reader keeps the bounds of the first 32 columns only.
    "delta.dataSkippingStatsColumns": ",".join(_BOUNDED),
}
_MS_PER_S = 1000


@dataclass(frozen=True)
class Snapshot:
    """One version of the book and its data files."""

    version: int
    files: tuple[DataFile, ...]


class Book:
    """The table in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self) -> None:
        """Make an empty table, version 0, where there is none."""
        if not DeltaTable.is_deltatable(str(self.root)):
            self.root.mkdir(parents=True, exist_ok=True)
            DeltaTable.create(
                str(self.root),
                SCHEMA,
                partition_by=list(PARTITIONS),
                name="book",
                description="Runs of jobs, their energy and carbon",
                configuration=_CONFIGURATION,
            )
            log = self.root / "_delta_log"
            sync_files(log.glob("*.json"), self.root)

    def snapshot(self, version: int | None = None) -> Snapshot:
        """Return the newest version, or an older one by its number.

        Raises
        ------
        LedgerError
            There is no table, it cannot be read, or the version is gone.
        """
        table = self._table(version)
        actions = pa.table(table.get_add_actions(flatten=True))
        return Snapshot(table.version(), tuple(_data_file(row) for row in actions.to_pylist()))

    def commit(
        self, added: Iterable[DataFile], removed: Iterable[DataFile], metadata: Mapping[str, str]
    ) -> int:
        """Add and remove data files as one version, forced to the disk; return its number."""
        new = list(added)
        self._widen()
        table = self._table(None)
        now_ms = int(time.time() * _MS_PER_S)
        actions: list[AddAction | RemoveAction] = [_add_action(file, now_ms) for file in new]
        actions += [_remove_action(file, now_ms) for file in removed]
        # The facts must be on the disk before the log names them.
        sync_files((self.root / file.path for file in new), self.root)
        table.create_write_transaction(
            actions,
            "append",
            SCHEMA,
            list(PARTITIONS),
            commit_properties=CommitProperties(custom_metadata=dict(metadata)),
        )
        version = int(DeltaTable(str(self.root)).version())
        log = self.root / "_delta_log"
        pointer = log / "_last_checkpoint"
        written = [*log.glob(f"{version:020d}.*"), *([pointer] if pointer.exists() else [])]
        sync_files(written, log)
        return version

    def vacuum(self, retention_hours: int) -> int:
        """Delete files that no version younger than the retention uses; return how many."""
        table = self._table(None)
        return len(table.vacuum(retention_hours, dry_run=False, enforce_retention_duration=False))

    def _widen(self) -> None:
        """Give a book of an earlier release the columns that it lacks, as a version of its own."""
        table = self._table(None)
        known = {field.name for field in table.schema().fields}
        lacking = [field for field in Schema.from_arrow(SCHEMA).fields if field.name not in known]
        if lacking:
            table.alter.add_columns(lacking)
            log = self.root / "_delta_log"
            sync_files(log.glob(f"{DeltaTable(str(self.root)).version():020d}.*"), log)

    def _table(self, version: int | None) -> DeltaTable:
        try:
            return DeltaTable(str(self.root), version=version)
        except TableNotFoundError:
            msg = f"there is no book of jobs in {self.root}"
            hint = "`auditor ingest` makes one from an export."
            raise LedgerError(msg, hint=hint) from None
        except DeltaError as error:
            which = "" if version is None else f" at version {version}"
            msg = f"the book of jobs in {self.root} cannot be read{which}: {error}"
            raise LedgerError(msg, hint="`auditor check` says what is wrong.") from error


def _instant_text(micros: int, *, up: bool) -> str:
    """Write an instant as Delta's statistics do, in whole milliseconds that enclose it."""
    millis = -(-micros // 1000) if up else micros // 1000
    seconds, rest = divmod(millis, _MS_PER_S)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def _statistics(bounds: Mapping[str, int], *, up: bool) -> dict[str, str | int]:
    return {
        name: _instant_text(value, up=up) if name in _BOUNDS_OF_INSTANTS else value
        for name, value in bounds.items()
    }


def _add_action(file: DataFile, now_ms: int) -> AddAction:
    statistics = {
        "numRecords": file.n_rows,
        "minValues": _statistics(file.bounds.low, up=False),
        "maxValues": _statistics(file.bounds.high, up=True),
        "nullCount": {},
    }
    return AddAction(
        path=file.path,
        size=file.n_bytes,
        partition_values=file.partition._asdict(),
        modification_time=now_ms,
        data_change=True,
        stats=json.dumps(statistics),
    )


def _remove_action(file: DataFile, now_ms: int) -> RemoveAction:
    return RemoveAction(
        path=file.path,
        data_change=True,
        deletion_timestamp=now_ms,
        size=file.n_bytes,
        partition_values=dict(file.partition._asdict()),
    )


def _data_file(row: dict[str, Any]) -> DataFile:
    return DataFile(
        path=unquote(row["path"]),
        partition=Partition(row["partition.cluster"], row["partition.submit_month"]),
        n_rows=row["num_records"],
        n_bytes=row["size_bytes"],
        bounds=Bounds(_bounds(row, "min"), _bounds(row, "max")),
    )


def _bounds(row: dict[str, Any], which: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in _BOUNDED:
        value = row.get(f"{which}.{name}")
        if value is not None:
            found[name] = value if isinstance(value, int) else round(value.timestamp() * 10**6)
    return found
