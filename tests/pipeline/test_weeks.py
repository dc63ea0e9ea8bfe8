import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest

from auditor.domain.incident import SourceState
from auditor.domain.week import WeekState
from auditor.ledger.week_table import WeekTable
from auditor.pipeline.reports import Question, report
from auditor.wiring.house import house
from auditor.wiring.pages import restated_of
from auditor.wiring.publishing import publish_due, week_standing
from auditor.wiring.store import open_ledger
from tests.pipeline.site import MAIL, Run, factors_of, load, settings_in
from tests.pipeline.week_site import (
    ALICE,
    BEFORE,
    BOB,
    CLOSING,
    DAY,
    END,
    HOUR,
    START,
    WEEK,
    Site,
    parts_of,
    recipients,
)


@pytest.mark.parametrize(
    ("now_utc", "expected"),
    [
        pytest.param(END - HOUR, WeekState.OPEN, id="open"),
        pytest.param(END, WeekState.GRACE, id="over"),
        pytest.param(CLOSING - HOUR, WeekState.GRACE, id="late records are waited for"),
        pytest.param(CLOSING, WeekState.CLOSED, id="closed"),
    ],
)
def test_a_week_is_closed_after_its_grace(tmp_path, now_utc, expected):
    site = Site(tmp_path, ALICE)
    assert week_standing(site.settings, WEEK.label, now_utc).state is expected
    done = site.publish(now_utc)
    assert [one.label for one in done] == ([WEEK.label] if expected is WeekState.CLOSED else [])
    assert site.publish(now_utc) == ()


def test_pages_are_for_owner_and_group_and_an_index_leads_to_them(tmp_path):
    site = Site(tmp_path, ALICE, BOB)
    (done,) = site.publish(CLOSING)
    root = site.settings.ledger.path / "pages"
    files = [path for path in root.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o137 for path in files} == {0}
    assert {path.stat().st_mode & 0o027 for path in (root, done.folder)} == {0}
    index = (root / "index.html").read_text(encoding="utf-8")
    assert f'href="{WEEK.label}/index.html"' in index
    assert "16 to 22 November 2026" in index
    assert 'href="../index.html"' in (done.folder / "index.html").read_text(encoding="utf-8")


def test_duty_begins_once_and_weeks_since_are_mailed(tmp_path):
    early = Run(3, "alice", START - 3 * DAY, START - 2 * DAY)
    site = Site(tmp_path, ALICE, early, more=MAIL)
    with open_ledger(site.settings, create=False) as ledger:
        assert ledger.weeks.begin_duty(CLOSING) == BEFORE
    published = site.publish(CLOSING + DAY)
    assert [one.n_mails for one in published] == [2, 2]
    assert len(site.mails()) == 4


def test_the_first_publisher_comes_on_duty_and_mails_nothing_of_before(tmp_path):
    settings = settings_in(tmp_path, more=MAIL)
    load(settings, factors_of(settings), [ALICE], END)
    (first,) = publish_due(settings, now_utc=CLOSING)
    assert (first.state, first.n_mails) == (WeekState.CLOSED, 0)
    assert first.reasons[-1].startswith("nobody is mailed: the week was over before the auditor")


def test_publishers_at_once_publish_once(tmp_path):
    site = Site(tmp_path, ALICE, BOB, more=MAIL)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: site.publish(CLOSING), range(4)))
    assert sorted(len(one) for one in done) == [0, 0, 0, 1]
    assert set(recipients(site.mails()).values()) == {1}
    assert len(site.mails()) == 3


