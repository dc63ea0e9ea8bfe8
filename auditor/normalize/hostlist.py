"""Slurm host lists: `a100-[1-2],rack[01-03]-n[001-128,200],login1`."""

import itertools
import math
import re

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
MAX_HOSTS = 2**20


def split_hostlist(text: str) -> list[str]:
    """Split at the commas that stand outside of brackets.

    Raises
    ------
    ValueError
        The brackets do not match.
    """
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth not in (0, 1):
            break
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth:
        msg = f"brackets of {text!r} do not match"
        raise ValueError(msg)
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def count_hosts(text: str) -> int:
    """Count the hosts of a list without writing them out.

    Raises
    ------
    ValueError
        The text is no host list.
    """
    return sum(
        math.prod(sum(high - low + 1 for low, high, _ in _ranges(body)) for body in bodies)
        for bodies in (_BRACKETS.findall(part) for part in split_hostlist(text))
    )


def expand_hosts(text: str) -> list[str]:
    """Write out the hosts of a list, in its order.

    Raises
    ------
    ValueError
        The text is no host list, or names more than `MAX_HOSTS` hosts.
    """
    if count_hosts(text) > MAX_HOSTS:
        msg = f"{text[:40]!r} names more than {MAX_HOSTS} hosts"
        raise ValueError(msg)
    return [host for part in split_hostlist(text) for host in _expand_part(part)]


def _expand_part(part: str) -> list[str]:
    pieces = _BRACKETS.split(part)
    choices = [
        [
            f"{number:0{width}d}"
            for low, high, width in _ranges(piece)
            for number in range(low, high + 1)
        ]
        if place % 2
        else [piece]
        for place, piece in enumerate(pieces)
    ]
    return ["".join(words) for words in itertools.product(*choices)]


def _ranges(body: str) -> list[tuple[int, int, int]]:
    ranges = []
    for text in body.split(","):
        match = _RANGE.fullmatch(text.strip())
        if match is None:
            msg = f"{text!r} is no range of hosts"
            raise ValueError(msg)
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low:
            msg = f"the range {text!r} runs backwards"
            raise ValueError(msg)
        ranges.append((low, high, len(match[1])))
    return ranges
