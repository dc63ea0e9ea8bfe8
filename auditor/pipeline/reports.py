"""From the ledger to the read model: cut to the period, aggregated, advised, with its origin."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

import pandas as pd

import auditor
from auditor.carbon.bands import DEFAULT_BANDS, CarbonBands
from auditor.carbon.cut import cut_by_day, cut_to_period
from auditor.domain.frames import BOOK, names
from auditor.domain.intensity import IntensitySeries
from auditor.domain.period import Period, period_before
from auditor.energy.model import SOURCES, EnergyModel
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger
from auditor.pipeline.factor_text import energy_model, grid_notes_of, settings_digest_of
from auditor.recommend.advise import recommend
from auditor.recommend.interface import AdviceSettings
from auditor.report.build import N_LARGEST_JOBS, ReportInput, build_report, totals_of
from auditor.report.model import (
    EquivalenceFactor,
    FactorSource,
    IntensitySource,
    Provenance,
    QualityFacts,
    Report,
    SourceNote,
    Totals,
)
from auditor.report.page import KINDS, PageInput, Subject

# What a report has no use for, and so does not read.
_UNUSED = {
    "eligible_utc",
    "hardware_rule",
    "line",
    "node_base_w",
    "node_list",
    "parent_job_id",
    "rank",
    "requested_memory_decimal_gb",
    "source",
    "wckey",
}
_COLUMNS = [name for name in names(BOOK) if name not in _UNUSED]
# Columns of a dimension that has pages of its own.
_COLUMN_OF_KIND = {"user": "user", "account": "account", "cluster": "cluster"}


@dataclass(frozen=True)
class House:
    """What every report of a site says alike.

    `settings_digest` names the configuration that holds now, to tell when it is not the one that
    the runs were estimated with.
    """

    site: str
    settings_digest: str | None = None
    equivalences: tuple[EquivalenceFactor, ...] = ()
    advice: AdviceSettings = field(default_factory=AdviceSettings)
    bands: CarbonBands = DEFAULT_BANDS


@dataclass(frozen=True)
class Question:
    """Which runs are asked for, over which period, and how many of them are listed."""

    period: Period
    filters: Filters = field(default_factory=Filters)
    n_jobs_listed: int | None = N_LARGEST_JOBS


@dataclass(frozen=True)
class _Drawn:
    """What one look into the ledger gives: runs cut to the period and by day, and before it."""

    rows: pd.DataFrame
    day_rows: pd.DataFrame
    before: pd.DataFrame
    quality: QualityFacts
    provenance: Provenance
    everyone: Totals | None = None


def report(ledger: Ledger, question: Question, house: House) -> Report | None:
    """Answer one question from the ledger; None where no run matches."""
    drawn = _draw(ledger, question, house)
    return None if drawn is None else _built(drawn, question, house)


def pages(ledger: Ledger, period: Period, house: House) -> Iterator[PageInput]:
    """Draw the period for the site, and for each cluster, project and user; nothing if empty."""
    drawn = _draw(ledger, Question(period), house)
    if drawn is None:
        return
    yield PageInput(Subject("site", house.site), _built(drawn, Question(period), house))
    drawn = replace(drawn, everyone=totals_of(drawn.rows))
    for kind in KINDS:
        column = _COLUMN_OF_KIND.get(kind)
        if column is None:
            continue
        for name in sorted(drawn.rows[column].dropna().unique()):
            question = Question(period, Filters(**{kind: (name,)}))
            yield PageInput(
                Subject(kind, name), _built(_only(drawn, column, name), question, house)
            )


def _only(drawn: _Drawn, column: str, name: str) -> _Drawn:
    return _Drawn(
        rows=drawn.rows[drawn.rows[column] == name],
        day_rows=drawn.day_rows[drawn.day_rows[column] == name],
        before=drawn.before[drawn.before[column] == name],
        quality=drawn.quality,
        provenance=drawn.provenance,
        everyone=drawn.everyone,
    )


def _draw(ledger: Ledger, question: Question, house: House) -> _Drawn | None:
    bands = house.bands
    version = ledger.version
    before = period_before(question.period)
    both = replace(question.period, start_utc=before.start_utc)
    found = ledger.read(both, question.filters, _COLUMNS, version)
    series_of = _series_of(ledger, found)
    rows = _cut(found, question.period, series_of, bands)
    if rows.empty:
        return None
    parts = [
        cut_by_day(part, question.period, series_of[str(made_by)], bands)
        for made_by, part in rows.groupby("factor_set", observed=True)
    ]
    return _Drawn(
        rows=rows,
        day_rows=parts[0] if len(parts) == 1 else pd.concat(parts),
        before=_cut(found, before, series_of, bands),
        quality=_quality(ledger, question, _factor_notes(ledger, rows, house)),
        provenance=_provenance(ledger, version, rows, series_of),
    )


def _series_of(ledger: Ledger, rows: pd.DataFrame) -> dict[str, dict[str, IntensitySeries]]:
    """Return the grid series by factor set and zone, as they were when the runs were estimated."""
    found = {}
    for made_by in rows["factor_set"].unique():
        factor_set = ledger.factor_set(made_by)
        if factor_set is not None:
            found[str(made_by)] = {series.zone: series for series in factor_set.series}
    return found


def _cut(
    rows: pd.DataFrame,
    period: Period,
    series_of: Mapping[str, Mapping[str, IntensitySeries]],
    bands: CarbonBands,
) -> pd.DataFrame:
    if rows.empty:
        return cut_to_period(rows, period, {}, bands)
    parts = [
        cut_to_period(part, period, series_of[str(made_by)], bands)
        for made_by, part in rows.groupby("factor_set", observed=True)
    ]
    return parts[0] if len(parts) == 1 else pd.concat(parts)


def _built(drawn: _Drawn, question: Question, house: House) -> Report:
    filters = {name: values for name, values in asdict(question.filters).items() if values}
    return build_report(
        ReportInput(
            site=house.site,
            period=question.period,
            rows=drawn.rows,
            day_rows=drawn.day_rows,
            provenance=drawn.provenance,
            filters=filters,
            recommendations=recommend(drawn.rows, house.advice),
            quality=drawn.quality,
            previous=totals_of(drawn.before),
            everyone=drawn.everyone,
            equivalences=house.equivalences,
            n_jobs_listed=question.n_jobs_listed,
        )
    )


_STALE = SourceNote(
    "stale_factors",
    "The configuration, or a file it names, has changed since these runs were estimated.",
    "`auditor recompute` estimates them anew.",
)


def _factor_notes(ledger: Ledger, rows: pd.DataFrame, house: House) -> Iterator[SourceNote]:
    """Say what weakens the factors: another configuration than now, remarks about grid files."""
    zones = set(rows["zone"].dropna().unique())
    for made_by in rows["factor_set"].unique():
        known = ledger.factor_set(str(made_by))
        if known is None:
            continue
        if house.settings_digest not in {None, settings_digest_of(known.text)}:
            yield _STALE
        for note in grid_notes_of(known.text):
            if note["zone"] in zones:
                yield SourceNote(note["code"], f"Grid {note['zone']}: {note['text']}", note["hint"])


def _quality(
    ledger: Ledger, question: Question, factor_notes: Iterator[SourceNote]
) -> QualityFacts:
    said = ledger.quality(question.period, question.filters)
    notes = dict.fromkeys(factor_notes)
    notes |= dict.fromkeys(
        SourceNote(found.note.code, f"{found.source}: {found.note.text}", found.note.hint)
        for found in said.notes
    )
    return QualityFacts(said.n_rows, said.n_rejected, said.rejects, tuple(notes))


def _provenance(
    ledger: Ledger,
    version: int,
    rows: pd.DataFrame,
    series_of: Mapping[str, Mapping[str, IntensitySeries]],
) -> Provenance:
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
