"""A month is mailed once, whatever becomes of the weeks in it."""

import pytest

from auditor.wiring.publishing import publish_due
from auditor.wiring.store import open_ledger
from tests.pipeline.site import MAIL, Run, factors_of, load, settings_in
from tests.pipeline.week_site import (
    BEFORE,
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

# November ends in week 49.
OVER = CLOSING + 14 * DAY


def monthly(folder, *runs, more: str = MAIL, cluster: str = "") -> Site:
    site = Site(folder, *runs, more=more, cluster=cluster)
    with open_ledger(site.settings, create=False) as ledger:
        ledger.preferences.set_frequency("alice", "monthly", BEFORE)
    return site


def months(site: Site) -> dict:
    mails = [mail for mail in site.mails() if "W" not in mail.period]
    return dict(recipients(mails))


def test_a_month_is_mailed_when_its_last_week_is_closed(tmp_path):
    runs = [Run(n, "alice", END + (7 * n + 1) * DAY, END + (7 * n + 2) * DAY) for n in range(-1, 2)]
    site = monthly(tmp_path, *runs)
    for n in range(3):
        site.publish(CLOSING + 7 * n * DAY)
    mails = [mail for mail in site.mails() if mail.kind == "user"]
    assert [(mail.period, mail.created_utc) for mail in mails] == [("2026-11", CLOSING + 14 * DAY)]
    text, _html, pages = parts_of(mails[0])
    assert "November 2026" in text
    assert "November 2026" in pages[0]


ONLY_EARLY = Run(1, "alice", START + HOUR, START + 9 * HOUR)


@pytest.mark.parametrize("is_idle", [False, True], ids=["jobs all month", "none in its last week"])
def test_a_month_is_mailed_once_after_its_last_week(tmp_path, is_idle):
    late = Run(2, "bob", END + 8 * DAY, END + 9 * DAY)
    site = monthly(tmp_path, ONLY_EARLY, *([] if is_idle else [late]))
    site.publish(CLOSING)
    site.publish(OVER - HOUR)
    assert months(site) == {}
    done = site.publish(OVER)
    assert (done[-1].label, done[-1].n_mails, done[-1].n_pages) == ("2026-11", 1, 0)
    expected = {("alice@example.org", "2026-11", 1): 1}
    assert months(site) == expected
    # A late record restates a week: of months nothing more is mailed.
    site.load(Run(9, "alice", START + 40 * HOUR, START + 60 * HOUR), seen_utc=OVER)
    for now_utc in (OVER + HOUR, OVER - DAY, OVER + 40 * DAY):
        site.publish(now_utc)
        assert months(site) == expected


def test_a_month_of_before_duty_and_one_that_nobody_wanted_are_not_mailed_later(tmp_path):
    settings = settings_in(tmp_path, more=MAIL)
    load(settings, factors_of(settings), [ONLY_EARLY], END)
    with open_ledger(settings, create=False) as ledger:
        ledger.weeks.begin_duty(OVER - DAY)
        ledger.preferences.set_frequency("alice", "monthly", OVER)
    assert all("W" in one.label for one in publish_due(settings, now_utc=OVER))
    wanted = Site(tmp_path / "other", ONLY_EARLY, more=MAIL)
    wanted.publish(OVER)
    with open_ledger(wanted.settings, create=False) as ledger:
        ledger.preferences.set_frequency("alice", "monthly", OVER)
    wanted.publish(OVER + HOUR)
    for told in (settings, wanted.settings):
        with open_ledger(told, create=False) as ledger:
            assert ledger.weeks.months() == {"2026-11"}
            assert [one for one in ledger.outbox.list() if one.mail.period == "2026-11"] == []


def test_a_month_waits_for_accounting_as_its_last_week_does(tmp_path):
    site = monthly(tmp_path, ONLY_EARLY, cluster='collect = "sacct"')
    site.collected(END + DAY)
    site.publish(CLOSING)
    site.publish(OVER)
    assert months(site) == {}
    site.collected(OVER)
    site.publish(OVER + HOUR)
    assert list(months(site)) == [("alice@example.org", "2026-11", 1)]
    with open_ledger(site.settings, create=False) as ledger:
        assert ledger.sources.incidents(unresolved_only=True) == ()


def test_no_month_without_a_job(tmp_path):
    site = monthly(tmp_path, ONLY_EARLY)
    site.publish(OVER + 60 * DAY)
    with open_ledger(site.settings, create=False) as ledger:
        assert ledger.weeks.months() == {"2026-11"}
    assert WEEK.label in {mail.period for mail in site.mails()}
