"""Runs that failed: what a short test first, or more memory, would have spared."""

import math

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import AdviceSettings, runs, saving
from auditor.recommend.language import KUBERNETES, SLURM, scheduler_of
from auditor.units import BYTES_PER_GIB, carbon_text

BLAMED_STATES = ("FAILED", "OUT_OF_MEMORY", "DEADLINE")
# The machine's doing: counted beside the advice, never in its saving.
UNBLAMED_STATES = ("NODE_FAIL", "BOOT_FAIL")
_JOB = ["user", "job_name", "partition"]
_FIRST_TRY = 2


def lost_work(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise a short test before the long run, or more memory where that was all they lacked.

    The saving is all that the failed runs emitted. That is an upper limit: it takes each of them
    as a run that had to be repeated and that a test, or the memory, would have spared.
    """
    lost = rows[rows["state"].isin(BLAMED_STATES) & (rows["elapsed_s"] > 0)]
    spared = saving(lost, np.ones(len(lost)))
    if not spared.is_worth_saying(settings):
        return None
    scheduler = scheduler_of(rows)
    n_out_of_memory = int((lost["state"] == "OUT_OF_MEMORY").sum())
    by_the_machine = rows[rows["state"].isin(UNBLAMED_STATES)]
    remedy = _memory if n_out_of_memory == len(lost) else _test
    advice, command = remedy(lost, scheduler, settings)
    how = _how_many(n_out_of_memory, len(lost), scheduler)
    return Recommendation(
        rule="lost_work",
        text=f"{runs(len(lost))} failed{how} after emitting {carbon_text(spared.central_g)}. "
        f"{advice}",
        command=command,
        saving_g=spared.central_g,
        saving_low_g=spared.low_g,
        saving_high_g=spared.high_g,
        saving_wh=spared.energy_wh,
        evidence={
            "scheduler": scheduler,
            "n_runs": len(lost),
            "n_out_of_memory": n_out_of_memory,
            "core_s": float(lost["core_s"].sum()),
            "gpu_s": float(lost["gpu_s"].sum()),
            "n_node_failures": len(by_the_machine),
            "node_failures_g": float(by_the_machine["carbon_g"].sum()),
            "saving_is": "upper limit",
        },
    )


def _how_many(n_out_of_memory: int, n_lost: int, scheduler: str) -> str:
    if not n_out_of_memory:
        return ""
    killed = "out of memory (OOMKilled)" if scheduler == KUBERNETES else "out of memory"
    if n_out_of_memory < n_lost:
        return f", {n_out_of_memory:,} of them {killed},"
    return f", all of them {killed}," if n_lost > 1 else f", {killed},"


def _test(_lost: pd.DataFrame, scheduler: str, settings: AdviceSettings) -> tuple[str, str]:
    """Return advice and command for runs whose fault a short one may show."""
    what, command = "A short test first", ""
    if scheduler == KUBERNETES:
        what += ", as a Job with this spec besides its template,"
        command = f"spec: {{activeDeadlineSeconds: {settings.test_limit_s}, backoffLimit: 0}}"
    elif scheduler == SLURM:
        minutes, seconds = divmod(settings.test_limit_s, 60)
        hours, minutes = divmod(minutes, 60)
        command = f"sbatch --time={hours:02}:{minutes:02}:{seconds:02} job.sh"
    return f"{what} saves at most that, if it shows the fault that ended the long run.", command


def _memory(lost: pd.DataFrame, scheduler: str, _settings: AdviceSettings) -> tuple[str, str]:
    """Return advice and command for runs that were killed for their memory.

    What they would have needed nobody saw. Twice the most that they held is a first try, for the
    runs of one job only; of pods the book has no limit, which may be above what they asked for.
    """
    what = "A higher memory limit" if scheduler == KUBERNETES else "More memory"
    text = (
        f"{what}, where the work cannot do with less, saves at most that, if nothing else was "
        "missing."
    )
    n_bytes = float((lost["memory_bytes"] / np.fmax(lost["n_nodes"].to_numpy(), 1.0)).max())
    if scheduler != SLURM or not n_bytes > 0 or len(lost[_JOB].drop_duplicates()) > 1:
        return text, ""
    n_gib = math.ceil(_FIRST_TRY * n_bytes / BYTES_PER_GIB)
    return (
        f"{text} A first try is twice the most that its runs held: {n_gib:,} GiB a node.",
        f"sbatch --mem={n_gib}G job.sh",
    )
