"""Write a realistic `sacct -aDP --noconvert` export of any size.

`python -m benchmarks.generate --jobs 1000000 --out export.txt` prints the totals of what it wrote
as JSON on stderr. They come from the drawn numbers, never from the text, so that they can judge a
program that reads the text.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from benchmarks import job_draw
from benchmarks.job_draw import STATES, DrawnJobs, Plan, draw_jobs
from benchmarks.resource_pool import PLACES, ResourcePool, build_pool
from benchmarks.text_columns import (
    Text,
    chosen,
    durations,
    iso_times,
    joined,
    processor_times,
    rows_as_bytes,
    where,
    whole,
)

COLUMNS = (
    "JobIDRaw", "JobID", "Cluster", "User", "UID", "Account", "Partition", "QOS", "WCKey", "State",
    "ExitCode", "DerivedExitCode", "Submit", "Eligible", "Start", "End", "ElapsedRaw", "Suspended",
    "TimelimitRaw", "NCPUS", "NNodes", "NTasks", "ReqMem", "ReqTRES", "AllocTRES", "TotalCPU",
    "MaxRSS", "ConsumedEnergyRaw", "NodeList", "Reason", "JobName", "DBIndex",
)  # fmt: skip
CLUSTER = "alpha"
ROWS_PER_PIECE = 100_000
FIRST_UID = 20_001

USERS = pa.array([f"user{number:04d}" for number in range(job_draw.N_USERS)])
_ACCOUNTS = pa.array([f"hpc-project-{number:03d}" for number in range(job_draw.N_ACCOUNTS)])
_UIDS = pa.array([str(FIRST_UID + number) for number in range(job_draw.N_USERS)])
_NAMES = pa.array(
    [
        f"{what}_{variant:02d}"
        for what in ("train_resnet50_imagenet_batch256_fold", "md_equilibrate_lysozyme_310K",
                     "wrf_baltic_3km_ensemble_member", "blast-search", "spawner-jupyterhub",
                     "préparation des données", "sweep.lr=1e-4,weight_decay=0.05,seed",
                     "snakejob.align_reads.sample")
        for variant in range(50)
    ]
)  # fmt: skip
_STATE_WORDS = pa.array(STATES)
_EXIT_CODES = pa.array(["0:0", "1:0", "0:0", "0:0", "0:125", "0:0", "0:0", "0:0", "0:0", "0:0"])
_REASONS = pa.array(["None", "Resources", "Priority", "Dependency"])
_PARTITIONS = pa.array(["cpu-standard", "gpu-standard", "cpu-long"])
_QOS = pa.array(["normal", "long", "high"])


@dataclass(frozen=True)
class Form:
    """How the export is written: instants as epochs or ISO text, with step rows or without."""

    epochs: bool
    steps: bool

    def instants(self, values_s: np.ndarray) -> Text:
        """Write instants."""
        return whole(values_s) if self.epochs else iso_times(values_s)


@dataclass(frozen=True)
class Probe:
    """One user and one span whose totals are told apart, cut at its edges [s since 1970]."""

    user: str
    start_s: int
    end_s: int


def _times(jobs: DrawnJobs, form: Form) -> tuple[Text, Text, Text, Text]:
    """Return Submit, Eligible, Start and End as sacct words them."""
    submit = form.instants(jobs.submit_s)
    pending = jobs.state == job_draw.PENDING
    started = where(jobs.started, form.instants(jobs.start_s), "None")
    ended = where(jobs.is_open, "Unknown", form.instants(jobs.end_s))
    return submit, submit, where(pending, "Unknown", started), ended


def _job_ids(jobs: DrawnJobs) -> Text:
    task = joined(whole(jobs.master_id), whole(np.maximum(jobs.task, 0)), separator="_")
    return where(jobs.task >= 0, task, whole(jobs.raw_id))


def _allocation_rows(jobs: DrawnJobs, pool: ResourcePool, form: Form) -> Text:
    submit, eligible, start, end = _times(jobs, form)
    by_request = lambda words: chosen(words, jobs.request)  # noqa: E731  (one word for a long one)
    uid = chosen(_UIDS, jobs.user)
    state = chosen(_STATE_WORDS, jobs.state)
    exit_code = chosen(_EXIT_CODES, jobs.state)
    is_gpu = pool.is_gpu[jobs.request].astype(np.int64)
    node_list = chosen(pool.node_list, jobs.request * PLACES + jobs.place)
    long_limit = (jobs.limit_min > 1440).astype(np.int64)  # noqa: PLR2004  (a day)
    return joined(
        whole(jobs.raw_id), _job_ids(jobs), CLUSTER, chosen(USERS, jobs.user), uid,
        chosen(_ACCOUNTS, jobs.account), chosen(_PARTITIONS, np.where(is_gpu, 1, 2 * long_limit)),
        chosen(_QOS, long_limit), "",
        where(jobs.state == job_draw.CANCELLED, joined("CANCELLED by ", uid), state),
        exit_code, exit_code, submit, eligible, start, end,
        whole(jobs.elapsed_s), durations(jobs.suspended_s), whole(jobs.limit_min),
        by_request(whole(pool.n_cpus)), by_request(whole(pool.n_nodes)), "",
        by_request(pool.requested_memory), by_request(pool.requested),
        where(jobs.started, by_request(pool.allocated), ""),
        processor_times(jobs.cpu_time_ms), "", where(jobs.is_open, "", "0"),
        where(jobs.started, node_list, "None assigned"),
        chosen(_REASONS, jobs.row % 7 % 4), chosen(_NAMES, jobs.name),
        joined(whole(jobs.row + 1), "\n"),
        separator="|",
    )  # fmt: skip


def _step_rows(jobs: DrawnJobs, pool: ResourcePool, form: Form, step: str) -> Text:
    """Write one step of each job; a job that never started has none, and gives ''."""
    start = form.instants(jobs.start_s)
    end = where(jobs.is_open, "Unknown", form.instants(jobs.end_s))
    is_batch = step == "batch"
    tres = chosen(pool.allocated_to_step if is_batch else pool.allocated, jobs.request)
    memory = jobs.memory_ratio * pool.memory_mib[jobs.request] * 2.0**20
    used = where(jobs.is_open, "", whole(memory.astype(np.int64)))
    rows = joined(
        joined(whole(jobs.raw_id), step, separator="."),
        joined(_job_ids(jobs), step, separator="."),
        CLUSTER, "", "", chosen(_ACCOUNTS, jobs.account), "", "", "",
        chosen(_STATE_WORDS, jobs.state), chosen(_EXIT_CODES, jobs.state), "",
        start, start, start, end, whole(jobs.elapsed_s), durations(jobs.suspended_s), "",
        chosen(whole(pool.n_cpus), jobs.request), chosen(whole(pool.n_nodes), jobs.request), "1",
        "", "", tres,
        processor_times(jobs.cpu_time_ms) if is_batch else "00:00.001",
        used if is_batch else "0", where(jobs.is_open, "", "0"),
        chosen(pool.node_list, jobs.request * PLACES + jobs.place), "", step,
        joined(whole(jobs.row + 1), "\n"),
        separator="|",
    )  # fmt: skip
    return where(jobs.started, rows, "")


def _totals(jobs: DrawnJobs, pool: ResourcePool) -> dict[str, int]:
    """Count what the rows hold, from the numbers and not from the text."""
    return {
        "n_jobs": int(jobs.row.size),
        "n_steps": 2 * int(jobs.started.sum()),
        "n_started": int(jobs.started.sum()),
        "n_open": int(jobs.is_open.sum()),
        "elapsed_s": int(jobs.elapsed_s.sum()),
        "gpu_s": int((jobs.elapsed_s * pool.n_gpu[jobs.request]).sum()),
        "cpu_s": int((jobs.elapsed_s * pool.n_cpus[jobs.request]).sum()),
    }


def _probe_totals(jobs: DrawnJobs, pool: ResourcePool, probe: Probe) -> dict[str, float]:
    """Count what one user held inside a span: elapsed in proportion to the overlap."""
    mine = jobs.user == int(probe.user.removeprefix("user"))
    ended_inside = ~jobs.started & ~jobs.is_open & (jobs.start_s >= probe.start_s)
    ended_inside &= jobs.start_s < probe.end_s
    begin = np.maximum(jobs.start_s, probe.start_s)
    overlap_s = np.maximum(np.minimum(jobs.end_s, probe.end_s) - begin, 0)
    instant = jobs.started & (jobs.start_s == jobs.end_s) & (begin == jobs.start_s)
    inside = jobs.started & (overlap_s > 0) | (instant & (jobs.start_s < probe.end_s))
    span_s = np.maximum(jobs.end_s - jobs.start_s, 1)
    elapsed_s = np.where(mine & inside, jobs.elapsed_s * (overlap_s / span_s), 0.0)
    return {
        "probe_n_jobs": int((mine & (inside | ended_inside)).sum()),
        "probe_gpu_s": float((elapsed_s * pool.n_gpu[jobs.request]).sum()),
        "probe_cpu_s": float((elapsed_s * pool.n_cpus[jobs.request]).sum()),
    }


def _pieces(plan: Plan, pool: ResourcePool) -> Iterator[DrawnJobs]:
    for first_row in range(0, plan.n_jobs, ROWS_PER_PIECE):
        yield draw_jobs(plan, pool, first_row, min(ROWS_PER_PIECE, plan.n_jobs - first_row))


def write_export(
    stream: BinaryIO, plan: Plan, form: Form, probe: Probe | None = None
) -> dict[str, float]:
    """Write the export piece by piece and return its totals.

    Returns
    -------
    dict
        n_jobs (runs), n_steps (0 without step rows), n_started, n_open, elapsed_s, gpu_s, cpu_s
        (allocated CPUs x elapsed) [s], bytes; and probe_* when a probe is given.
    """
    pool = build_pool(plan.seed)
    header = ("|".join(COLUMNS) + "\n").encode()
    totals: dict[str, float] = {"bytes": len(header)}
    stream.write(header)
    for jobs in _pieces(plan, pool):
        rows = _allocation_rows(jobs, pool, form)
        if form.steps:
            steps = [_step_rows(jobs, pool, form, step) for step in ("batch", "extern")]
            rows = joined(rows, *steps)
        written = rows_as_bytes(rows)
        stream.write(written)
        figures = _totals(jobs, pool) | {"bytes": len(written)}
        if probe is not None:
            figures |= _probe_totals(jobs, pool, probe)
        for name, value in figures.items():
            totals[name] = totals.get(name, 0) + value
    return totals if form.steps else totals | {"n_steps": 0}


def _midnight(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    parser.add_argument("--jobs", type=int, required=True, help="runs to write")
    parser.add_argument("--out", required=True, help="file to write; - is stdout")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes")
    parser.add_argument("--steps", action="store_true", help="add .batch and .extern rows")
    parser.add_argument("--epochs", action="store_true", help="seconds since 1970, not ISO text")
    parser.add_argument("--start", type=_midnight, default="2026-01-01", help="first day, UTC")
    parser.add_argument("--days", type=int, default=365, help="days covered")
    parser.add_argument("--totals", type=Path, help="write the totals here, too")
    parser.add_argument("--probe-user", help="total this user apart, as user0007, ...")
    parser.add_argument(
        "--probe-start", type=_midnight, help="... over the week from this day, UTC"
    )
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    """Write one export and print its totals as JSON on stderr."""
    arguments = _arguments(words)
    end = arguments.start + timedelta(days=arguments.days)
    plan = Plan(
        arguments.jobs, arguments.seed, int(arguments.start.timestamp()), int(end.timestamp())
    )
    form = Form(epochs=arguments.epochs, steps=arguments.steps)
    probe = None
    if arguments.probe_user:
        start_s = int(arguments.probe_start.timestamp())
        probe = Probe(arguments.probe_user, start_s, start_s + 7 * 86_400)
    if arguments.out == "-":
        totals = write_export(sys.stdout.buffer, plan, form, probe)
    else:
        with Path(arguments.out).open("wb") as stream:
            totals = write_export(stream, plan, form, probe)
    print(json.dumps(totals), file=sys.stderr)
    if arguments.totals:
        arguments.totals.write_text(json.dumps(totals), encoding="utf-8")


if __name__ == "__main__":
    main()
