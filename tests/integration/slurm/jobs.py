"""Jobs of every kind that accounting knows, as a table: what is submitted, and by whom."""

from dataclasses import dataclass

LONG = "sleep 600"


@dataclass(frozen=True)
class Order:
    """One `sbatch` call: `tag` is how the plot calls it, `options` its words, `body` its shell."""

    tag: str
    user: str
    options: tuple[str, ...]
    body: str


def order(tag: str, user: str, options: str, body: str) -> Order:
    return Order(tag, user, (*options.split(), "-J", tag), body)


def hostile(tag: str, name: str, comment: str) -> Order:
    return Order(f"name {tag}", "alice", (f"--job-name={name}", f"--comment={comment}"), "true")


# A run of an hour on eight GPUs, as sacct would print it.
_RUN_OF_BOB = {
    "JobIDRaw": "424242",
    "JobID": "424242",
    "Cluster": "small",
    "User": "bob",
    "Account": "ml",
    "Partition": "gpu",
    "QOS": "normal",
    "State": "COMPLETED",
    "ElapsedRaw": "3600",
    "Suspended": "00:00:00",
    "TimelimitRaw": "60",
    "NCPUS": "64",
    "NNodes": "1",
    "ReqMem": "8G",
    "AllocTRES": "cpu=64,gres/gpu=8",
    "TotalCPU": "00:00:00",
    "NodeList": "a100-1",
    "JobName": "x",
    "DBIndex": "424242",
}
_SEPARATORS = {"bar": "|", "unit separator": "\x1f", "tab": "\t", "comma": ","}


def forgeries(fields: tuple[str, ...], start_s: int) -> list[Order]:
    """Return jobs whose names and comments hold a perfect row of a run that never was.

    `fields` are those that the collector asks for. One row is bob's, one is that of a user who
    ran nothing.
    """
    times = dict.fromkeys(("Submit", "Eligible", "Start"), str(start_s))
    bobs = {**_RUN_OF_BOB, **times, "End": str(start_s + 3600)}
    mallorys = {**bobs, "JobIDRaw": "424243", "User": "mallory", "UID": "20666"}
    return [
        hostile(f"forged with {name}", *(_smuggled(run, fields, mark) for run in (bobs, mallorys)))
        for name, mark in _SEPARATORS.items()
    ]


def _smuggled(run: dict[str, str], fields: tuple[str, ...], separator: str) -> str:
    return "x\n" + separator.join(run.get(field, "") for field in fields) + "\nx"


HET = """#!/bin/bash
#SBATCH -J hetero -n1 -p cpu
#SBATCH hetjob
#SBATCH -p gpu -n2 --gres=gpu:a100:1
#SBATCH hetjob
#SBATCH -p gpu -n1 --gres=gpu:v100:1
srun --het-group=0-2 sleep 3
"""
_EAT = "import time; eaten = bytearray(600 << 20); time.sleep(30)"

