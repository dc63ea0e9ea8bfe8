"""Values as Slurm writes them, one cell at a time: sizes, counts, states and words for nothing."""

import math
import re
from dataclasses import dataclass

from auditor.domain.job import ENDED_STATES, OPEN_STATES

# Slurm's NO_VAL, INFINITE (16, 32 and 64 bits) and -2: "no value" leaking into a column.
SENTINELS = frozenset(
    str(value) for value in (-2, -1, 2**16 - 2, 2**32 - 2, 2**32 - 1, 2**64 - 2, 2**64 - 1)
)
MISSING_WORDS = frozenset(
    {"", "unknown", "none", "none assigned", "invalid", "n/a", "(null)", "null"}
)
UNLIMITED_WORDS = frozenset({"unlimited", "infinite"})
KNOWN_STATES = ENDED_STATES | OPEN_STATES

_BINARY = {"K": 2.0**10, "M": 2.0**20, "G": 2.0**30, "T": 2.0**40, "P": 2.0**50, "E": 2.0**60}
_DECIMAL_GB = {"K": 1e-6, "M": 1e-3, "G": 1.0, "T": 1e3, "P": 1e6, "E": 1e9}
_SIZE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)([KMGTPE]?)(?:i?B)?", re.IGNORECASE)
_REQUESTED = re.compile(r"(\d+(?:\.\d+)?)([KMGTPE]?)([nc]?)", re.IGNORECASE)
_PER_CPU_FLAGS = (2**63, 2**31)
_MAX_ENERGY_J = 1e15


def is_missing(text: str) -> bool:
    """Tell whether a cell holds nothing, or one of Slurm's words or numbers for nothing."""
    return text in SENTINELS or text.strip().lower() in MISSING_WORDS


def word_or_none(text: str) -> str | None:
    """Return a name as it stands; an empty cell is None (a user may be called 'Unknown')."""
    return text or None


def node_list_or_none(text: str) -> str | None:
    """Return a node list; the words for 'never had a node' are None."""
    return None if is_missing(text) else text


def parse_count(text: str) -> float:
    """Read a count; missing cells are NaN.

    sacct abbreviates counts as it does sizes: `1.50K` is 1536.

    Raises
    ------
    ValueError
        The cell is no count.
    """
    if is_missing(text):
        return math.nan
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        msg = f"{text!r} is no count"
        raise ValueError(msg)
    return float(match[1]) * _BINARY.get(match[2].upper(), 1.0)


def parse_size_bytes(text: str, bare_unit: str = "") -> float:
    """Read a size in bytes; units are binary multiples, missing cells are NaN.

    Parameters
    ----------
    text
        `3188K`, `62.50G`, `0`, `3264512`.
    bare_unit
        Unit of a number without one: "" for MaxRSS and TRESUsage (bytes), "M" for memory in
        ReqMem and AllocTRES.

    Raises
    ------
    ValueError
        The cell is no size.
    """
    if is_missing(text):
        return math.nan
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        msg = f"{text!r} is no size"
        raise ValueError(msg)
    unit = match[2].upper() or bare_unit
    return float(match[1]) * _BINARY.get(unit, 1.0)


def parse_size_decimal_gb(text: str) -> float:
    """Read a memory size with 1000 M = 1 G as GreenAlgorithms4HPC does; NaN if unusable [GB]."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or is_missing(text):
        return math.nan
    return float(match[1]) * _DECIMAL_GB[match[2].upper() or "M"]


@dataclass(frozen=True)
class RequestedMemory:
    """ReqMem as asked for: an amount of memory for the job, for each node or for each CPU.

    `amount_bytes` in binary multiples, `amount_decimal_gb` with 1000 M = 1 G; NaN where the cell
    says nothing that can be believed. `per` is "job", "node" or "cpu".
    """

    amount_bytes: float
    amount_decimal_gb: float
    per: str


NOTHING_REQUESTED = RequestedMemory(math.nan, math.nan, "job")


def parse_requested_memory(text: str) -> RequestedMemory:
    """Read ReqMem: `8G`, `3000Mc` for each CPU, `48000Mn` for each node.

    A number with Slurm's flag bit for "per CPU" in it (2^31 before Slurm 17.11, 2^63 after) is
    that amount for each CPU; GreenAlgorithms4HPC cannot use it, so its decimal reading is NaN.
    Zero asks for the whole node and says nothing about how much that is.
    """
    match = _REQUESTED.fullmatch(text.strip())
    if match is None or match[1] in SENTINELS:
        return NOTHING_REQUESTED
    number, unit, suffix = match[1], match[2].upper() or "M", match[3].lower()
    flag = _per_cpu_flag(number) if unit == "M" else 0
    if flag:
        return RequestedMemory(float(int(number) - flag) * _BINARY["M"], math.nan, "cpu")
    amount = float(number)
    if amount == 0:
        return NOTHING_REQUESTED
    per = {"n": "node", "c": "cpu", "": "job"}[suffix]
    return RequestedMemory(amount * _BINARY[unit], amount * _DECIMAL_GB[unit], per)


def _per_cpu_flag(number: str) -> int:
    if not number.isdigit():
        return 0
    value = int(number)
    return next((flag for flag in _PER_CPU_FLAGS if flag < value < 2 * flag), 0)


def parse_energy_j(text: str) -> float:
    """Read ConsumedEnergyRaw; NaN unless it can be a measurement.

    Zero, blank, sentinels and values above 1e15 J (a 100 MW machine for four months) mean that
    nothing was measured.
    """
    try:
        energy_j = float(text)
    except ValueError:
        return math.nan
    credible = 0 < energy_j <= _MAX_ENERGY_J and not is_missing(text)
    return energy_j if credible else math.nan


def parse_state(text: str) -> str | None:
    """Return the state without 'by UID'; a state cut with '+' is completed, others are kept."""
    word = text.strip().split(" ", 1)[0].upper()
    if word.endswith("+"):
        fits = [state for state in sorted(KNOWN_STATES) if state.startswith(word[:-1])]
        return fits[0] if len(fits) == 1 or word[:-1] in KNOWN_STATES else word
    return word or None
