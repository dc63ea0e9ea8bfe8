"""Who is told what of a week, and again when it changes."""

from dataclasses import replace
from datetime import datetime

from auditor.domain.incident import Incident
from auditor.pipeline.week_marks import PATIENCE
from auditor.wiring.store import open_ledger
from tests.pipeline.site import MAIL, Run
from tests.pipeline.week_site import (
    ALICE,
    BOB,
    CLOSING,
    END,
    HOUR,
    START,
    WEEK,
    Site,
    parts_of,
    recipients,
)

BROKEN = "echo cannot contact LDAP server >&2; exit 1"
MENDED = 'echo "$1@example.org"'


def asking(folder) -> tuple[Site, object]:
    """Return a site that asks a command for addresses, and the command."""
    command = folder / "whois"
    command.touch(0o755)
    pattern = 'pattern = "{user}@example.org"'
    more = MAIL.replace(pattern, f'command = ["{command}", "{{user}}"]')
    return Site(folder, ALICE, BOB, more=more), command


def run_as(command, body: str) -> None:
    command.write_text(f"#!/bin/sh\n{body}\n")


def test_a_week_is_held_while_addresses_cannot_be_asked_for_and_nobody_loses_mail(tmp_path):
    site, command = asking(tmp_path)
    run_as(command, BROKEN)
    for hour in (0, 1, 71):
        (held,) = site.publish(CLOSING + hour * HOUR)
        assert held.is_held
        assert "cannot contact LDAP server" in held.reasons[0]
        assert (site.record(), site.mails(), held.folder.exists()) == (None, [], False)
    with open_ledger(site.settings, create=False) as ledger:
        (mark,) = ledger.sources.incidents(unresolved_only=True)
    assert mark.text.startswith("2026-W47 is not published yet: ")
    run_as(command, MENDED)
    (done,) = site.publish(CLOSING + 71 * HOUR)
    assert (done.is_held, done.n_mails, done.reasons) == (False, 3, ())
    assert "not published yet" not in site.page("site", "example-hpc")
    with open_ledger(site.settings, create=False) as ledger:
        assert ledger.sources.incidents(unresolved_only=True) == ()


def test_what_is_held_too_long_is_published_and_says_who_got_nothing(tmp_path):
    site, command = asking(tmp_path)
    run_as(command, BROKEN)
    site.publish(CLOSING)
    (done,) = site.publish(CLOSING + PATIENCE)
    assert done.reasons == ("2 users without a mail address got nothing: alice, bob",)
    assert list(recipients(site.mails())) == [("ops@example.org", WEEK.label, 1)]
    assert site.record().revision == 1


def test_small_restatements_add_up(tmp_path):
    site = Site(tmp_path, ALICE, more=MAIL)
    site.publish(CLOSING)
    for number in range(1, 4):
        start_utc = START + (30 + number) * HOUR
        site.load(Run(9 + number, "alice", start_utc, start_utc + 0.4 * HOUR), seen_utc=CLOSING)
        site.publish(CLOSING + number * HOUR)
    again = [mail for mail in site.mails() if mail.revision > 1]
    assert sorted((mail.recipient, mail.revision) for mail in again) == [
        ("alice@example.org", 4),
        ("ops@example.org", 4),
    ]
    text, _html, _pages = parts_of(again[0])
    assert "in the mail of revision 1 (12 % more)" in " ".join(text.split())


def test_who_ran_late_is_told_that_it_is_the_first_mail(tmp_path):
    site = Site(tmp_path, ALICE, more=MAIL)
    site.publish(CLOSING)
    site.load(Run(9, "carol", START + 40 * HOUR, START + 60 * HOUR), seen_utc=CLOSING)
    site.publish(CLOSING + HOUR)
    (mail,) = [mail for mail in site.mails() if mail.recipient == "carol@example.org"]
    text, _html, pages = parts_of(mail)
    assert "This is the first mail about it: its report is revision 2." in text
    assert "Restated" not in text
    assert all("nothing before" not in shown for shown in (text, *pages))


def test_who_has_no_run_left_is_told_so_once(tmp_path):
    site = Site(tmp_path, ALICE, BOB, more=MAIL)
    site.publish(CLOSING)
    site.load(replace(BOB, user="carol"), seen_utc=CLOSING)
    site.publish(CLOSING + HOUR)
    told = [mail for mail in site.mails() if mail.recipient == "bob@example.org"]
    assert [mail.revision for mail in told] == [1, 2]
    text = " ".join(parts_of(told[1])[0].split())
    assert "No job of yours ran." in text
    assert "Revision 2 of this report: 0 g CO₂e" in text
    assert "1 run was recorded otherwise before." in site.page("user", "bob")
    site.load(Run(9, "alice", START + 40 * HOUR, START + 60 * HOUR), seen_utc=CLOSING)
    assert site.publish(CLOSING + 2 * HOUR)[0].revision == 3
    assert len([mail for mail in site.mails() if mail.recipient == "bob@example.org"]) == 2


