import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from auditor.domain.incident import _LOSES_NO_RUN, Incident
from auditor.report.as_json import to_json
from auditor.report.build import totals_of
from auditor.report.doubts import SourceBehind
from auditor.report.findings import findings, incomplete_reasons
from auditor.report.mail import render_mail
from auditor.report.model import QualityFacts, Restated
from auditor.report.page import PageInput, Subject, to_html
from auditor.report.shortfalls import (
    _MEANING_OF,
    alarms,
    asides,
    restated_lines,
    shortfall_reasons,
)
from auditor.report.terminal import TerminalStyle, to_terminal
from tests.report.fakes import report_of, week_of_runs
from tests.report.mail_cases import STYLE


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


DOWN = Incident(
    source="sacct alpha",
    cluster="alpha",
    code="slurmdbd_down",
    text="slurmdbd did not answer.",
    hint="Is slurmdbd running?",
    start_utc=at(20, 3),
    end_utc=None,
    first_seen_utc=at(20, 4),
    last_seen_utc=at(20, 9),
)
MENDED = replace(DOWN, cluster="beta", end_utc=at(20, 9), resolved_utc=at(20, 10))
LATE = SourceBehind("gamma", at(18, 7), is_late=True)
COMING = SourceBehind("gamma", at(18, 7), is_late=False)
NEVER = SourceBehind("delta", None, is_late=True)


CLOCK = replace(
    DOWN, cluster="cloud", code="kubernetes_clock", text="Clocks are 2 min apart.", hint=""
)
GAP = replace(CLOCK, code="prometheus_gap", text="Prometheus has no samples.", end_utc=at(20, 5))


def report_with(*incidents: Incident, behind: tuple[SourceBehind, ...] = (), **changes: object):
    facts = QualityFacts(n_rows=10, incidents=incidents, behind=behind)
    return report_of(week_of_runs(6), quality=facts, **changes)


@pytest.mark.parametrize(
    ("incidents", "behind", "expected"),
    [
        pytest.param((), (), [], id="all is there"),
        pytest.param((DOWN,), (), ["alpha is short from 20 Nov 04:00 on: slurmdbd did not answer."],
                     id="it goes on"),
        pytest.param((replace(DOWN, end_utc=at(20, 9)),), (),
                     ["alpha is short from 20 Nov 04:00 to 20 Nov 10:00: slurm"], id="a span"),
        pytest.param((MENDED,), (COMING,), [], id="mended, and still coming"),
        pytest.param((), (LATE,), ["gamma is collected up to 18 Nov 08:00 only. T"], id="late"),
        pytest.param((), (NEVER,), ["delta was never collected. T"], id="never"),
        pytest.param((DOWN,), (replace(LATE, cluster="alpha", collected_to_utc=at(20, 3)),),
                     ["alpha is short from"], id="the same said once"),
        pytest.param((replace(DOWN, end_utc=at(20, 9)),), (replace(LATE, cluster="alpha"),),
                     ["alpha is short from", "alpha is collected up to 18 Nov 08:00 only. T"],
                     id="a gap hides no other"),
        pytest.param((), (replace(LATE, collected_from_utc=at(18, 7)),),
                     ["gamma is collected from 18 Nov 08:00 on only. T"], id="begun within"),
    ],
)  # fmt: skip
def test_what_is_missing_comes_before_the_numbers(incidents, behind, expected):
    report = report_with(*incidents, behind=behind)
    told = [one.text for one in alarms(report)]
    assert len(told) == len(expected)
    assert all(
        text.startswith(f"The accounting of {part}")
        for text, part in zip(told, expected, strict=True)
    )
    lines = to_terminal(report, TerminalStyle(100)).splitlines()
    html = to_html(report)
    for text in told:
        number = next(n for n, line in enumerate(lines) if "The accounting of" in line)
        assert number < next(n for n, line in enumerate(lines) if "Emitted" in line)
        assert html.index(text) < html.index('total-number">')
    assert ("Not all of the accounting is here" in html) is bool(expected)
    is_short = any(reason.startswith("accounting of ") for reason in incomplete_reasons(report))
    assert is_short is bool(expected)


def test_many_gaps_are_counted():
    gaps = [replace(DOWN, cluster=f"c{number}") for number in range(9)]
    told = alarms(report_with(*gaps))
    assert len(told) == 6
    assert told[-1].text == "There are 4 more gaps like these."


def test_what_was_mended_or_is_to_come_is_one_quiet_line_each():
    report = report_with(MENDED, replace(MENDED, cluster="alpha"), behind=(COMING,))
    assert asides(report) == (
        "Accounting: 2 gaps in the collection of beta, alpha, made good since.",
        "Accounting is collected up to: gamma 18 Nov 08:00.",
    )
    told = {finding.text: finding.is_doubt for finding in findings(report)}
    assert [told[line] for line in asides(report)] == [False, False]
    assert asides(report_with()) == ()


def test_programs_get_all_of_it():
    quality = json.loads(to_json(report_with(DOWN, MENDED, behind=(LATE, NEVER))))["quality"]
    assert [
        (one["code"], one["start"], one["end"], one["resolved"]) for one in quality["incidents"]
    ] == [
        ("slurmdbd_down", "2026-11-20T03:00:00Z", None, None),
        ("slurmdbd_down", "2026-11-20T03:00:00Z", "2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z"),
    ]
    assert quality["incidents"][0]["source"] == "sacct alpha"
    assert [one["collected_to"] for one in quality["behind"]] == ["2026-11-18T07:00:00Z", None]