def test_what_was_cut_short_is_done_again_and_once(tmp_path, monkeypatch):
    site = Site(tmp_path, ALICE, more=MAIL)

    def die(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(WeekTable, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            site.publish(CLOSING)
    assert site.record() is None
    assert site.mails() == []
    stopped = publish_due(site.settings, now_utc=CLOSING, should_stop=lambda: True)
    assert stopped == ()
    assert site.record() is None
    assert len(site.publish(CLOSING)) == 1
    assert len(site.mails()) == 2


def test_a_late_run_restates_and_says_so_to_whom_it_concerns(tmp_path):
    site = Site(tmp_path, ALICE, BOB, more=MAIL)
    site.publish(CLOSING)
    site.load(Run(9, "alice", START + 40 * HOUR, START + 60 * HOUR), seen_utc=CLOSING)
    (done,) = site.publish(CLOSING + HOUR)
    assert (done.state, done.revision) == (WeekState.RESTATED, 2)
    assert done.reasons == ("1 run came in late.",)
    assert "1 run came in late." in site.page("user", "alice")
    assert "(200 % more)" in site.page("user", "alice")
    assert "Restated" not in site.page("user", "bob")
    again = recipients(mail for mail in site.mails() if mail.revision == 2)
    assert set(again) == {("alice@example.org", WEEK.label, 2), ("ops@example.org", WEEK.label, 2)}
    assert site.publish(CLOSING + 2 * HOUR) == ()


def test_a_page_goes_on_saying_how_it_was_restated_and_is_not_mailed_for_it(tmp_path):
    site = Site(tmp_path, ALICE, BOB, more=MAIL)
    site.publish(CLOSING)
    site.load(Run(9, "alice", START + 40 * HOUR, START + 60 * HOUR), seen_utc=CLOSING)
    site.publish(CLOSING + HOUR)
    site.load(Run(10, "bob", START + 60 * HOUR, START + 99 * HOUR, "bio"), seen_utc=CLOSING)
    site.publish(CLOSING + 2 * HOUR)
    assert "Revision 2 of this report" in site.page("user", "alice")
    assert "Revision 3 of this report" in site.page("user", "bob")
    third = {mail.recipient for mail in site.mails() if mail.revision == 3}
    assert third == {"bob@example.org", "ops@example.org"}


def test_a_small_change_is_published_and_not_mailed(tmp_path):
    site = Site(tmp_path, ALICE, more=MAIL)
    site.publish(CLOSING)
    site.load(Run(9, "alice", START + 40 * HOUR, START + 40.5 * HOUR), seen_utc=CLOSING)
    (done,) = site.publish(CLOSING + HOUR)
    assert (done.revision, done.n_mails) == (2, 0)


def test_a_load_that_leaves_the_week_alone_restates_nothing(tmp_path):
    site = Site(tmp_path, ALICE)
    site.publish(CLOSING)
    first = site.record()
    site.load(Run(9, "alice", END + HOUR, END + 2 * HOUR), seen_utc=CLOSING)
    assert site.publish(CLOSING + HOUR) == ()
    assert site.record() == replace(first, book_version=first.book_version + 1)


def test_runs_that_end_after_the_closing_are_gathered_up_for_a_day(tmp_path):
    running = Run(5, "alice", END - 10 * HOUR, None)
    site = Site(tmp_path, ALICE, running)
    site.publish(CLOSING)
    site.load(running, seen_utc=CLOSING + HOUR)
    assert site.publish(CLOSING + 2 * DAY) == ()
    ended = replace(running, end_utc=CLOSING + 3 * HOUR, cpu_load=0.9)
    site.load(ended, seen_utc=CLOSING + 4 * HOUR)
    assert site.publish(CLOSING + 5 * HOUR) == ()
    (done,) = site.publish(CLOSING + DAY)
    assert done.reasons == ("1 run had not ended when it was published; its use is known now.",)
    assert site.record().revision == 2


def test_a_week_by_name_is_restated_at_once(tmp_path):
    running = Run(5, "alice", END - 10 * HOUR, None)
    site = Site(tmp_path, ALICE, running)
    site.publish(CLOSING)
    site.load(replace(running, end_utc=CLOSING), seen_utc=CLOSING + HOUR)
    (done,) = site.publish(CLOSING + 2 * HOUR, only=WEEK.label)
    assert done.revision == 2


def test_a_week_long_ago_is_left_alone(tmp_path):
    site = Site(tmp_path, ALICE)
    site.publish(CLOSING)
    site.load(Run(9, "alice", START + 40 * HOUR, START + 60 * HOUR), seen_utc=CLOSING)
    assert site.publish(END + 22 * DAY) == ()


def test_where_the_book_of_then_is_gone_totals_are_compared(tmp_path):
    site = Site(tmp_path, ALICE, BOB)
    site.publish(CLOSING)
    site.load(replace(ALICE, end_utc=START + 50 * HOUR), seen_utc=CLOSING)
    with open_ledger(site.settings, create=False) as ledger:
        assert ledger.vacuum(keep_days=0) > 0
    (done,) = site.publish(CLOSING + HOUR)
    assert done.reasons == ("The book of that time is gone, so that only totals can be compared.",)
    assert "(300 % more)" in site.page("user", "alice")
    assert "Restated" not in site.page("user", "bob")


def test_a_week_waits_for_accounting_and_then_says_what_is_missing(tmp_path):
    site = Site(tmp_path, ALICE, cluster='collect = "sacct"')
    site.collected(END - 5 * HOUR)
    assert site.publish(CLOSING) == ()
    standing = week_standing(site.settings, WEEK.label, CLOSING)
    assert (standing.state, standing.waits_for) == (WeekState.GRACE, ("alpha",))
    assert site.publish(CLOSING + 71 * HOUR) == ()
    (done,) = site.publish(CLOSING + 72 * HOUR)
    (reason,) = done.reasons
    assert reason.startswith("The accounting of alpha is collected up to 22 Nov 19:00 only.")
    assert "The numbers below are too small." in site.page("user", "alice")
    with open_ledger(site.settings, create=False) as ledger:
        assert ledger.sources.incidents(unresolved_only=True) == ()


def test_a_host_that_was_off_collects_before_it_publishes(tmp_path):
    site = Site(tmp_path, ALICE, cluster='collect = "sacct"')
    site.collected(END - 5 * HOUR)
    back = CLOSING + 20 * DAY
    assert site.publish(back) == ()
    site.collected(back)
    (done,) = site.publish(back + HOUR)
    assert done.reasons == ()


def test_users_choose_and_who_has_no_address_is_told_of(tmp_path):
    addresses = tmp_path / "addresses.csv"
    addresses.write_text("user,address\nalice,alice@example.org\ncarol,c@example.org\n")
    more = MAIL.replace('pattern = "{user}@example.org"', f'file = "{addresses}"')
    runs = [Run(n, user, START + HOUR, START + 9 * HOUR) for n, user in
            enumerate(["alice", "bob", "carol", "dave"])]  # fmt: skip
    site = Site(tmp_path, *runs, more=more)
    with open_ledger(site.settings, create=False) as ledger:
        ledger.preferences.set_frequency("carol", "never", BEFORE)
        ledger.preferences.set_frequency("dave", "monthly", BEFORE)
    (done,) = site.publish(CLOSING)
    assert done.reasons == ("1 user without a mail address got nothing: bob",)
    mails = {mail.recipient: mail for mail in site.mails()}
    assert set(mails) == {"alice@example.org", "ops@example.org"}
    text, html, _pages = parts_of(mails["ops@example.org"])
    assert "without a mail address got nothing: bob" in " ".join(text.split())
    assert "without a mail address got nothing: bob" in re.sub(r"<[^>]+>", "", html)


def test_pages_are_linked_where_they_are_served(tmp_path):
    more = MAIL.replace("[mail]", '[mail]\npages_url = "https://carbon.example.org/weeks"')
    site = Site(tmp_path, ALICE, more=more)
    (done,) = site.publish(CLOSING)
    (mail,) = [mail for mail in site.mails() if mail.kind == "user"]
    text, _html, pages = parts_of(mail)
    (file,) = done.folder.glob("user-alice-*.html")
    assert pages == []
    assert f"https://carbon.example.org/weeks/{WEEK.label}/{file.name}" in text


def test_nothing_of_other_users_is_in_the_page_or_mail_of_one(tmp_path):
    site = Site(tmp_path, ALICE, BOB, more=MAIL)
    bad = (
        replace(BOB, job_id=77).line(END).replace("COMPLETED|2026-11-17", "COMPLETED|oops-mallory")
    )

    class Broken(Run):
        def line(self, seen_utc: datetime) -> str:
            return bad

    site.load(ALICE, Broken(77, "bob", START, END), seen_utc=END + HOUR)
    site.publish(CLOSING)
    with open_ledger(site.settings, create=False) as ledger:
        assert ledger.quality(WEEK.period).n_rejected == 1
    (mail,) = [mail for mail in site.mails() if mail.recipient == "alice@example.org"]
    text, html, pages = parts_of(mail)
    assert "1 refused" in pages[0]
    for shown in (site.page("user", "alice"), text, html, *pages):
        assert not re.search(r"\bbob\b|mallory|\bbio\b|export-2026", shown)
    assert "export-2026" in site.page("site", "example-hpc")


def test_the_clock_set_back_publishes_nothing_again(tmp_path):
    site = Site(tmp_path, ALICE, more=MAIL)
    assert len(site.publish(CLOSING + HOUR)) == 1
    for hour in range(-24, 2):
        assert site.publish(CLOSING + hour * HOUR) == ()
    assert len(site.mails()) == 2


def test_nothing_is_mailed_without_a_sender(tmp_path):
    site = Site(tmp_path, ALICE)
    (done,) = site.publish(CLOSING)
    assert done.n_mails == 0
    assert site.record().is_mailed is False


@pytest.mark.parametrize(
    ("has_export", "expected"),
    [
        pytest.param(False, ["2026-W47"], id="only the tail of a long run"),
        pytest.param(True, ["2026-W46", "2026-W47"], id="with an export of that time"),
    ],
)
def test_weeks_before_collection_began_are_published_where_they_are_known(
    tmp_path, has_export, expected
):
    settings = settings_in(tmp_path, cluster='collect = "sacct"')
    factors = factors_of(settings)
    long_run = Run(8, "alice", START - 3 * DAY, START + DAY)
    load(settings, factors, [long_run, BOB], END + 36 * HOUR, since_utc=START)
    if has_export:
        load(settings, factors, [replace(long_run, end_utc=None)], START - DAY)
    with open_ledger(settings, create=False) as ledger:
        ledger.sources.advance(SourceState("alpha", START, CLOSING, None))
    done = publish_due(settings, now_utc=CLOSING)
    assert [one.label for one in done] == expected


def test_a_week_that_collection_began_inside_says_so(tmp_path):
    settings = settings_in(tmp_path, cluster='collect = "sacct"')
    load(settings, factors_of(settings), [BOB], CLOSING, since_utc=START + DAY)
    with open_ledger(settings, create=False) as ledger:
        ledger.sources.advance(SourceState("alpha", START + DAY, CLOSING, None))
    (done,) = publish_due(settings, now_utc=CLOSING)
    assert "is collected from 17 Nov 00:00 on only" in done.reasons[0]


def test_a_report_of_other_numbers_than_the_pages_is_no_revision_of_them(tmp_path):
    site = Site(tmp_path, ALICE, BOB)
    site.publish(CLOSING)
    site.load(Run(5, "alice", START + DAY, START + 2 * DAY), seen_utc=CLOSING + HOUR)
    site.publish(CLOSING + 2 * HOUR)

    def restated():
        with open_ledger(site.settings, create=False) as ledger:
            found = report(ledger, Question(WEEK.period), house(site.settings))
        return restated_of(site.settings, found)

    assert restated().revision == 2
    site.load(Run(6, "alice", START + 3 * DAY, START + 4 * DAY), seen_utc=CLOSING + 3 * HOUR)
    assert restated() is None
