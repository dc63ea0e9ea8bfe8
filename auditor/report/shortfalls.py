"""What is missing from a report or has changed in it, in sentences for every view."""

from dataclasses import dataclass

from auditor.domain.incident import Incident
from auditor.report.doubts import SourceBehind
from auditor.report.filters import count_text, local_text, percent_text
from auditor.report.model import Report, Restated, Totals
from auditor.units import carbon_text

N_ALARMS = 5
_TOO_SMALL = "The numbers below are too small."
_LATE_HINT = "`auditor doctor` says what keeps it from being collected."


@dataclass(frozen=True)
class Alarm:
    """What a reader must know before any number. Text may hold names from outside."""

    text: str
    hint: str = ""


def alarms(report: Report) -> tuple[Alarm, ...]:
    """Say which accounting of the period is missing; nothing if all of it is there."""
    facts = report.quality.facts
    found = [_alarm(one, report) for one in facts.incidents if one.resolved_utc is None]
    said = {one.cluster for one in facts.incidents if one.resolved_utc is None}
    found += [_late(one, report) for one in facts.behind if one.is_late and one.cluster not in said]
    if len(found) > N_ALARMS:
        rest = count_text(len(found) - N_ALARMS, "more gap")
        found[N_ALARMS:] = [Alarm(f"There are {rest} like these.", _LATE_HINT)]
    return tuple(found)


def asides(report: Report) -> tuple[str, ...]:
    """Say in a line each what was missing and is there now, and what is still to come."""
    facts = report.quality.facts
    lines = []
    mended = [one for one in facts.incidents if one.resolved_utc is not None]
    if mended:
        which = ", ".join(dict.fromkeys(one.cluster for one in mended))
        gaps = count_text(len(mended), "gap")
        lines.append(f"Accounting: {gaps} in the collection of {which}, made good since.")
    coming = [one for one in facts.behind if not one.is_late and one.collected_to_utc is not None]
    if coming:
        places = ", ".join(f"{one.cluster} {_moment(one, report)}" for one in coming)
        lines.append(f"Accounting is collected up to: {places}.")
    return tuple(lines)


def shortfall_reasons(report: Report) -> tuple[str, ...]:
    """Say in a few words each what is missing, for `--strict`."""
    facts = report.quality.facts
    short = dict.fromkeys(one.cluster for one in facts.incidents if one.resolved_utc is None)
    short |= dict.fromkeys(one.cluster for one in facts.behind if one.is_late)
    return tuple(f"accounting of {cluster} short" for cluster in short)


def restated_lines(restated: Restated | None, totals: Totals) -> tuple[str, ...]:
    """Say what a restated report said before, then why it changed; nothing for any other."""
    return () if restated is None else (_before(restated, totals), *restated.reasons)


def _before(restated: Restated, totals: Totals) -> str:
    head = f"Revision {restated.revision} of this report"
    if restated.previous is None:
        return f"{head}: its numbers have changed."
    before_g, now_g = restated.previous.carbon_g, totals.carbon_g
    if carbon_text(before_g) == carbon_text(now_g):
        return f"{head}: {carbon_text(now_g)} CO₂e as before, made up differently."
    if before_g <= 0:
        return f"{head}: {carbon_text(now_g)} CO₂e, nothing before."
    word = "more" if now_g > before_g else "less"
    share = percent_text(abs(now_g / before_g - 1))
    return f"{head}: {carbon_text(now_g)} CO₂e, {carbon_text(before_g)} before ({share} {word})."


def _alarm(incident: Incident, report: Report) -> Alarm:
    start = local_text(incident.start_utc, report.period).strip()
    until = incident.end_utc
    end = "on" if until is None else f"to {local_text(until, report.period).strip()}"
    text = incident.text.strip().rstrip(".")
    return Alarm(
        f"The accounting of {incident.cluster} is short from {start} {end}: {text}. {_TOO_SMALL}",
        incident.hint,
    )


def _late(behind: SourceBehind, report: Report) -> Alarm:
    how_far = "was never collected"
    if behind.collected_to_utc is not None:
        how_far = f"is collected up to {_moment(behind, report)} only"
    return Alarm(f"The accounting of {behind.cluster} {how_far}. {_TOO_SMALL}", _LATE_HINT)


def _moment(behind: SourceBehind, report: Report) -> str:
    return local_text(behind.collected_to_utc, report.period).strip()
