"""Write the demo's text files: the export of sacct's safe call and the node listing."""

from benchmarks.sample_runs import Run
from benchmarks.sample_workloads import KINDS, MIB_PER_GIB, UID, NodeKind

DELIMITER = "\x1f6f1d0c9be2a47358\x1f"
FIELDS = (
    "JobIDRaw", "JobID", "Cluster", "User", "UID", "Account", "Partition", "QOS", "WCKey", "State",
    "ExitCode", "DerivedExitCode", "Submit", "Eligible", "Start", "End", "ElapsedRaw", "Suspended",
    "TimelimitRaw", "NCPUS", "NNodes", "NTasks", "ReqMem", "ReqTRES", "AllocTRES", "TotalCPU",
    "MaxRSS", "TRESUsageInAve", "TRESUsageInMax", "TRESUsageInTot", "ConsumedEnergyRaw", "NodeList",
    "Reservation", "Constraints", "Flags", "Reason", "JobName", "Comment", "AdminComment",
    "WorkDir", "DBIndex",
)  # fmt: skip
_S_PER_DAY = 86_400
_S_PER_HOUR = 3600


def node_list(names: tuple[str, ...]) -> str:
    """Write node names as sacct does: `cpu001`, `cpu[001-003,007]`."""
    if len(names) <= 1:
        return names[0] if names else "None assigned"
    stem = names[0].rstrip("0123456789")
    numbers = sorted(int(name.removeprefix(stem)) for name in names)
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    parts = [f"{s[0]:03d}-{s[-1]:03d}" if len(s) > 1 else f"{s[0]:03d}" for s in spans]
    return f"{stem}[{','.join(parts)}]"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    days, rest = divmod(whole, _S_PER_DAY)
    clock = f"{rest // _S_PER_HOUR:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    if whole < _S_PER_HOUR:
        return f"{rest // 60:02d}:{rest % 60:02d}.{int((seconds - whole) * 1000):03d}"
    return f"{days}-{clock}" if days else clock


def tres(run: Run, *, billing: bool) -> str:
    """Write what a run was given."""
    parts = [f"billing={run.n_cpus}"] if billing else []
    parts.append(f"cpu={run.n_cpus}")
    if run.n_gpu:
        parts += [f"gres/gpu:{run.kind.gres}={run.n_gpu}", f"gres/gpu={run.n_gpu}"]
    return ",".join((*parts, f"mem={run.memory_mib * run.work.n_nodes}M",
                     f"node={run.work.n_nodes}"))  # fmt: skip


def cpu_time_s(run: Run) -> float:
    """Return the CPU time that a run used [s]; 0 while it is open, as in accounting."""
    return 0.0 if run.end_s is None else run.elapsed_s * run.n_cpus * run.work.cpu_ratio


def max_rss_bytes(run: Run) -> int:
    """Return the memory that a run used at its peak on one node [bytes]."""
    ratio = 1.0 if run.state == "OUT_OF_MEMORY" else run.work.memory_ratio
    return int(run.memory_mib * ratio * 2**20)


def n_tasks(run: Run) -> int:
    """Count the tasks of its step: one per accelerator, else one per node."""
    return run.n_gpu or run.work.n_nodes


def gpu_percent(run: Run) -> int | None:
    """Return the mean utilisation of one accelerator, where it was measured [%]."""
    if run.n_gpu == 0 or run.work.gpu_ratio < 0 or run.end_s is None:
        return None
    return round(run.work.gpu_ratio * 100)


def _allocation(run: Run) -> dict[str, str]:
    started = run.start_s is not None
    pending = run.state == "PENDING"
    start = str(run.start_s) if started else "Unknown" if pending else "None"
    return {
        "JobIDRaw": str(run.raw_id), "JobID": run.job_id, "Cluster": run.kind.cluster,
        "User": run.work.user, "UID": str(UID[run.work.user]), "Account": run.work.account,
        "Partition": run.kind.partition, "QOS": "normal", "State": run.state_text,
        "ExitCode": run.exit_code, "DerivedExitCode": run.exit_code, "Submit": str(run.submit_s),
        "Eligible": str(run.eligible_s), "Start": start,
        "End": "Unknown" if run.end_s is None else str(run.end_s),
        "ElapsedRaw": str(run.elapsed_s),
        "Suspended": f"00:{run.suspended_s // 60:02d}:{run.suspended_s % 60:02d}",
        "TimelimitRaw": str(run.work.limit_h * 60), "NCPUS": str(run.n_cpus),
        "NNodes": str(run.work.n_nodes), "ReqMem": f"{run.memory_mib}M",
        "ReqTRES": tres(run, billing=True),
        "AllocTRES": tres(run, billing=True) if started else "",
        "TotalCPU": _clock(cpu_time_s(run)), "ConsumedEnergyRaw": "" if run.end_s is None else "0",
        "NodeList": node_list(run.nodes), "Constraints": "", "Reason": run.reason,
        "Flags": "SchedMain", "JobName": run.work.name, "WorkDir": f"/home/{run.work.user}",
        "DBIndex": str(run.database_index),
    }  # fmt: skip


