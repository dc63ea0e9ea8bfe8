"""Facts about one Slurm cluster that the collection itself does not ask for."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from auditor.collect.slurm_command import SlurmHost, run_text
from auditor.collect.slurm_lag import ask_controller
from auditor.settings.cluster import Cluster
from auditor.settings.models import Settings
from auditor.wiring.collecting import slurm_host

PROGRAMS = ("sacct", "sacctmgr", "scontrol", "sdiag", "sinfo", "squeue")
_TIMEOUT_S = 60.0
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\S+)?")
_SERVER_TIME = re.compile(r"^sdiag output at .*\((\d+)\)", re.MULTILINE)
_GATHER = re.compile(r"^JobAcctGatherType\s*=\s*(\S+)", re.MULTILINE)
# Accounting hears of a job's end a moment later.
_SETTLED_AFTER = timedelta(minutes=5)
_A_WHILE = timedelta(hours=1)
_MOST_SUSPECTS = 100
_GOING_ON = frozenset({"RUNNING", "SUSPENDED"})
_GPU = re.compile(r"\bgpu\b")


@dataclass(frozen=True)
class ClockOffset:
    """How far this host's clock is ahead of slurmctld's, and how wide of the mark that may be."""

    ahead: timedelta
    doubt: timedelta


def patient_host(settings: Settings, cluster: Cluster) -> SlurmHost:
    """Say where a cluster's commands are; the doctor waits at most a minute for each."""
    host = slurm_host(settings, cluster)
    return replace(host, timeout_s=min(_TIMEOUT_S, host.timeout_s))


def missing_programs(host: SlurmHost) -> tuple[str, ...]:
    """Return the commands that are not there."""
    return tuple(name for name in PROGRAMS if shutil.which(name, path=host.path) is None)


def ask_version(host: SlurmHost) -> tuple[int, int] | None:
    """Ask which Slurm it is: (22, 5); None if the answer is not understood."""
    found = _VERSION.search(run_text(host, ["sacct", "--version"]))
    return None if found is None else (int(found[1]), int(found[2]))


def ask_gather_type(host: SlurmHost) -> str | None:
    """Ask slurmctld what gathers the usage of jobs (JobAcctGatherType)."""
    found = _GATHER.search(run_text(host, ["scontrol", "-M", host.cluster, "show", "config"]))
    return None if found is None else found[1]


def has_gpus(host: SlurmHost) -> bool:
    """Ask sinfo whether any node has accelerators."""
    return bool(_GPU.search(run_text(host, ["sinfo", "-M", host.cluster, "-ah", "-o", "%G"])))


def ask_offset(host: SlurmHost, now_utc: Callable[[], datetime]) -> ClockOffset | None:
    """Compare this host's clock with slurmctld's, which sdiag prints in whole seconds."""
    before_utc = now_utc()
    text = run_text(host, ["sdiag", "-M", host.cluster])
    after_utc = now_utc()
    found = _SERVER_TIME.search(text)
    if found is None:
        return None
    middle_utc = before_utc + (after_utc - before_utc) / 2
    server_utc = datetime.fromtimestamp(int(found[1]), UTC) + timedelta(seconds=0.5)
    doubt = (after_utc - before_utc) / 2 + timedelta(seconds=0.5)
    return ClockOffset(middle_utc - server_utc, doubt)


def runaway_jobs(host: SlurmHost, now_utc: datetime) -> tuple[str, ...]:
    """Find jobs that accounting takes for running and slurmctld does not know.

    `sacctmgr show runawayjobs` would tell, too, and then offers to end them; nothing here may.
    A job may end between two questions, so that accounting is asked twice.
    """
    span = ["-S", _local(now_utc - _A_WHILE), "-E", _local(now_utc)]
    suspects = _open_jobs(host, span, now_utc) - ask_controller(host).running.keys()
    if not suspects:
        return ()
    chosen = sorted(suspects, key=int)[:_MOST_SUSPECTS]
    return tuple(sorted(_open_jobs(host, ["-j", ",".join(chosen)], now_utc), key=int))


def _open_jobs(host: SlurmHost, which: list[str], now_utc: datetime) -> set[str]:
    """Return the jobs that have begun a while ago and have no end, by sacct."""
    command = ["sacct", "-M", host.cluster, "-aDXnP", *which, "-o", "JobIDRaw,State,Start,End"]
    rows = (line.split("|") for line in run_text(host, command).splitlines())
    latest_s = (now_utc - _SETTLED_AFTER).timestamp()
    return {
        job
        for job, state, start, end in rows
        if state in _GOING_ON and not end.isdigit() and start.isdigit() and int(start) < latest_s
    }


def _local(instant_utc: datetime) -> str:
    """Write an instant as sacct reads it with TZ=UTC."""
    return instant_utc.strftime("%Y-%m-%dT%H:%M:%S")
