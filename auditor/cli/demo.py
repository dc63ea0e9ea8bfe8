"""`auditor demo`: the whole line on shipped sample data."""

import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.ingest import load_file, receipt_text
from auditor.cli.publish import write_pages
from auditor.cli.time_grammar import week_period
from auditor.resources import resource

DEMO_WEEK = "2026-W47"
# The samples are of that week, whatever the clock says.
_LOADED_AFTER = timedelta(days=7)
DEFAULT_FOLDER = Path("demo-out")


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the ledger and the pages.")
    ] = DEFAULT_FOLDER,
) -> None:
    """Load the shipped sample exports, print last week's table and write its pages."""
    from auditor.cli.state import now_utc  # noqa: PLC0415
    from auditor.pipeline.reports import Question, report  # noqa: PLC0415
    from auditor.report.terminal import style_of, to_terminal  # noqa: PLC0415
    from auditor.settings.load import load_settings  # noqa: PLC0415
    from auditor.wiring.house import house  # noqa: PLC0415
    from auditor.wiring.parts import ExportOptions, build_factors  # noqa: PLC0415  (start-up time)
    from auditor.wiring.store import open_ledger  # noqa: PLC0415  (start-up time)

    config_file = write_configuration(out)
    settings = load_settings(config_file).settings
    factors = build_factors(settings)
    period = week_period(DEMO_WEEK, now_utc(), settings.site.timezone)
    loaded_utc = max(now_utc(), period.end_utc + _LOADED_AFTER)
    with open_ledger(settings, create=True) as ledger:
        for name in sample_exports():
            options = ExportOptions(cluster=cluster_of(name))
            receipt = load_file(name, (settings, factors, ledger), options, loaded_utc)
            typer.echo(f"{Path(name).name}: {receipt_text(receipt)}")
        found = report(ledger, Question(period), house(settings))
        if found is not None:
            width = shutil.get_terminal_size().columns
            sys.stdout.write(to_terminal(found, style_of(sys.stdout, os.environ, width)))
        files = write_pages(ledger, period, house(settings), out / "pages")
    typer.echo(f"{len(files)} pages: {out / 'pages' / 'index.html'}")
    typer.echo(f"Now ask it: auditor --config {config_file} report --user alice")


def write_configuration(out: Path) -> Path:
    """Write the demo's configuration into its folder, with the ledger beside it."""
    shipped = resource("configs", "demo.toml").read_text(encoding="utf-8")
    samples = Path(str(resource("data", "samples")))
    text = shipped.replace("../data/samples", samples.as_posix()) + '\n[ledger]\npath = "ledger"\n'
    out.mkdir(parents=True, exist_ok=True)
    config_file = out / "auditor.toml"
    config_file.write_text(text, encoding="utf-8")
    return config_file


def sample_exports() -> list[str]:
    """Return the paths of the shipped sample exports, in order."""
    folder = Path(str(resource("data", "samples")))
    kinds = ("*-sacct.*", "*-pods.*")
    return sorted(str(path) for kind in kinds for path in folder.glob(kind))


def cluster_of(export: str) -> str:
    """Return whose a sample export is, by its name: a list of pods does not say so itself."""
    return Path(export).name.rpartition("-")[0]
