"""Small programs that answer as Slurm's commands do: same options, output, errors and codes.

`FakeSlurm` makes them in a folder; what they answer from, and what goes wrong, is one JSON file.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor.collect.slurm_command import SlurmHost

PROGRAMS = ("sacct", "sacctmgr", "scontrol", "sdiag", "sinfo", "squeue")
_FIELDS = """
Account AllocTRES Cluster ConsumedEnergyRaw DBIndex ElapsedRaw Eligible End JobID JobIDRaw JobName
MaxRSS NCPUS NNodes NTasks NodeList Partition QOS ReqMem Start State Submit Suspended TRESUsageInAve
TRESUsageInTot TimelimitRaw TotalCPU User WCKey
"""
FIELDS = _FIELDS.split()
DATABASE_DOWN = (
    "{program}: error: slurm_persist_conn_open_without_init: failed to open persistent connection "
    "to host:127.0.0.1:6819: Connection refused\n"
    "{program}: error: Problem talking to the database: Connection refused\n"
)
CONFIG = """\
Configuration data as of 2026-11-23T15:00:00
AccountingStorageType  = accounting_storage/slurmdbd
PrivateData            = none
SlurmUserId            = slurm(64030)

SlurmDBD configuration:
DbdHost                = localhost
MaxQueryTimeRange      = {range}
PrivateData            = {private}
PurgeJobAfter          = {purge}
SlurmUser              = slurm(64030)
"""
NODES = "NODELIST|GRES|CPUS|S:C:T|MEMORY|AVAIL_FEATURES\n"

SCRIPT = '''\
#!{python} -ISB
"""Answer as one of Slurm's commands."""
import json, os, sys, time
from calendar import timegm
FOLDER = {folder!r}
world = json.load(open(os.path.join(FOLDER, "world.json")))
program, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
CALLS = os.path.join(FOLDER, "calls.log")
call = {{"argv": [program, *arguments], "environment": dict(os.environ)}}
with open(CALLS, "a") as log:
    log.write(json.dumps(call) + "\\n")
n_calls = sum(json.loads(line)["argv"][0] == program for line in open(CALLS))

def leave(code, message=""):
    sys.stderr.write(message)
    sys.stdout.flush()
    os._exit(code)

fault = world["faults"].get(program, {{}})
if n_calls <= fault.get("after", 0) or (fault.get("only") and fault["only"] not in arguments):
    fault = {{}}
if "code" in fault or "stderr" in fault:
    leave(fault.get("code", 0), fault.get("stderr", ""))

def after(option, default=""):
    return arguments[arguments.index(option) + 1] if option in arguments else default

def instant(text):
    return timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))

def sees_all():
    return "jobs" not in world["private"] or world["level"] in ("Operator", "Administrator")

def sacct():
    if "-e" in arguments:
        return " ".join(world["fields"]) + "\\n"
    delimiter = next(a for a in arguments if a.startswith("--delimiter=")).partition("=")[2]
    names = after("-o").split(",")
    known = {{field.lower() for field in world["fields"]}}
    for name in names:
        if name.lower() not in known:
            leave(1, f"sacct: error: Invalid field requested: \\"{{name}}\\"\\n")
    assert os.environ["TZ"] == "UTC" and os.environ["SLURM_TIME_FORMAT"] == "%s"
    assert "-aDP" in arguments and "--noconvert" in arguments
    start = instant(after("-S"))
    end = instant(after("-E")) if "-E" in arguments else float("inf")
    ids = after("-j").split(",") if "-j" in arguments else None
    header = delimiter.join(names) + "\\n"
    widest = world["widest_s"]
    if widest and end - start > widest and not sees_all():
        sys.stdout.write(header)
        leave(95, "sacct: error: slurmdbd: Too wide of a date range in query\\n")
    rows = [row for row in world["rows"] if row.get("Cluster") == after("-M", row.get("Cluster"))]
    rows = [row for row in rows if sees_all() or row["User"] == world["me"]]
    rows = [row for row in rows if row["JobIDRaw"].partition(".")[0] in ids] if ids else rows
    if not ids:
        rows = [row for row in rows if not row.get("held")]
    rows = [row for row in rows if overlaps(row, start, end)]
    text = header + "".join(delimiter.join(str(r.get(n, "")) for n in names) + "\\n" for r in rows)
    return text[: fault["cut"]] if "cut" in fault else text

def overlaps(row, start, end):
    last = row["End"]
    return int(row["Submit"]) <= end and (not str(last).isdigit() or int(last) >= start)

def people():
    what = "coordinators" if "withcoord" in arguments else "members"
    names = next(a for a in arguments if a.startswith("format=")).partition("=")[2].split(",")
    return "".join("|".join(str(r.get(n, "")) for n in names) + "\\n" for r in world[what])

