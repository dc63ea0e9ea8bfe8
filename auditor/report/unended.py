"""What is said of runs that had not ended, and of those that only the scheduler calls running.

A command names the run itself. Names of pods are from outside: they become part of one only where
they are names that Kubernetes would take, which hold nothing that a shell reads.
"""

import re

from auditor.report.doubts import OpenRun, OpenRuns, Runaway
from auditor.report.filters import count_text, hours_number, percent_text
from auditor.units import carbon_text

_SLURM, _KUBERNETES = "slurm", "kubernetes"
# What keeps its pods up until somebody ends it: asking whether they still run tells nothing.
_SERVICES = (
    "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Notebook",
    "InferenceService",
)  # fmt: skip
_SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
_OBJECT = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_JOB = re.compile(r"\d+(?:[_+]\d+)?")
_ENDS_LATER = "Once it has ended, the next collection or export has its end."


def open_text(n_open: int, known: OpenRuns) -> str:
    """Say how many runs had not ended, what of the carbon is theirs, and which is the largest."""
    until = "the moment of the export"
    if known.schedulers == (_KUBERNETES,):
        until = "when they were last seen" if n_open > 1 else "when it was last seen"
    text = f"{count_text(n_open, 'run')} had not ended, counted up to {until}"
    run = known.largest
    if run is not None and known.carbon_ratio is not None:
        whose = f" of {run.user}" if run.user else ""
        which = "the largest is " if n_open > 1 else ""
        text += (
            f": {percent_text(known.carbon_ratio)} of the carbon; {which}{run.job_id}{whose} on "
            f"{run.cluster} with {carbon_text(run.carbon_g)} in {hours_number(run.elapsed_s)} h"
        )
    if known.n_without_limit:
        text += f"; {_without_limit(known.n_without_limit, n_open)} no known time limit"
    return f"{text}."


def open_hint(known: OpenRuns) -> str:
    """Say what can be asked of the largest run that had not ended, in its scheduler's words."""
    run = known.largest
    if run is None:
        return _ENDS_LATER
    if run.scheduler == _KUBERNETES and (service := _service_hint(run)):
        return service
    command = _command(run.scheduler, run.job_id)
    return f"Ask whether it still runs: {command}. {_ENDS_LATER}" if command else _ENDS_LATER


def runaway_hint(runaways: tuple[Runaway, ...]) -> str:
    """Say what can be done about them, in each scheduler's words; the oldest books name none."""
    hints: dict[str, str] = {}
    for one in runaways:
        scheduler = one.scheduler or _SLURM
        hints.setdefault(scheduler, _runaway_hint(scheduler, one.job_id))
    return " ".join(hint for _, hint in sorted(hints.items()) if hint)


def _runaway_hint(scheduler: str, job_id: str) -> str:
    if scheduler == _SLURM:
        return "An operator can end them: sacctmgr show runawayjobs."
    command = _command(scheduler, job_id)
    return f"`{command}` says whether it still runs." if command else ""


def _service_hint(run: OpenRun) -> str:
    namespace, kind, name = _owner(run)
    if kind not in _SERVICES:
        return ""
    end = ""
    if kind in _SCALABLE and _OBJECT.fullmatch(namespace) and _OBJECT.fullmatch(name):
        end = f"; `kubectl -n {namespace} scale {kind.lower()}/{name} --replicas=0` ends it"
    return f"{kind} {name} runs until somebody ends it. Ask whether it is still needed{end}."


def _owner(run: OpenRun) -> tuple[str, str, str]:
    """Return namespace, kind and name of what a pod belongs to; '' where nothing owns it."""
    parts = (run.parent_job_id or "").split("/", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")  # noqa: PLR2004


def _command(scheduler: str | None, job_id: str) -> str:
    if scheduler == _SLURM:
        return f"squeue -j {job_id}" if _JOB.fullmatch(job_id) else ""
    namespace, _, name = job_id.partition("/")
    if scheduler != _KUBERNETES or not (_OBJECT.fullmatch(namespace) and _OBJECT.fullmatch(name)):
        return ""
    return f"kubectl get pod -n {namespace} {name}"


def _without_limit(n_without: int, n_open: int) -> str:
    if n_without < n_open:
        return f"{n_without:,} of them {'has' if n_without == 1 else 'have'}"
    return "it has" if n_open == 1 else "they have"
