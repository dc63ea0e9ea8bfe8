"""Say single values of Slurm's JSON as sacct prints them in text.

The shape of a value changes with each data parser (v0.0.37 to v0.0.43): a number is a number or
`{"set": ..., "infinite": ..., "number": ...}`, a state is text or a list, a name is null or "".
Each function here takes all shapes, whatever version the document names.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

JsonValue = Any

# Slurm's "no value" and "infinite" in 16, 32 and 64 bits, unsigned and signed (slurm/slurm.h).
_NO_VALUE = frozenset((0xFFFE, 0xFFFFFFFE, 0xFFFFFFFFFFFFFFFE, -2))
_INFINITE = frozenset((0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, -1))
_PER_CPU = 1 << 63  # the flag that ReqMem carries where it is per CPU (MEM_PER_CPU)
_BITS_64 = 1 << 64
_MICROSECONDS = 1_000_000


def number(value: JsonValue) -> int | float | None:
    """Return a number; None where it is null, not set, or Slurm's "no value"; inf for infinite."""
    if isinstance(value, Mapping):
        if value.get("infinite"):
            return float("inf")
        if not value.get("set", True):
            return None
        value = value.get("number")
    if isinstance(value, str):
        value = int(value) if value.strip().lstrip("-").isdigit() else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value in _NO_VALUE:
        return None
    return float("inf") if value in _INFINITE else value


def digits(value: JsonValue) -> str:
    """Return a whole number in digits, '' where there is none."""
    found = number(value)
    return "" if found is None or found == float("inf") else str(int(found))


def text(value: JsonValue) -> str:
    """Return text; '' for null and for anything that is no text or number."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def member(value: JsonValue, *keys: str) -> JsonValue:
    """Return what stands under the keys, one inside the other; None where one is missing."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def state(value: JsonValue) -> str:
    """Return the state; of a list the first, which is the base state."""
    value = member(value, "current") if isinstance(value, Mapping) else value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return text(value[0]) if value else ""
    return text(value)


def instant(value: JsonValue) -> str:
    """Return seconds since 1970 in digits; 'Unknown' for 0 and no value, as sacct prints it."""
    found = digits(value)
    return "Unknown" if found in ("", "0") else found


def limit_minutes(value: JsonValue) -> str:
    """Return a time limit in minutes, 'UNLIMITED', or '' where none is stated."""
    return "UNLIMITED" if number(value) == float("inf") else digits(value)


def cpu_seconds(value: JsonValue) -> float:
    """Return `{"seconds": ..., "microseconds": ...}` in seconds; 0 where it is missing."""
    seconds = number(member(value, "seconds")) or 0
    return seconds + (number(member(value, "microseconds")) or 0) / _MICROSECONDS


def tres(entries: JsonValue, unit_of_memory: str) -> str:
    """Return trackable resources as text: 'cpu=4,gres/gpu:a100=2,mem=8192M'.

    `unit_of_memory` is 'M' for allocations, '' for usage, which is in bytes. Entries without a
    count are left out.
    """
    parts = []
    for entry in entries if isinstance(entries, list) else ():
        kind, name = text(member(entry, "type")), text(member(entry, "name"))
        count = digits(member(entry, "count"))
        if kind and count:
            unit = unit_of_memory if kind == "mem" else ""
            parts.append(f"{kind}{'/' * bool(name)}{name}={count}{unit}")
    return ",".join(parts)


def tres_count(entries: JsonValue, kind: str) -> str:
    """Return the count of one kind of resource in digits, '' where it has none."""
    for entry in entries if isinstance(entries, list) else ():
        if member(entry, "type") == kind and not member(entry, "name"):
            return digits(member(entry, "count"))
    return ""


def requested_memory(required: JsonValue, requested: JsonValue) -> str:
    """Return what was asked for: '3000M' in all, else '3000Mc' per CPU or '48000Mn' per node.

    The requested resources say it in all, as sacct prints it since 21.08; `required.memory` comes
    second, because Slurm 22.05 writes it without saying whether it is per CPU or per node.
    """
    in_all = tres_count(requested, "mem")
    per_cpu = digits(member(required, "memory_per_cpu"))
    per_node = digits(member(required, "memory_per_node"))
    memory = number(member(required, "memory"))
    if in_all:
        return f"{in_all}M"
    if per_cpu or per_node:
        return f"{per_cpu}Mc" if per_cpu else f"{per_node}Mn"
    if memory is None or memory == float("inf"):
        return ""
    whole = int(memory) % _BITS_64
    return f"{whole - _PER_CPU}Mc" if whole >= _PER_CPU else f"{whole}Mn"


def wckey(value: JsonValue) -> str:
    """Return the WCKey; '*' stands before the one that its owner has by default."""
    flags = member(value, "flags")
    is_default = isinstance(flags, list) and "ASSIGNED_DEFAULT" in flags
    return "*" * is_default + text(member(value, "wckey"))


def task_ranges(value: JsonValue) -> str:
    """Return pending array tasks as sacct prints them: '10,20,30-31', also from '0xC0100400'.

    Tasks at equal distances are '1-1000:3'.
    """
    ranges = text(value)
    if not re.fullmatch(r"0x[0-9A-Fa-f]+", ranges):
        return ranges
    bits = bin(int(ranges, 16))[:1:-1]
    tasks = [task for task, bit in enumerate(bits) if bit == "1"]
    distances = {later - task for task, later in pairwise(tasks)}
    if len(tasks) > 2 and len(distances) == 1 and distances != {1}:  # noqa: PLR2004  (two are a list)
        return f"{tasks[0]}-{tasks[-1]}:{distances.pop()}"
    firsts = [task for task in tasks if task == 0 or bits[task - 1] == "0"]
    lasts = [task for task in tasks if bits[task + 1 : task + 2] != "1"]
    pairs = zip(firsts, lasts, strict=True)
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in pairs)
