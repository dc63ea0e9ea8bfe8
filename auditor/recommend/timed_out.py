"""Runs that met their time limit: checkpoints, or a longer limit."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import AdviceSettings, runs, saving
from auditor.recommend.language import KUBERNETES, SLURM, scheduler_of
from auditor.units import carbon_text, hours_text


def timed_out(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise checkpoints before the time limit.

    The saving is all that the runs emitted. That is an upper limit: a run that already writes
    checkpoints has lost only the work since the last one.
    """
    late = rows[(rows["state"] == "TIMEOUT") & (rows["elapsed_s"] > 0)]
    spared = saving(late, np.ones(len(late)))
    if not spared.is_worth_saying(settings):
        return None
    scheduler = scheduler_of(rows)
    what = "activeDeadlineSeconds" if scheduler == KUBERNETES else "the time limit"
    limits_s = late["time_limit_s"]
    longest_s = float(limits_s[np.isfinite(limits_s)].max())
    evidence: dict[str, str | int | float] = {
        "scheduler": scheduler,
        "n_runs": len(late),
        "core_s": float(late["core_s"].sum()),
        "gpu_s": float(late["gpu_s"].sum()),
        "saving_is": "upper limit",
    }
    limit = ""
    if not np.isnan(longest_s):
        evidence["longest_time_limit_s"] = longest_s
        limit = f" (at most {hours_text(longest_s)})"
    return Recommendation(
        rule="timed_out",
        text=f"{runs(len(late))} met {what}{limit} after emitting "
        f"{carbon_text(spared.central_g)}. A checkpoint {_when(scheduler, settings)}, or a longer "
        "limit, saves at most that.",
        command=_command(scheduler, settings),
        saving_g=spared.central_g,
        saving_low_g=spared.low_g,
        saving_high_g=spared.high_g,
        saving_wh=spared.energy_wh,
        evidence=evidence,
    )


def _when(scheduler: str, settings: AdviceSettings) -> str:
    minutes = f"{settings.checkpoint_notice_s // 60} minutes"
    if scheduler == KUBERNETES:
        return f"on SIGTERM, with {minutes} in the pod's spec to write it"
    return f"{minutes} before the end"


def _command(scheduler: str, settings: AdviceSettings) -> str:
    if scheduler == KUBERNETES:
        return f"terminationGracePeriodSeconds: {settings.checkpoint_notice_s}"
    if scheduler != SLURM:
        return ""
    return f"sbatch --requeue --signal=B:USR1@{settings.checkpoint_notice_s} job.sh"
