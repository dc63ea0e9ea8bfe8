"""`auditor factors`: the catalogue with its sources."""

import csv
import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from auditor.errors import UsageError


class Kind(StrEnum):
    """Which tables to print."""

    HARDWARE = "hardware"
    GRID = "grid"
    ACCELERATORS = "accelerators"
    CPUS = "cpus"
    ZONES = "zones"
    REGIONS = "regions"


def factors(
    kind: Annotated[
        Kind | None, typer.Argument(help="hardware or grid, or one table; all without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """List accelerators, processors, grid zones and cloud regions, each with its source."""
    from auditor.wiring import lookup  # noqa: PLC0415  (start-up time)

    tables = lookup.tables(kind.value if kind else None)
    if as_json:
        plain = {name: [_plain(asdict(row)) for row in rows] for name, rows in tables.items()}
        typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    if as_csv and len(tables) > 1:
        msg = "--csv prints one table"
        raise UsageError(msg, hint=f"Name one of {', '.join(tables)}.")
    for name, rows in tables.items():
        records = [_plain(asdict(row)) for row in rows]
        if as_csv:
            writer = csv.DictWriter(sys.stdout, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
        else:
            _print_table(name, records)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Write what is not known as None: null in JSON, empty in CSV."""
    return {key: None if value != value else value for key, value in record.items()}  # noqa: PLR0124  (only NaN differs from itself)


_SHOWN = {
    "accelerators": ("name", "max_w", "idle_w", "idle_basis", "source"),
    "cpus": ("name", "n_cores", "tdp_w", "source"),
    "zones": ("zone", "name", "g_per_kwh", "year", "source"),
    "regions": ("provider", "region", "g_per_kwh", "source"),
}


def _print_table(name: str, records: list[dict[str, Any]]) -> None:
    shown = _SHOWN[name]
    typer.echo(f"{name} ({len(records)})")
    cells = [[_cell(record[column]) for column in shown] for record in records]
    widths = [max(len(row[i]) for row in [list(shown), *cells]) for i in range(len(shown))]
    for row in [list(shown), *cells]:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo("  " + "  ".join(padded).rstrip())


def _cell(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
