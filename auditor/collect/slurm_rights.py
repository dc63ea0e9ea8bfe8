"""What slurmdbd lets the caller see, and for how long it keeps it.

With PrivateData=jobs an ordinary user's `sacct -a` returns only their own runs, with code 0 and
without a word. So whether an answer is everybody's has to be asked first.
"""

import re
import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import Enum, auto

from auditor.collect.errors import CollectError, CollectRightsError
from auditor.collect.slurm_command import SlurmHost, run_text

_SEES_ALL = frozenset(("operator", "administrator"))
_SETTING = re.compile(r"^(\w+)\s*= ?(.*)$")
_DBD_PART = "slurmdbd configuration"
_AGE = re.compile(r"(\d+)\s*(hour|day|month)", re.IGNORECASE)
# A month as short as purges make it: what may be gone is told rather a day early.
_HOURS_OF = {"hour": 1, "day": 24, "month": 30 * 24}
_RANGE = re.compile(r"(?:(\d+)-)?(\d+):(\d+):(\d+)")


@dataclass(frozen=True)
class Caller:
    """Who asks: the name and number of the user that the commands run as."""

    name: str
    uid: int


class Basis(Enum):
    """What lets a caller see the runs of everybody: who they are, their level, an open house."""

    USER = auto()
    LEVEL = auto()
    NO_PRIVACY = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class Rights:
    """What slurmdbd says of the caller and of itself.

    `basis` is what the right to see everybody rests on, in words `reason`. `admin_level` is '' for
    a user that accounting does not know. `private_data` are the words of PrivateData in
    slurmdbd.conf. `keeps_jobs` and `widest_query` are None without a limit.
    """

    caller: str
    basis: Basis
    reason: str
    admin_level: str
    private_data: tuple[str, ...]
    keeps_jobs: timedelta | None
    widest_query: timedelta | None

    @property
    def sees_everybody(self) -> bool:
        """Whether runs of all users come."""
        return self.basis is not Basis.NOTHING

    @property
    def widest_window(self) -> timedelta | None:
        """The widest span of one question; None for any span: operators are exempt."""
        return None if self.admin_level.lower() in _SEES_ALL else self.widest_query

    @property
    def command_to_see_everybody(self) -> str:
        """The command that makes the caller an operator; `add` changes no user that is there."""
        user = shlex.quote(self.caller)
        if self.admin_level:
            return f"sacctmgr -i modify user {user} set adminlevel=operator"
        return f"sacctmgr -i add user {user} account=root adminlevel=operator"

    def purged_before(self, now_utc: datetime) -> datetime | None:
        """Return the moment before which runs may be gone from accounting; None if kept."""
        return None if self.keeps_jobs is None else now_utc - self.keeps_jobs


def ask_rights(host: SlurmHost, caller: Caller) -> Rights:
    """Ask slurmdbd what the caller may see.

    Raises
    ------
    CollectError
        As `slurm_command.running` does; `sacct_failed` where the answer is not understood.
    """
    settings = dbd_settings(run_text(host, ["sacctmgr", "-r", "show", "config"]))
    private = tuple(word for word in _words(settings["PrivateData"]) if word != "none")
    level = _admin_level(host, caller.name)
    basis, reason = _judge(caller, level, private, settings.get("SlurmUser", ""))
    return Rights(
        caller=caller.name,
        basis=basis,
        reason=reason,
        admin_level=level,
        private_data=private,
        keeps_jobs=_age(settings.get("PurgeJobAfter", "")),
        widest_query=_range(settings.get("MaxQueryTimeRange", "")),
    )


def require_everybody(rights: Rights) -> Rights:
    """Return the rights, if they show the runs of everybody.

    Raises
    ------
    CollectRightsError
        `not_operator`: the answer would be a part passed off as the whole.
    """
    if rights.sees_everybody:
        return rights
    msg = f"{rights.caller} does not see the runs of everybody: {rights.reason}"
    hint = f"Give the right to look: `{rights.command_to_see_everybody}`."
    raise CollectRightsError(msg, code="not_operator", hint=hint)


