"""What `systemctl status` says of the daemon, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from auditor.daemon.standing import Standing

_DOING = {"collect": "collecting", "publish": "publishing", "send": "sending"}


@dataclass(frozen=True)
class Situation:
    """What the daemon is at: the duty in hand and how far it is, those to come, what it knows."""

    timezone: str
    duty: str | None
    began_utc: datetime | None
    detail: str
    next_utc: Mapping[str, datetime]
    standing: Standing
    trouble: Mapping[str, str]
    is_stopping: bool = False
    is_stuck: bool = False


def status_text(situation: Situation) -> str:
    """Return one line: what it does, what it had trouble with, what it has, what comes next."""
    zone = ZoneInfo(situation.timezone)
    parts = [_now(situation, zone)]
    parts += [f"{_DOING[name]} failed: {text}" for name, text in sorted(situation.trouble.items())]
    parts.append(_collected(situation.standing, zone))
    parts.append(_mails(situation.standing))
    if not situation.is_stopping:
        coming = sorted(situation.next_utc.items(), key=lambda item: item[1])
        told = [f"{_DOING[name]} {_clock(at, zone)}" for name, at in coming]
        parts.append("next: " + ", ".join(told) if told else "")
    return "; ".join(part for part in parts if part)


def _now(situation: Situation, zone: ZoneInfo) -> str:
    if situation.duty is None or situation.began_utc is None:
        return "stopping" if situation.is_stopping else "on duty"
    detail = f" ({situation.detail})" if situation.detail else ""
    doing = f"{_DOING[situation.duty]} since {_clock(situation.began_utc, zone)}{detail}"
    if situation.is_stuck:
        return f"STUCK {doing}"
    return f"stopping after what is in hand: {doing}" if situation.is_stopping else doing


def _collected(standing: Standing, zone: ZoneInfo) -> str:
    told = [
        f"{name} {'not yet' if at is None else 'up to ' + _day_and_clock(at, zone)}"
        for name, at in standing.collected_to_utc
    ]
    return "collected: " + ", ".join(told) if told else ""


def _mails(standing: Standing) -> str:
    parked = (
        f", {standing.n_parked:,} parked (`auditor send` shows them)" if standing.n_parked else ""
    )
    if not standing.n_waiting:
        return f"no mail waits{parked}"
    waiting = "1 mail waits" if standing.n_waiting == 1 else f"{standing.n_waiting:,} mails wait"
    return f"{waiting}{parked}"


def _clock(instant_utc: datetime, zone: ZoneInfo) -> str:
    return f"{instant_utc.astimezone(zone):%H:%M}"


def _day_and_clock(instant_utc: datetime, zone: ZoneInfo) -> str:
    return f"{instant_utc.astimezone(zone):%a %d %b %H:%M}"
