"""What sacct and sreport say was used, without any of the auditor's code."""

import time
from collections import Counter
from dataclasses import dataclass

from .cluster import Slurm

Used = dict[tuple[str, str, str], int]
TRACKED = {"cpu": "core_s", "gres/gpu": "gpu_s"}


@dataclass(frozen=True)
class Span:
    """A span of time, in seconds since 1970."""

    start_s: int
    end_s: int

    @property
    def words(self) -> tuple[str, str]:
        """Its edges as Slurm and the auditor take them, in UTC."""
        start, end = (
            time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(edge_s))
            for edge_s in (self.start_s, self.end_s)
        )
        return start, end


def used_by_sacct(slurm: Slurm, span: Span) -> Used:
    """Return seconds by user, account and resource, after sacct, cut at the edges of the span.

    `-T` cuts runs, and calls the whole time of a run that is suspended now elapsed; without it
    that time is right, and uncut.
    """
    whole = {row[:2]: int(row[2]) for row in _rows(slurm, span)}
    used: Counter[tuple[str, str, str]] = Counter()
    for job, submit, elapsed_s, _, tres, user, account in _rows(slurm, span, "-T"):
        counted_s = min(int(elapsed_s), whole[job, submit])
        for resource, unit in TRACKED.items():
            used[user, account, unit] += counted_s * _held(tres, resource)
    return {key: seconds for key, seconds in used.items() if seconds}


def gpu_suspended(slurm: Slurm, span: Span) -> Used:
    """Return GPU-seconds of suspension of runs that have ended, by user and account."""
    held: Counter[tuple[str, str, str]] = Counter()
    for *_, suspended, tres, user, account in _rows(slurm, span):
        hours, minutes, seconds = map(int, suspended.split(":"))
        held[user, account, "gpu_s"] += (hours * 3600 + minutes * 60 + seconds) * _held(
            tres, "gres/gpu"
        )
    return {key: seconds for key, seconds in held.items() if seconds}


def used_by_sreport(slurm: Slurm, span: Span) -> Used:
    """Return seconds by user, account and resource, as sreport charges them; whole hours."""
    start, end = span.words
    report = ("cluster", "AccountUtilizationByUser", f"start={start}", f"end={end}")
    out = slurm.ask("sreport", "-nP", "-T", ",".join(TRACKED), "-t", "seconds", *report)
    used = {}
    for line in out.splitlines():
        _, *account, login, _, resource, seconds = line.split("|")
        if login and int(seconds):
            used[login, "|".join(account), TRACKED[resource]] = int(seconds)
    return used


def summed(used: Used, *, by: str) -> dict[tuple[str, str], int]:
    """Return seconds by user or account, and resource."""
    sums: Counter[tuple[str, str]] = Counter()
    for (user, account, unit), seconds in used.items():
        sums[user if by == "user" else account, unit] += seconds
    return dict(sums)


def _rows(slurm: Slurm, span: Span, *more: str) -> list[tuple[str, ...]]:
    start, end = span.words
    fields = "JobIDRaw,Submit,ElapsedRaw,Suspended,AllocTRES,User,Account"
    out = slurm.ask("sacct", "-aXDPn", *more, "-S", start, "-E", end, "-o", fields)
    return [tuple(line.split("|", 6)) for line in out.splitlines()]


def _held(tres: str, resource: str) -> int:
    pairs = dict(pair.split("=") for pair in tres.split(",") if pair)
    return int(pairs.get(resource, 0))
