"""The tables and lists of the terminal view."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group as Stack
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.domain.job import WASTED_STATES
from auditor.domain.recommendation import Recommendation
from auditor.report.clean import middle_cut
from auditor.report.filters import (
    carbon_band,
    hours_column,
    local_text,
    percent_text,
    saving_text,
)
from auditor.report.findings import Finding
from auditor.report.ink import Ink
from auditor.report.model import JobLine, Report
from auditor.units import carbon_scale, energy_scale

N_ROWS = 10
_METER_WIDTH = 10
_N_KEY = 34
_N_WHOLE_KEY = 200
_ROOMY = 80
_N_NAME = 8
_WIDE = 100
_N_ID, _N_POD, _N_POD_WIDE = 16, 22, 34
TITLE_OF = {
    "user": "By user",
    "account": "By project",
    "cluster": "By cluster",
    "partition": "By partition",
    "gpu": "By accelerator",
    "state": "By state",
    "day": "By day",
}


@dataclass(frozen=True)
class Frame:
    """What a table is drawn with and how many columns it may take."""

    ink: Ink
    width: int

    @property
    def is_roomy(self) -> bool:
        """Tell whether there is room for what one can do without."""
        return self.width >= _ROOMY


@dataclass(frozen=True)
class Fact:
    """One line of the totals: what, how much, and what else to know."""

    label: str
    value: str
    note: str = ""
    is_main: bool = False


def rule(ink: Ink, width: int) -> Text:
    """Draw a line over the whole width."""
    return Text(ink.rule * width, style="cyan", no_wrap=True)


def card(ink: Ink, *lines: tuple[str, str]) -> Table:
    """Lay out the header: each line with a text on the left and one on the right."""
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(justify="left", ratio=1)
    grid.add_column(justify="right")
    for number, (left, right) in enumerate(lines):
        style = "bold" if number == 0 else ""
        grid.add_row(ink.text(f" {left}", style, 200), ink.text(f"{right} ", style))
    return grid


def facts(ink: Ink, lines: Sequence[Fact]) -> Table:
    """Lay out the totals: label, value and note in three columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", min_width=15)
    grid.add_column(min_width=12, no_wrap=True)
    grid.add_column()
    for line in lines:
        style = "bold cyan" if line.is_main else "bold"
        notes_of_line = Text("\n").join(ink.text(part) for part in line.note.split("\n"))
        grid.add_row(ink.text(line.label), ink.text(line.value, style), notes_of_line)
    return grid


def job_table(frame: Frame, report: Report, n_rows: int | None) -> Stack:
    """List the largest jobs, one line each."""
    ink, lines = frame.ink, report.jobs[:n_rows]
    title = "Jobs" if n_rows is None else "Largest jobs"
    carbon = carbon_scale(max((line.carbon_g for line in lines), default=0.0))
    table = _table(gap=1)
    whole = n_rows is None
    table.add_column("Job", no_wrap=not whole, overflow="fold" if whole else "ellipsis")
    table.add_column("Name", no_wrap=True, overflow="ellipsis", ratio=1, min_width=_N_NAME)
    has_users = len(report.groups_of["user"]) > 1
    if has_users:
        table.add_column("User", no_wrap=True, overflow="ellipsis")
    table.add_column("State", no_wrap=True, overflow="ellipsis")
    has_starts = _has_starts(frame, lines)
    if has_starts:
        table.add_column("Start", no_wrap=True)
    table.add_column("GPU h", justify="right", no_wrap=True)
    table.add_column(f"{carbon.unit} CO2e", justify="right", no_wrap=True)
    gpu_hours = hours_column([line.gpu_s for line in lines])
    for line, gpu_h in zip(lines, gpu_hours, strict=True):
        style = "yellow" if line.state in WASTED_STATES else ""
        table.add_row(
            Text(_job_id(frame, line, is_whole=whole)),
            ink.text(line.job_name or "", n_most=200),
            *([ink.text(line.user or "(unknown)", n_most=10)] if has_users else []),
            ink.text(line.state or "(unknown)", style, 13),
            *([ink.text(local_text(line.start_utc, report.period))] if has_starts else []),
            Text(gpu_h),
            Text(carbon.number_text(line.carbon_g), style="bold"),
        )
    return _titled(ink, title, table, _left_out(len(lines), report.totals.n_jobs, "job"))


def _has_starts(frame: Frame, lines: Sequence[JobLine]) -> bool:
    """Tell whether there is room for starts: names of pods are long and matter more."""
    has_pods = any("/" in line.job_id for line in lines)
    return frame.width >= (_WIDE if has_pods else _ROOMY)


