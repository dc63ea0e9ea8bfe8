import json
from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.domain.week import Week, WeekRecord, WeekState
from auditor.report.model import Restated
from auditor.report.page import PageInput, Subject
from auditor.report.week_summary import read_summary, summary_text
from auditor.report.weeks_index import WeekLine, render_weeks
from tests.report.fakes import report_of, week_of_runs
from tests.report.test_page import POLICY, Page

FIRST = Week(2026, 45, "Europe/Berlin")


def lines_of(n_weeks: int) -> list[WeekLine]:
    week, lines = FIRST, []
    for number in range(n_weeks):
        closed_utc = week.period.end_utc + timedelta(hours=36)
        record = WeekRecord(week.label, WeekState.CLOSED, 1, 3, closed_utc, closed_utc, True)
        report = report_of(week_of_runs(10, seed=number, period=week.period), week.period)
        lines.append(WeekLine(record, week.period, report.totals))
        week = week.following
    return lines


def restated(line: WeekLine) -> WeekLine:
    record = replace(line.record, state=WeekState.RESTATED, revision=3)
    return replace(line, record=record)


def test_weeks_are_listed_the_newest_first_with_what_became_of_them():
    lines = lines_of(3)
    page = Page(
        render_weeks("<b>HPC</b>", [lines[0], restated(lines[1]), lines[2]], "Europe/Berlin")
    )
    assert [attributes["href"] for attributes in page.all("a")] == [
        f"2026-W{number}/index.html" for number in (47, 46, 45)
    ]
    assert [m["content"] for m in page.all("meta") if "http-equiv" in m] == [POLICY]
    assert "<b>HPC</b>" in page.text
    assert "9 to 15 November 2026 restated 17 Nov 12:00 revision 3" in page.text
    assert page.text.count("closed") >= 2
    assert len(page.all("svg")) == 1


def test_a_week_without_pages_is_listed_and_not_linked():
    lines = lines_of(2)
    page = Page(render_weeks("HPC", [lines[0], replace(lines[1], totals=None)], "Europe/Berlin"))
    assert "2026-W46" in page.text
    assert "pages are gone" in page.text
    assert len(page.all("a")) == 1
    assert page.all("svg") == []


def test_a_summary_is_read_as_it_was_written():
    rows = week_of_runs(12)
    told = Restated(2, report_of(rows).totals, 1, 0, 0, 2, ("1 run came in late.",))
    pages = [PageInput(Subject("site", "HPC"), report_of(rows, restated=told))]
    pages.append(PageInput(Subject("user", "alice"), report_of(rows[rows["user"] == "alice"])))
    text = summary_text(pages, lines_of(1)[0].record)
    document = json.loads(text)
    assert (document["schema"], document["label"]) == ("auditor.week/1", "2026-W45")
    found = read_summary(text)
    assert found.site == pages[0].report.totals
    assert found.restated == {pages[0].subject.file_name: told}
    assert found.pages == {page.subject.file_name: page.report.totals for page in pages}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"totals": {"n_jobs": 1}, "pages": []}', "{", "3"]
)
def test_what_is_no_summary_is_none(text):
    assert read_summary(text) is None
