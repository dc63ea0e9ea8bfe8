"""What the numbers of a report rest on: loads, sources, factors, and what is missing of them."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cache

import pandas as pd

import auditor
from auditor.domain.incident import Incident, SourceState
from auditor.domain.period import Period
from auditor.energy.model import SOURCES, EnergyModel
from auditor.ledger.interface import Filters, LoadQuality
from auditor.ledger.ledger import Ledger
from auditor.pipeline.factor_text import energy_model, grid_notes_of, settings_digest_of
from auditor.pipeline.slices import SeriesOfFactors
from auditor.report.doubts import SourceBehind, SourceNote
from auditor.report.model import (
    FactorSource,
    IntensitySource,
    Provenance,
    QualityFacts,
)

# The publisher's own marks: a week waits for accounting or for addresses. They are no gap.
WAITING_CODE = "week_waits"
HELD_CODE = "week_held"
MARKS = (WAITING_CODE, HELD_CODE)
# Longer than one collection a day would leave.
_MOST_BEHIND = timedelta(hours=25)
# It counts everybody's runs; what had not ended of fewer is counted from the runs themselves.
_OF_EVERYBODY = "seen_inferred"
_STALE = SourceNote(
    "stale_factors",
    "The configuration, or a file it names, has changed since these runs were estimated.",
    "`auditor recompute` estimates them anew.",
)


@dataclass(frozen=True)
class Circumstances:
    """What holds when a report is drawn.

    `settings_digest` names the configuration of now, `collected` the clusters whose accounting is
    asked for and `user_rules` what names people by cluster; without `now_utc` nothing is called
    late.
    """

    settings_digest: str | None = None
    collected: tuple[str, ...] = ()
    now_utc: datetime | None = None
    user_rules: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class FactsFor:
    """What is said to operators, and to one user or project.

    Rejects and notes of loads may show rows of other users, and the words of an incident their
    jobs: one subject gets the number of the ones and the time of the others, and no hint that
    takes the configuration or the ledger to follow.
    """

    operators: QualityFacts
    one: QualityFacts


@dataclass(frozen=True)
class Look:
    """One look into the ledger: which period, of which version of the book, and what holds then."""

    period: Period
    version: int
    series_of: SeriesOfFactors
    seen: Circumstances


@dataclass(frozen=True)
class Scope:
    """What of a look some runs rest on, equal where they rest on the same.

    `asked` are the clusters whose gaps are told, all where there are none; `of_loads` those whose
    loads are, None for all. `is_part`: the runs are not all of those clusters.
    """

    asked: tuple[str, ...]
    of_loads: tuple[str, ...] | None
    clusters: tuple[str, ...]
    zones: tuple[str, ...]
    factor_sets: tuple[str, ...]
    is_part: bool


@dataclass(frozen=True)
class Origin:
    """What the numbers of one report rest on, and what it takes to draw it again."""

    quality: FactsFor
    provenance: Provenance


OriginOf = Callable[[Scope], Origin]


def scope_of(rows: pd.DataFrame, filters: Filters) -> Scope:
    """Return what runs rest on that were asked for with filters.

    Accounting of a cluster where none of them ran says nothing of them, but its gaps do: more of
    them may be missing there.
    """
    clusters = _distinct(rows["cluster"])
    is_part = any(values for name, values in asdict(filters).items() if name != "cluster")
    return Scope(
        asked=filters.cluster,
        of_loads=clusters if is_part else filters.cluster or None,
        clusters=clusters,
        zones=_distinct(rows["zone"]),
        factor_sets=_distinct(rows["factor_set"]),
        is_part=is_part,
    )


def origins(ledger: Ledger, look: Look) -> OriginOf:
    """Return what tells the origin of runs of a look; it asks the ledger once for each scope."""

    @cache
    def origin_of(scope: Scope) -> Origin:
        return Origin(_quality(ledger, look, scope), _provenance(ledger, look, scope))

    return origin_of


def _distinct(column: "pd.Series[str]") -> tuple[str, ...]:
    return tuple(sorted(str(value) for value in column.dropna().unique()))


def _quality(ledger: Ledger, look: Look, scope: Scope) -> FactsFor:
    """Say what loading said of the runs of a period, and what is missing of its accounting."""
    period, seen = look.period, look.seen
    said = _said(ledger, period, scope)
    of_factors = dict.fromkeys(_factor_notes(ledger, scope, seen.settings_digest))
    of_loads = dict.fromkeys(
        SourceNote(found.note.code, f"{found.source}: {found.note.text}", found.note.hint)
        for found in said.notes
        if not (scope.is_part and found.note.code == _OF_EVERYBODY)
    )
    one = QualityFacts(
        said.n_rows,
        said.n_rejected,
        notes=tuple(of_factors),
        incidents=incidents_of(ledger, period, scope.asked),
        behind=_behind(ledger, period, scope.asked, seen),
    )
    notes = tuple(of_factors | of_loads)
    whole = replace(one, rejects=said.rejects, notes=notes, user_rules=seen.user_rules)
    told = tuple(replace(incident, text="", hint="") for incident in one.incidents)
    return FactsFor(whole, replace(one, incidents=told, is_for_operators=False))


def _said(ledger: Ledger, period: Period, scope: Scope) -> LoadQuality:
    if scope.of_loads == ():
        return LoadQuality(0, 0, 0, 0, 0, (), ())
    return ledger.quality(period, Filters(cluster=scope.of_loads or ()))


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
    ledger: Ledger, scope: Scope, settings_digest: str | None
) -> Iterator[SourceNote]:
    """Say what weakens the factors: another configuration than now, remarks about grid files."""
    for made_by in scope.factor_sets:
        known = ledger.factor_set(made_by)
        if known is None:
            continue
        if settings_digest not in {None, settings_digest_of(known.text)}:
            yield _STALE
        for note in grid_notes_of(known.text):
            if note["zone"] in scope.zones:
                yield SourceNote(note["code"], f"Grid {note['zone']}: {note['text']}", note["hint"])


def _provenance(ledger: Ledger, look: Look, scope: Scope) -> Provenance:
    """Say what it takes to draw the same report again."""
    used = {
        series.zone: series
        for made_by, by_zone in look.series_of.items()
        for series in by_zone.values()
        if made_by in scope.factor_sets and series.zone in scope.zones
    }
    texts = [
        known.text for one in scope.factor_sets if (known := ledger.factor_set(one)) is not None
    ]
    model = energy_model(texts[-1]) if texts else None
    return Provenance(
        auditor=auditor.__version__,
        book_version=look.version,
        factor_set=", ".join(scope.factor_sets) or None,
        intensity=tuple(
            IntensitySource(zone, series.source, series.fallback_source, series.kind)
            for zone, series in sorted(used.items())
        ),
        factors=() if model is None else tuple(_factor_sources(model, scope.clusters)),
        method="" if model is None else model.method,
    )


def _factor_sources(model: EnergyModel, clusters: tuple[str, ...]) -> Iterator[FactorSource]:
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
