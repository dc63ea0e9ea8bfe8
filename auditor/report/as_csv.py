"""The read model as CSV: one row per group or per run, nothing scaled, no formulas."""

import csv
import io
from collections.abc import Iterator

from auditor.report.as_json import instant_text
from auditor.report.clean import csv_cell
from auditor.report.model import DIMENSIONS, JOB_NUMBERS, Group, JobLine, Report

_GROUP_NUMBERS = (
    "n_jobs",
    "core_s",
    "gpu_s",
    "energy_wh",
    "carbon_g",
    "carbon_low_g",
    "carbon_high_g",
    "wasted_carbon_g",
)
_JOB_TEXTS = (
    "cluster",
    "scheduler",
    "job_id",
    "parent_job_id",
    "job_name",
    "user",
    "account",
    "partition",
    "state",
    "gpu",
)
_BASES = ("gpu", "cpu", "memory", "node")

Cell = str | int | float | None


def to_csv(report: Report, by: str) -> str:
    """Write the groups of one dimension, or the runs the report lists, under a header line.

    Parameters
    ----------
    by
        One of `DIMENSIONS`, or 'job'.

    Raises
    ------
    ValueError
        `by` is none of these.
    """
    if by != "job" and by not in DIMENSIONS:
        msg = f"no rows by {by!r}; there are {', '.join((*DIMENSIONS, 'job'))}"
        raise ValueError(msg)
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if by == "job":
        writer.writerow(
            [*_JOB_TEXTS, "start", "end", *JOB_NUMBERS, *(f"{name}_basis" for name in _BASES)]
        )
        writer.writerows(list(_job_cells(line)) for line in report.jobs)
    else:
        writer.writerow([by, *_GROUP_NUMBERS])
        writer.writerows(list(_group_cells(group)) for group in report.groups_of[by])
    return lines.getvalue()


def _group_cells(group: Group) -> Iterator[Cell]:
    yield csv_cell(group.key)
    yield from (getattr(group, name) for name in _GROUP_NUMBERS)


def _job_cells(line: JobLine) -> Iterator[Cell]:
    yield from (csv_cell(getattr(line, name) or "") for name in _JOB_TEXTS)
    yield instant_text(line.start_utc)
    yield instant_text(line.end_utc)
    yield from (getattr(line, name) for name in JOB_NUMBERS)
    yield from (line.basis_of.get(name) for name in _BASES)
