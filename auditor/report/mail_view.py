"""From a report to what its mail says.

Every text is printable and cut to a bound, so that no name from outside makes a mail larger than
mail systems pass on.
"""

from collections.abc import Iterable, Iterator

from auditor.report.charts import carbon_by_day
from auditor.report.clean import printable
from auditor.report.filters import (
    carbon_band,
    count_text,
    energy_band,
    hours_number,
    intensity_text,
    percent_text,
    period_text,
    span_before,
)
from auditor.report.findings import TEXT_OF_BASIS, findings, method_text
from auditor.report.loss import waste_text
from auditor.report.mail_model import MailStyle, MailView, Tile, bounded
from auditor.report.mail_tables import N_SENTENCE, advice_of, job_rows, left_out, shares_of
from auditor.report.mail_words import (
    N_NAME,
    change_short,
    subject_line,
    verdict,
    whose_jobs,
)
from auditor.report.model import BASES, Quality, Report
from auditor.report.page import PageInput
from auditor.report.shortfalls import alarms, asides, mailed_lines
from auditor.units import carbon_scale, carbon_text, energy_text

N_LINES = 6
_N_URL = 500


def mail_view(page: PageInput, style: MailStyle) -> MailView:
    """Put what a mail says into words."""
    subject, report = page.subject, page.report
    chart = carbon_by_day(report)
    scale = carbon_scale(max((job.carbon_g for job in report.jobs), default=0.0))
    page_url = _link(style.page_url)
    return MailView(
        subject=subject_line(subject, report, is_first=style.told is None),
        site=printable(report.site, N_NAME),
        title=whose_jobs(subject),
        when=f"{period_text(report.period)} ({report.period.timezone})",
        verdict=verdict(subject, report),
        news_mark="" if style.told is None else "Restated. ",
        restated=_sentences(_news(report, style)),
        alarms=_sentences(_alarms(page)),
        tiles=tuple(_tiles(report)),
        context=_context(report),
        chart=chart if chart.largest > 0 and len(chart.bars) > 1 else None,
        chart_unit=f"{chart.scale.unit} CO₂e",
        jobs=job_rows(page, scale),
        jobs_unit=f"{scale.unit} CO₂e",
        jobs_left_out=left_out(report),
        shares=tuple(shares_of(page)),
        waste=waste_text(report),
        advice=tuple(advice_of(report)),
        quality=_sentences((_known(report.quality), _doubts(report))),
        notes=_sentences(style.notes),
        method=tuple(_method(page)),
        page_url=page_url,
        page_text=_page_text(page_url, is_attached=style.attaches_page),
        why=bounded(style.why, N_SENTENCE),
        contact=bounded(style.contact or "", N_SENTENCE),
    )


def _sentences(lines: Iterable[str]) -> tuple[str, ...]:
    """Clean and cut sentences, and leave out what is beyond the first few."""
    kept = [bounded(line, N_SENTENCE) for line in lines if line]
    if len(kept) > N_LINES:
        kept[N_LINES - 1 :] = [f"And {len(kept) - N_LINES + 1:,} more like these."]
    return tuple(kept)


def _news(report: Report, style: MailStyle) -> tuple[str, ...]:
    restated = report.restated
    return () if restated is None else mailed_lines(restated, report.totals, style.told)


def _link(url: str | None) -> str:
    """Return a web address that may stand in a link; '' for anything else."""
    if url is None or len(url) > _N_URL or not url.isprintable() or " " in url:
        return ""
    return url if url.startswith(("https://", "http://")) else ""


def _alarms(page: PageInput) -> Iterator[str]:
    """Say what is missing; how to mend it is for those who can."""
    for alarm in alarms(page.report):
        hint = alarm.hint if page.subject.kind == "site" else ""
        yield f"{alarm.text} {hint}".strip()


