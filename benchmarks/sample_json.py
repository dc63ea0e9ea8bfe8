"""Write runs as `sacct --json` does (data parser v0.0.40 of Slurm 23.11)."""

import json

from benchmarks.sample_runs import Run
from benchmarks.sample_text import cpu_time_s, gpu_percent, max_rss_bytes, n_tasks, node_list

Json = dict[str, object]


def _set(value: int | None) -> Json:
    """Write a number in Slurm's way of telling 0 from nothing."""
    return {"set": value is not None, "infinite": False, "number": value or 0}


def _exit_code(run: Run) -> Json:
    code, signal = (int(part) for part in run.exit_code.split(":"))
    return {
        "status": ["SUCCESS" if run.exit_code == "0:0" else "ERROR"],
        "return_code": _set(code),
        "signal": {"id": _set(signal or None), "name": ""},
    }


def _tres(run: Run) -> list[Json]:
    rows: list[Json] = [
        {"type": "cpu", "name": "", "id": 1, "count": run.n_cpus},
        {"type": "mem", "name": "", "id": 2, "count": run.memory_mib * run.work.n_nodes},
        {"type": "node", "name": "", "id": 4, "count": run.work.n_nodes},
        {"type": "billing", "name": "", "id": 5, "count": run.n_cpus},
    ]
    if run.n_gpu:
        rows.append({"type": "gres", "name": "gpu", "id": 1001, "count": run.n_gpu})
        rows.append({"type": "gres", "name": f"gpu:{run.kind.gres}", "id": 1002,
                     "count": run.n_gpu})  # fmt: skip
    return rows


def _spent(run: Run) -> Json:
    seconds = int(cpu_time_s(run))
    used = {"seconds": seconds, "microseconds": 0}
    none = {"seconds": 0, "microseconds": 0}
    return {"system": none, "total": used, "user": used}


def _step(run: Run) -> Json:
    memory, percent = max_rss_bytes(run), gpu_percent(run)
    usage: list[Json] = [{"type": "mem", "name": "", "id": 2, "count": memory}]
    if percent is not None:
        usage.append({"type": "gres", "name": "gpuutil", "id": 1003, "count": percent})
    used = usage if run.end_s is not None else []
    name = "0" if n_tasks(run) > 1 else "batch"
    return {
        "time": {"elapsed": run.elapsed_s, "start": _set(run.start_s), "end": _set(run.end_s),
                 "suspended": 0, **_spent(run)},
        "exit_code": _exit_code(run),
        "nodes": {"count": run.work.n_nodes, "range": node_list(run.nodes),
                  "list": list(run.nodes)},
        "tasks": {"count": n_tasks(run)},
        "state": [run.state],
        "statistics": {"CPU": {"actual_frequency": 0}, "energy": {"consumed": _set(None)}},
        "step": {"id": f"{run.raw_id}.{name}", "name": name},
        "tres": {"requested": {"max": used, "min": [], "average": used, "total": []},
                 "consumed": {"max": [], "min": [], "average": [], "total": []},
                 "allocated": _tres(run)},
    }  # fmt: skip


def _job(run: Run) -> Json:
    started = run.start_s is not None
    return {
        "account": run.work.account, "allocation_nodes": run.work.n_nodes if started else 0,
        "array": {"job_id": 0, "limits": {"max": {"running": {"tasks": 0}}},
                  "task_id": _set(None), "task": ""},
        "cluster": run.kind.cluster, "constraints": "", "exit_code": _exit_code(run),
        "derived_exit_code": _exit_code(run), "flags": ["STARTED_ON_SUBMIT"],
        "het": {"job_id": 0, "job_offset": _set(None)}, "job_id": run.raw_id,
        "name": run.work.name, "nodes": node_list(run.nodes), "partition": run.kind.partition,
        "qos": "normal",
        "required": {"CPUs": run.n_cpus, "memory_per_cpu": _set(None),
                     "memory_per_node": _set(run.memory_mib)},
        "kill_request_user": "" if run.killed_by is None else run.work.user,
        "state": {"current": [run.state], "reason": run.reason},
        "steps": [_step(run)] if started else [],
        "time": {"elapsed": run.elapsed_s, "eligible": run.eligible_s,
                 "submission": run.submit_s, "start": run.start_s or 0, "end": run.end_s or 0,
                 "suspended": run.suspended_s, "limit": _set(run.work.limit_h * 60),
                 **_spent(run)},
        "tres": {"allocated": _tres(run) if started else [], "requested": _tres(run)},
        "user": run.work.user, "wckey": {"wckey": "", "flags": []},
        "working_directory": f"/home/{run.work.user}",
    }  # fmt: skip


def sacct_json(runs: list[Run]) -> str:
    """Write runs with their steps as one document."""
    document = {
        "jobs": [_job(run) for run in runs],
        "meta": {
            "plugin": {"type": "", "name": "", "data_parser": "data_parser/v0.0.40",
                       "accounting_storage": "accounting_storage/slurmdbd"},
            "command": ["sacct", "-aD", "--json"],
            "slurm": {"version": {"major": "23", "micro": "4", "minor": "11"},
                      "release": "23.11.4", "cluster": "beta"},
        },
        "errors": [],
        "warnings": [],
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
