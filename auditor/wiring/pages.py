"""Where the pages of weeks lie, and what they said."""

from pathlib import Path

from auditor.domain.week import week_called
from auditor.pipeline.press import summary_in
from auditor.pipeline.restating import is_same
from auditor.report.model import Report, Restated
from auditor.report.page import KINDS, subject_of
from auditor.settings.models import Settings


def pages_folder(settings: Settings) -> Path:
    """Return the folder of the pages, one folder a week."""
    return settings.week.pages or settings.ledger.path / "pages"


def restated_of(settings: Settings, report: Report) -> Restated | None:
    """Return how the week of a report was restated, for the site or one cluster, project or user.

    None where the report is not about one week and one of these, its pages are not there, or they
    were drawn from other numbers: what they say of themselves does not hold for those.
    """
    names = [(kind, values) for kind, values in report.filters.items() if values]
    is_one = len(names) == 1 and names[0][0] in KINDS and len(names[0][1]) == 1
    try:
        week = week_called(report.period.label, settings.site.timezone)
    except ValueError:
        return None
    if (names and not is_one) or week.period != report.period:
        return None
    summary = summary_in(pages_folder(settings) / week.label)
    page = subject_of(report).file_name
    if summary is None or page not in summary.pages:
        return None
    return summary.restated.get(page) if is_same(summary.pages[page], report.totals) else None
