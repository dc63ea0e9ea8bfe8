"""What the charts of a report show, apart from how they are drawn.

A page draws a definition as SVG, a terminal as a row of blocks; a mail may draw it as a picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from auditor.report.filters import (
    MONTHS,
    count_text,
    day_text,
    local_days,
    percent_text,
    state_text,
)
from auditor.report.model import BASES, Group, Report
from auditor.units import Scale, carbon_scale, carbon_text, energy_scale

N_BARS = 8
WORD_OF_BASIS = {
    "measured": "Measured",
    "utilisation": "From utilisation",
    "modelled": "Modelled",
    "assumed": "Assumed load",
}
_N_DAYS_DAILY = 45
_N_DAYS_WEEKLY = 280
_N_DAYS_MONTHLY = 1461


@dataclass(frozen=True)
class Bar:
    """One bar. `marked` is the part of `value` to be set off; both >= 0, in the chart's unit."""

    label: str
    value: float
    marked: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class BarChart:
    """Bars of one quantity, in g CO2e or Wh; `scale` says how to write them for people.

    `marked_text` names the parts set off. `description` tells in one or two sentences what the
    bars show, for who cannot see them. `span` is the time they cover, where it is time.
    """

    name: str
    title: str
    description: str
    bars: tuple[Bar, ...]
    scale: Scale
    marked_text: str = "ended without a result"
    span: str = ""

    @property
    def largest(self) -> float:
        """Value of the largest bar, 0 without any."""
        return max((bar.value for bar in self.bars), default=0.0)

    @property
    def has_marked(self) -> bool:
        """Whether any bar has a part set off."""
        return any(bar.marked > 0 for bar in self.bars)


def carbon_by_day(report: Report) -> BarChart:
    """Chart carbon over the period: by day, or by week, month or year where the period is long.

    A day without a run is a bar of height zero: it happened.
    """
    days = local_days(report.period)
    known = {group.key: group for group in report.groups_of["day"]}
    if len(days) <= _N_DAYS_DAILY:
        word, bars = "day", [_sum_bar(day_text(day), [day], known) for day in days]
    elif len(days) <= _N_DAYS_WEEKLY:
        word, bars = "week", _bars_of_spans(days, known, _monday_of, _date_text)
    elif len(days) <= _N_DAYS_MONTHLY:
        word, bars = "month", _bars_of_spans(days, known, _month_of, _month_of)
    else:
        word, bars = "year", _bars_of_spans(days, known, _year_of, _year_of)
    largest = max(bars, key=lambda bar: bar.value)
    first, last = bars[0].label, _date_text(days[-1]) if word == "week" else bars[-1].label
    described = f"{count_text(len(bars), word)}. The largest is {largest.label}: "
    return BarChart(
        name="day",
        title=f"Carbon by {word}",
        description=f"{described}{carbon_text(largest.value)} CO₂e.",
        bars=tuple(bars),
        scale=carbon_scale(largest.value),
        span=first if first == last else f"{first} to {last}",
    )


def carbon_by(report: Report, dimension: str, title: str) -> BarChart:
    """Chart where carbon came from: the largest groups of a dimension and the rest together."""
    groups = report.groups_of[dimension]
    total_g = report.totals.carbon_g
    shown = groups if len(groups) <= N_BARS else groups[: N_BARS - 1]
    write = state_text if dimension == "state" else str
    bars = [_group_bar(write(group.key), [group], total_g) for group in shown]
    if len(shown) < len(groups):
        rest = groups[len(shown) :]
        bars.append(_group_bar(f"{len(rest)} others", rest, total_g))
    largest = bars[0] if bars else Bar("nothing", 0.0)
    return BarChart(
        name=dimension,
        title=title,
        description=f"{len(groups)} in all. The largest is {largest.label}: "
        f"{carbon_text(largest.value)} CO₂e, {largest.note or '0 %'} of the total.",
        bars=tuple(bars),
        scale=carbon_scale(max((bar.value for bar in bars), default=0.0)),
    )


def energy_by_component(report: Report) -> BarChart:
    """Chart where the energy went: the parts of the nodes, and the facility around them."""
    parts = report.components
    values = {
        "Accelerators": parts.gpu_wh,
        "Processors": parts.cpu_wh,
        "Memory": parts.memory_wh,
        "Rest of the nodes": parts.node_wh,
    }
    if parts.overhead_wh > 0:
        values["Cooling and supply (PUE)"] = parts.overhead_wh
    return _energy_chart("component", "Where the energy went", values)


def energy_by_basis(report: Report) -> BarChart:
    """Chart what the energy figures rest on: measurement, utilisation, model or assumption."""
    shares = report.quality.energy_basis_ratio
    total_wh = report.totals.energy_wh
    values = {WORD_OF_BASIS[basis]: (shares.get(basis) or 0.0) * total_wh for basis in BASES}
    return _energy_chart("basis", "How it is known", values)


def _energy_chart(name: str, title: str, value_of: dict[str, float]) -> BarChart:
    total_wh = sum(value_of.values())
    bars = tuple(
        Bar(label, value, note=percent_text(value / total_wh) if total_wh > 0 else "")
        for label, value in value_of.items()
    )
    described = ", ".join(f"{bar.label} {bar.note or '0 %'}" for bar in bars)
    largest_wh = max(value_of.values(), default=0.0)
    return BarChart(name, title, f"{described}.", bars, energy_scale(largest_wh))


def _group_bar(label: str, groups: Sequence[Group], total_g: float) -> Bar:
    carbon_g = sum(group.carbon_g for group in groups)
    wasted_g = sum(group.wasted_carbon_g for group in groups)
    note = percent_text(carbon_g / total_g) if total_g > 0 else ""
    return Bar(label, carbon_g, wasted_g, note)


def _sum_bar(label: str, days: Sequence[date], known: dict[str, Group]) -> Bar:
    groups = [known[str(day)] for day in days if str(day) in known]
    return Bar(
        label,
        sum(group.carbon_g for group in groups),
        sum(group.wasted_carbon_g for group in groups),
    )


def _bars_of_spans(
    days: Sequence[date],
    known: dict[str, Group],
    start_of: Callable[[date], object],
    label_of: Callable[[date], str],
) -> list[Bar]:
    """Sum days up by the span they lie in; a span is called by its first day in the period."""
    spans = [list(span) for _, span in groupby(days, key=start_of)]
    return [_sum_bar(label_of(span[0]), span, known) for span in spans]


def _monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _date_text(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def _month_of(day: date) -> str:
    return f"{MONTHS[day.month - 1][:3]} {day.year}"


def _year_of(day: date) -> str:
    return str(day.year)