sys.stdout.write({{"sacct": sacct, "sacctmgr": people}}[program]())
leave(0)
'''

# What needs no thought is answered by a shell, which starts ten times as fast.
WRAPPER = """\
#!/bin/sh
case "$*" in
*" config") key=config ;; *" user "*) key=user ;; *" show cluster"*) key=cluster ;; *) key=other ;;
esac
said={folder}/said/{program}.$key
[ -f "$said" ] || exec {folder}/thinking/{program} "$@"
echo '{{"argv": ["{program}", "'$*'"]}}' >> {folder}/calls.log
exec /bin/cat "$said"
"""


def world() -> dict[str, Any]:
    """Return what the commands answer from where all is well: no job yet."""
    return {
        "rows": [], "fields": FIELDS, "clusters": ["alpha"], "level": "Administrator",
        "private": "none", "purge": "NONE", "range": "UNLIMITED", "widest_s": 0, "me": "alice",
        "tres": "cpu,mem,energy,node,billing,gres/gpu,gres/gpu:a100", "queue": 0, "running": [],
        "nodes": NODES + "gpu1|gpu:a100:4|64|2:32:1|512000|a100\n" * 2, "faults": {},
        "members": [], "coordinators": [],
    }  # fmt: skip


@dataclass
class FakeSlurm:
    """A folder of fake commands, and the world that they see."""

    folder: Path
    world: dict[str, Any] = field(default_factory=world)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "said").mkdir()
        (self.folder / "thinking").mkdir()
        script = self.folder / "thinking" / "answer"
        _write_program(script, SCRIPT.format(python=sys.executable, folder=str(self.folder)))
        for program in PROGRAMS:
            (self.folder / "thinking" / program).symlink_to(script)
            if program == "sacct":
                (self.folder / program).symlink_to(script)
                continue
            wrapper = WRAPPER.format(folder=self.folder, program=program)
            _write_program(self.folder / program, wrapper)
        self.change()

    def change(self, **values: Any) -> None:
        """Change what the commands see from now on."""
        self.world.update(values)
        words = {name: self.world[name] for name in ("private", "purge", "range")}
        told = {**self.world, "config": CONFIG.format(**words)}
        fresh = self.folder / "world.new"
        fresh.write_text(json.dumps(told))
        fresh.replace(self.folder / "world.json")
        said = {
            "sacctmgr.config": told["config"],
            "sacctmgr.user": "" if told["level"] is None else f"{told['level']}\n",
            "sacctmgr.cluster": "".join(f"{name}\n" for name in told["clusters"]),
            "scontrol.config": f"AccountingStorageTRES   = {told['tres']}\n",
            "sdiag.other": f"DBD Agent queue size: {told['queue']}\n",
            "sinfo.other": f"CLUSTER: alpha\n{told['nodes']}",
            "squeue.other": "".join(f"{job}|{start}|RUNNING\n" for job, start in told["running"]),
        }
        for name, text in said.items():
            file = self.folder / "said" / name
            if name.partition(".")[0] in told["faults"]:
                file.unlink(missing_ok=True)
            else:
                file.write_text(text)

    def host(self, cluster: str = "alpha", timeout_s: float = 60.0) -> SlurmHost:
        """Return how the commands are reached."""
        return SlurmHost(cluster, path=str(self.folder), timeout_s=timeout_s)

    def calls(self, program: str) -> list[dict[str, Any]]:
        """Return arguments of each call of a program, and the environment where it had to think."""
        log = self.folder / "calls.log"
        lines = log.read_text().splitlines() if log.exists() else []
        found = [json.loads(line) for line in lines]
        return [call for call in found if call["argv"][0] == program]


def _write_program(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)


def row(job: int, user: str, start_s: int, length_s: int | None, **cells: Any) -> dict[str, Any]:
    """Return the row of a run as sacct prints it; without a length it goes on until `now_s`."""
    now_s = cells.pop("now_s", None)
    end_s = None if length_s is None else start_s + length_s
    elapsed_s = (now_s or start_s) - start_s if length_s is None else length_s
    return {
        "JobIDRaw": str(job), "JobID": str(job), "Cluster": "alpha", "User": user, "Account": "ml",
        "Partition": "gpu", "QOS": "normal", "State": "RUNNING" if end_s is None else "COMPLETED",
        "Submit": str(start_s - 60), "Eligible": str(start_s - 60), "Start": str(start_s),
        "End": "Unknown" if end_s is None else str(end_s), "ElapsedRaw": str(elapsed_s),
        "Suspended": "00:00:00", "TimelimitRaw": "1440", "NCPUS": "4", "NNodes": "1",
        "ReqMem": "8192M", "AllocTRES": "billing=4,cpu=4,gres/gpu:a100=2,gres/gpu=2,mem=8G,node=1",
        "TotalCPU": "00:10:00", "NodeList": "gpu1", "JobName": "train", "DBIndex": str(1000 + job),
        **cells,
    }  # fmt: skip
