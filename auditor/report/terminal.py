"""The read model as text for a terminal: a header card, tables and notes.

Every text from outside passes `Ink.text`, which cleans it; nothing is read as markup.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import TextIO

from rich.console import Console, RenderableType

from auditor.report import terminal_tables as tables
from auditor.report.charts import carbon_by_day
from auditor.report.clean import ascii_only
from auditor.report.filters import (
    carbon_band,
    change_text,
    energy_band,
    hours_number,
    intensity_text,
    period_text,
    subject_text,
)
from auditor.report.findings import Finding, findings
from auditor.report.ink import Ink
from auditor.report.loss import lost_note, lost_text
from auditor.report.model import Report
from auditor.report.shortfalls import alarms, restated_lines
from auditor.report.terminal_jobs import job_table
from auditor.units import carbon_text, energy_text

NARROWEST = 60
USUAL = 80
WIDEST = 110
N_ADVICE = 3
_N_BARS_BESIDE = 12


@dataclass(frozen=True)
class TerminalStyle:
    """What the terminal can show: columns, colour, and whether ASCII only."""

    width: int = USUAL
    has_colour: bool = False
    is_ascii: bool = False


def style_of(stream: TextIO, environment: Mapping[str, str], width: int) -> TerminalStyle:
    """Find out what a stream can show.

    Honours NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE and TERM=dumb; an encoding other than UTF-8
    gets ASCII.

    Parameters
    ----------
    width
        Columns of the terminal; less than 60 counts as 60.
    """
    forced = any(environment.get(name, "0") not in ("", "0") for name in _FORCING)
    refused = environment.get("NO_COLOR", "") != "" or environment.get("TERM") == "dumb"
    encoding = (stream.encoding or "ascii").lower().replace("-", "").replace("_", "")
    return TerminalStyle(
        width=min(max(width, NARROWEST), WIDEST),
        has_colour=not refused and (forced or stream.isatty()),
        is_ascii=encoding != "utf8",
    )


_FORCING = ("FORCE_COLOR", "CLICOLOR_FORCE")


def to_terminal(report: Report, style: TerminalStyle, by: str | None = None) -> str:
    """Write a report as lines of text, at most `style.width` columns wide, with a final line end.

    Parameters
    ----------
    by
        A dimension, or 'job', to show in full instead of the usual short tables.
    """
    ink = Ink(style.is_ascii)
    lines = StringIO()
    console = Console(
        file=lines,
        width=style.width,
        force_terminal=style.has_colour,
        no_color=not style.has_colour,
        color_system="standard" if style.has_colour else None,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
        _environ={},
    )
    for part in _parts(report, ink, style.width, by):
        console.print(part)
    # Rich cuts with an ellipsis of its own; colour codes are ASCII.
    text = ascii_only(lines.getvalue()) if style.is_ascii else lines.getvalue()
    return _without_trailing_spaces(text)


def _without_trailing_spaces(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") + "\n"


def _parts(report: Report, ink: Ink, width: int, by: str | None) -> Iterator[RenderableType]:
    yield tables.rule(ink, width)
    yield tables.card(
        ink,
        (report.site, period_text(report.period)),
        (subject_text(report.filters), report.period.timezone),
    )
    yield tables.rule(ink, width)
    yield from _news(report, ink)
    yield ""
    yield tables.facts(ink, list(_facts(report, ink)))
    for part in _tables(report, tables.Frame(ink, width), by):
        yield ""
        yield part
    if report.recommendations:
        yield ""
        yield tables.advice(ink, report.recommendations[:N_ADVICE])
    yield ""
    yield tables.notes(ink, [*findings(report), *_origin(report)])


def _news(report: Report, ink: Ink) -> Iterator[RenderableType]:
    """Say before any number what is missing from it, and what changed since it was published."""
    if missing := alarms(report):
        yield ""
        yield tables.news(ink, "bold red", [(one.text, one.hint) for one in missing])
    if lines := restated_lines(report.restated, report.totals):
        yield ""
        yield tables.news(ink, "bold", [(lines[0], " ".join(lines[1:]))])


def _facts(report: Report, ink: Ink) -> Iterator[tables.Fact]:
    totals = report.totals
    band = carbon_band(totals.carbon_low_g, totals.carbon_high_g)
    yield tables.Fact(
        "Emitted",
        f"{carbon_text(totals.carbon_g)} CO2e",
        f"range {band}" if band else "",
        is_main=True,
    )
    if report.previous is not None:
        before_g = report.previous.carbon_g
        note = f" ({carbon_text(before_g)})" if before_g > 0 else ""
        yield tables.Fact("", "", change_text(report) + note)
    yield tables.Fact("Energy", energy_text(totals.energy_wh), _energy_note(report))
    yield tables.Fact(
        "Grid intensity", intensity_text(totals.intensity_g_per_kwh), "mean, by energy"
    )
    if totals.embodied_g is not None:
        yield tables.Fact("Embodied", carbon_text(totals.embodied_g), "making the hardware; apart")
    still = f"{report.quality.n_open:,} not ended yet" if report.quality.n_open else ""
    yield tables.Fact("Jobs", f"{totals.n_jobs:,}", still)
    yield tables.Fact("Core hours", hours_number(totals.core_s))
    yield tables.Fact("GPU hours", hours_number(totals.gpu_s))
    if totals.carbon_g > 0:
        yield tables.Fact("Without result", lost_text(report), lost_note(report))
        yield _days(report, ink)


def _energy_note(report: Report) -> str:
    band = energy_band(report.totals.energy_low_wh, report.totals.energy_high_wh)
    parts = [f"range {band}"] if band else []
    if report.components.overhead_wh > 0:
        parts.append(f"{energy_text(report.components.overhead_wh)} is overhead")
    return "; ".join(parts)


def _days(report: Report, ink: Ink) -> tables.Fact:
    chart = carbon_by_day(report)
    bars = ink.sparkline([bar.value for bar in chart.bars])
    most = max(chart.bars, key=lambda bar: bar.value)
    span = chart.span if len(chart.bars) == 1 else f"{chart.span}; largest {most.label}"
    label = chart.title.removeprefix("Carbon ").capitalize()
    note = f"{span}: {carbon_text(most.value)}"
    if len(bars) > _N_BARS_BESIDE:
        return tables.Fact(label, "", f"{bars}\n{note}")
    return tables.Fact(label, bars, note)


def _tables(report: Report, frame: tables.Frame, by: str | None) -> Iterator[RenderableType]:
    if by == "job":
        yield job_table(frame, report, None)
        return
    if by is not None:
        yield tables.group_table(frame, report, by, None)
        return
    if report.jobs:
        yield job_table(frame, report, tables.N_ROWS)
    for dimension in ("user", "account", "cluster", "partition", "state"):
        if len(report.groups_of[dimension]) > 1:
            yield tables.group_table(frame, report, dimension, tables.N_ROWS)
    if report.totals.energy_wh > 0:
        yield tables.component_table(frame, report)


def _origin(report: Report) -> Iterator[Finding]:
    origin = report.provenance
    parts = [f"auditor {origin.auditor}"]
    if origin.method:
        parts.append(f"method {origin.method}")
    if origin.book_version is not None:
        parts.append(f"book version {origin.book_version}")
    if origin.factor_set:
        parts.append(f"factors {origin.factor_set}")
    zones = [f"{source.zone}: {source.source}" for source in origin.intensity]
    yield Finding(f"Drawn by {', '.join(parts)}. {'; '.join(zones)}".strip())
