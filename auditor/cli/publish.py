"""`auditor publish`: render the week's pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.options import OutputFolder
from auditor.cli.progress import step_bar
from auditor.cli.state import now_utc, state_of
from auditor.cli.time_grammar import week_period
from auditor.errors import NoJobMatchedError

if TYPE_CHECKING:
    from auditor.domain.period import Period
    from auditor.ledger.ledger import Ledger
    from auditor.pipeline.reports import House


def publish(
    context: typer.Context,
    week: Annotated[
        str, typer.Option("--week", metavar="WEEK", help="2026-W47, last-week or this-week.")
    ] = "last-week",
    out: OutputFolder = None,
) -> None:
    """Render the pages of a week: one per user, project and cluster, and an index."""
    from auditor.wiring.house import house  # noqa: PLC0415
    from auditor.wiring.store import open_ledger  # noqa: PLC0415  (start-up time)

    settings = state_of(context).load().settings
    period = week_period(week, now_utc(), settings.site.timezone)
    folder = out or settings.ledger.path / "pages" / period.label
    with open_ledger(settings, create=False) as ledger:
        files = write_pages(ledger, period, house(settings), folder)
    typer.echo(f"{len(files)} pages of {period.label}: {folder / 'index.html'}")


def write_pages(ledger: "Ledger", period: "Period", house: "House", folder: Path) -> list[Path]:
    """Render and write the pages of a period, the index last; return the files.

    Raises
    ------
    NoJobMatchedError
        No run overlaps the period.
    """
    from auditor.deliver.files import replace_site  # noqa: PLC0415  (start-up time)
    from auditor.pipeline.reports import pages  # noqa: PLC0415
    from auditor.report.page import render_site  # noqa: PLC0415

    with step_bar("pages", None) as advance:
        drawn = []
        for page in pages(ledger, period, house):
            drawn.append(page)
            advance(1)
    if not drawn:
        msg = f"no job ran in {period.label}"
        raise NoJobMatchedError(msg, hint="`auditor ingest` loads accounting first.")
    return replace_site(folder, render_site(drawn))
