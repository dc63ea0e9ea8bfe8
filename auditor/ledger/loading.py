"""One load: rows staged as they come, decided at the end, one commit."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.ledger.book import Book, Snapshot
from auditor.ledger.data_files import copy_rows, file_job_ids, file_keys, file_names
from auditor.ledger.durable import write_durably
from auditor.ledger.identity import joined
from auditor.ledger.job_names import gifts_between, new_names
from auditor.ledger.staging import DataFile, Partition, StagedFiles
from auditor.ledger.stand_ins import Contest, settle_stand_ins
from auditor.ledger.supersede import KEPT, Fate, decide, has_repeats

_SMALL_ROWS = 50_000
_MANY_SMALL_FILES = 32
_TIMES = ("submit_utc", "start_utc", "end_utc")


@dataclass(frozen=True)
class Rule:
    """How a load treats the book: a new estimate of an equal view wins, or new runs come in."""

    equal_wins: bool = False
    inserts: bool = True

    @property
    def wanted(self) -> tuple[Fate, ...]:
        """The fates of rows that go into the book."""
        return KEPT if self.inserts else (Fate.SUPERSEDES,)


@dataclass(frozen=True)
class Settled:
    """What a load comes to: data files in and out, and how many rows met which fate."""

    added: tuple[DataFile, ...]
    removed: tuple[DataFile, ...]
    n_of: Counter[Fate]


@contextmanager
def staging(book: Book, load_id: str, journal: Path) -> Iterator[StagedFiles]:
    """Give a place for the files of one load, and leave nothing of it behind but what counts.

    The journal names the load while its files may be about; whoever writes next clears up after a
    load that was killed.
    """
    clear_up(book, journal)
    write_durably(journal, load_id)
    staged = StagedFiles(book.root, load_id)
    try:
        yield staged
    finally:
        staged.abandon()
        clear_up(book, journal)


def clear_up(book: Book, journal: Path) -> None:
    """Delete the files of the load that the journal names, unless the book took them over."""
    if not journal.exists():
        return
    load_id = journal.read_text(encoding="utf-8").strip()
    if load_id:
        taken = {file.path for file in book.snapshot().files}
        for path in book.root.glob(f"*/*/part-{load_id}-*.parquet"):
            if path.relative_to(book.root).as_posix() not in taken:
                path.unlink()
    journal.unlink()


def settle(staged: StagedFiles, book: Book, snapshot: Snapshot, rule: Rule) -> Settled:
    """Decide every incoming row against the book, and write again the files that lose rows."""
    incoming = staged.close()
    fates: dict[str, NDArray[np.uint8]] = {}
    stays: dict[str, NDArray[np.bool_]] = {}
    contests = [
        _contest(book.root, files, snapshot, (fates, stays))
        for files in _grouped(incoming, _cluster_of)
    ]
    for contest in contests:
        for files in _grouped(contest.incoming, _partition_of):
            _decide_partition(staged, contest, files, rule)
        settle_stand_ins(contest)
    keeps = {path: np.isin(fate, rule.wanted) for path, fate in fates.items()} | stays
    gifts = [gift for contest in contests for gift in contest.gifts]
    names = new_names(gifts, keeps, partial(file_names, book.root))
    is_whole = {path: kept.all() and path not in names for path, kept in keeps.items()}
    added = [file for file in incoming if is_whole[file.path]]
    changed = [file for file in incoming if not is_whole[file.path]]
    removed = [file for file in snapshot.files if not is_whole.get(file.path, True)]
    if added or removed or any(keeps[file.path].any() for file in changed):
        removed += _small_files(snapshot, {file.partition for file in incoming}, removed)
    for file in (*changed, *removed):
        kept = keeps.get(file.path, np.ones(file.n_rows, np.bool_))
        copy_rows(book.root, file, kept, staged, names.get(file.path))
    added += staged.close()
    n_of = Counter({fate: sum(int((f == fate).sum()) for f in fates.values()) for fate in Fate})
    return Settled(tuple(added), tuple(removed), n_of)


def _small_files(
    snapshot: Snapshot, partitions: set[Partition], removed: list[DataFile]
) -> list[DataFile]:
    """Return the small files of partitions that have many, to be written again as one.

    An hourly load would leave hundreds in a month, and each costs a query about a millisecond.
    """
    small = [
        file
        for file in snapshot.files
        if file.partition in partitions and file.n_rows < _SMALL_ROWS and file not in removed
    ]
    many = [group for group in _grouped(small, _partition_of) if len(group) >= _MANY_SMALL_FILES]
    return [file for group in many for file in group]


def _cluster_of(file: DataFile) -> str:
    return file.partition.cluster


def _partition_of(file: DataFile) -> Partition:
    return file.partition


def _grouped(
    files: list[DataFile], group_of: Callable[[DataFile], Hashable]
) -> list[list[DataFile]]:
    found: dict[Hashable, list[DataFile]] = defaultdict(list)
    for file in files:
        found[group_of(file)].append(file)
    return list(found.values())


def _contest(
    root: Path,
    incoming: list[DataFile],
    snapshot: Snapshot,
    masks: tuple[dict[str, NDArray[np.uint8]], dict[str, NDArray[np.bool_]]],
) -> Contest:
    """Bring together the incoming files of one cluster and the book's that can hold rivals."""
    fates, stays = masks
    any_stand_ins = any(file.may_hold_stand_ins for file in incoming)
    months = {file.partition for file in incoming}
    existing = [
        file
        for file in snapshot.files
        if file.partition.cluster == incoming[0].partition.cluster
        and (
            (file.partition in months and _overlaps(incoming, file, "submit_utc"))
            or (
                (any_stand_ins or file.may_hold_stand_ins)
                and any(_meets(other, file) for other in incoming)
            )
        )
    ]
    fates.update((file.path, np.full(file.n_rows, Fate.NEW, np.uint8)) for file in incoming)
    stays.update((file.path, np.ones(file.n_rows, np.bool_)) for file in existing)
    return Contest(
        incoming, existing, fates, stays, partial(file_keys, root), partial(file_job_ids, root)
    )


