"""The tables and lists of the terminal view."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group as Stack
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.domain.recommendation import Recommendation
from auditor.report.filters import (
    carbon_band,
    hours_column,
    percent_text,
    saving_text,
)
from auditor.report.findings import Finding
from auditor.report.ink import Ink
from auditor.report.model import Report
from auditor.units import carbon_scale, energy_scale

N_ROWS = 10
_METER_WIDTH = 10
_N_KEY = 34
_N_WHOLE_KEY = 200
ROOMY = 80
_WORD_OF_COMPONENT = {
    "gpu": "GPU",
    "cpu": "CPU",
    "memory": "Memory",
    "node": "Rest of node",
    "overhead": "Overhead",
}
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
        return self.width >= ROOMY


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


def group_table(frame: Frame, report: Report, dimension: str, n_rows: int | None) -> Stack:
    """List the groups of a dimension with their shares of the carbon; a long name wraps."""
    ink = frame.ink
    groups = report.groups_of[dimension]
    lines = groups[:n_rows]
    total_g = report.totals.carbon_g
    carbon = carbon_scale(max((group.carbon_g for group in lines), default=0.0))
    energy = energy_scale(max((group.energy_wh for group in lines), default=0.0))
    n_key = _N_WHOLE_KEY if n_rows is None else _N_KEY
    table = table_of(gap=2 if frame.is_roomy else 1)
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
    return titled(ink, TITLE_OF[dimension], table, left_out(len(lines), len(groups), dimension))


def component_table(frame: Frame, report: Report) -> Stack:
    """Share the energy out by component, and say how much of each is measured."""
    parts, measured = report.components, report.quality.component_measured_ratio
    part_wh = {name: getattr(parts, f"{name}_wh") for name in _WORD_OF_COMPONENT}
    energy = energy_scale(max(part_wh.values()))
    table = table_of(gap=2 if frame.is_roomy else 1)
    table.add_column("", no_wrap=True)
    for word in _WORD_OF_COMPONENT.values():
        table.add_column(word, justify="right", no_wrap=True)
    table.add_row(energy.unit, *(energy.number_text(value) for value in part_wh.values()))
    shares = (measured.get(name) for name in part_wh)
    told = ("-" if share is None else percent_text(share) for share in shares)
    table.add_row("Measured", *told)
    return titled(frame.ink, "Energy by component", table)


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


def table_of(gap: int) -> Table:
    """Return an empty table without lines, as wide as it may be."""
    return Table(box=None, expand=True, pad_edge=True, padding=(0, gap, 0, 0), header_style="dim")


def titled(ink: Ink, title: str, table: Table, below: str = "") -> Stack:
    """Put a title above a table, and below it what it leaves out."""
    parts: list[Table | Text] = [ink.text(title, "bold"), table]
    if below:
        parts.append(ink.text(f" {below}", "dim"))
    return Stack(*parts)


def left_out(n_shown: int, n_all: int, by: str) -> str:
    """Say how many are not in a table and how to see them; '' if all are."""
    return f"{n_all - n_shown:,} more; --by {by} lists them" if n_all > n_shown else ""
