"""What the numbers of a report rest on: loads, sources, factors, and what is missing of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pandas as pd

import auditor
from auditor.domain.incident import Incident, SourceState
from auditor.domain.period import Period
from auditor.energy.model import SOURCES, EnergyModel
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger
from auditor.pipeline.factor_text import energy_model, grid_notes_of, settings_digest_of
from auditor.pipeline.slices import SeriesOfFactors
from auditor.report.doubts import SourceBehind
from auditor.report.model import (
    FactorSource,
    IntensitySource,
    Provenance,
    QualityFacts,
    SourceNote,
)

# The publisher's own marks: a week waits for accounting or for addresses. They are no gap.
WAITING_CODE = "week_waits"
HELD_CODE = "week_held"
MARKS = (WAITING_CODE, HELD_CODE)
# Longer than one collection a day would leave.
_MOST_BEHIND = timedelta(hours=25)
_STALE = SourceNote(
    "stale_factors",
    "The configuration, or a file it names, has changed since these runs were estimated.",
    "`auditor recompute` estimates them anew.",
)


@dataclass(frozen=True)
class Circumstances:
    """What holds when a report is drawn.

    `settings_digest` names the configuration of now, `collected` the clusters whose accounting is
    asked for; without `now_utc` nothing is called late.
    """

    settings_digest: str | None = None
    collected: tuple[str, ...] = ()
    now_utc: datetime | None = None


@dataclass(frozen=True)
class FactsFor:
    """What is said to operators, and to one user or project.

    Rejects and notes of loads may show rows of other users, and the words of an incident their
    jobs: one subject gets the number of the ones and the time of the others, and no hint that
    takes the configuration or the ledger to follow.
    """

    operators: QualityFacts
    one: QualityFacts


def quality_of(
    ledger: Ledger, period: Period, filters: Filters, rows: pd.DataFrame, seen: Circumstances
) -> FactsFor:
    """Say what loading said of the runs of a period, and what is missing of its accounting."""
    said = ledger.quality(period, filters)
    of_factors = dict.fromkeys(_factor_notes(ledger, rows, seen.settings_digest))
    of_loads = dict.fromkeys(
        SourceNote(found.note.code, f"{found.source}: {found.note.text}", found.note.hint)
        for found in said.notes
    )
    one = QualityFacts(
        said.n_rows,
        said.n_rejected,
        notes=tuple(of_factors),
        incidents=incidents_of(ledger, period, filters.cluster),
        behind=_behind(ledger, period, filters.cluster, seen),
    )
    whole = replace(one, rejects=said.rejects, notes=tuple(of_factors | of_loads))
    told = tuple(replace(incident, text="", hint="") for incident in one.incidents)
    return FactsFor(whole, replace(one, incidents=told, is_for_operators=False))


def incidents_of(
    ledger: Ledger, period: Period, clusters: tuple[str, ...] = ()
) -> tuple[Incident, ...]:
    """Return the shortfalls of accounting that overlap a period."""
    found = ledger.sources.incidents(period, clusters)
    return tuple(one for one in found if one.code not in MARKS)


def is_short(ledger: Ledger, period: Period, collected: tuple[str, ...], now_utc: datetime) -> bool:
    """Tell whether a report of a period drawn now would say that accounting is missing."""
    found = incidents_of(ledger, period)
    if any(one.resolved_utc is None and one.is_shortfall for one in found):
        return True
    seen = Circumstances(collected=collected, now_utc=now_utc)
    return any(one.is_late for one in _behind(ledger, period, (), seen))


def _behind(
    ledger: Ledger, period: Period, clusters: tuple[str, ...], seen: Circumstances
) -> tuple[SourceBehind, ...]:
    chosen = [name for name in seen.collected if not clusters or name in clusters]
    found = []
    for name in chosen:
        state = ledger.sources.state(name)
        reached_utc = None if state is None else _reached_utc(state, seen.now_utc)
        if reached_utc is None or reached_utc < period.end_utc:
            found.append(SourceBehind(name, reached_utc, _is_late(reached_utc, seen.now_utc)))
        if state is not None and begins_late(ledger, state, period):
            found.append(SourceBehind(name, reached_utc, is_late=True,
                                      collected_from_utc=state.since_utc))  # fmt: skip
    return tuple(found)


def begins_late(ledger: Ledger, state: SourceState, period: Period) -> bool:
    """Tell whether collection begins after a period does, and no export stands in for the rest."""
    begin_utc, since_utc = period.start_utc, state.since_utc
    return begin_utc < since_utc and not ledger.sources.has_export(
        state.cluster, begin_utc, min(since_utc, period.end_utc)
    )


def _reached_utc(state: SourceState, now_utc: datetime | None) -> datetime:
    return state.collected_to_utc if now_utc is None else state.trusted_to(now_utc)


def _is_late(reached_utc: datetime | None, now_utc: datetime | None) -> bool:
    if now_utc is None or reached_utc is None:
        return now_utc is not None
    return now_utc - reached_utc > _MOST_BEHIND


def _factor_notes(
    ledger: Ledger, rows: pd.DataFrame, settings_digest: str | None
) -> Iterator[SourceNote]:
    """Say what weakens the factors: another configuration than now, remarks about grid files."""
    zones = set(rows["zone"].dropna().unique())
    for made_by in rows["factor_set"].unique():
        known = ledger.factor_set(str(made_by))
        if known is None:
            continue
        if settings_digest not in {None, settings_digest_of(known.text)}:
            yield _STALE
        for note in grid_notes_of(known.text):
            if note["zone"] in zones:
                yield SourceNote(note["code"], f"Grid {note['zone']}: {note['text']}", note["hint"])


def provenance_of(
    ledger: Ledger, version: int, rows: pd.DataFrame, series_of: SeriesOfFactors
) -> Provenance:
    """Say what it takes to draw the same report again."""
    zones = set(rows["zone"].dropna().unique())
    clusters = sorted(str(name) for name in rows["cluster"].unique())
    used = {
        series.zone: series
        for by_zone in series_of.values()
        for series in by_zone.values()
        if series.zone in zones
    }
    made_by = sorted(str(one) for one in rows["factor_set"].unique())
    texts = [known.text for one in made_by if (known := ledger.factor_set(one)) is not None]
    model = energy_model(texts[-1]) if texts else None
    return Provenance(
        auditor=auditor.__version__,
        book_version=version,
        factor_set=", ".join(made_by) or None,
        intensity=tuple(
            IntensitySource(zone, series.source, series.fallback_source, series.kind)
            for zone, series in sorted(used.items())
        ),
        factors=() if model is None else tuple(_factor_sources(model, clusters)),
        method="" if model is None else model.method,
    )


def _factor_sources(model: EnergyModel, clusters: list[str]) -> Iterator[FactorSource]:
    """Name the factors that these runs rest on: the PUE of their clusters, then the constants."""
    for cluster in clusters:
        value = _triple_text(model.pue(cluster))
        yield FactorSource(f"PUE of {cluster}", value, model.pue_source(cluster))
    for name in SOURCES:
        if name != "default_pue":
            value = _triple_text(getattr(model, name))
            yield FactorSource(name.replace("_", " "), value, model.source(name))


def _triple_text(triple: tuple[float, float, float]) -> str:
    low, central, high = triple
    return f"{central:g} ({low:g} to {high:g})" if low < high else f"{central:g}"
