"""`auditor explain`: how one job's number came about."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from auditor.cli.options import Clusters, words
from auditor.cli.state import state_of
from auditor.errors import NoJobMatchedError
from auditor.report.clean import printable
from auditor.units import carbon_text

if TYPE_CHECKING:
    from auditor.carbon.pieces import Piece
    from auditor.pipeline.explain import Explanation
    from auditor.settings.models import Settings

_MANY_PIECES = 26


def explain(
    context: typer.Context,
    job_id: Annotated[
        str,
        typer.Argument(
            metavar="JOBID", help="As in accounting: 4711, 4711_3, NAMESPACE/POD, a uid."
        ),
    ],
    cluster: Clusters = "",
    hours: Annotated[bool, typer.Option("--hours", help="Every grid step of a long run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show every factor behind one job's energy and carbon, so that it can be redone by hand."""
    from auditor.pipeline.explain import explain as explained  # noqa: PLC0415
    from auditor.wiring.house import identity  # noqa: PLC0415
    from auditor.wiring.store import open_ledger  # noqa: PLC0415  (start-up time)

    settings = state_of(context).load().settings
    with open_ledger(settings, create=False) as ledger:
        runs = explained(ledger, job_id, words(cluster), identity(settings))
    if not runs:
        msg = f"the ledger has no job {printable(job_id)}"
        raise NoJobMatchedError(msg, hint="`auditor report --by job` lists jobs.")
    if as_json:
        typer.echo(json.dumps([_document(run) for run in runs], indent=2))
        return
    for run in runs:
        for line in _lines(run, settings, shows_all=hours):
            typer.echo(printable(line))


def _document(run: "Explanation") -> dict[str, Any]:
    return {
        "facts": run.facts,
        "user": run.user,
        "account": run.account,
        "steps": [asdict(step) for step in run.steps],
        "grid": [asdict(piece) for piece in run.pieces],
        "grid_source": None if run.series is None else run.series.source,
        "flags": run.flags,
    }


def _lines(run: "Explanation", settings: "Settings", *, shows_all: bool) -> list[str]:
    from auditor.cli.explain_facts import fact_lines, title, width_of  # noqa: PLC0415

    timezone, facts, width = settings.site.timezone, run.facts, width_of(run)
    read_from = f"{printable(facts['source'])}, line {facts['line']}"
    lines = [title(run), *(f"  {line}" for line in fact_lines(run, settings))]
    lines.append(f"  {'read from':<{width}}{read_from}")
    if run.flags:
        lines.append(f"  {'remarks':<{width}}{', '.join(flag.lower() for flag in run.flags)}")
    lines += ["", "Energy"]
    for step in run.steps:
        value = f"{step.value:.12g}"
        formula = "" if step.formula == value else f"{step.formula} = "
        label = step.label.replace("_", " ")
        lines.append(f"  {label:<26}{formula}{value} {step.unit}".rstrip())
        lines.append(f"  {'':<28}{step.source}")
    lines += ["", "Carbon", *_carbon_lines(run, timezone, shows_all=shows_all), ""]
    return lines


def _carbon_lines(run: "Explanation", timezone: str, *, shows_all: bool) -> list[str]:
    facts, series = run.facts, run.series
    if series is None:
        zone = facts["zone"]
        return [f"  The ledger has lost the grid series of zone {zone}: see `auditor check`."]
    if not run.pieces:
        return ["  It ran for no time: no energy, no carbon."]
    lines = [f"  zone {series.zone}: {series.source or series.fallback_source}"]
    if series.source and any(piece.basis == "annual" for piece in run.pieces):
        lines.append(f"  annual: {series.fallback_source}")
    shown = run.pieces if shows_all or len(run.pieces) <= _MANY_PIECES else ()
    lines += [_piece_line(piece, timezone) for piece in shown]
    if not shown:
        lines += _day_lines(run.pieces, timezone)
        lines.append("  (days of a long run; --hours lists every step)")
    total_s = sum(piece.length_s for piece in run.pieces)
    weighted = sum(piece.length_s * piece.g_per_kwh for piece in run.pieces)
    lines += [
        (
            f"  mean = sum of seconds x g/kWh / seconds = {weighted:.12g} / {total_s}"
            f" = {facts['intensity_g_per_kwh']:.12g} g/kWh"
        ),
        (
            f"  carbon = {facts['energy_wh']:.12g} Wh / 1000"
            f" x {facts['intensity_g_per_kwh']:.12g} g/kWh"
            f" = {facts['carbon_g']:.12g} g CO2e"
        ),
        (
            f"  band {carbon_text(facts['carbon_low_g'])} to {carbon_text(facts['carbon_high_g'])};"
            f" factor set {facts['factor_set']}"
        ),
    ]
    return lines


def _local(instant_s: int, timezone: str) -> str:
    local = datetime.fromtimestamp(instant_s, UTC).astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H:%M:%S %Z}"


def _piece_line(piece: "Piece", timezone: str) -> str:
    when = _local(piece.start_s, timezone)
    return f"    {when}  {piece.length_s:>7} s x {piece.g_per_kwh:.12g} g/kWh ({piece.basis})"


def _day_lines(pieces: "tuple[Piece, ...]", timezone: str) -> list[str]:
    lines = []
    for day, group in groupby(pieces, lambda piece: _local(piece.start_s, timezone)[:10]):
        members = list(group)
        length_s = sum(piece.length_s for piece in members)
        mean = sum(piece.length_s * piece.g_per_kwh for piece in members) / length_s
        lines.append(
            f"    {day}  {length_s:>7} s x {mean:.12g} g/kWh (mean of {len(members)} steps)"
        )
    return lines
