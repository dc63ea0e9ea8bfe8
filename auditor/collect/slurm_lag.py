"""Find out whether accounting knows yet what slurmctld knows.

While slurmdbd is away slurmctld keeps its records and sends them later, so a complete answer of
sacct may still lack runs. Two things tell: jobs that run by squeue and are unknown to sacct, and a
queue of unsent records in sdiag that does not get shorter.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from auditor.collect.slurm_command import SlurmHost, run_text

# A record takes a moment from slurmctld to slurmdbd.
_SETTLED_AFTER = timedelta(minutes=5)
# So many unsent records are more than a busy minute.
_MANY_RECORDS = 1000
_QUEUE = re.compile(r"^DBD Agent queue size:\s*(\d+)", re.MULTILINE)
_RUNNING = "RUNNING,SUSPENDED,STOPPED,COMPLETING"


@dataclass(frozen=True)
class Controller:
    """What slurmctld says: raw ids of running jobs with their start, records not sent yet.

    `n_unsent` is None where sdiag does not say.
    """

    running: dict[str, datetime]
    n_unsent: int | None


def ask_controller(host: SlurmHost) -> Controller:
    """Ask slurmctld for running jobs and the records that it has not sent.

    Raises
    ------
    CollectError
        As `slurm_command.running` does.
    """
    command = ["squeue", *host.cluster_options, "-ah", "-t", _RUNNING, "-o", "%A|%S|%T"]
    listing = run_text(host, command)
    return Controller(_running_jobs(listing), ask_unsent(host))


def ask_unsent(host: SlurmHost) -> int | None:
    """Ask sdiag how many records wait for slurmdbd.

    Raises
    ------
    CollectError
        As `slurm_command.running` does.
    """
    found = _QUEUE.search(run_text(host, ["sdiag", *host.cluster_options]))
    return None if found is None else int(found[1])


def settled_jobs(controller: Controller, asked_utc: datetime) -> dict[str, datetime]:
    """Return the running jobs that accounting must know by now."""
    latest = asked_utc - _SETTLED_AFTER
    return {job: start for job, start in controller.running.items() if start <= latest}


def is_stuck(n_before: int | None, n_after: int | None) -> bool:
    """Tell whether the queue of unsent records is long, or got no shorter while we looked."""
    if not n_after:
        return False
    return n_after >= _MANY_RECORDS or (bool(n_before) and n_after >= (n_before or 0))


def _running_jobs(listing: str) -> dict[str, datetime]:
    found = {}
    for line in listing.splitlines():
        job, _, rest = line.partition("|")
        start = rest.partition("|")[0]
        if job.isdigit() and start.isdigit():
            found[job] = datetime.fromtimestamp(int(start), UTC)
    return found
