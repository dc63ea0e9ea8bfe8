"""Runs that failed: what a short test first would have spared."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import AdviceSettings, runs, saving
from auditor.recommend.language import KUBERNETES, SLURM, scheduler_of
from auditor.units import carbon_text

BLAMED_STATES = ("FAILED", "OUT_OF_MEMORY", "DEADLINE")
# The machine's doing: counted beside the advice, never in its saving.
UNBLAMED_STATES = ("NODE_FAIL", "BOOT_FAIL")


def lost_work(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise a short test before the long run.

    The saving is all that the failed runs emitted. That is an upper limit: it takes each of them
    as a run that had to be repeated and that a test would have stopped at its start.
    """
    lost = rows[rows["state"].isin(BLAMED_STATES) & (rows["elapsed_s"] > 0)]
    spared = saving(lost, np.ones(len(lost)))
    if not spared.is_worth_saying(settings):
        return None
    scheduler = scheduler_of(rows)
    n_out_of_memory = int((lost["state"] == "OUT_OF_MEMORY").sum())
    by_the_machine = rows[rows["state"].isin(UNBLAMED_STATES)]
    killed = "out of memory (OOMKilled)" if scheduler == KUBERNETES else "out of memory"
    how = f", {n_out_of_memory:,} of them {killed}," if n_out_of_memory else ""
    return Recommendation(
        rule="lost_work",
        text=f"{runs(len(lost))} failed{how} after emitting {carbon_text(spared.central_g)}. "
        f"{_test_of(scheduler)} saves at most that, if it shows the fault that ended the long run.",
        command=_command(scheduler, settings),
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


def _test_of(scheduler: str) -> str:
    if scheduler == KUBERNETES:
        return "A short test first, as a Job with this spec besides its template,"
    return "A short test first"


def _command(scheduler: str, settings: AdviceSettings) -> str:
    if scheduler == KUBERNETES:
        return f"spec: {{activeDeadlineSeconds: {settings.test_limit_s}, backoffLimit: 0}}"
    if scheduler != SLURM:
        return ""
    minutes, seconds = divmod(settings.test_limit_s, 60)
    hours, minutes = divmod(minutes, 60)
    return f"sbatch --time={hours:02}:{minutes:02}:{seconds:02} job.sh"