class Moved(Run):
    """A run that was submitted as alice's was, and turns out to have run another day."""

    def line(self, seen_utc: datetime) -> str:
        cells = super().line(seen_utc).split("|")
        cells[7] = ALICE.line(seen_utc).split("|")[7]
        return "|".join(cells)


def test_a_week_with_no_run_left_is_restated_once(tmp_path):
    site = Site(tmp_path, ALICE, more=MAIL)
    site.publish(CLOSING)
    site.load(Moved(1, "alice", END + 2 * HOUR, END + 30 * HOUR), seen_utc=CLOSING)
    (done,) = site.publish(CLOSING + HOUR)
    assert (done.revision, done.n_mails) == (2, 2)
    assert site.publish(CLOSING + 2 * HOUR) == ()


GAP = Incident(
    source="sacct alpha",
    cluster="alpha",
    code="running_jobs_missing",
    text="1 job of squeue is not in accounting: 4711. sacct: error: /home/bob",
    hint="sacctmgr show runawayjobs",
    start_utc=START + HOUR,
    end_utc=START + 5 * HOUR,
    first_seen_utc=END,
    last_seen_utc=END,
)


def short_site(folder) -> Site:
    """Return a site whose week was closed although its accounting is short."""
    site = Site(folder, ALICE, more=MAIL, cluster='collect = "sacct"')
    site.collected(CLOSING)
    with open_ledger(site.settings, create=False) as ledger:
        ledger.sources.raise_incident(GAP)
    site.publish(CLOSING)
    return site


def test_what_accounting_lacks_is_told_to_users_without_the_words_of_programs(tmp_path):
    site = short_site(tmp_path)
    mails = {mail.recipient: parts_of(mail) for mail in site.mails()}
    text, html, pages = mails["alice@example.org"]
    told = "The accounting of alpha is short from 16 Nov 01:00 to 16 Nov 05:00. The numbers below"
    of_one = (site.page("user", "alice"), site.page("account", "ml"), site.page("cluster", "alpha"))
    assert told in " ".join(text.split())
    for shown in of_one:
        assert told in shown
    for shown in (text, html, *pages, *of_one):
        assert "4711" not in shown
        assert "/home/bob" not in shown
    assert "4711" in site.page("site", "example-hpc")
    assert "4711" in mails["ops@example.org"][0]


def test_what_only_operators_can_do_is_said_to_operators_alone(tmp_path):
    site = short_site(tmp_path)
    text, html, *pages = parts_of(
        next(mail for mail in site.mails() if mail.recipient == "alice@example.org")
    )
    for_operators = ("[[clusters.nodes]]", "sacctmgr", "auditor explain", "auditor doctor")
    told = site.page("site", "example-hpc")
    assert {one for one in for_operators[:3] if one not in told} == set()
    users = (text, html, *map(str, pages), site.page("user", "alice"), site.page("account", "ml"))
    assert [one for shown in users for one in for_operators if one in shown] == []


def test_an_alarm_that_is_over_is_taken_away_once_and_without_mail(tmp_path):
    site = short_site(tmp_path)
    assert site.record().is_short
    assert site.publish(CLOSING + HOUR) == ()
    with open_ledger(site.settings, create=False) as ledger:
        ledger.sources.resolve(GAP.source, [GAP.code], CLOSING + 2 * HOUR)
    (done,) = site.publish(CLOSING + 2 * HOUR)
    assert (done.revision, done.n_mails) == (2, 0)
    assert done.reasons == (
        "The accounting that was missing has been collected; nothing was in it.",
    )
    assert "is short from" not in site.page("user", "alice")
    assert "as before." in site.page("user", "alice")
    assert not site.record().is_short
    assert site.publish(CLOSING + 3 * HOUR) == ()


def test_a_week_closed_too_early_loses_its_alarm_when_it_is_collected(tmp_path):
    site = Site(tmp_path, ALICE, cluster='collect = "sacct"')
    site.collected(END - 5 * HOUR)
    site.publish(CLOSING)
    site.publish(CLOSING + PATIENCE)
    assert "The numbers below are too small." in site.page("user", "alice")
    site.collected(CLOSING + PATIENCE)
    (done,) = site.publish(CLOSING + PATIENCE + HOUR)
    assert done.revision == 2
    assert "The numbers below are too small." not in site.page("user", "alice")


def test_nothing_is_compared_with_a_week_that_is_known_in_part(tmp_path):
    before = Run(3, "alice", START - 20 * HOUR, START - 10 * HOUR)
    more = Run(4, "alice", START - 100 * HOUR, START - 90 * HOUR)
    site = Site(tmp_path, ALICE, before, more, cluster='collect = "sacct"')
    site.collected(CLOSING, since_utc=START - 110 * HOUR)
    site.publish(CLOSING)
    assert "than the week before" not in site.page("user", "alice")
    whole = Site(tmp_path / "whole", ALICE, before, more, cluster='collect = "sacct"')
    whole.collected(CLOSING, since_utc=START - 7 * 24 * HOUR)
    whole.publish(CLOSING)
    assert "than the week before" in whole.page("user", "alice")
