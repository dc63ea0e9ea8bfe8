"""Who is in which account, and who coordinates it, as slurmdbd knows it.

sacctmgr knows no delimiter but the bar and quotes nothing, and account names may hold bars and
line breaks: a coordinator could name an account so that its name reads as a membership of somebody
else. So the columns are asked for in an order drawn at random, numbers among them, and only a line
that fits this order counts; the account stands last and may hold anything but a line break.
"""

import re
import secrets
from dataclasses import dataclass

from auditor.collect.slurm_command import SlurmHost, run_text

_NUMBERS = {
    "ID": r"\d+", "ParentID": r"\d+", "GrpJobs": r"\d*", "GrpSubmit": r"\d*", "MaxJobs": r"\d*",
    "MaxSubmit": r"\d*",
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Membership:
    """A user who may charge an account of a cluster."""

    cluster: str
    account: str
    user: str


@dataclass(frozen=True, order=True)
class Coordinator:
    """A user who coordinates an account."""

    account: str
    user: str


@dataclass(frozen=True)
class People:
    """What could be read for certain; `n_unread` lines could not be cut without guessing."""

    memberships: tuple[Membership, ...]
    coordinators: tuple[Coordinator, ...]
    n_unread: int


def ask_people(host: SlurmHost) -> People:
    """Ask for the memberships and coordinators of a cluster.

    Raises
    ------
    CollectError
        As `slurm_command.running` does.
    """
    members, n_unread = _ask(host, ["show", "assoc"], "User")
    leaders, n_more = _ask(host, ["show", "account", "withassoc", "withcoord"], "Coordinators")
    return People(
        memberships=tuple(
            sorted({Membership(c, account, user) for c, user, account in members if user})
        ),
        coordinators=tuple(
            sorted(
                {
                    Coordinator(account, user)
                    for _, users, account in leaders
                    for user in users.split(",")
                    if user
                }
            )
        ),
        n_unread=n_unread + n_more,
    )


def _ask(host: SlurmHost, what: list[str], person: str) -> tuple[list[tuple[str, str, str]], int]:
    """Return (cluster, person, account) of each line that fits, and how many do not."""
    order = [*_NUMBERS, "Cluster", person]
    secrets.SystemRandom().shuffle(order)
    # A number before the account, so that a bar in a name cannot move the cut.
    order.sort(key=lambda name: name == "ID")
    where = [f"cluster={host.cluster}"] if host.cluster else []
    text = run_text(host, ["sacctmgr", "-rnP", *what, *where, f"format={','.join(order)},Account"])
    cells = {**_NUMBERS, "Cluster": r"(?P<cluster>[^|]+)", person: r"(?P<person>[^|]*)"}
    pattern = r"\|".join(cells[name] for name in order) + r"\|(?P<account>.+)"
    lines = [re.fullmatch(pattern, line) for line in text.split("\n") if line]
    found = [(line["cluster"], line["person"], line["account"]) for line in lines if line]
    return found, len(lines) - len(found)
