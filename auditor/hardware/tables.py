"""Read the three tables of the catalogue as they lie in `data/hardware`."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from auditor.domain.hardware import Accelerator, Cpu
from auditor.errors import CatalogueError
from auditor.units import BYTES_PER_GB

ACCELERATORS_FILE = "accelerators.csv"
CPUS_FILE = "cpus.csv"
ALIASES_FILE = "aliases.csv"
_WHERE = "file and row"


@dataclass(frozen=True)
class Alias:
    """One row of `data/hardware/aliases.csv`: a word and what it means, commonest first."""

    word: str
    kind: str  # gres, feature, product label, name
    names: tuple[str, ...]
    note: str


def read_accelerators(folder: Traversable) -> tuple[Accelerator, ...]:
    """Read the accelerators; raises CatalogueError where a cell is missing or no number."""
    return tuple(map(_accelerator, _rows(folder, ACCELERATORS_FILE)))


def read_cpus(folder: Traversable) -> tuple[Cpu, ...]:
    """Read the processors; raises CatalogueError where a cell is missing or no number."""
    return tuple(map(_cpu, _rows(folder, CPUS_FILE)))


def read_aliases(folder: Traversable) -> tuple[Alias, ...]:
    """Read the aliases; raises CatalogueError where a cell is missing."""
    return tuple(map(_alias, _rows(folder, ALIASES_FILE)))


def _rows(folder: Traversable, file_name: str) -> list[dict[str, str]]:
    path = folder.joinpath(file_name)
    if not path.is_file():
        msg = f"{file_name} is missing from {folder}"
        raise CatalogueError(msg)
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = enumerate(csv.DictReader(lines), 2)
    return [{_WHERE: f"{file_name} row {n}", **row} for n, row in rows]


def _text(row: Mapping[str, str], column: str) -> str:
    cell = row.get(column)
    if not isinstance(cell, str):
        msg = f"{row[_WHERE]}: no {column}"
        raise CatalogueError(msg)
    return cell.strip()


def _number(row: Mapping[str, str], column: str) -> float:
    """Read one figure; an empty cell is NaN."""
    cell = _text(row, column)
    try:
        return float(cell) if cell else math.nan
    except ValueError as error:
        msg = f"{row[_WHERE]}: {column} is {cell!r}, no number"
        raise CatalogueError(msg) from error


def _count(row: Mapping[str, str], column: str) -> int:
    cell = _text(row, column)
    if not cell.isdigit():
        msg = f"{row[_WHERE]}: {column} is {cell!r}, no count"
        raise CatalogueError(msg)
    return int(cell)


def _accelerator(row: Mapping[str, str]) -> Accelerator:
    return Accelerator(
        name=_text(row, "name"),
        vendor=_text(row, "vendor"),
        kind=_text(row, "kind"),
        max_w=_number(row, "max_w"),
        idle_w=_number(row, "idle_w"),
        idle_basis=_text(row, "idle_basis"),
        memory_bytes=_number(row, "memory_gb") * BYTES_PER_GB,
        max_mig_slices=_count(row, "max_mig_slices"),
        calculator_name=_text(row, "calculator_name"),
        calculator_w=_number(row, "calculator_w"),
        source=_text(row, "source"),
        source_date=_text(row, "source_date"),
        note=_text(row, "note"),
    )


def _cpu(row: Mapping[str, str]) -> Cpu:
    return Cpu(
        name=_text(row, "name"),
        vendor=_text(row, "vendor"),
        n_cores=_count(row, "n_cores"),
        tdp_w=_number(row, "tdp_w"),
        calculator_name=_text(row, "calculator_name"),
        calculator_w=_number(row, "calculator_w"),
        source=_text(row, "source"),
        source_date=_text(row, "source_date"),
        note=_text(row, "note"),
    )


def _alias(row: Mapping[str, str]) -> Alias:
    names = tuple(name.strip() for name in _text(row, "names").split(";") if name.strip())
    return Alias(_text(row, "word"), _text(row, "kind"), names, _text(row, "note"))