def _tiles(report: Report) -> Iterator[Tile]:
    totals = report.totals
    band = carbon_band(totals.carbon_low_g, totals.carbon_high_g)
    yield _tile("Carbon", f"{carbon_text(totals.carbon_g)} CO₂e", f"range {band}" if band else "")
    band = energy_band(totals.energy_low_wh, totals.energy_high_wh)
    yield _tile("Energy", energy_text(totals.energy_wh), f"range {band}" if band else "")
    change = change_short(report)
    if change and report.previous is not None:
        before = f"{span_before(report.period)}: {carbon_text(report.previous.carbon_g)}"
        yield _tile("Change", change, before)
    elif totals.gpu_s > 0:
        yield _tile("GPU hours", hours_number(totals.gpu_s), "")
    else:
        yield _tile("Core hours", hours_number(totals.core_s), "")


def _tile(label: str, value: str, note: str) -> Tile:
    number, _, unit = value.partition(" ")
    return Tile(label, number, unit, note)


def _context(report: Report) -> str:
    totals = report.totals
    parts = [count_text(totals.n_jobs, "job")]
    if totals.gpu_s > 0:
        parts.append(f"{hours_number(totals.gpu_s)} GPU hours")
    parts.append(f"{hours_number(totals.core_s)} core hours")
    if totals.intensity_g_per_kwh is not None:
        parts.append(f"grid at {intensity_text(totals.intensity_g_per_kwh)} on average")
    return " · ".join(parts)


def _known(quality: Quality) -> str:
    shares = [(basis, quality.energy_basis_ratio.get(basis) or 0.0) for basis in BASES]
    parts = [f"{percent_text(share)} {TEXT_OF_BASIS[basis]}" for basis, share in shares if share]
    said = [f"Energy: {', '.join(parts)}."] if parts else []
    if quality.intensity_measured_ratio is not None:
        share = percent_text(quality.intensity_measured_ratio)
        said.append(f"Grid: measured hour by hour for {share} of the energy.")
    return " ".join(said)


def _doubts(report: Report) -> str:
    """Say in one line how whole the data are; the page says it at length."""
    quality = report.quality
    facts = quality.facts
    refused = f"{facts.n_rejected:,} refused" if facts.n_rejected else "none refused"
    said = [f"Accounting: {facts.n_rows:,} rows read, {refused}."] if facts.n_rows else []
    if quality.n_open:
        said.append(f"{count_text(quality.n_open, 'job')} not ended yet, counted so far.")
    said += asides(report)
    if n_doubts := sum(finding.is_doubt for finding in findings(report)):
        said.append(f"The full report names {count_text(n_doubts, 'thing')} to mind.")
    return " ".join(said)


def _method(page: PageInput) -> Iterator[str]:
    report = page.report
    yield (
        f"{method_text(report)} Carbon is that energy times the grid intensity of the hours it "
        "was drawn in (location-based)."
    )
    totals, origin = report.totals, report.provenance
    if band := carbon_band(totals.carbon_low_g, totals.carbon_high_g):
        yield (
            "Power, cooling and grid are known only within bounds: the truth lies between "
            f"{band.replace(' to ', ' and ')}, and {carbon_text(totals.carbon_g)} is the best "
            "estimate."
        )
    drawn = [f"Drawn by auditor {origin.auditor}"]
    if origin.book_version is not None:
        drawn.append(f"from book version {origin.book_version}")
    # The ledger is the operators' own: for others its command would be an empty promise.
    how = "`auditor explain JOBID` shows how the figure of a job came about."
    if page.subject.kind != "site":
        how = "The operators can show how the figure of any job came about."
    yield f"{' '.join(drawn)}. {how}"


def _page_text(page_url: str, *, is_attached: bool) -> str:
    if is_attached:
        return "The full report is attached: more jobs, every chart, each factor and its source."
    if page_url:
        return "The full report has more jobs, every chart, each factor and its source."
    return "`auditor report` shows more, for any period."
