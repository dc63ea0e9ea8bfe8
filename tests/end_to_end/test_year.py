"""A year hour by hour under a frozen clock: each week is published and mailed exactly once."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine

from auditor.domain.week import Week, WeekState, week_of
from auditor.pipeline.factors import Factors
from auditor.settings.models import Settings
from auditor.wiring.publishing import publish_due
from auditor.wiring.store import open_ledger
from tests.pipeline.site import Run, factors_of, load, settings_in

HOUR = timedelta(hours=1)
N_CPUS_OF_BOB = 4


def runs_of(week: Week) -> list[Run]:
    """Make the runs that end with a week: one over its edge, and one as long as the week."""
    end_utc, number = week.period.end_utc, week.year * 100 + week.number
    evening_utc = end_utc - 2 * HOUR
    return [
        Run(10 * number, "alice", evening_utc, end_utc + 1 * HOUR),
        Run(10 * number + 1, "bob", week.period.start_utc, end_utc, "bio", n_cpus=N_CPUS_OF_BOB),
    ]


@dataclass
class Duty:
    """What the daemon does, without a scheduler: collect, then publish, at the time of the clock.

    Collection comes by once a day, and loads what has ended since it was there last.
    """

    settings: Settings
    factors: Factors
    weeks: list[Week]
    collected: set[str] = field(default_factory=set)
    published: list[tuple[str, WeekState]] = field(default_factory=list)

    def look(self) -> None:
        """Do what is due now."""
        now_utc = datetime.now(UTC)
        over = [
            week
            for week in self.weeks
            if week.label not in self.collected and week.period.end_utc + 3 * HOUR <= now_utc
        ]
        if over:
            load(self.settings, self.factors, [run for w in over for run in runs_of(w)], now_utc)
            self.collected |= {week.label for week in over}
        done = publish_due(self.settings, now_utc=now_utc)
        self.published += [(week.label, week.state) for week in done if week.n_pages]

    def mails(self) -> Counter[tuple[str, str]]:
        """Count the mails of the outbox by recipient and period."""
        with open_ledger(self.settings, create=False) as ledger:
            return Counter((one.mail.recipient, one.mail.period) for one in ledger.outbox.list())


def weeks_between(first: date, last: date, timezone: str) -> list[Week]:
    """List the ISO weeks from one day to another."""
    found = []
    week = week_of(datetime(first.year, first.month, first.day, 12, tzinfo=UTC), timezone)
    while week.period.end_utc.date() <= last:
        found.append(week)
        week = week.following
    return found


def on_duty(folder: Path, weeks: list[Week]) -> Duty:
    settings = settings_in(folder, timezone=weeks[0].timezone)
    duty = Duty(settings, factors_of(settings), weeks)
    load(settings, duty.factors, [], weeks[0].period.start_utc)
    return duty


def hours(start_utc: datetime, end_utc: datetime, off: tuple[int, int]) -> Iterator[datetime]:
    """Tell the hours, without those of an outage (numbers of hours); none is told twice."""
    n_hours = int((end_utc - start_utc) / HOUR)
    for number in range(n_hours):
        if not off[0] <= number < off[1]:
            yield start_utc + number * HOUR


def hours_in(duty: Duty, week: Week) -> float:
    """Return how long the run that is as long as a week ran, as its pages say."""
    file = duty.settings.ledger.path / "pages" / week.label / "week.json"
    pages = json.loads(file.read_text(encoding="utf-8"))["pages"]
    (bob,) = [page for page in pages if page["name"] == "bob"]
    return bob["totals"]["core_s"] / N_CPUS_OF_BOB / 3600


@pytest.mark.parametrize(
    ("timezone", "first", "last", "lengths"),
    [
        pytest.param(
            "Europe/Berlin", date(2026, 1, 5), date(2027, 1, 4),
            {167: ["2026-W13"], 169: ["2026-W43"]},
            id="a year in Berlin",
        ),
        pytest.param(
            "America/New_York", date(2026, 10, 19), date(2026, 11, 17), {169: ["2026-W44"]},
            id="the end of summer in New York",
        ),
        pytest.param(
            "Asia/Kathmandu", date(2026, 12, 14), date(2027, 1, 13), {},
            id="a new year in Kathmandu",
        ),
    ],
)  # fmt: skip
def test_every_week_is_published_and_mailed_once(tmp_path, timezone, first, last, lengths):
    weeks = weeks_between(first, last, timezone)
    start_utc = weeks[0].period.start_utc
    end_utc = weeks[-1].period.end_utc + timedelta(days=3)
    is_long = len(weeks) > 20
    outage = (168 * 20 + 30, 168 * 23 + 40) if is_long else (0, 0)
    with time_machine.travel(start_utc, tick=False) as clock:
        duty = on_duty(tmp_path, weeks)
        with open_ledger(duty.settings, create=False) as ledger:
            ledger.preferences.set_frequency("bob", "monthly", start_utc)
        for number, now_utc in enumerate(hours(start_utc, end_utc, outage)):
            clock.move_to(now_utc)
            duty.look()
            if number == 168 * 9 + 38:  # a Tuesday afternoon, just after a week was closed
                for _ in range(24):
                    clock.shift(-HOUR)
                    duty.look()
    labels = [week.label for week in weeks]
    assert duty.published == [(label, WeekState.CLOSED) for label in labels]
    months = [f"{first:%Y}-{month:02}" for month in _months_over(weeks)]
    expected = Counter(("alice@example.org", label) for label in labels)
    expected += Counter(("ops@example.org", label) for label in labels)
    expected += Counter(("bob@example.org", month) for month in months)
    assert duty.mails() == expected
    for week in weeks:
        known = [n_hours for n_hours, found in lengths.items() if week.label in found]
        assert hours_in(duty, week) == (known or [168])[0]


def _months_over(weeks: list[Week]) -> list[int]:
    """Number the months whose last day lies in one of the weeks."""
    zone = ZoneInfo(weeks[0].timezone)
    first = weeks[0].period.start_utc.astimezone(zone).date()
    last = weeks[-1].period.end_utc.astimezone(zone).date()
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    return [day.month for day in days if (day + timedelta(days=1)).day == 1]
