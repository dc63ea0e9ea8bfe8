"""`auditor factors`: the catalogue with its sources."""

import csv
import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer


class Kind(StrEnum):
    """Which table to print."""

    HARDWARE = "hardware"
    GRID = "grid"


def factors(
    kind: Annotated[Kind | None, typer.Argument(help="hardware or grid; both without it.")] = None,
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
    for name, rows in tables.items():
        records = [asdict(row) for row in rows]
        if as_csv:
            writer = csv.DictWriter(sys.stdout, ["table", *records[0]])
            writer.writeheader()
            writer.writerows({"table": name, **record} for record in records)
        else:
            _print_table(name, records)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Write what is not known as null: JSON has no NaN."""
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
    return f"{value:g}" if isinstance(value, float) else str(value)
