"""Slurm's commands as small programs that answer what Slurm 22.05 was seen to answer."""

from datetime import datetime
from pathlib import Path

PROGRAMS = ("sacct", "sacctmgr", "scontrol", "sdiag", "sinfo", "squeue")
# One script under all names: the words of the call choose the answer, its complaint and its code.
_SCRIPT = """#!/bin/sh
name=${0##*/}
for word in "$@"; do
  case "$word" in
    config|cluster|user|runawayjobs|--version) name="$name-${word#--}" ;;
    -j) name="$name-jobs" ;;
  esac
done
answer="${0%/*}/answers/$name"
if [ -e "$answer.err" ]; then /bin/cat "$answer.err" >&2; fi
if [ -e "$answer" ]; then /bin/cat "$answer"; fi
if [ -e "$answer.rc" ]; then exit "$(/bin/cat "$answer.rc")"; fi
exit 0
"""
_REFUSED = (
    "{0}: error: slurm_persist_conn_open_without_init: failed to open persistent connection to "
    "host:127.0.0.1:6819: Connection refused\n"
    "{0}: error: Sending PersistInit msg: Connection refused\n"
)


class FakeSlurm:
    """A folder of commands, and ways to change what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._answers = folder / "answers"

    def build(self, now_utc: datetime) -> None:
        """Make the commands, in whose answers all is well."""
        self._answers.mkdir(parents=True)
        for name in PROGRAMS:
            program = self.folder / name
            program.write_text(_SCRIPT, encoding="utf-8")
            program.chmod(0o755)
        self._say_that_all_is_well(now_utc)

    def says(self, name: str, text: str) -> None:
        """Answer one kind of call: the command, and the noun that tells it from others."""
        (self._answers / name).write_text(text, encoding="utf-8")

    def fails(self, name: str, complaint: str, code: int) -> None:
        """Complain instead."""
        (self._answers / name).unlink(missing_ok=True)
        (self._answers / f"{name}.err").write_text(complaint, encoding="utf-8")
        (self._answers / f"{name}.rc").write_text(str(code), encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        """Say something else in one place of an answer."""
        text = (self._answers / name).read_text(encoding="utf-8")
        assert old in text
        self.says(name, text.replace(old, new))

    def remove(self, program: str) -> None:
        """Take a command away."""
        (self.folder / program).unlink()

    def lose_slurmdbd(self) -> None:
        """Refuse all that goes by slurmdbd: with -M also what slurmctld is asked."""
        codes = {"sacctmgr-config": 0, "sacctmgr-cluster": 1, "sacctmgr-user": 1, "sdiag": 1}
        for name, code in {**codes, "scontrol-config": 1, "squeue": 1, "sinfo": 1}.items():
            self.fails(name, _REFUSED.format(name.partition("-")[0]), code)

    def sdiag_at(self, server_utc: datetime, n_unsent: int = 0) -> None:
        """Let slurmctld have a time of its own, and records that it has not sent."""
        seconds = int(server_utc.timestamp())
        self.says(
            "sdiag",
            "*******************************************************\n"
            f"sdiag output at {server_utc:%a %b %d %H:%M:%S %Y} ({seconds})\n"
            f"Data since      {server_utc:%a %b %d 00:00:00 %Y} ({seconds - 3600})\n"
            "*******************************************************\n"
            f"Server thread count:  3\nDBD Agent queue size: {n_unsent}\n",
        )

    def _say_that_all_is_well(self, now_utc: datetime) -> None:
        self.says("sacct-version", "slurm-wlm 22.05.8\n")
        self.says("sacctmgr-cluster", "alpha\n")
        self.says("sacctmgr-user", "Operator\n")
        self.says(
            "sacctmgr-config",
            "Configuration data as of 2026-11-23T05:00:00\n"
            "PrivateData            = none\n"
            "SLURM_VERSION          = 22.05.8\n"
            "\n"
            "SlurmDBD configuration:\n"
            "MaxQueryTimeRange      = UNLIMITED\n"
            "PrivateData            = jobs,users\n"
            "PurgeJobAfter          = 24months\n"
            "SlurmUser              = slurm(64030)\n",
        )
        self.says(
            "scontrol-config",
            "Configuration data as of 2026-11-23T05:00:00\n"
            "AccountingStorageTRES   = cpu,mem,energy,node,billing,gres/gpu,gres/gpu:a100\n"
            "JobAcctGatherType       = jobacct_gather/cgroup\n",
        )
        self.sdiag_at(now_utc)
        self.says("sinfo", "(null)\ngpu:a100:4\n")
        start_s = int(now_utc.timestamp()) - 7200
        self.says("sacct", f"4711|RUNNING|{start_s}|Unknown\n")
        self.says("sacct-jobs", f"4711|RUNNING|{start_s}|Unknown\n")
        self.says("squeue", f"CLUSTER: alpha\n4711|{start_s}|RUNNING\n")
