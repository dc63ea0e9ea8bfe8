"""From the ledger to the read model: cut to the period, aggregated, advised, with its origin."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

import pandas as pd

from auditor.carbon.bands import DEFAULT_BANDS, CarbonBands
from auditor.domain.identity import Identity
from auditor.domain.job import PLATFORM
from auditor.domain.period import Period, period_before
from auditor.ledger.extent import book_stamp, first_end_utc
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger
from auditor.pipeline.named_runs import Wanted, in_reports, read_named
from auditor.pipeline.origins import (
    Circumstances,
    FactsFor,
    Look,
    OriginOf,
    origins,
    scope_of,
)
from auditor.pipeline.slices import REPORTED, day_slices_of, series_of_factors, slices_of
from auditor.recommend.advise import recommend
from auditor.recommend.interface import AdviceSettings
from auditor.report.build import N_LARGEST_JOBS, ReportInput, build_report, totals_of
from auditor.report.model import (
    EquivalenceFactor,
    Provenance,
    Report,
    Restated,
    Totals,
)
from auditor.report.page import KINDS, PageInput, Subject

# Columns of a dimension that has pages of its own.
_COLUMN_OF_KIND = {"user": "user", "account": "account", "cluster": "cluster"}


@dataclass(frozen=True)
class House:
    """What every report of a site says alike.

    `settings_digest` names the configuration that holds now, to tell when it is not the one that
    the runs were estimated with. `collected` are the clusters whose accounting is asked for,
    `user_rules` what names the people of pods by cluster, and `identity` says who is who.
    """

    site: str
    settings_digest: str | None = None
    equivalences: tuple[EquivalenceFactor, ...] = ()
    collected: tuple[str, ...] = ()
    advice: AdviceSettings = field(default_factory=AdviceSettings)
    bands: CarbonBands = DEFAULT_BANDS
    identity: Identity = field(default_factory=Identity)
    user_rules: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Question:
    """Which runs are asked for, over which period, how many of them are listed, and when.

    Without `now_utc` no source is called late; without `book_version` the newest is read.
    """

    period: Period
    filters: Filters = field(default_factory=Filters)
    n_jobs_listed: int | None = N_LARGEST_JOBS
    now_utc: datetime | None = None
    book_version: int | None = None


def _nothing_restated(_subject: Subject) -> Restated | None:
    return None


def _everybody(_subject: Subject) -> bool:
    return True


@dataclass(frozen=True)
class Edition:
    """What else is to be known of pages: when, from which book, what changed, who gets one.

    `also` are those who get a page even if no run of theirs is in the period (any more).
    """

    now_utc: datetime | None = None
    book_version: int | None = None
    restated_of: Callable[[Subject], Restated | None] = _nothing_restated
    wants: Callable[[Subject], bool] = _everybody
    also: tuple[Subject, ...] = ()


_PLAIN = Edition()


@dataclass(frozen=True)
class _Drawn:
    """What one look into the ledger gives: runs cut to the period and by day, and before it."""

    rows: pd.DataFrame
    day_rows: pd.DataFrame
    before: pd.DataFrame
    quality: FactsFor
    provenance: Provenance
    origin_of: OriginOf
    knows_before: bool
    everyone: Totals | None = None
    restated: Restated | None = None


def report(ledger: Ledger, question: Question, house: House) -> Report | None:
    """Answer one question from the ledger; None where no run matches.

    An alias among its users and projects stands for the person, and the report says the name.
    """
    question = replace(question, filters=in_reports(question.filters, house.identity))
    drawn = _draw(ledger, question, house)
    return None if drawn is None else _built(drawn, question, house)


def pages(
    ledger: Ledger, period: Period, house: House, edition: Edition = _PLAIN
) -> Iterator[PageInput]:
    """Draw the period for the site, and for each cluster, project and user; nothing if empty.

    An empty period is drawn where the edition has somebody in `also`.

    Pages of a project or a user hold nothing of others' rows but totals. The platform is neither.
    """
    asked = Question(period, now_utc=edition.now_utc, book_version=edition.book_version)
    drawn = _draw(ledger, asked, house, keeps_empty=bool(edition.also))
    if drawn is None:
        return
    site = Subject("site", house.site)
    everyone = totals_of(drawn.rows)
    if edition.wants(site):
        whole = replace(drawn, restated=edition.restated_of(site))
        yield PageInput(site, _built(whole, Question(period), house))
    for kind in KINDS:
        column = _COLUMN_OF_KIND.get(kind)
        if column is None:
            continue
        also = {one.name for one in edition.also if one.kind == kind}
        for name in sorted({*drawn.rows[column].dropna().unique(), *also} - {PLATFORM}):
            subject = Subject(kind, name)
            if edition.wants(subject):
                question = Question(period, Filters(**{kind: (name,)}))
                part = replace(
                    _only(drawn, subject),
                    everyone=everyone,
                    restated=edition.restated_of(subject),
                )
                yield PageInput(subject, _built(part, question, house))


def _only(drawn: _Drawn, subject: Subject) -> _Drawn:
    column, name = _COLUMN_OF_KIND[subject.kind], subject.name
    rows = drawn.rows[drawn.rows[column] == name]
    origin = drawn.origin_of(scope_of(rows, Filters(**{subject.kind: (name,)})))
    facts = origin.quality
    if subject.kind == "cluster":
        # Its page says of loads what operators need, and of jobs of users what anybody may know.
        whole = replace(facts.operators, incidents=facts.one.incidents)
        facts = FactsFor(whole, facts.one)
    else:
        facts = FactsFor(facts.one, facts.one)
    return replace(
        drawn,
        rows=rows,
        day_rows=drawn.day_rows[drawn.day_rows[column] == name],
        before=drawn.before[drawn.before[column] == name],
        quality=facts,
        provenance=origin.provenance,
    )


def _draw(
    ledger: Ledger, question: Question, house: House, *, keeps_empty: bool = False
) -> _Drawn | None:
    bands, period = house.bands, question.period
    version = ledger.version if question.book_version is None else question.book_version
    before = period_before(period)
    both = replace(period, start_utc=before.start_utc)
    wanted = Wanted(both, question.filters, REPORTED, version)
    found = read_named(ledger, house.identity, wanted)
    series_of = series_of_factors(ledger, found)
    rows = slices_of(found, period, series_of, bands)
    if rows.empty and not keeps_empty:
        return None
    seen = Circumstances(house.settings_digest, house.collected, question.now_utc, house.user_rules)
    origin_of = origins(ledger, Look(period, version, series_of, seen))
    origin = origin_of(scope_of(rows, question.filters))
    return _Drawn(
        rows=rows,
        day_rows=day_slices_of(rows, period, series_of, bands),
        before=slices_of(found, before, series_of, bands),
        quality=origin.quality,
        provenance=origin.provenance,
        origin_of=origin_of,
        knows_before=_is_whole(ledger, before, rows),
    )


def _is_whole(ledger: Ledger, before: Period, rows: pd.DataFrame) -> bool:
    """Tell whether accounting reaches back to the start of a period, so that it may be compared.

    A book that holds runs of long before collection began was filled otherwise too.
    """
    states = (ledger.sources.state(str(name)) for name in rows["cluster"].unique())
    since_utc = max((state.since_utc for state in states if state is not None), default=None)
    if since_utc is None or since_utc <= before.start_utc:
        return True
    ended_utc = first_end_utc(book_stamp(ledger))
    return ended_utc is not None and ended_utc < since_utc - timedelta(days=1)


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
            quality=drawn.quality.operators,
            previous=totals_of(drawn.before) if drawn.knows_before else None,
            everyone=drawn.everyone,
            restated=drawn.restated,
            equivalences=house.equivalences,
            n_jobs_listed=question.n_jobs_listed,
        )
    )
