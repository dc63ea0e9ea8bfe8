"""What a check is: one thing this host needs, what was found of it, and what to type."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """What a check is about, in the order in which they are shown."""

    CONFIGURATION = "Configuration"
    SLURM = "Slurm"
    KUBERNETES = "Kubernetes"
    PROMETHEUS = "Prometheus"
    LEDGER = "Ledger"
    GRID = "Grid"
    MAIL = "Mail"
    HOST = "Host"


class Status(StrEnum):
    """OK: as it must be. WARNING: it works, yet somebody should know. FAULT: it does not work."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Check:
    """One check and what came of it; `code` is a word for programs, the rest for people.

    Raises
    ------
    ValueError
        Something is wrong and no hint says what to do.
    """

    group: Group
    code: str
    name: str
    status: Status
    found: str
    hint: str = ""

    def __post_init__(self) -> None:
        """Refuse trouble without a way out."""
        if self.status != Status.OK and not self.hint:
            msg = f"{self.code} is no {Status.OK.value} and has no hint"
            raise ValueError(msg)


@dataclass(frozen=True)
class Topic:
    """A check before anything was found; `subject` tells one cluster or zone from the next."""

    group: Group
    code: str
    name: str
    subject: str = ""

    def of(self, subject: str) -> "Topic":
        """Return the same topic about one cluster, zone or file."""
        return Topic(self.group, self.code, self.name, subject)

    def ok(self, found: str) -> Check:
        """Say that all is well."""
        return self._check(Status.OK, found, "")

    def warning(self, found: str, hint: str) -> Check:
        """Say what somebody should know."""
        return self._check(Status.WARNING, found, hint)

    def fault(self, found: str, hint: str) -> Check:
        """Say that it does not work."""
        return self._check(Status.FAULT, found, hint)

    def _check(self, status: Status, found: str, hint: str) -> Check:
        name = f"{self.subject}: {self.name}" if self.subject else self.name
        return Check(self.group, self.code, name, status, found, hint)


def worst(checks: Sequence[Check]) -> Status:
    """Return the worst status there is; OK without checks."""
    order = list(Status)
    return max((check.status for check in checks), key=order.index, default=Status.OK)
