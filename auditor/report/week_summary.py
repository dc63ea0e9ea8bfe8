"""What a published week comes to, in a file beside its pages: for programs, and to look back at."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from auditor.domain.week import WeekRecord
from auditor.report.as_json import instant_text
from auditor.report.model import Restated, Totals
from auditor.report.page import PageInput

SCHEMA = "auditor.week/1"
SUMMARY_NAME = "week.json"


@dataclass(frozen=True)
class WeekSummary:
    """Totals by page, those of the whole site, and which pages were restated how."""

    site: Totals
    pages: Mapping[str, Totals]
    restated: Mapping[str, Restated]


def summary_text(pages: Sequence[PageInput], record: WeekRecord) -> str:
    """Write the summary of a week as JSON; the first page is the site's."""
    first = pages[0].report
    document = {
        "schema": SCHEMA,
        "site": first.site,
        "label": record.label,
        "state": record.state.value,
        "revision": record.revision,
        "book_version": record.book_version,
        "start": instant_text(first.period.start_utc),
        "end": instant_text(first.period.end_utc),
        "published": instant_text(record.changed_utc),
        "totals": asdict(first.totals),
        "pages": [
            {
                "file": page.subject.file_name,
                "kind": page.subject.kind,
                "name": page.subject.name,
                "totals": asdict(page.report.totals),
                "restated": None if (r := page.report.restated) is None else asdict(r),
            }
            for page in pages
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def read_summary(text: str) -> WeekSummary | None:
    """Read a summary; None if it is not one that this program wrote."""
    try:
        document: dict[str, Any] = json.loads(text)
        pages = document["pages"]
        return WeekSummary(
            Totals(**document["totals"]),
            {page["file"]: Totals(**page["totals"]) for page in pages},
            {page["file"]: _restated(page["restated"]) for page in pages if page["restated"]},
        )
    except (ValueError, KeyError, TypeError):
        return None


def _restated(told: Mapping[str, Any]) -> Restated:
    previous = None if told["previous"] is None else Totals(**told["previous"])
    return Restated(**{**told, "previous": previous, "reasons": tuple(told["reasons"])})
