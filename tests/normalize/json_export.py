"""Job records in the shapes of the data parsers, made for the tests."""

from typing import Any

NOT_SET = {"set": False, "infinite": False, "number": 0}


def cpu(seconds: int, microseconds: int = 0) -> dict[str, int]:
    return {"seconds": seconds, "microseconds": microseconds}


def entry(kind: str, name: str | None, count: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "id": 1, "count": count}


def old_step(suffix: str | int, total_s: int) -> dict[str, Any]:
    """Return a step as v0.0.37 and v0.0.38 print it."""
    usage = {"max": [entry("mem", None, 3_000_000)], "average": [entry("mem", None, 2_000_000)]}
    return {
        "step": {"job_id": 7, "het": {"component": None}, "id": suffix, "name": str(suffix)},
        "state": "COMPLETED",
        "time": {"elapsed": 60, "start": 1000, "end": 1060, "total": cpu(total_s)},
        "tres": {"allocated": [entry("cpu", None, 4)], "requested": usage, "consumed": {}},
        "tasks": {"count": 2},
        "nodes": {"count": 1, "range": "n1"},
        "statistics": {"energy": {"consumed": 0}},
    }


def old_job(**stated: Any) -> dict[str, Any]:
    """Return a job as v0.0.37 and v0.0.38 print it: plain numbers, text and null."""
    job = {
        "job_id": 7,
        "account": "ml",
        "user": "alice",
        "cluster": "alpha",
        "partition": "gpu",
        "qos": "normal",
        "name": "train",
        "nodes": "n1",
        "allocation_nodes": 1,
        "array": {"job_id": 0, "task": None, "task_id": None},
        "het": {"job_id": 0, "job_offset": None},
        "required": {"CPUs": 4, "memory": 8192},
        "state": {"current": "COMPLETED", "reason": "None"},
        "time": {
            "submission": 900,
            "eligible": 900,
            "start": 1000,
            "end": 1060,
            "elapsed": 60,
            "suspended": 0,
            "limit": 10,
            "total": cpu(0),
            "user": cpu(0),
            "system": cpu(0),
        },
        "tres": {
            "allocated": [entry("cpu", None, 4), entry("gres", "gpu", 2)],
            "requested": [entry("mem", None, 8192)],
        },
        "wckey": {"wckey": "", "flags": []},
        "steps": [old_step("batch", 30), old_step(0, 90)],
    }
    return {**job, **stated}


def new_job(**stated: Any) -> dict[str, Any]:
    """Return a job as v0.0.40 and later print it: objects, lists and empty text."""
    job = old_job()
    job["array"] = {"job_id": 7, "task": "", "task_id": NOT_SET}
    job["het"] = {"job_id": 0, "job_offset": NOT_SET}
    job["state"] = {"current": ["COMPLETED"], "reason": "None"}
    job["restart_cnt"] = 3
    limit = {"set": True, "infinite": False, "number": 10}
    job["time"] = {**job["time"], "limit": limit, "total": cpu(120, 500_000)}
    job["steps"] = [{**old_step("batch", 30), "step": {"id": "7.batch", "name": "batch"}}]
    job["steps"][0]["state"] = ["COMPLETED"]
    job["steps"][0]["statistics"] = {"energy": {"consumed": NOT_SET}}
    return {**job, **stated}
