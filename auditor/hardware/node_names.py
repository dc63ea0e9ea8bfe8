"""Names of nodes: Slurm host lists and the selectors of the configuration."""

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

_PIECE = re.compile(r"(?:[^,\[\]]|\[[^\]]*\])+")
_TEXT_AND_RANGES = re.compile(r"([^\[\]]*)(\[[^\]]*\])?")
# Larger than any machine; a list beyond it is not a list of nodes.
_MAX_NODES = 200_000


def expand_node_list(text: str) -> tuple[str, ...]:
    """Return the nodes of a Slurm host list, in order: `n[01-02],x1` is n01, n02, x1.

    What cannot be read as a host list stands for one node of that name.
    """
    if "," not in text and "[" not in text:
        return (text,)
    if text.count("[") != text.count("]"):
        return (text,)
    nodes: list[str] = []
    for piece in _PIECE.findall(text):
        nodes.extend(_expand_piece(piece))
    return tuple(nodes)


@lru_cache(maxsize=65536)
def _expand_piece(piece: str) -> tuple[str, ...]:
    """Expand one piece of a host list, of one bracket or several: `x[1-2]y[3-4]` is four."""
    if "[" not in piece:
        return (piece,)
    nodes = [""]
    for text, ranges in _TEXT_AND_RANGES.findall(piece):
        numbers = _expand_ranges(ranges[1:-1]) if ranges else [""]
        if not numbers or len(nodes) * len(numbers) > _MAX_NODES:
            return (piece,)
        nodes = [node + text + number for node in nodes for number in numbers]
    return tuple(nodes)


def _expand_ranges(ranges: str) -> list[str]:
    """Expand `001-128,200`, keeping leading zeros; nothing where it is no range."""
    numbers: list[str] = []
    for one in ranges.split(","):
        first, _, last = one.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return []
        start, end, width = int(first), int(last or first), len(first)
        if not 0 <= end - start < _MAX_NODES:
            return []
        numbers += [f"{number:0{width}d}" for number in range(start, end + 1)]
    return numbers


@dataclass(frozen=True)
class NodeSelector:
    """The nodes that a rule's `match` means: names, and patterns where it holds * or ?."""

    names: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    @classmethod
    def read(cls, match: str) -> "NodeSelector":
        """Read a Slurm host list or a glob, or a comma list of both."""
        names: set[str] = set()
        patterns: list[re.Pattern[str]] = []
        for piece in _PIECE.findall(match):
            if "*" in piece or "?" in piece:
                patterns.append(re.compile(translate(piece.strip())))
            else:
                names.update(expand_node_list(piece.strip()))
        return cls(frozenset(names), tuple(patterns))

    def matches(self, node: str) -> bool:
        """Tell whether the node is meant."""
        return node in self.names or any(pattern.match(node) for pattern in self.patterns)
