"""`auditor estimate`: the emissions calculator."""

import json
import math
from typing import Annotated

import typer

from auditor.errors import UsageError
from auditor.units import carbon_text, energy_text


def estimate(
    gpu: Annotated[str, typer.Option("--gpu", metavar="MODEL", help="Accelerator or processor.")],
    hours: Annotated[float, typer.Option("--hours", metavar="H", min=0.0, help="Run time. [h]")],
    n_gpu: Annotated[int, typer.Option("--n-gpu", metavar="N", min=1, help="How many.")] = 1,
    zone: Annotated[
        str | None, typer.Option("--zone", metavar="Z", help="Grid zone: its annual value.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="PROVIDER:REGION", help="Cloud region of the calculator."),
    ] = None,
    pue: Annotated[
        float, typer.Option("--pue", metavar="P", min=1.0, help="Power usage effectiveness.")
    ] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, unrounded.")] = False,
) -> None:
    """Work out hardware x time x place, as the ML Emissions Calculator does, without rounding."""
    from auditor.carbon import calculator  # noqa: PLC0415  (start-up time)
    from auditor.wiring import lookup  # noqa: PLC0415

    if (zone is None) == (region is None):
        msg = "one of --zone and --region is needed"
        raise UsageError(msg, hint="`auditor factors grid` lists both.")
    if not (math.isfinite(hours) and math.isfinite(pue)):
        msg = "--hours and --pue must be finite"
        raise UsageError(msg)
    device = lookup.device(gpu)
    place = lookup.zone_place(zone) if zone is not None else lookup.region_place(region or "")
    result = calculator.estimate(device.w, n_gpu, hours, place.g_per_kwh, pue)
    sheet = calculator.estimate(device.datasheet_w, n_gpu, hours, place.g_per_kwh, pue)
    if as_json:
        answer = {
            "schema": "auditor.estimate/1",
            "gpu": device.name,
            "gpu_w": device.w,
            "gpu_source": device.source,
            "gpu_doubt": device.doubt,
            "n_gpu": n_gpu,
            "hours": hours,
            "pue": pue,
            "place": place.name,
            "g_per_kwh": place.g_per_kwh,
            "grid_source": place.source,
            "energy_wh": result.energy_wh,
            "carbon_g": result.carbon_g,
            "datasheet": {
                "gpu_w": device.datasheet_w,
                "source": device.datasheet_source,
                "note": device.note,
                "energy_wh": sheet.energy_wh,
                "carbon_g": sheet.carbon_g,
            },
        }
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    lines = [
        f"{n_gpu} x {device.name} for {hours:g} h in {place.name}",
        f"  power      {device.w:g} W each ({device.source})",
        f"  energy     {energy_text(result.energy_wh)}"
        f" = {n_gpu} x {device.w:g} W x {hours:g} h" + (f" x PUE {pue:g}" if pue > 1 else ""),
        f"  grid       {place.g_per_kwh:g} gCO2e/kWh ({place.source})",
        f"  emissions  {carbon_text(result.carbon_g)} CO2e",
    ]
    if device.doubt:
        lines.append(f"  note       {device.doubt}")
    if device.datasheet_w != device.w:
        lines.append(
            f"  note       the data sheet says {device.datasheet_w:g} W, which would give "
            f"{carbon_text(sheet.carbon_g)}: {device.note}"
        )
    if place.note:
        lines.append(f"  note       {place.note}")
    typer.echo("\n".join(lines))
