"""What was to be done by now: collections, weeks; and the incidents that are open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.doctor.check import Check, Group, Topic
from auditor.domain.incident import Incident, SourceState

COLLECTED = Topic(Group.LEDGER, "collect_age", "collection")
INCIDENTS = Topic(Group.LEDGER, "incidents", "incidents")
CLOCK = Topic(Group.LEDGER, "ledger_clock", "newest instant")
WEEKS = Topic(Group.LEDGER, "week_overdue", "weeks")

_START = "`systemctl status auditor`, or by hand: `auditor collect`"
_LATE, _LATEST = timedelta(hours=2), timedelta(hours=26)
_SLACK = timedelta(minutes=5)
_MOST_INCIDENTS = 5
_MOST_WEEKS = 4


@dataclass(frozen=True)
class Rhythm:
    """How often a cluster is collected, and whether a daemon is at work."""

    every: timedelta
    has_daemon: bool


def collected_check(
    cluster: str, state: SourceState | None, rhythm: Rhythm, now_utc: datetime
) -> Check:
    """Judge the age of the last collection: a daemon that is alive must not be late."""
    topic = COLLECTED.of(cluster)
    if state is None:
        return topic.warning("nothing was collected yet", f"`auditor collect --cluster {cluster}`")
    age = now_utc - state.collected_to_utc
    text = f"up to {state.collected_to_utc:%Y-%m-%d %H:%M} UTC"
    late = max(_LATE, 4 * rhythm.every)
    if age <= late:
        return topic.ok(text)
    daemon = "the daemon runs" if rhythm.has_daemon else "no daemon runs"
    text = f"only {text}, {age_text(age)} ago; {daemon}"
    if age > _LATEST or rhythm.has_daemon:
        return topic.fault(text, _START)
    return topic.warning(text, _START)


def age_text(age: timedelta) -> str:
    """Write a span of time in the unit that suits it."""
    hours = age / timedelta(hours=1)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} h"  # noqa: PLR2004


def incident_checks(incidents: Sequence[Incident]) -> Iterator[Check]:
    """Show the incidents that are not resolved, the newest first."""
    if not incidents:
        yield INCIDENTS.ok("none open")
        return
    newest = sorted(incidents, key=lambda one: one.last_seen_utc, reverse=True)
    for one in newest[:_MOST_INCIDENTS]:
        text = f"{one.code} since {one.start_utc:%Y-%m-%d %H:%M} UTC: {one.text}"
        yield INCIDENTS.of(one.cluster).warning(text, one.hint or "`auditor collect` tries again.")
    n_more = len(newest) - _MOST_INCIDENTS
    if n_more > 0:
        yield INCIDENTS.warning(f"{n_more} more are open", "`auditor collect` tries again.")


def clock_check(newest_utc: datetime | None, now_utc: datetime) -> Check:
    """Find a clock that was set back: the ledger cannot know what is yet to come."""
    if newest_utc is None:
        return CLOCK.ok("nothing was written yet")
    text = f"{newest_utc:%Y-%m-%d %H:%M} UTC"
    if newest_utc > now_utc + _SLACK:
        text = f"{text}, and the clock says {now_utc:%Y-%m-%d %H:%M}: it was set back"
        return CLOCK.fault(text, "`timedatectl status`; set the clock right before anything else.")
    return CLOCK.ok(text)


def weeks_check(overdue: Sequence[str], n_published: int, duty_began_utc: datetime | None) -> Check:
    """Judge whether every week that is due was published."""
    if duty_began_utc is None:
        return WEEKS.ok("not on duty yet: none was to be published")
    if overdue:
        text = f"overdue: {', '.join(overdue[:_MOST_WEEKS])}"
        more = f" and {len(overdue) - _MOST_WEEKS} more" if len(overdue) > _MOST_WEEKS else ""
        return WEEKS.fault(f"{text}{more}", "`systemctl status auditor`; `auditor publish`")
    return WEEKS.ok(f"{n_published} published, none overdue")