def _decide_partition(
    staged: StagedFiles, contest: Contest, files: list[DataFile], rule: Rule
) -> None:
    """Decide the rows of one partition; only where keys meet are ours read back."""
    rivals = [f for f in contest.existing if f.partition == files[0].partition]
    rival_keys = joined([contest.keys_of(file) for file in rivals])
    hashes = [hashes for file in files for hashes in staged.run_hashes[file.path]]
    if not has_repeats(np.concatenate([*hashes, rival_keys.run_hash()])):
        return
    keys = joined([contest.keys_of(file) for file in files])
    decision = decide(keys, rival_keys, equal_wins=rule.equal_wins)
    _hand_out(decision.fates, files, contest.fates)
    _hand_out(decision.stays, rivals, contest.stays)
    both = [*files, *rivals]
    for receivers, donors in decision.renamed:
        contest.gifts += gifts_between(_located(receivers, both), _located(donors, both))


def _located(
    rows: NDArray[np.intp], files: list[DataFile]
) -> tuple[list[str], NDArray[np.intp], NDArray[np.intp]]:
    """Return the paths, and for rows numbered through the files their path's number and row."""
    edges = np.cumsum([0, *(file.n_rows for file in files)])
    numbers = np.searchsorted(edges, rows, side="right") - 1
    return [file.path for file in files], numbers, rows - edges[numbers]


def _hand_out(values: NDArray[Any], files: list[DataFile], into: dict[str, NDArray[Any]]) -> None:
    first = 0
    for file in files:
        into[file.path] = values[first : first + file.n_rows]
        first += file.n_rows


def _meets(one: DataFile, other: DataFile) -> bool:
    """Tell whether the times that runs of two files lie in have a moment in common."""
    (low, high), (other_low, other_high) = _span(one), _span(other)
    return low <= other_high and other_low <= high


def _span(file: DataFile) -> tuple[int, int]:
    lows = [file.bounds.low[name] for name in _TIMES if name in file.bounds.low]
    highs = [file.bounds.high[name] for name in _TIMES if name in file.bounds.high]
    return min(lows), max(highs)


def _overlaps(files: list[DataFile], other: DataFile, column: str) -> bool:
    """Tell whether values of a column can be equal in the files and in the other one."""
    if column not in other.bounds.low:
        return False
    low, high = other.bounds.low[column], other.bounds.high[column]
    return any(
        column in file.bounds.low
        and file.bounds.low[column] <= high
        and file.bounds.high[column] >= low
        for file in files
    )
