"""`auditor publish` as it is typed: what is due, one week, and pages for oneself."""

import json
from datetime import UTC, datetime

import pytest

from auditor.domain.incident import Incident
from auditor.ledger.ledger import Ledger

LATE = "2026-11-24T12:00:00Z"
MAIL = '[mail]\nsender = "carbon@example.org"\noperators = ["ops@example.org"]\n'
MORE = """\
JobIDRaw|JobID|User|Account|Partition|State|Submit|Start|End|ElapsedRaw|TimelimitRaw|AllocTRES|TotalCPU|NodeList|DBIndex
15|15|alice|ml|cpu|COMPLETED|2026-11-17T09:00:00|2026-11-17T10:00:00|2026-11-17T11:00:00|3600|600|billing=4,cpu=4,mem=8G,node=1|02:00:00|gpu02|5
"""


@pytest.fixture
def later(run, monkeypatch):
    """Return a function that sets the clock to the end of the week's grace and after."""

    def set_clock(text: str = LATE) -> None:
        monkeypatch.setenv("AUDITOR_NOW", text)

    return set_clock


def test_a_week_in_grace_is_not_due_and_that_is_said(run):
    run("ingest", "jobs.txt")
    answer = run("publish")
    assert (answer.code, answer.out) == (0, "nothing is due\n")
    assert "2026-W47 is in grace; it closes on 2026-11-24 12:00" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("--week", "2026-W47"), "in grace; it closes", id="in its place"),
        pytest.param(("--week", "last-week", "--out", "mine"), "in grace; it closes", id="by hand"),
        pytest.param(("--out", "mine"), "in grace; it closes", id="last week, unless told"),
    ],
)
def test_a_week_that_is_not_closed_is_drawn_and_not_recorded(run, site, words, said):
    run("ingest", "jobs.txt")
    answer = run("publish", *words)
    assert answer.code == 0
    assert "pages of 2026-W47: " in answer.out
    assert said in answer.err
    with Ledger.open(site / "ledger", create=False) as ledger:
        assert ledger.weeks.records() == ()


def test_what_is_due_is_closed_once_and_restated_when_it_changed(run, site, later):
    run("ingest", "jobs.txt")
    later()
    first = run("publish")
    assert first.out.startswith("2026-W47 closed: 7 pages, 0 mails queued: ")
    assert (site / "ledger" / "pages" / "2026-W47" / "week.json").is_file()
    assert run("publish").out == "nothing is due\n"
    again = run("publish", "--week", "2026-W47")
    assert again.out.startswith("2026-W47 is closed and has not changed since: ")
    (site / "more.txt").write_text(MORE)
    run("ingest", "more.txt")
    restated = run("publish", "--week", "2026-W47")
    assert restated.out.startswith("2026-W47 restated (revision 2): 7 pages, ")
    assert "1 run came in late." in restated.err
    assert "revision 2 and has not changed" in run("publish", "--week", "2026-W47").out
    week = ("report", "--week", "2026-W47")
    assert json.loads(run(*week, "--json", "--user", "alice").out)["restated"]["n_late"] == 1
    assert "Revision 2 of this report" in run(*week).out
    others = (("--user", "bob"), ("--user", "alice", "--account", "ml"), ("-s", "FAILED"))
    assert all(json.loads(run(*week, "--json", *one).out)["restated"] is None for one in others)


def test_mail_is_queued_for_weeks_on_duty(run, site, later):
    (site / "auditor.toml").write_text((site / "auditor.toml").read_text() + MAIL)
    run("ingest", "jobs.txt")
    run("publish")
    later("2026-11-22T12:00:00Z")
    with Ledger.open(site / "ledger", create=False) as ledger:
        began_utc = ledger.weeks.duty_began_utc()
    assert began_utc == datetime(2026, 11, 23, 9, tzinfo=UTC)
    later("2026-12-01T12:00:00Z")
    (site / "next.txt").write_text(MORE.replace("2026-11-17", "2026-11-24"))
    run("ingest", "next.txt")
    answer = run("publish")
    assert [line.partition(", ")[2].partition(":")[0] for line in answer.out.splitlines()] == [
        "0 mails queued",
        "1 mail queued",
    ]


def test_a_week_without_jobs_and_a_place_without_ledger(run, later):
    assert run("publish").code == 75
    run("ingest", "jobs.txt")
    assert run("publish", "--week", "2026-W40").code == 3
    assert run("publish", "--week", "2026-W60").code == 2


def test_a_report_over_a_gap_says_so_and_fails_where_it_must_be_whole(run, site):
    run("ingest", "jobs.txt")
    now_utc = datetime(2026, 11, 18, tzinfo=UTC)
    gap = Incident(
        "sacct alpha", "alpha", "slurmdbd_down", "slurmdbd did not answer", "Is it running?",
        now_utc, None, now_utc, now_utc,
    )  # fmt: skip
    with Ledger.open(site / "ledger", create=False) as ledger:
        ledger.sources.raise_incident(gap)
    answer = run("report", "--week", "2026-W47", "--json", "--strict")
    assert answer.code == 5
    assert "accounting of alpha short" in answer.err
    (found,) = json.loads(answer.out)["quality"]["incidents"]
    assert (found["code"], found["resolved"]) == ("slurmdbd_down", None)
    empty = run("report", "--week", "2026-W48")
    assert empty.code == 3
    assert "slurmdbd did not answer" in empty.err
    assert run("report", "--from", "jobs.txt", "--week", "2026-W47").code == 0
