"""Turn one job record of Slurm's JSON into rows with the field names and spellings of sacct."""

from collections.abc import Mapping
from typing import Any

from auditor.normalize.json_spelling import (
    JsonValue,
    cpu_seconds,
    digits,
    instant,
    limit_minutes,
    member,
    number,
    requested_memory,
    state,
    task_ranges,
    text,
    tres,
    tres_count,
    wckey,
)

Row = dict[str, str]

_NAMES = (
    "JobID JobIDRaw Cluster User Account Partition QOS WCKey State Submit Eligible Start End "
    "ElapsedRaw Suspended TimelimitRaw ReqCPUS AllocCPUS AllocNodes NTasks ReqMem "
    "AllocTRES TotalCPU UserCPU SystemCPU MaxRSS TRESUsageInAve TRESUsageInTot "
    "ConsumedEnergyRaw NodeList JobName Restarts"
)
JSON_FIELDS = tuple(_NAMES.split())


def is_job(record: JsonValue) -> bool:
    """Say whether a record is accounting of a job: an id, and its times as a group."""
    has_id = bool(digits(member(record, "job_id")))
    return has_id and isinstance(member(record, "time"), Mapping)


def is_queued_job(record: JsonValue) -> bool:
    """Say whether a record comes from the queue (squeue), which is no accounting."""
    return member(record, "job_state") is not None and member(record, "time") is None


def job_rows(job: Mapping[str, Any]) -> list[Row]:
    """Return the row of a job and those of its steps, in this order.

    Fields that have no value are left out. CPU time that the job does not state (Slurm 22.05
    writes 0) is the sum over its steps.
    """
    raw_id = digits(job["job_id"])
    job_id = _job_id(job, raw_id)
    steps = [step for step in job.get("steps") or () if isinstance(step, Mapping)]
    step_rows = [_step_row(step, job_id, raw_id) for step in steps]
    return [_allocation_row(job, job_id, raw_id, steps), *step_rows]


def _job_id(job: Mapping[str, Any], raw_id: str) -> str:
    """Return the id as people know it: 14_4, 16_[10,20], 21+0 or the raw id."""
    array_id = digits(member(job, "array", "job_id"))
    task = digits(member(job, "array", "task_id"))
    pending = task_ranges(member(job, "array", "task"))
    leader = digits(member(job, "het", "job_id"))
    offset = digits(member(job, "het", "job_offset"))
    if array_id not in ("", "0") and task:
        return f"{array_id}_{task}"
    if array_id not in ("", "0") and pending:
        return f"{array_id}_[{pending}]"
    if leader not in ("", "0") and offset:
        return f"{leader}+{offset}"
    return raw_id


def _allocation_row(
    job: Mapping[str, Any], job_id: str, raw_id: str, steps: list[Mapping[str, Any]]
) -> Row:
    time = job["time"]
    allocated, requested = member(job, "tres", "allocated"), member(job, "tres", "requested")
    return {
        "JobID": job_id,
        "JobIDRaw": raw_id,
        "Cluster": text(job.get("cluster")) or text(member(job, "association", "cluster")),
        "User": text(job.get("user")) or text(member(job, "association", "user")),
        "Account": text(job.get("account")),
        "Partition": text(job.get("partition")),
        "QOS": text(job.get("qos")),
        "WCKey": wckey(job.get("wckey")),
        "State": state(job.get("state")),
        "Submit": instant(time.get("submission")),
        "Eligible": instant(time.get("eligible")),
        "Start": instant(time.get("start")),
        "End": instant(time.get("end")),
        "ElapsedRaw": digits(time.get("elapsed")),
        "Suspended": digits(time.get("suspended")),
        "TimelimitRaw": limit_minutes(time.get("limit")),
        "ReqCPUS": digits(member(job, "required", "CPUs")),
        "AllocCPUS": tres_count(allocated, "cpu"),
        "AllocNodes": digits(job.get("allocation_nodes")),
        "ReqMem": requested_memory(job.get("required"), requested),
        "AllocTRES": tres(allocated, "M"),
        **_cpu_times(job, steps),
        "ConsumedEnergyRaw": tres_count(allocated, "energy"),
        "NodeList": text(job.get("nodes")),
        "JobName": text(job.get("name")),
        "Restarts": digits(job.get("restart_cnt")),
    }


def _cpu_times(job: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> Row:
    stated = {name: cpu_seconds(member(job, "time", name)) for name in ("total", "user", "system")}
    if not any(stated.values()) and steps:
        for name in stated:
            stated[name] = sum(cpu_seconds(member(step, "time", name)) for step in steps)
    elif not any(stated.values()):
        return {}
    total_s = stated["total"] or stated["user"] + stated["system"]
    return {
        "TotalCPU": seconds_text(total_s),
        "UserCPU": seconds_text(stated["user"]),
        "SystemCPU": seconds_text(stated["system"]),
    }


def seconds_text(duration_s: float) -> str:
    """Return CPU time as sacct prints it: [days-]hh:mm:ss, mm:ss.mmm below an hour."""
    whole_s = int(duration_s)
    minutes, seconds = divmod(whole_s, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if not days and not hours:
        milliseconds = int((duration_s - whole_s) * 1000)
        return f"{minutes:02d}:{seconds:02d}.{milliseconds:03d}"
    clock = f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    return f"{days}-{clock}" if days else clock


def _step_row(step: Mapping[str, Any], job_id: str, raw_id: str) -> Row:
    suffix = _step_suffix(step)
    time = step.get("time")
    usage = member(step, "tres", "requested")
    return {
        "JobID": f"{job_id}.{suffix}",
        "JobIDRaw": f"{raw_id}.{suffix}",
        "State": state(step.get("state")),
        "Start": instant(member(time, "start")),
        "End": instant(member(time, "end")),
        "ElapsedRaw": digits(member(time, "elapsed")),
        "Suspended": digits(member(time, "suspended")),
        "AllocTRES": tres(member(step, "tres", "allocated"), "M"),
        "NTasks": digits(member(step, "tasks", "count")),
        "TotalCPU": seconds_text(cpu_seconds(member(time, "total"))),
        "UserCPU": seconds_text(cpu_seconds(member(time, "user"))),
        "SystemCPU": seconds_text(cpu_seconds(member(time, "system"))),
        "MaxRSS": tres_count(member(usage, "max"), "mem"),
        "TRESUsageInAve": tres(member(usage, "average"), ""),
        "TRESUsageInTot": tres(member(usage, "total"), ""),
        "ConsumedEnergyRaw": _energy(member(step, "statistics", "energy", "consumed")),
        "NodeList": text(member(step, "nodes", "range")),
        "JobName": text(member(step, "step", "name")),
    }


def _step_suffix(step: Mapping[str, Any]) -> str:
    """Return 'batch', 'extern' or '0' from an object, a number, or text like '9.batch'."""
    stated = member(step, "step", "id")
    if isinstance(stated, Mapping):
        stated = member(stated, "step_id")
    suffix = text(stated)
    return suffix.partition(".")[2] or suffix or text(member(step, "step", "name")) or "unknown"


def _energy(value: JsonValue) -> str:
    return "" if number(value) is None else digits(value)
