"""What ended without a result, and what nobody knows the end of, in words for every view."""

from auditor.domain.job import WASTED_STATES
from auditor.report.filters import count_text, percent_text, state_text
from auditor.report.model import Group, Report
from auditor.units import carbon_text


def lost_text(report: Report) -> str:
    """Write the carbon of what ended without a result: '1.20 kg', 'not known' where all may be."""
    waste = report.waste
    n_ended = report.totals.n_jobs - report.quality.n_open
    if not waste.n_jobs and 0 < waste.n_end_unknown == n_ended:
        return "not known"
    return carbon_text(waste.carbon_g)


def lost_note(report: Report) -> str:
    """Say what share that is and of how many jobs, and how many nobody knows of."""
    waste, totals = report.waste, report.totals
    untold = _untold(report)
    if waste.n_jobs or not untold:
        share = f"{percent_text(waste.carbon_g / totals.carbon_g)}; " if totals.carbon_g > 0 else ""
        counted = f"{share}{count_text(waste.n_jobs, 'job')} failed or timed out"
        return f"{counted}; {untold}" if untold else counted
    return untold


def waste_text(report: Report) -> str:
    """Say in sentences what ended without a result, and how; '' where no job ran."""
    if not report.totals.n_jobs:
        return ""
    untold = _untold(report)
    told = f"{untold[:1].upper()}{untold[1:]}: accounting does not say." if untold else ""
    if report.waste.n_jobs:
        return f"{_lost(report)} {told}".rstrip()
    if not told:
        return "Nothing was lost: no job failed, timed out, was evicted or ran out of memory."
    whose = "its" if report.waste.n_end_unknown == 1 else "their"
    told = f"{told} Some of {whose} work may be lost."
    if report.waste.n_end_unknown == report.totals.n_jobs:
        return told
    return f"No job is known to have failed. {told}"


def _lost(report: Report) -> str:
    waste, totals = report.waste, report.totals
    share = ""
    if totals.carbon_g > 0:
        share = f", {percent_text(waste.carbon_g / totals.carbon_g)} of the total"
    states = [group for group in report.groups_of["state"] if group.key in WASTED_STATES]
    one_state = f" ({state_text(states[0].key)})" if len(states) == 1 else ""
    listed = f": {'; '.join(map(_state, states))}" if len(states) > 1 else ""
    return (
        f"{count_text(waste.n_jobs, 'job')} ended without a result{one_state} after emitting "
        f"{carbon_text(waste.carbon_g)} CO₂e{share}{listed}."
    )


def _untold(report: Report) -> str:
    """Say of how many jobs nobody knows the end: 'how 3 of 57 jobs ended is not known'."""
    n_untold, n_jobs = report.waste.n_end_unknown, report.totals.n_jobs
    if not n_untold:
        return ""
    which = f"{n_untold:,} of {n_jobs:,} jobs"
    if n_untold == n_jobs:
        which = "the job" if n_jobs == 1 else f"the {n_jobs:,} jobs"
    return f"how {which} ended is not known"


def _state(group: Group) -> str:
    return f"{group.n_jobs:,} {state_text(group.key)} ({carbon_text(group.carbon_g)})"
