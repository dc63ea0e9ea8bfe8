"""The lists of a mail: the largest jobs, where the carbon came from, what would have helped."""

from collections.abc import Iterator

from auditor.domain.job import WASTED_STATES
from auditor.report.charts import BarChart, carbon_by
from auditor.report.clean import middle_cut, printable
from auditor.report.filters import (
    amount_text,
    carbon_band,
    cores_text,
    count_text,
    hours_number,
    local_text,
    percent_text,
    saving_text,
    state_text,
)
from auditor.report.mail_model import Advice, JobRow, ShareRow, Shares, bounded
from auditor.report.mail_words import N_NAME, TIMES
from auditor.report.model import Group, JobLine, Report
from auditor.report.page import PageInput
from auditor.units import Scale

N_JOBS = 10
N_ADVICE = 3
N_SHARES = 5
N_SENTENCE = 400
_N_SOURCES = 3
_N_LABEL = 32
_N_ID = 48
_N_COMMAND = 300
_TITLE_OF = {
    "account": "By project",
    "user": "By user",
    "cluster": "By cluster",
    "gpu": "By accelerator",
    "partition": "By partition",
}
_SOURCES_OF = {
    "user": ("account", "cluster", "gpu", "partition"),
    "account": ("user", "cluster", "gpu"),
    "cluster": ("account", "user"),
    "site": ("account", "user", "cluster"),
}


def job_rows(page: PageInput, scale: Scale) -> tuple[JobRow, ...]:
    """List the largest jobs, their carbon in one unit."""
    return tuple(_job_row(page, job, scale) for job in page.report.jobs[:N_JOBS])


def _job_row(page: PageInput, job: JobLine, scale: Scale) -> JobRow:
    name = bounded(job.job_name or "", N_NAME).strip()
    facts = [bounded(middle_cut(job.job_id, _N_ID), _N_ID)]
    if page.subject.kind != "user":
        facts.append(bounded(job.user or "(unknown)", _N_LABEL))
    facts.append(local_text(job.start_utc, page.report.period).strip())
    facts.append(_resources(job))
    return JobRow(
        name=name or facts[0],
        facts=" · ".join(fact for fact in facts if fact),
        state=bounded(state_text(job.state), _N_LABEL),
        is_lost=job.state in WASTED_STATES,
        carbon=scale.number_text(job.carbon_g),
    )


def _resources(job: JobLine) -> str:
    if job.n_gpu:
        gpu = bounded(job.gpu or "accelerator", _N_LABEL)
        return f"{amount_text(job.n_gpu)} {TIMES} {gpu}, {hours_number(job.gpu_s or 0.0)} GPU h"
    if job.n_cpus:
        hours = hours_number(job.core_s or 0.0)
        return f"{cores_text(job.n_cpus)}, {hours} core h"
    return ""


def left_out(report: Report) -> str:
    """Say how many jobs are not listed; '' if all are."""
    n_more = report.totals.n_jobs - len(report.jobs[:N_JOBS])
    return f"and {count_text(n_more, 'smaller job')}" if n_more > 0 else ""


def shares_of(page: PageInput) -> Iterator[Shares]:
    """Share the carbon out among projects, users, ..., as far as there are several."""
    report = page.report
    wanted = _SOURCES_OF.get(page.subject.kind, _SOURCES_OF["site"])
    several = [name for name in wanted if len(_emitting(report, name)) > 1]
    for dimension in several[: _N_SOURCES if page.subject.kind == "site" else 2]:
        chart = carbon_by(report, dimension, _TITLE_OF[dimension])
        yield Shares(chart.title, tuple(_share_rows(report, dimension, chart)))


def _emitting(report: Report, dimension: str) -> list[Group]:
    return [group for group in report.groups_of[dimension] if group.carbon_g > 0]


def _share_rows(report: Report, dimension: str, chart: BarChart) -> Iterator[ShareRow]:
    groups = _emitting(report, dimension)
    n_shown = len(groups) if len(groups) <= N_SHARES else N_SHARES - 1
    amounts = [(bounded(group.key, _N_LABEL), group.carbon_g) for group in groups[:n_shown]]
    if n_shown < len(groups):
        rest_g = sum(group.carbon_g for group in groups[n_shown:])
        amounts.append((f"{len(groups) - n_shown:,} others", rest_g))
    largest_g = max(carbon_g for _, carbon_g in amounts)
    for label, carbon_g in amounts:
        yield ShareRow(
            label=label,
            carbon=f"{chart.scale.number_text(carbon_g)} {chart.scale.unit}",
            share=percent_text(carbon_g / report.totals.carbon_g),
            ratio=carbon_g / largest_g if largest_g > 0 else 0.0,
        )


def advice_of(report: Report) -> Iterator[Advice]:
    """Write the first few recommendations; nothing if there are none."""
    for one in report.recommendations[:N_ADVICE]:
        band = carbon_band(one.saving_low_g, one.saving_high_g)
        saving = f"{saving_text(one)} CO₂e less" + (f" (range {band})" if band else "")
        # Half a command is worse than none: the page has it whole.
        flat = printable(one.command.replace("\n", " "))
        command = one.command if bounded(flat, _N_COMMAND) == flat else ""
        yield Advice(
            saving=saving[0].upper() + saving[1:],
            text=bounded(one.text, N_SENTENCE),
            command=tuple(printable(line) for line in command.splitlines() if line.strip()),
        )