def confirm_everybody(host: SlurmHost, caller: Caller, rights: Rights) -> None:
    """Ask again for that alone which the right to see everybody rested on.

    Raises
    ------
    CollectRightsError
        `not_operator`: it is gone.
    CollectError
        As `slurm_command.running` does.
    """
    if rights.basis is Basis.USER:
        return
    if rights.basis is Basis.LEVEL and _admin_level(host, caller.name) == rights.admin_level:
        return
    require_everybody(ask_rights(host, caller))


def require_cluster(host: SlurmHost) -> None:
    """Refuse a cluster that accounting does not know: sacct would answer with nothing, and code 0.

    Raises
    ------
    CollectError
        `cluster_unknown`, or as `slurm_command.running` does.
    """
    answer = run_text(host, ["sacctmgr", "-rnP", "show", "cluster", "format=Cluster"])
    known = sorted(answer.split())
    if host.cluster in known:
        return
    msg = f"accounting knows no cluster {host.cluster} (it knows {', '.join(known) or 'none'})"
    close = known if len(known) == 1 else get_close_matches(host.cluster.lower(), known, n=1)
    meant = f"{close[0]}?" if close else "one that `sacctmgr show cluster` lists?"
    hint = f"Is it {meant} The name, here as in [[clusters]], must be Slurm's ClusterName."
    raise CollectError(msg, code="cluster_unknown", hint=hint)


def tracks_gpus(host: SlurmHost) -> bool | None:
    """Tell whether accounting records GPUs (AccountingStorageTRES); None if Slurm does not say.

    Raises
    ------
    CollectError
        As `slurm_command.running` does: slurmctld must be up for this.
    """
    command = ["scontrol", *host.cluster_options, "show", "config"]
    for line in run_text(host, command).splitlines():
        found = _SETTING.match(line)
        if found and found[1] == "AccountingStorageTRES":
            return any(word.split(":")[0] == "gres/gpu" for word in _words(found[2]))
    return None


def dbd_settings(text: str) -> dict[str, str]:
    """Return what `sacctmgr show config` says of slurmdbd; the part before repeats slurm.conf.

    Raises
    ------
    CollectError
        There is no such part, or it lacks PrivateData.
    """
    settings: dict[str, str] = {}
    is_dbd = False
    for line in text.splitlines():
        is_dbd = is_dbd or line.lower().startswith(_DBD_PART)
        if is_dbd and (found := _SETTING.match(line)):
            settings.setdefault(found[1], found[2].strip())
    if "PrivateData" not in settings:
        msg = "`sacctmgr show config` does not say what slurmdbd keeps private"
        raise CollectError(msg, code="sacct_failed", hint="Run it by hand: is slurmdbd in use?")
    return settings


def _admin_level(host: SlurmHost, user: str) -> str:
    command = ["sacctmgr", "-rnP", "show", "user", f"name={user}", "format=AdminLevel"]
    return run_text(host, command).strip()


def _judge(
    caller: Caller, level: str, private: tuple[str, ...], slurm_user: str
) -> tuple[Basis, str]:
    if caller.uid == 0:
        return Basis.USER, "root sees everything"
    if f"({caller.uid})" in slurm_user:
        return Basis.USER, "SlurmUser sees everything"
    if level.lower() in _SEES_ALL:
        return Basis.LEVEL, f"AdminLevel is {level}"
    if not {"jobs", "all"} & set(private):
        return Basis.NO_PRIVACY, "slurmdbd.conf keeps no runs private"
    known = f"AdminLevel is {level}" if level else "accounting does not know this user"
    return Basis.NOTHING, f"PrivateData of slurmdbd.conf holds {','.join(private)}, and {known}"


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in value.split(",") if word.strip())


def _age(value: str) -> timedelta | None:
    found = _AGE.match(value)
    return None if found is None else timedelta(hours=int(found[1]) * _HOURS_OF[found[2].lower()])


def _range(value: str) -> timedelta | None:
    found = _RANGE.fullmatch(value)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
