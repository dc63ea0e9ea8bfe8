"""Decide, run by run, which view the book keeps."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from auditor.ledger.identity import RunKeys, joined


class Fate(IntEnum):
    """What becomes of one incoming row."""

    NEW = 0
    SUPERSEDES = 1
    UNCHANGED = 2
    DUPLICATE = 3


KEPT = (Fate.NEW, Fate.SUPERSEDES)
# Keys compared at once: bounds the memory of loading a whole history again.
_DECIDED_AT_ONCE = 250_000


@dataclass(frozen=True)
class Decision:
    """Fate of each incoming row (uint8 of `Fate`), and whether each row of the book stays.

    `renamed` are pairs of rows, numbered through the incoming, then the existing: one that goes
    first but does not know its job id, and one of the same run that does.
    """

    fates: NDArray[np.uint8]
    stays: NDArray[np.bool_]
    renamed: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = field(default_factory=list)


def decide(incoming: RunKeys, existing: RunKeys, *, equal_wins: bool) -> Decision:
    """Keep one row per key among incoming rows and rows of the book, all of one partition.

    The higher rank wins; at equal rank the book's row stays, unless `equal_wins` (new estimates of
    the same view).
    """
    decision = Decision(
        np.full(len(incoming), Fate.NEW, dtype=np.uint8), np.ones(len(existing), dtype=np.bool_)
    )
    hashes = np.concatenate([incoming.run_hash(), existing.run_hash()])
    rivals = np.flatnonzero(_is_repeated(hashes))
    n_parts = 1 + len(rivals) // _DECIDED_AT_ONCE
    part_of = hashes[rivals] % np.uint64(n_parts)
    for part in range(n_parts):
        _decide_rivals((incoming, existing), rivals[part_of == part], decision, equal_wins)
    return decision


def _decide_rivals(
    sides: tuple[RunKeys, RunKeys],
    rivals: NDArray[np.intp],
    decision: Decision,
    equal_wins: bool,  # noqa: FBT001  (passed on)
) -> None:
    """Write the fates of the rows `rivals`, numbered through the incoming, then the existing."""
    n_incoming = len(sides[0])
    is_existing = rivals >= n_incoming
    keys = joined(
        [sides[0].take(rivals[~is_existing]), sides[1].take(rivals[is_existing] - n_incoming)]
    )
    order, first_of = _best_first(keys, is_existing, equal_wins=equal_wins)
    group = np.cumsum(first_of) - 1
    theirs = is_existing[order]
    has_existing = np.zeros(len(rivals), dtype=np.bool_)
    has_existing[group[theirs]] = True
    decision.stays[rivals[order[theirs & ~first_of]] - n_incoming] = False
    ours = np.flatnonzero(~theirs)
    is_best = np.diff(group[ours], prepend=-1) != 0
    is_known = has_existing[group[ours]]
    fate = np.full(len(ours), Fate.DUPLICATE, dtype=np.uint8)
    fate[is_best & ~is_known] = Fate.NEW
    fate[is_best & is_known & first_of[ours]] = Fate.SUPERSEDES
    fate[is_best & is_known & ~first_of[ours]] = Fate.UNCHANGED
    decision.fates[rivals[order[ours]]] = fate
    first, named = _renamed(keys.is_named[order], first_of, group)
    if len(first):
        decision.renamed.append((rivals[order[first]], rivals[order[named]]))


def _renamed(
    is_named: NDArray[np.bool_], first_of: NDArray[np.bool_], group: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs of the first row of a group, without a name, and the next that has one."""
    named = np.flatnonzero(is_named)
    named = named[np.diff(group[named], prepend=-1) != 0]
    firsts = np.flatnonzero(first_of)[group[named]]
    lacks = ~is_named[firsts]
    return firsts[lacks], named[lacks]


def has_repeats(hashes: NDArray[np.uint64]) -> bool:
    """Tell whether any value occurs more than once."""
    ordered = np.sort(hashes)
    return bool((ordered[1:] == ordered[:-1]).any())


def _is_repeated(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    ordered = np.sort(hashes)
    left = np.searchsorted(ordered, hashes, side="left")
    following = np.minimum(left + 1, len(ordered) - 1)
    repeated: NDArray[np.bool_] = (following != left) & (ordered[following] == hashes)
    return repeated


def _best_first(
    keys: RunKeys, is_existing: NDArray[np.bool_], *, equal_wins: bool
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Sort by exact key, the row to keep first; mark the first row of each key."""
    comes_second = is_existing if equal_wins else ~is_existing
    order = np.lexsort((comes_second, -keys.rank, keys.n_restarts, keys.submit_us, keys.raw))
    ordered = keys.take(order)
    differs = (
        (np.diff(ordered.raw) != 0)
        | (np.diff(ordered.submit_us) != 0)
        | (np.diff(ordered.n_restarts) != 0)
    )
    return order, np.concatenate([np.ones(min(1, len(order)), dtype=np.bool_), differs])
