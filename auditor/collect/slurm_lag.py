"""Find out whether accounting knows yet what slurmctld knows.

While slurmdbd is away slurmctld keeps its records and sends them later, so a complete answer of
sacct may still lack runs. Two things tell: jobs that run by squeue and are unknown to sacct, and
the queue of unsent records in sdiag. Records leave that queue in the order in which they came, and
not before slurmdbd has taken them: where it was empty once, accounting has all that ended before.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import pairwise

from auditor.collect.slurm_command import SlurmHost, run_text

# A record takes a moment from slurmctld to slurmdbd.
_SETTLED_AFTER = timedelta(minutes=5)
# So many unsent records are more than a busy minute; fewer than so many are always on their way
# at a busy site; a handful says nothing where it was counted twice alike.
_MANY_RECORDS = 1000
_FEW_RECORDS = 100
_HANDFUL = 10
_N_LOOKS = 11
_BETWEEN_LOOKS_S = 1.0
_QUEUE = re.compile(r"^DBD Agent queue size:\s*(\d+)", re.MULTILINE)
_RUNNING = "RUNNING,SUSPENDED,STOPPED,COMPLETING"


@dataclass(frozen=True)
class Controller:
    """What slurmctld says: raw ids of running jobs with their start."""

    running: dict[str, datetime]


def ask_controller(host: SlurmHost) -> Controller:
    """Ask slurmctld for running jobs.

    Raises
    ------
    CollectError
        As `slurm_command.running` does.
    """
    command = ["squeue", *host.cluster_options, "-ah", "-t", _RUNNING, "-o", "%A|%S|%T"]
    return Controller(_running_jobs(run_text(host, command)))


def ask_unsent(host: SlurmHost) -> int | None:
    """Ask sdiag how many records wait for slurmdbd.

    Raises
    ------
    CollectError
        As `slurm_command.running` does.
    """
    found = _QUEUE.search(run_text(host, ["sdiag", *host.cluster_options]))
    return None if found is None else int(found[1])


class QueueState(Enum):
    """What the records that wait for slurmdbd say of accounting."""

    EMPTY = "empty"  # it has all that ended before
    MOVING = "moving"  # few records, and slurmdbd takes them
    WAITING = "waiting"
    UNKNOWN = "unknown"


def watch_queue(
    host: SlurmHost, sleep: Callable[[float], None], should_stop: Callable[[], bool]
) -> tuple[int, ...]:
    """Look at the queue of unsent records until it is empty, for ten seconds at most.

    Returns
    -------
    Its lengths, the last one 0 where it was empty; none where sdiag does not say.

    Raises
    ------
    CollectError
        As `slurm_command.running` does.
    """
    lengths: list[int] = []
    while len(lengths) < _N_LOOKS:
        length = ask_unsent(host)
        if length is None:
            return ()
        lengths.append(length)
        if length == 0 or should_stop():
            break
        sleep(_BETWEEN_LOOKS_S)
    return tuple(lengths)


def judge_queue(lengths: Sequence[int]) -> QueueState:
    """Say what the lengths of the queue mean, one after the other as `watch_queue` saw them.

    A short queue that only grows is no sign that slurmdbd takes anything.
    """
    if not lengths:
        return QueueState.UNKNOWN
    if lengths[-1] == 0:
        return QueueState.EMPTY
    sinks = any(later < earlier for earlier, later in pairwise(lengths))
    return QueueState.MOVING if sinks and max(lengths) < _FEW_RECORDS else QueueState.WAITING


def settled_jobs(controller: Controller, asked_utc: datetime) -> dict[str, datetime]:
    """Return the running jobs that accounting must know by now."""
    latest = asked_utc - _SETTLED_AFTER
    return {job: start for job, start in controller.running.items() if start <= latest}


def is_stuck(n_before: int | None, n_after: int | None) -> bool:
    """Tell whether the queue of unsent records is long, or got no shorter while we looked.

    A handful that got no shorter is no sign: at a busy site they are others each time.
    """
    if not n_after:
        return False
    got_no_shorter = bool(n_before) and n_after >= max(n_before or 0, _HANDFUL)
    return n_after >= _MANY_RECORDS or got_no_shorter


def _running_jobs(listing: str) -> dict[str, datetime]:
    found = {}
    for line in listing.splitlines():
        job, _, rest = line.partition("|")
        start = rest.partition("|")[0]
        if job.isdigit() and start.isdigit():
            found[job] = datetime.fromtimestamp(int(start), UTC)
    return found
