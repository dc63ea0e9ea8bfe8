"""What is missing from a report or has changed in it, in sentences for every view."""

from dataclasses import dataclass, replace

from auditor.domain.incident import Incident
from auditor.domain.mail import Told
from auditor.report.doubts import SourceBehind
from auditor.report.filters import change_percent, count_text, local_text
from auditor.report.model import QualityFacts, Report, Restated, Totals
from auditor.units import carbon_text

N_ALARMS = 5
_TOO_SMALL = "The numbers below are too small."
_SINCE_HINT = "[collect] since says where it begins; exports of the time before can be ingested."
_LATE_HINT = "`auditor doctor` says what keeps it from being collected."
# What incidents that lose no run come to, for readers who are not told their text.
_MEANING_OF = {
    "kubernetes_clock": "The clock of {cluster} and ours were apart {span}: its own was believed.",
    "kubernetes_partial": "Not all of {cluster} could be asked {span}: some of its jobs are named "
    "less well than they could be.",
    "prometheus_gap": "The monitoring of {cluster} had gaps {span}: what it did not measure is "
    "estimated.",
}
_OTHER_MEANING = "Something was amiss with the accounting of {cluster} {span}."


@dataclass(frozen=True)
class Alarm:
    """What a reader must know before any number. Text may hold names from outside."""

    text: str
    hint: str = ""


def alarms(report: Report) -> tuple[Alarm, ...]:
    """Say which accounting of the period is missing; nothing if all of it is there.

    Hints are for operators, who can act on them.
    """
    facts = report.quality.facts
    found = [_alarm(one, report) for one in _going_on(facts) if one.is_shortfall]
    found += [
        _late(one, report) for one in facts.behind if one.is_late and not _is_said(one, report)
    ]
    if len(found) > N_ALARMS:
        rest = count_text(len(found) - N_ALARMS, "more gap")
        found[N_ALARMS:] = [Alarm(f"There are {rest} like these.", _LATE_HINT)]
    if facts.is_for_operators:
        return tuple(found)
    return tuple(replace(one, hint="") for one in found)


def asides(report: Report) -> tuple[str, ...]:
    """Say in a line each what was missing and is there now, and what is still to come."""
    facts = report.quality.facts
    lines = []
    mended = [one for one in facts.incidents if one.resolved_utc is not None]
    if mended:
        which = ", ".join(dict.fromkeys(one.cluster for one in mended))
        gaps = count_text(len(mended), "gap")
        lines.append(f"Accounting: {gaps} in the collection of {which}, made good since.")
    lines += [_alarm(one, report).text for one in _going_on(facts) if not one.is_shortfall]
    coming = [one for one in facts.behind if not one.is_late and one.collected_to_utc is not None]
    if coming:
        places = ", ".join(f"{one.cluster} {_moment(one, report)}" for one in coming)
        lines.append(f"Accounting is collected up to: {places}.")
    return tuple(lines)


def shortfall_reasons(report: Report) -> tuple[str, ...]:
    """Say in a few words each what is missing, for `--strict`."""
    facts = report.quality.facts
    short = dict.fromkeys(one.cluster for one in _going_on(facts) if one.is_shortfall)
    short |= dict.fromkeys(one.cluster for one in facts.behind if one.is_late)
    return tuple(f"accounting of {cluster} short" for cluster in short)


def restated_lines(restated: Restated | None, totals: Totals) -> tuple[str, ...]:
    """Say what a restated report said before, then why it changed; nothing for any other."""
    return () if restated is None else (_before(restated, totals), *restated.reasons)


def mailed_lines(restated: Restated, totals: Totals, told: Told | None) -> tuple[str, ...]:
    """Say the same in a mail, against the last mail that told anything of it.

    Who never got one is not told of numbers that changed.
    """
    if told is None:
        first = f"This is the first mail about it: its report is revision {restated.revision}."
        return (first, *restated.reasons)
    when = f"in the mail of revision {told.revision}"
    return (_compared(restated, totals.carbon_g, told.carbon_g, when), *restated.reasons)


def _going_on(facts: QualityFacts) -> list[Incident]:
    return [one for one in facts.incidents if one.resolved_utc is None]


def _before(restated: Restated, totals: Totals) -> str:
    previous = restated.previous
    if previous is None:
        return f"{_head(restated)}: its numbers have changed."
    if not previous.n_jobs and totals.n_jobs:
        carbon = carbon_text(totals.carbon_g)
        return f"{_head(restated)} is the first with jobs in it: {carbon} CO₂e."
    return _compared(restated, totals.carbon_g, previous.carbon_g, "before")


def _head(restated: Restated) -> str:
    return f"Revision {restated.revision} of this report"


def _compared(restated: Restated, now_g: float, before_g: float, when: str) -> str:
    head, now, before = _head(restated), carbon_text(now_g), carbon_text(before_g)
    if now == before:
        made_up = ", made up differently" if restated.n_runs else ""
        return f"{head}: {now} CO₂e as {when}{made_up}."
    if before_g <= 0:
        return f"{head}: {now} CO₂e, nothing {when}."
    word = "more" if now_g > before_g else "less"
    share = change_percent(now_g / before_g - 1)
    return f"{head}: {now} CO₂e, {before} {when} ({share} {word})."


def _alarm(incident: Incident, report: Report) -> Alarm:
    start = local_text(incident.start_utc, report.period).strip()
    until = incident.end_utc
    end = "on" if until is None else f"to {local_text(until, report.period).strip()}"
    span, text = f"from {start} {end}", incident.text.strip().rstrip(".")
    if incident.loses_runs:
        why = f": {text}" if text else ""
        told = f"The accounting of {incident.cluster} is short {span}{why}. {_TOO_SMALL}"
    elif text:
        told = f"{incident.cluster}, {span}: {text}."
    else:
        meaning = _MEANING_OF.get(incident.code, _OTHER_MEANING)
        told = meaning.format(cluster=incident.cluster, span=span)
    return Alarm(told, incident.hint)


def _is_said(behind: SourceBehind, report: Report) -> bool:
    """Tell whether an incident covers all that a source lacks up to the end of the period."""
    return behind.collected_from_utc is None and any(
        one.cluster == behind.cluster
        and one.resolved_utc is None
        and (behind.collected_to_utc is None or one.start_utc <= behind.collected_to_utc)
        and (one.end_utc is None or one.end_utc >= report.period.end_utc)
        for one in report.quality.facts.incidents
    )


def _late(behind: SourceBehind, report: Report) -> Alarm:
    if behind.collected_from_utc is not None:
        begin = local_text(behind.collected_from_utc, report.period).strip()
        text = f"The accounting of {behind.cluster} is collected from {begin} on only. {_TOO_SMALL}"
        return Alarm(text, _SINCE_HINT)
    how_far = "was never collected"
    if behind.collected_to_utc is not None:
        how_far = f"is collected up to {_moment(behind, report)} only"
    return Alarm(f"The accounting of {behind.cluster} {how_far}. {_TOO_SMALL}", _LATE_HINT)


def _moment(behind: SourceBehind, report: Report) -> str:
    return local_text(behind.collected_to_utc, report.period).strip()
