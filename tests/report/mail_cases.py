"""Mails of every kind, for the tests of what they say and of how they look."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from auditor.domain.incident import Incident
from auditor.domain.mail import RenderedMail, Told
from auditor.domain.period import Period
from auditor.domain.recommendation import Recommendation
from auditor.report.build import totals_of
from auditor.report.mail import MailStyle, render_mail
from auditor.report.model import Report, Restated
from auditor.report.page import PageInput, Subject
from tests.report.fakes import (
    HOSTILE_NAMES,
    WEEK,
    ZONE,
    hostile,
    report_of,
    runaway,
    week_of_runs,
)
from tests.report.pods import ADVICE_FOR_PODS, week_on_both

ALICE = Subject("user", "alice")
PAGE_URL = "https://carbon.example.org/weeks/2026-W47/user-alice-2bd806c9.html"
STYLE = MailStyle(
    page_url=None,
    attaches_page=True,
    why="You get this mail because jobs ran under your account on Example HPC. To get it once a "
    "month or not at all, type `auditor subscribe monthly` or `auditor unsubscribe` on a login "
    "node.",
    contact="hpc-support@example.org",
)
LINKED = replace(STYLE, page_url=PAGE_URL, attaches_page=False)
MONTH = Period(
    datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC), ZONE, "2026-11"
)
INCIDENT = Incident(
    source="sacct alpha",
    cluster="alpha",
    code="slurmdbd_down",
    text="slurmdbd did not answer",
    hint="Start it again: the gap is collected by itself.",
    start_utc=WEEK.start_utc + timedelta(days=2),
    end_utc=None,
    first_seen_utc=WEEK.start_utc + timedelta(days=2),
    last_seen_utc=WEEK.start_utc + timedelta(days=3),
)
# Every character of it grows: dots are wrapped, markup is escaped.
LONG_NAME = ".<&\"'>@:" * 31 + "\u202ex.com"
FILLS = {"mixed": LONG_NAME, "dots": "." * 255, "quotes": '"' * 255, "emoji": "\U0001f680" * 255}


def mail_of(report: Report, subject: Subject = ALICE, style: MailStyle = STYLE) -> RenderedMail:
    return render_mail(PageInput(subject, report), style)


def with_incident(report: Report, *incidents: Incident) -> Report:
    facts = replace(report.quality.facts, incidents=incidents or (INCIDENT,))
    return replace(report, quality=replace(report.quality, facts=facts))


def restated(report: Report) -> Report:
    reasons = ("3 runs arrived late.", "1 run that had not ended has ended.")
    before = replace(report.totals, carbon_g=report.totals.carbon_g * 0.8)
    return replace(report, restated=Restated(2, before, 3, 1, 0, 0, reasons))


def told_before(report: Report, ratio: float = 0.8) -> MailStyle:
    return replace(STYLE, told=Told("user", "alice", 1, report.totals.carbon_g * ratio))


def restated_mail() -> RenderedMail:
    report = restated(report_of(week_of_runs(24)))
    return mail_of(report, style=told_before(report))


def of_one_job(**changes: object) -> Report:
    return report_of(week_of_runs(1).assign(**changes), recommendations=(), previous=None)


def without_jobs() -> Report:
    return report_of(week_of_runs(1).iloc[:0], recommendations=())


def worst(fill: str = LONG_NAME) -> tuple[Subject, Report, MailStyle]:
    """Make every text from outside as long and as hostile as it can be."""
    rows = hostile(runaway(week_of_runs(60)))
    for column in ("job_name", "job_id", "state", "user", "account", "cluster", "partition"):
        names = [f"{number}{fill}" for number in range(len(rows))]
        rows[column] = names
    rows["gpu_model"] = [f"{number}{fill}" for number in range(len(rows))]
    rows["user"], rows["account"] = rows["user"].astype("category"), rows["account"]
    advice = Recommendation("rule", fill * 20, f"sbatch {fill * 20}", 5e12, 1e3, 9e12, 1e15)
    short = replace(advice, command=f"sbatch {fill[:60]}")
    report = report_of(
        rows,
        site=fill,
        recommendations=(advice, short, short, short),
        filters={},
    )
    incident = replace(INCIDENT, cluster=fill, text=fill * 9, hint=fill * 9)
    report = with_incident(restated(report), *(incident,) * 40)
    report = replace(report, restated=replace(report.restated, reasons=(fill * 9,) * 40))
    style = MailStyle(PAGE_URL, False, fill * 9, fill, (fill * 9,) * 40)
    return Subject("site", fill), report, style


def hostile_site() -> RenderedMail:
    site = Subject("site", HOSTILE_NAMES[0])
    return mail_of(report_of(hostile(week_of_runs()), site=HOSTILE_NAMES[0], filters={}), site)


CASES: dict[str, Callable[[], RenderedMail]] = {
    "user": lambda: mail_of(report_of(week_of_runs(24))),
    "project": lambda: mail_of(report_of(week_of_runs(80)), Subject("account", "climate"), LINKED),
    "site": lambda: mail_of(
        report_of(week_of_runs(120), filters={}),
        Subject("site", "Example HPC"),
        replace(LINKED, notes=("No address is known of 2 users: erin, frank.",)),
    ),
    "incident": lambda: mail_of(with_incident(report_of(week_of_runs(24)))),
    "restated": restated_mail,
    "first of a restated": lambda: mail_of(restated(report_of(week_of_runs(24)))),
    "one job": lambda: mail_of(of_one_job(state="COMPLETED")),
    "no result": lambda: mail_of(of_one_job(state="FAILED")),
    "no carbon": lambda: mail_of(
        of_one_job(carbon_g=0.0, carbon_low_g=0.0, carbon_high_g=0.0, energy_wh=0.0)
    ),
    "first week": lambda: mail_of(
        report_of(week_of_runs(5), previous=totals_of(week_of_runs(1).iloc[:0]))
    ),
    "month": lambda: mail_of(report_of(week_of_runs(200, period=MONTH), MONTH)),
    "pods": lambda: mail_of(
        report_of(week_on_both(), filters={}, recommendations=ADVICE_FOR_PODS),
        Subject("site", "Example HPC"),
    ),
    "hostile": hostile_site,
    "worst": lambda: mail_of(worst()[1], worst()[0], worst()[2]),
}
