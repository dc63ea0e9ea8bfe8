"""Move all that accounting knows into the past, so that sreport has rolled it up."""

import time
from pathlib import Path

from .cluster import Slurm, wait_until
from .oracle import Span

HOUR_S = 3600
_MOVE_BACK = Path(__file__).with_name("move_back.sql")


def move_back(slurm: Slurm) -> Span:
    """Move every record back by an hour, have slurmdbd roll up, return the hours that are over.

    slurmdbd rolls up hours that are over, when it starts and at each full hour, from where
    `last_ran` says that it was.
    """
    slurm.stop_slurmdbd()
    slurm.sql(_MOVE_BACK.read_text())
    first_s = int(slurm.sql("select min(time_submit) from small_job_table"))
    full_hour_s = int(time.time()) // HOUR_S * HOUR_S
    slurm.start_slurmdbd()
    reached = "select hourly_rollup from small_last_ran_table"
    wait_until(lambda: int(slurm.sql(reached)) >= full_hour_s, "slurmdbd to roll up the hours")
    return Span(first_s // HOUR_S * HOUR_S, full_hour_s)
