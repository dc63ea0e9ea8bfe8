"""Instants of Kubernetes objects: RFC 3339 text to microseconds since 1970."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from auditor.normalize.json_spelling import member
from auditor.normalize.times import EARLIEST_S, LATEST_S

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_CONDITION_TIMES = ("lastTransitionTime", "lastHeartbeatTime", "lastProbeTime")
_STATUS_TIMES = ("startTime", "completionTime", "lastScheduleTime", "lastSuccessfulTime")
_STATES = ("running", "terminated")
STATUS_LISTS = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def instant_us(value: object) -> int | None:
    """Return an instant [us since 1970]; None for null, for no instant, and for the zero of Go."""
    return _parsed(value) if isinstance(value, str) else None


@lru_cache(maxsize=2**16)
def _parsed(text: str) -> int | None:
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    seconds = moment.timestamp()
    if not EARLIEST_S <= seconds < LATEST_S:
        return None
    return round(seconds * 1_000_000)


def latest_us(found: Iterator[int | None] | list[int | None]) -> int | None:
    """Return the latest of some instants, None if there is none."""
    return max((moment for moment in found if moment is not None), default=None)


def container_times(status: object, name: str) -> Iterator[int | None]:
    """Yield `startedAt` or `finishedAt` of every container, of its state now and the one before."""
    for key in STATUS_LISTS:
        for container in elements(member(status, key)):
            for which in ("state", "lastState"):
                for state in _STATES:
                    yield instant_us(member(container, which, state, name))


def last_named_us(item: Mapping[str, Any], bound_us: int | None = None) -> int | None:
    """Return the latest past instant that an object names, none after the bound.

    Only what servers write: what a user may write (annotations), and what lies ahead (a deletion
    with its grace, a node whose clock is ahead), says nothing of when the object was read.
    """
    last_us = latest_us(_named(item))
    if bound_us is None or last_us is None or last_us <= bound_us:
        return last_us
    return latest_us(one for one in _named(item) if one is not None and one <= bound_us)


def _named(item: Mapping[str, Any]) -> Iterator[int | None]:
    status = item.get("status")
    yield instant_us(member(item, "metadata", "creationTimestamp"))
    for field in elements(member(item, "metadata", "managedFields")):
        yield instant_us(field.get("time"))
    for name in _STATUS_TIMES:
        yield instant_us(member(status, name))
    for condition in elements(member(status, "conditions")):
        for name in _CONDITION_TIMES:
            yield instant_us(condition.get(name))
    yield from container_times(status, "startedAt")
    yield from container_times(status, "finishedAt")


def elements(value: object) -> list[Mapping[str, Any]]:
    """Return the objects in a list; nothing where it is no list."""
    if not isinstance(value, list):
        return []
    return [element for element in value if isinstance(element, Mapping)]