def _job_id(frame: Frame, line: JobLine, *, is_whole: bool) -> str:
    """Write an id: whole where all jobs are listed, to be typed again, else cut to its column."""
    if is_whole:
        return frame.ink.plain(line.job_id, _N_WHOLE_KEY)
    n_most = _N_ID if "/" not in line.job_id else _N_POD_WIDE if frame.width >= _WIDE else _N_POD
    return frame.ink.plain(middle_cut(line.job_id, n_most))


def group_table(frame: Frame, report: Report, dimension: str, n_rows: int | None) -> Stack:
    """List the groups of a dimension with their shares of the carbon; a long name wraps."""
    ink = frame.ink
    groups = report.groups_of[dimension]
    lines = groups[:n_rows]
    total_g = report.totals.carbon_g
    carbon = carbon_scale(max((group.carbon_g for group in lines), default=0.0))
    energy = energy_scale(max((group.energy_wh for group in lines), default=0.0))
    n_key = _N_WHOLE_KEY if n_rows is None else _N_KEY
    table = _table(gap=2 if frame.is_roomy else 1)
    table.add_column(TITLE_OF[dimension].removeprefix("By ").capitalize(), ratio=1, overflow="fold")
    for heading in ("Jobs", "Core h", "GPU h", energy.unit, f"{carbon.unit} CO2e", "Share"):
        table.add_column(heading, justify="right", no_wrap=True)
    if frame.is_roomy:
        table.add_column("", width=_METER_WIDTH, no_wrap=True)
    core_hours = hours_column([group.core_s for group in lines])
    gpu_hours = hours_column([group.gpu_s for group in lines])
    for group, core_h, gpu_h in zip(lines, core_hours, gpu_hours, strict=True):
        share = group.carbon_g / total_g if total_g > 0 else 0.0
        table.add_row(
            ink.text(group.key, n_most=n_key),
            Text(f"{group.n_jobs:,}"),
            Text(core_h),
            Text(gpu_h),
            Text(energy.number_text(group.energy_wh)),
            Text(carbon.number_text(group.carbon_g), style="bold"),
            Text(percent_text(share)),
            *([Text(ink.meter(share, _METER_WIDTH), style="cyan")] if frame.is_roomy else []),
        )
    return _titled(ink, TITLE_OF[dimension], table, _left_out(len(lines), len(groups), dimension))


def advice(ink: Ink, recommendations: Sequence[Recommendation]) -> Stack:
    """Say what would have helped: the saving, the sentence and the command to type."""
    parts: list[Padding | Text] = [ink.text("What would have helped", "bold")]
    for number, one in enumerate(recommendations, start=1):
        band = carbon_band(one.saving_low_g, one.saving_high_g)
        saving = f"{saving_text(one)} CO2e" + (f" (range {band})" if band else "")
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=2, justify="right")
        grid.add_column()
        grid.add_row(Text(f"{number}."), ink.text(saving, "bold green"))
        grid.add_row(Text(""), ink.text(one.text))
        for line in one.command.splitlines():
            grid.add_row(Text(""), ink.text(line, "cyan"))
        parts.append(Padding(grid, (0, 0, 0, 1)))
    return Stack(*parts)


def news(ink: Ink, style: str, lines: Sequence[tuple[str, str]]) -> Table:
    """Lay out sentences that come before the numbers, each with what else there is to say."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2, justify="right")
    grid.add_column()
    for text, more in lines:
        grid.add_row(Text("!", style=style), ink.text(text, style))
        if more:
            grid.add_row(Text(""), ink.text(more))
    return grid


def notes(ink: Ink, found: Sequence[Finding]) -> Stack:
    """List what the numbers rest on; doubts carry an exclamation mark."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2, justify="right")
    grid.add_column()
    for finding in found:
        mark = Text("!", style="yellow") if finding.is_doubt else Text(ink.bullet)
        grid.add_row(mark, ink.text(finding.text))
        if finding.hint:
            grid.add_row(Text(""), ink.text(finding.hint, "dim"))
    return Stack(ink.text("What the numbers rest on", "bold"), grid)


def _table(gap: int) -> Table:
    return Table(box=None, expand=True, pad_edge=True, padding=(0, gap, 0, 0), header_style="dim")


def _titled(ink: Ink, title: str, table: Table, left_out: str) -> Stack:
    parts: list[Table | Text] = [ink.text(title, "bold"), table]
    if left_out:
        parts.append(ink.text(f" {left_out}", "dim"))
    return Stack(*parts)


def _left_out(n_shown: int, n_all: int, by: str) -> str:
    return f"{n_all - n_shown:,} more; --by {by} lists them" if n_all > n_shown else ""
