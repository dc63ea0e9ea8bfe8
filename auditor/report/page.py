"""The read model as standalone HTML: one page per subject and an index that links them.

A page is one file: no script, no outside request, and a policy that forbids both.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from auditor.domain.job import NOBODY, PLATFORM, WASTED_STATES
from auditor.report import filters
from auditor.report.charts import (
    BarChart,
    carbon_by,
    carbon_by_day,
    energy_by_basis,
    energy_by_component,
)
from auditor.report.clean import file_word, middle_cut, printable
from auditor.report.findings import findings, method_text
from auditor.report.loss import lost_note, lost_text
from auditor.report.model import Group, Report
from auditor.report.rows import rows_html
from auditor.report.shortfalls import alarms, restated_lines
from auditor.report.svg import band_svg, columns_svg
from auditor.resources import resource
from auditor.units import carbon_scale, carbon_text, energy_scale, energy_text

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX_NAME = "index.html"
KINDS = ("site", "cluster", "account", "user")
WORD_OF_KIND = {"site": "All jobs", "cluster": "Cluster", "account": "Project", "user": "User"}
_CHARTS = (
    ("cluster", "By cluster"),
    ("account", "By project"),
    ("user", "By user"),
    ("gpu", "By accelerator"),
    ("state", "By state"),
)
_ALWAYS = ("gpu", "state")
_N_HASH = 8


@dataclass(frozen=True)
class Subject:
    """Whom a page is about: `kind` is one of `KINDS`, `name` as accounting spells it."""

    kind: str
    name: str

    @property
    def file_name(self) -> str:
        """Name of its page: what is safe of the name, and a hash that tells names apart."""
        digest = hashlib.sha256(f"{self.kind}\x00{self.name}".encode("utf-8", "surrogatepass"))
        word = file_word(self.name)
        parts = (self.kind, *((word,) if word else ()), digest.hexdigest()[:_N_HASH])
        return f"{'-'.join(parts)}.html"


@dataclass(frozen=True)
class PageInput:
    """One page to draw."""

    subject: Subject
    report: Report


def render_site(pages: Sequence[PageInput], weeks_href: str = "") -> dict[str, str]:
    """Draw every page and an index that links them, and the index of weeks where there is one.

    Returns
    -------
    File name to text, the index last, so that written in order it never links what is not there.
    Empty without pages.
    """
    if not pages:
        return {}
    environment = environment_of_pages()
    drawn = {
        page.subject.file_name: _page(environment, page, index_name=INDEX_NAME) for page in pages
    }
    return {**drawn, INDEX_NAME: _index(environment, pages, weeks_href)}


def to_html(report: Report, subject: Subject | None = None) -> str:
    """Draw one report as a page on its own; without a subject its filters name it."""
    page = PageInput(subject or subject_of(report), report)
    return _page(environment_of_pages(), page, index_name="")


def subject_of(report: Report) -> Subject:
    """Tell whom a report is about from its filters: one user, project or cluster, or all jobs."""
    for kind in ("user", "account", "cluster"):
        names = report.filters.get(kind, ())
        if len(names) == 1:
            return Subject(kind, names[0])
    return Subject("site", report.site)


@cache
def environment_of_pages() -> "Environment":
    """Return what every page is drawn with: escaped, strict, and cleaned where it prints.

    There is one: compiling the templates takes longer than drawing a page.
    """
    from jinja2 import (  # noqa: PLC0415  (a report in a terminal need not pay for it)
        Environment,
        FunctionLoader,
        StrictUndefined,
    )

    environment = Environment(
        loader=FunctionLoader(lambda name: resource("templates", name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    environment.filters.update(_FILTERS)
    return environment


def _clean(value: Any) -> Any:  # noqa: ANN401  (whatever a template prints)
    """Clean every text that a template prints; markup of our own has its own type."""
    return printable(value) if type(value) is str else value


def _page(environment: "Environment", page: PageInput, *, index_name: str) -> str:
    report = page.report
    view = {
        "report": report,
        "subject": page.subject,
        "kind": WORD_OF_KIND[page.subject.kind],
        "period": filters.period_text(report.period),
        "alarms": alarms(report),
        "restated": restated_lines(report.restated, report.totals),
        "change": filters.change_text(report),
        "band": _band(report),
        "day_chart": carbon_by_day(report),
        "charts": [
            carbon_by(report, dimension, title)
            for dimension, title in _CHARTS
            if len(report.groups_of[dimension]) > 1
            or (dimension in _ALWAYS and report.groups_of[dimension])
        ],
        "energy_charts": [energy_by_component(report), energy_by_basis(report)],
        "findings": findings(report),
        "method_text": method_text(report),
        "lost": (lost_text(report), lost_note(report)),
        "jobs_carbon": carbon_scale(max((job.carbon_g for job in report.jobs), default=0.0)),
        "jobs_energy": energy_scale(max((job.energy_wh for job in report.jobs), default=0.0)),
        "wasted_states": WASTED_STATES,
        "index_name": index_name,
    }
    return environment.get_template("page.html.j2").render(view)


def _band(report: Report) -> str:
    totals = report.totals
    band = filters.carbon_band(totals.carbon_low_g, totals.carbon_high_g)
    if not band:
        return ""
    return _markup(
        band_svg(totals.carbon_low_g, totals.carbon_g, totals.carbon_high_g, f"range {band}")
    )


def _index(environment: "Environment", pages: Sequence[PageInput], weeks_href: str) -> str:
    first = pages[0].report
    sections = []
    for kind in KINDS:
        chosen = [page for page in pages if page.subject.kind == kind]
        chosen.sort(key=lambda page: (-page.report.totals.carbon_g, page.subject.name))
        if chosen:
            largest_g = chosen[0].report.totals.carbon_g
            hours = filters.hours_column([page.report.totals.gpu_s for page in chosen])
            sections.append((WORD_OF_KIND[kind], kind, chosen, carbon_scale(largest_g), hours))
    view = {
        "site": first.site,
        "period": filters.period_text(first.period),
        "timezone": first.period.timezone,
        "provenance": first.provenance,
        "sections": sections,
        "weeks_href": weeks_href,
        "platform": _group_of(first, "user", PLATFORM),
        "unnamed": [
            (word, found)
            for kind, word in (("user", "user"), ("account", "project"))
            if (found := _group_of(first, kind, NOBODY)) is not None
        ],
        "alarms": alarms(first),
        "restated": restated_lines(first.restated, first.totals),
    }
    return environment.get_template("index.html.j2").render(view)


def _group_of(report: Report, dimension: str, key: str) -> Group | None:
    return next((one for one in report.groups_of[dimension] if one.key == key), None)


def _markup(text: str) -> str:
    from markupsafe import Markup  # noqa: PLC0415  (comes with jinja2, see there)

    return Markup(text)  # noqa: S704  (drawn by svg.py, rows.py or _lines, which escape what they hold)


def _lines(text: str) -> str:
    """Keep each word of a command in one piece: a browser breaks lines after hyphens too."""
    return _markup(
        "\n".join(
            " ".join(f"<span>{escape(word)}</span>" for word in printable(line).split(" "))
            for line in text.splitlines()
        )
    )


def _columns(chart: BarChart) -> str:
    return _markup(columns_svg(chart))


def _rows(chart: BarChart) -> str:
    return _markup(rows_html(chart))


_FILTERS: Mapping[str, Any] = {
    "carbon": carbon_text,
    "energy": energy_text,
    "percent": filters.percent_text,
    "hours": filters.hours_number,
    "intensity": filters.intensity_text,
    "local": filters.local_text,
    "short": printable,
    "lines": _lines,
    "columns": _columns,
    "rows": _rows,
    "state_words": filters.state_text,
    "carbon_band": filters.carbon_band,
    "energy_band": filters.energy_band,
    "saving": filters.saving_text,
    "digits": filters.significant_text,
    "count": filters.count_text,
    "amount": filters.amount_text,
    "cores": filters.cores_text,
    "middle": middle_cut,
}
