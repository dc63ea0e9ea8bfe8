"""`auditor doctor`: whether this host can do its job."""

import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.state import now_utc, state_of
from auditor.errors import IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.doctor.check import Check


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out what takes long: the whole of the ledger.")
    ] = False,
) -> None:
    """Try all that the auditor depends on, change nothing; exit with 5 if something is at fault."""
    from auditor.doctor.as_json import checks_json  # noqa: PLC0415  (start-up time)
    from auditor.doctor.check import Status, worst  # noqa: PLC0415
    from auditor.doctor.examine import examine  # noqa: PLC0415
    from auditor.doctor.inquiry import Inquiry  # noqa: PLC0415

    now_utc()  # a clock that cannot be read is told before anything is tried
    found = examine(state_of(context).config_file, Inquiry(now_utc, os.environ, quick))
    checks = list(found) if as_json else _shown(found)
    if as_json:
        typer.echo(checks_json(checks))
    if worst(checks) == Status.FAULT:
        raise typer.Exit(IncompleteError.exit_code)


def _shown(found: "Iterator[Check]") -> "list[Check]":
    """Print each check as soon as it is done, and the sum of it in the end."""
    from auditor.doctor.text import check_lines, heading_line, summary_line  # noqa: PLC0415
    from auditor.report.terminal import style_of  # noqa: PLC0415

    style = style_of(sys.stdout, os.environ, shutil.get_terminal_size().columns)
    checks: list[Check] = []
    for check in found:
        if not checks or checks[-1].group != check.group:
            typer.echo(("\n" if checks else "") + heading_line(check.group, style))
        typer.echo("\n".join(check_lines(check, style)), color=True)
        checks.append(check)
    typer.echo(f"\n{summary_line(checks)}")
    return checks
