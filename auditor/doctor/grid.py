"""The grid: whether each zone has a series, and whether it reaches from last week to now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from auditor.doctor.check import Check, Group, Topic
from auditor.domain.intensity import IntensityBasis, IntensitySeries
from auditor.domain.period import Period
from auditor.domain.week import week_of
from auditor.errors import AuditorError
from auditor.intensity.annual import AnnualTable
from auditor.intensity.interface import IntensityReading
from auditor.resources import resource
from auditor.settings.models import CsvIntensity, Settings
from auditor.wiring.grid import zone_reading

SOURCE = Topic(Group.GRID, "grid_source", "source")
COVERAGE = Topic(Group.GRID, "grid_coverage", "hours")
_HOUR_S = 3600
_MOST_BEHIND = timedelta(days=1)
_HINT = "`auditor config check` says more."


@dataclass(frozen=True)
class Reach:
    """How much of last week a series covers [s], and where it ends; None if it has no steps."""

    short_s: int
    week: str
    end_utc: datetime | None


def grid_checks(settings: Settings, now_utc: datetime) -> Iterator[Check]:
    """Try the grid source of every cluster's zone."""
    table = AnnualTable.load(resource("data"))
    zones = {cluster.zone or settings.defaults.zone for cluster in settings.clusters}
    stated = {entry.zone: entry for entry in settings.intensity}
    last_week = week_before(now_utc, settings.site.timezone)
    for zone in sorted(zones or {settings.defaults.zone}):
        try:
            reading = zone_reading(zone, settings, table)
        except AuditorError as error:
            yield SOURCE.of(zone).fault(str(error), error.hint or _HINT)
            continue
        entry = stated.get(zone)
        yield source_check(zone, reading, is_stated=entry is not None)
        if isinstance(entry, CsvIntensity):
            yield coverage_check(zone, reach(reading.series, last_week), now_utc, entry.path)


def week_before(now_utc: datetime, timezone: str) -> Period:
    """Return the last week that is over."""
    monday_utc = week_of(now_utc, timezone).period.start_utc
    return week_of(monday_utc - timedelta(hours=1), timezone).period


def source_check(zone: str, reading: IntensityReading, *, is_stated: bool) -> Check:
    """Judge where a zone's values come from."""
    series, topic = reading.series, SOURCE.of(zone)
    if reading.notes:
        note = reading.notes[0]
        return topic.warning(note.text, note.hint or "`auditor config check` says more.")
    if not is_stated:
        text = f"no [[intensity]]: one annual value holds, {series.fallback_g_per_kwh:g} g/kWh"
        hint = f'State an [[intensity]] with zone = "{zone}": `auditor config example`.'
        return topic.warning(text, hint)
    if not len(series.edges_s):
        return topic.ok(f"{series.fallback_g_per_kwh:g} g/kWh, stated")
    return topic.ok(series.source)


def reach(series: IntensitySeries, week: Period) -> Reach:
    """Return how much of a week a series leaves to its fallback."""
    if not len(series.edges_s):
        return Reach(week.end_s - week.start_s, week.label, None)
    is_known = series.basis != IntensityBasis.ANNUAL
    starts = np.clip(series.edges_s[:-1], week.start_s, week.end_s)
    ends = np.clip(series.edges_s[1:], week.start_s, week.end_s)
    known_s = int((ends - starts)[is_known].sum())
    end_utc = datetime.fromtimestamp(int(series.edges_s[-1]), UTC)
    return Reach(week.end_s - week.start_s - known_s, week.label, end_utc)


def coverage_check(zone: str, found: Reach, now_utc: datetime, path: Path) -> Check:
    """Judge whether a file reaches: last week must be covered, and now almost."""
    topic = COVERAGE.of(zone)
    hint = f"Renew {path}."
    end = "" if found.end_utc is None else f"; it ends {found.end_utc:%Y-%m-%d %H:%M} UTC"
    if found.short_s:
        hours = found.short_s / _HOUR_S
        return topic.fault(f"{hours:.0f} h of {found.week} lack a value{end}", hint)
    if found.end_utc is not None and now_utc - found.end_utc > _MOST_BEHIND:
        days = (now_utc - found.end_utc) / timedelta(days=1)
        return topic.warning(
            f"{found.week} is covered, the last {days:.1f} days are not{end}", hint
        )
    return topic.ok(f"{found.week} and since{end}")