def _usage(run: Run) -> tuple[str, str]:
    """Write TRESUsageInAve and TRESUsageInTot of a step."""
    memory, tasks, percent = max_rss_bytes(run), n_tasks(run), gpu_percent(run)
    mean, total = f"mem={memory}", f"mem={memory * run.work.n_nodes}"
    if percent is None:
        return mean, total
    return f"gres/gpuutil={percent},{mean}", f"gres/gpuutil={percent * tasks},{total}"


def _step(run: Run) -> dict[str, str]:
    """Write the step that did the work: it repeats the allocation and adds what was used."""
    mean, total = _usage(run) if run.end_s is not None else ("", "")
    name = "0" if n_tasks(run) > 1 else "batch"
    start = str(run.start_s)
    return {
        "JobIDRaw": f"{run.raw_id}.{name}", "JobID": f"{run.job_id}.{name}",
        "Cluster": run.kind.cluster, "Account": run.work.account, "State": run.state,
        "ExitCode": run.exit_code, "Submit": start, "Eligible": start, "Start": start,
        "End": "Unknown" if run.end_s is None else str(run.end_s),
        "ElapsedRaw": str(run.elapsed_s), "Suspended": "00:00:00", "NCPUS": str(run.n_cpus),
        "NNodes": str(run.work.n_nodes), "NTasks": str(n_tasks(run)),
        "AllocTRES": tres(run, billing=False), "TotalCPU": _clock(cpu_time_s(run)),
        "MaxRSS": "" if run.end_s is None else str(max_rss_bytes(run)), "TRESUsageInAve": mean,
        "TRESUsageInMax": mean, "TRESUsageInTot": total, "NodeList": node_list(run.nodes),
        "JobName": "batch" if name == "batch" else "python", "DBIndex": str(run.database_index),
    }  # fmt: skip


def sacct_text(runs: list[Run]) -> str:
    """Write runs and their steps as the safe call prints them, one damaged row among them."""
    rows = [dict(zip(FIELDS, FIELDS, strict=True))]
    for number, run in enumerate(runs):
        row = _allocation(run)
        if number == len(runs) // 2:
            damaged = row | {"JobIDRaw": "40999", "JobID": "40999", "Start": "17952?8412"}
            rows.append(damaged)
        rows.append(row)
        if run.start_s is not None:
            rows.append(_step(run))
    return "".join(DELIMITER.join(row.get(name, "") for name in FIELDS) + "\n" for row in rows)


def _node(kind: NodeKind, name: str) -> str:
    n_cores = kind.n_slots * kind.cores_per_slot
    memory = kind.memory_gib * MIB_PER_GIB
    gres = f"gpu:{kind.gres}:{kind.n_slots}" if kind.has_gpu else "(null)"
    gpus = f",gres/gpu={kind.n_slots},gres/gpu:{kind.gres}={kind.n_slots}" if kind.has_gpu else ""
    return (
        f"NodeName={name} Arch=x86_64 CoresPerSocket={n_cores // 2} CPUAlloc=0 CPUEfctv={n_cores} "
        f"CPUTot={n_cores} CPULoad=0.00 AvailableFeatures={kind.features} "
        f"ActiveFeatures={kind.features} Gres={gres} NodeAddr={name} NodeHostName={name} "
        f"Version=22.05.8 RealMemory={memory} AllocMem=0 Sockets=2 Boards=1 State=IDLE "
        f"ThreadsPerCore=1 TmpDisk=0 Weight=1 Partitions={kind.partition} "
        f"CfgTRES=cpu={n_cores},mem={memory}M,billing={n_cores}{gpus} AllocTRES= CapWatts=n/a "
        "CurrentWatts=0 AveWatts=0 ExtSensorsJoules=n/s ExtSensorsWatts=0 ExtSensorsTemp=n/s"
    )


def node_listing(cluster: str) -> str:
    """Write what `scontrol -o show nodes` prints on a cluster."""
    kinds = [kind for kind in KINDS.values() if kind.cluster == cluster]
    return "".join(f"{_node(kind, name)}\n" for kind in kinds for name in kind.names)
