"""`auditor publish`: close the weeks that are due, draw their pages and queue their mail."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from auditor.cli.progress import step_bar
from auditor.cli.state import now_utc, state_of
from auditor.cli.time_grammar import week_period
from auditor.errors import NoJobMatchedError
from auditor.report.clean import printable

if TYPE_CHECKING:
    from auditor.domain.period import Period
    from auditor.ledger.ledger import Ledger
    from auditor.pipeline.reports import House
    from auditor.pipeline.week_calendar import Standing
    from auditor.pipeline.weeks import PublishedWeek
    from auditor.settings.models import Settings


def publish(
    context: typer.Context,
    week: Annotated[
        str | None,
        typer.Option(
            "--week",
            metavar="WEEK",
            help="This week, now: 2026-W47, last-week or this-week. Without: all that are due.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Draw the week here; nothing is recorded or mailed."
        ),
    ] = None,
) -> None:
    """Close the weeks that are due, restate those that changed, and queue their mail.

    A week is due when it is over and late records have been waited for. Its pages, one per user,
    project and cluster, are drawn into a folder of its own.
    """
    settings, now = state_of(context).load().settings, now_utc()
    if week is None and out is None:
        _publish_all(settings, now)
        return
    period = week_period(week or "last-week", now, settings.site.timezone)
    if out is not None:
        _draw(settings, period, out, now)
    else:
        _publish_one(settings, period, now)


def _publish_all(settings: "Settings", now: datetime) -> None:
    from auditor.wiring.publishing import (  # noqa: PLC0415  (start-up time)
        newest_over,
        publish_due,
        week_standing,
    )

    with step_bar("pages", None) as advance:
        done = publish_due(settings, now_utc=now, progress=advance)
    for one in done:
        _tell(one)
    if not done:
        typer.echo("nothing is due")
        standing = week_standing(settings, newest_over(settings, now), now)
        typer.echo(_standing_text(standing, settings), err=True)


def _publish_one(settings: "Settings", period: "Period", now: datetime) -> None:
    """Publish a week that is due or changed; else draw its pages where they belong."""
    from auditor.wiring.pages import pages_folder  # noqa: PLC0415  (start-up time)
    from auditor.wiring.publishing import publish_due, week_standing  # noqa: PLC0415

    with step_bar("pages", None) as advance:
        done = publish_due(settings, now_utc=now, only=period.label, progress=advance)
    folder = pages_folder(settings) / period.label
    standing = week_standing(settings, period.label, now)
    if done:
        _tell(done[0])
    elif standing.revision and (folder / "index.html").is_file():
        # Drawn anew its pages would no longer say what was restated.
        typer.echo(f"{_standing_text(standing, settings)}: {folder / 'index.html'}")
    else:
        _draw(settings, period, folder, now)


def _draw(settings: "Settings", period: "Period", folder: Path, now: datetime) -> None:
    """Draw the pages of a week as it is, and say what it is."""
    from auditor.wiring.house import house  # noqa: PLC0415  (start-up time)
    from auditor.wiring.publishing import week_standing  # noqa: PLC0415
    from auditor.wiring.store import open_ledger  # noqa: PLC0415

    with open_ledger(settings, create=False) as ledger:
        files = write_pages(ledger, period, house(settings), folder, now)
    typer.echo(f"{len(files)} pages of {period.label}: {folder / 'index.html'}")
    standing = week_standing(settings, period.label, now)
    typer.echo(_standing_text(standing, settings), err=True)


def _standing_text(standing: "Standing", settings: "Settings") -> str:
    """Say what has become of a week."""
    if standing.revision:
        revision = f", revision {standing.revision}" if standing.revision > 1 else ""
        return f"{standing.label} is {standing.state.value}{revision} and has not changed since"
    if standing.waits_for:
        clusters = printable(", ".join(standing.waits_for))
        return f"{standing.label} is not closed: it waits for the accounting of {clusters}"
    closing = f"{standing.closing_utc.astimezone(ZoneInfo(settings.site.timezone)):%Y-%m-%d %H:%M}"
    if standing.state.value == "closed":
        return f"{standing.label} is over; `auditor publish` closes it if jobs ran in it"
    word = "open; it closes" if standing.state.value == "open" else "in grace; it closes"
    return f"{standing.label} is {word} on {closing}, until then its numbers may change"


def _tell(done: "PublishedWeek") -> None:
    from auditor.report.filters import count_text  # noqa: PLC0415  (start-up time)

    revision = f" (revision {done.revision})" if done.revision > 1 else ""
    mails = f"{count_text(done.n_mails, 'mail')} queued"
    if done.is_held:
        typer.echo(f"{done.label} is held back and tried again: nothing is published yet")
    elif not done.n_pages:
        typer.echo(f"{done.label} {done.state.value}: {mails}")
    else:
        pages = count_text(done.n_pages, "page")
        index = done.folder / "index.html"
        typer.echo(f"{done.label} {done.state.value}{revision}: {pages}, {mails}: {index}")
    for reason in done.reasons:
        typer.echo(printable(f"  {reason}"), err=True)


def write_pages(
    ledger: "Ledger", period: "Period", house: "House", folder: Path, now: datetime | None = None
) -> list[Path]:
    """Render and write the pages of a period, the index last; return the files.

    Raises
    ------
    NoJobMatchedError
        No run overlaps the period.
    """
    from auditor.deliver.files import replace_site  # noqa: PLC0415  (start-up time)
    from auditor.pipeline.reports import Edition, pages  # noqa: PLC0415
    from auditor.report.page import render_site  # noqa: PLC0415

    with step_bar("pages", None) as advance:
        drawn = []
        for page in pages(ledger, period, house, Edition(now)):
            drawn.append(page)
            advance(1)
    if not drawn:
        msg = f"no job ran in {period.label}"
        raise NoJobMatchedError(msg, hint="`auditor ingest` loads accounting first.")
    return replace_site(folder, render_site(drawn))