ORDERS = (
    # What wants a node for itself, and what ends last, comes first.
    order("all memory", "alice", "--mem=0 -w cpu-1", "sleep 1"),
    order(
        "gpus per node exclusive",
        "carol",
        "-A a-long-account-name-for-climate-models -p gpu -N2 -w a100-[1-2] --exclusive "
        "--gpus-per-node=a100:2",
        "srun sleep 3",
    ),
    order("exclusive without asking", "alice", "-p gpu -w a100-2 --exclusive", "sleep 2"),
    order("timeout", "bob", "-t 1 -w cpu-2", f"srun {LONG}"),
    order("deadline missed", "alice", "--deadline=now+65seconds -t 1 --begin=now+9", LONG),
    order("for ever", "zoe", "-p gpu -w v100-1 --gpus=v100:1 -t 3-00:00:00", "sleep 99999"),
    order("plain", "alice", "", "sleep 4"),
    order("plain of somebody else", "dave.müller", "-n3", "sleep 3"),
    # Shapes of GPUs.
    order("gpu typed", "alice", "-p gpu --gres=gpu:a100:2 -c4", "srun -n1 sleep 4"),
    order("gpu untyped", "bob", "-p gpu --gres=gpu:1", "sleep 4"),
    order("gpus of the job", "bob", "-p gpu --gpus=v100:1", "sleep 3"),
    order("gpus per task", "carol", "-p gpu -N2 -n4 --gpus-per-task=a100:1", "srun sleep 3"),
    order("gpus mixed", "alice", "-p all -N2 -w a100-1,v100-1 --gres=gpu:1", "srun sleep 2"),
    order("constraint", "alice", "-p all -C a100|v100", "sleep 1"),
    # Arrays.
    order("array throttled", "alice", "-a 0-4%2", "sleep 2"),
    order("array cancelled", "alice", "-a 1-6", "sleep 30"),
    order("array failing", "bob", "-a 0-3", "exit $((SLURM_ARRAY_TASK_ID % 2 * 3))"),
    order("array pending", "alice", "-a 10,20,30-31 --begin=now+7days", "true"),
    order("array with a stride", "alice", "-a 1-1000:3 --begin=now+7days", "true"),
    order("array held", "alice", "-H -a 0-999:7%5", "true"),
    # Every ending.
    order("failed", "bob", "", "exit 3"),
    order("signal", "bob", "", "kill -SEGV $$"),
    order("step failed", "bob", "", "srun false; true"),
    order("memory", "carol", "--mem=50M", f"srun /usr/bin/python3 -c '{_EAT}'"),
    order("cancelled by its user", "carol", "", LONG),
    order("cancelled by root", "carol", "-p gpu --gres=gpu:a100:1", LONG),
    order("cancelled pending", "carol", "--begin=now+2days", LONG),
    order("requeued", "alice", "--requeue -p gpu --gres=gpu:a100:1", "sleep 15"),
    order("requeued and held", "alice", "--requeue", LONG),
    order("suspended", "alice", "-n2", "sleep 30"),
    order("suspended with a gpu", "bob", "-p gpu --gres=gpu:a100:1", "sleep 30"),
    order("suspended for ever", "erin", "-n3 -w cpu-2", LONG),
    # Waiting on purpose.
    order("dependency base", "bob", "", "sleep 2; exit 1"),
    order("held", "alice", "-H", "true"),
    order("held and released", "alice", "-H", "sleep 1"),
    order("begin", "alice", "--begin=now+3days", "true"),
    order("begin moved", "alice", "--begin=now+5hours", "sleep 1"),
    order("begin soon", "alice", "--begin=now+5", "sleep 1"),
    order("wckey", "alice", "--wckey=urgent", "sleep 1"),
    # Text that nobody should write.
    Order("account with a bar", "alice", ("-A", "a|b", "-p", "gpu", "--gpus=a100:1"), "sleep 2"),
    Order("account with a space", "bob", ("-A", "acct with space", "-n2"), "sleep 2"),
    hostile("bar", "a|b|c", "x|y|z"),
    hostile("newline", "line1\nline2", "c1\nc2"),
    hostile("carriage return", "cr\r\nlf", "t\tab"),
    hostile("unicode", "тренировка-模型-🔥-é", "üñïçødé 注释"),
    hostile("comma", "a,b;c", 'k=v,k2=v2;"q"'),
    hostile("quotes", 'it\'s "quoted" \\back\\', "c 'x' \"y\" \\n \\"),
    hostile("markup", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>&amp;"),
    hostile("formula", '=cmd|"/C calc"!A0', "@SUM(1+1)"),
    hostile("long", "é" * 200, "C" * 1024),
    hostile("blank", "  lead trail  ", "   "),
    hostile("nothing", "", ""),
    hostile("controls", "bell\a esc\x1b[31mred\x1b[0m", "\x1f\x1e"),
    hostile("unit separator", "delim\x1finname", "x\x1fy"),
    hostile("bidi", "abc\u202egnp.exe", "z\u200bw"),
    hostile("not utf-8", "lat\udce9\udcff", "bad\udcc3("),
    hostile("percent", "%A_%a %j %s", "%n%n"),
    hostile("sql", "Robert'); DROP TABLE x;--", "${HOME} $(id) `id`"),
    hostile("like a component", "123+4", "12_[1-3]"),
    hostile("words of sacct", "Unknown", "None"),
)
