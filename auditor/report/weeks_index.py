"""The index of all published weeks: what each emitted, and whether it was restated."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.domain.period import Period
from auditor.domain.week import WeekRecord, WeekState
from auditor.report.charts import Bar, BarChart
from auditor.report.filters import local_text, period_text
from auditor.report.model import Totals
from auditor.report.page import INDEX_NAME, environment_of_pages
from auditor.units import carbon_scale, carbon_text, energy_scale

_N_BARS = 26


@dataclass(frozen=True)
class WeekLine:
    """One week of the index; `totals` are None where its pages are not there any more."""

    record: WeekRecord
    period: Period
    totals: Totals | None

    @property
    def href(self) -> str:
        """Where its pages begin, from the index."""
        return f"{self.record.label}/{INDEX_NAME}"

    @property
    def days(self) -> str:
        """Its days, without its number: '16 to 22 November 2026'."""
        return period_text(self.period).partition(", ")[2]

    @property
    def state(self) -> str:
        """What has become of it."""
        if self.record.state is not WeekState.RESTATED:
            return "closed"
        return f"restated {local_text(self.record.changed_utc, self.period).strip()}"


def render_weeks(site: str, lines: Sequence[WeekLine], timezone: str) -> str:
    """Draw the index, the newest week first; there is at least one."""
    newest_first = sorted(lines, key=lambda line: line.record.label, reverse=True)
    known = [line.totals for line in lines if line.totals is not None]
    view = {
        "site": site,
        "lines": newest_first,
        "timezone": timezone,
        "chart": _chart(newest_first[:_N_BARS][::-1]),
        "carbon": carbon_scale(max((one.carbon_g for one in known), default=0.0)),
        "energy": energy_scale(max((one.energy_wh for one in known), default=0.0)),
    }
    return environment_of_pages().get_template("weeks.html.j2").render(view)


def _chart(lines: Sequence[WeekLine]) -> BarChart | None:
    """Chart what the weeks emitted; a week that the chart cannot tell of has no bar."""
    bars = tuple(
        Bar(line.record.label.partition("-")[2], line.totals.carbon_g)
        for line in lines
        if line.totals is not None
    )
    if len(bars) < 2:  # noqa: PLR2004  (one bar compares with nothing)
        return None
    largest = max(bars, key=lambda bar: bar.value)
    return BarChart(
        name="weeks",
        title="Carbon by week",
        description=f"{len(bars)} weeks. The largest is {largest.label}: "
        f"{carbon_text(largest.value)} CO₂e.",
        bars=bars,
        scale=carbon_scale(largest.value),
        span=f"{bars[0].label} to {bars[-1].label}",
    )