def test_text_of_incidents_is_hostile_too():
    report = report_with(replace(DOWN, text="\x1b[31m<script>x</script>", cluster="a\u202eb"))
    assert "<script>x" not in to_html(report)
    assert (
        re.search("[\x1b\u202e]", to_terminal(report, TerminalStyle(100)) + to_html(report)) is None
    )


ROWS = week_of_runs(6)


@pytest.mark.parametrize(
    ("previous", "expected"),
    [
        pytest.param(None, "its numbers have changed.", id="nobody knows"),
        pytest.param(0.5, "before (100 % more).", id="more"),
        pytest.param(2.0, "before (50 % less).", id="less"),
        pytest.param(1.0, "as before, made up differently.", id="the same"),
        pytest.param(0.0, "CO₂e, nothing before.", id="nothing"),
    ],
)
def test_restated_pages_say_what_was_before(previous, expected):
    totals = None
    if previous is not None:
        totals = totals_of(ROWS.assign(carbon_g=ROWS["carbon_g"] * previous))
    restated = Restated(3, totals, 2, 0, 0, 0, ("2 runs came in late.",))
    report = report_of(ROWS, restated=restated)
    first, reason = restated_lines(report.restated, report.totals)
    assert first.startswith("Revision 3 of this report")
    assert first.endswith(expected)
    assert reason == "2 runs came in late."
    html = to_html(report)
    assert first in html
    assert html.index(reason) < html.index('total-number">')
    assert "2 runs came in late." in to_terminal(report, TerminalStyle(100))
    document = json.loads(to_json(report))["restated"]
    assert (document["revision"], document["n_late"]) == (3, 2)
    assert (document["previous"] is None) is (totals is None)


def test_reports_that_were_not_restated_say_nothing():
    report = report_of(ROWS)
    assert restated_lines(report.restated, report.totals) == ()
    assert "Restated" not in to_html(report)
    assert json.loads(to_json(report))["restated"] is None


def test_a_page_that_had_no_job_before_says_so():
    restated = Restated(2, totals_of(ROWS.iloc[:0]), 1, 0, 0, 0, ("1 run came in late.",))
    first, _reason = restated_lines(restated, totals_of(ROWS))
    assert first.startswith("Revision 2 of this report is the first with jobs in it: ")


def test_without_the_words_of_an_incident_its_time_is_told():
    (alarm,) = alarms(report_with(replace(DOWN, text="", hint="")))
    assert alarm.text.startswith("The accounting of alpha is short from 20 Nov 04:00 on. The num")


def test_what_loses_no_run_makes_no_number_too_small() -> None:
    report = report_with(CLOCK, GAP)
    assert [one.text for one in alarms(report)] == [
        "cloud, from 20 Nov 04:00 to 20 Nov 06:00: Prometheus has no samples."
    ]
    assert asides(report) == ("cloud, from 20 Nov 04:00 on: Clocks are 2 min apart.",)
    assert shortfall_reasons(report) == ("accounting of cloud short",)
    assert shortfall_reasons(report_with(CLOCK)) == ()


@pytest.mark.parametrize(
    ("code", "until", "expected"),
    [
        pytest.param("prometheus_gap", at(20, 5), "The monitoring of cloud had gaps from 20 Nov "
                     "04:00 to 20 Nov 06:00: what it did not measure is estimated.", id="gap"),
        pytest.param("prometheus_gap", None, "The monitoring of cloud had gaps from 20 Nov 04:00 "
                     "on: what it did not measure is estimated.", id="a gap that goes on"),
        pytest.param("kubernetes_clock", None, "The clock of cloud and ours were apart from 20 Nov "
                     "04:00 on: its own was believed.", id="clock"),
        pytest.param("kubernetes_partial", at(20, 5), "Not all of cloud could be asked from 20 Nov "
                     "04:00 to 20 Nov 06:00: some of its jobs are named less well than they could "
                     "be.", id="partial"),
    ],
)  # fmt: skip
def test_who_is_not_told_the_details_gets_a_whole_sentence(code, until, expected) -> None:
    report = report_with(replace(CLOCK, code=code, text="", hint="", end_utc=until))
    assert [*(one.text for one in alarms(report)), *asides(report)] == [expected]
    assert expected in " ".join(to_terminal(report, TerminalStyle(100)).split())
    page = PageInput(Subject("user", "alice"), report)
    assert expected in to_html(report, page.subject)
    assert expected in " ".join(render_mail(page, STYLE).text.split())


def test_every_incident_that_loses_no_run_has_its_sentence() -> None:
    assert set(_MEANING_OF) == set(_LOSES_NO_RUN)


def test_hints_are_for_operators() -> None:
    report = report_with(DOWN, behind=(LATE, replace(LATE, collected_from_utc=at(18, 7))))
    assert all(one.hint for one in alarms(report))
    facts = replace(report.quality.facts, is_for_operators=False)
    mailed = replace(report, quality=replace(report.quality, facts=facts))
    assert [one.text for one in alarms(mailed)] == [one.text for one in alarms(report)]
    assert not any(one.hint for one in alarms(mailed))
