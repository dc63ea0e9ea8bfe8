"""The job id of a run outlives the view that told it.

An export with raw ids alone does not know that 75 is 14_0. Where its view of the run is the newer
one it is kept, and takes over the names of the view that it replaced; so later views that know the
job id alone still find the run.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

JOB_NAMES = ("job_id", "parent_job_id")
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Gift:
    """Rows of one data file take over the names of rows of another, pair by pair."""

    to_path: str
    to_rows: Rows
    from_path: str
    from_rows: Rows


@dataclass(frozen=True)
class NewNames:
    """Names for some rows of a data file, in rising order of the rows."""

    rows: Rows
    names: pa.Table

    def given_to(self, table: pa.Table, first: int) -> pa.Table:
        """Return the part of the file that begins at row `first` with its new names."""
        low, high = np.searchsorted(self.rows, [first, first + len(table)]).tolist()
        is_named = np.zeros(len(table), dtype=np.bool_)
        is_named[self.rows[low:high] - first] = True
        for name in JOB_NAMES:
            place = table.column_names.index(name)
            column = table.column(name).combine_chunks()
            given = self.names.column(name)[low:high].combine_chunks().cast(column.type)
            renamed = pc.replace_with_mask(column, pa.array(is_named), given)
            table = table.set_column(place, name, renamed)
        return table


def gifts_between(
    receivers: tuple[list[str], Rows, Rows], donors: tuple[list[str], Rows, Rows]
) -> list[Gift]:
    """Sort pairs by their files; a side is the paths, and each row's path number and row there."""
    to_paths, to_file, to_row = receivers
    from_paths, from_file, from_row = donors
    pairs = to_file * max(1, len(from_paths)) + from_file
    found = []
    for pair in np.unique(pairs).tolist():
        to_number, from_number = divmod(pair, max(1, len(from_paths)))
        chosen = pairs == pair
        found.append(
            Gift(
                to_paths[to_number],
                to_row[chosen],
                from_paths[from_number],
                from_row[chosen],
            )
        )
    return found


def new_names(
    gifts: list[Gift],
    keeps: Mapping[str, NDArray[np.bool_]],
    names_of: Callable[[str, Rows], pa.Table],
) -> dict[str, NewNames]:
    """Return, by data file, the names that rows which are kept take over."""
    parts: dict[str, list[tuple[Rows, pa.Table]]] = defaultdict(list)
    for gift in gifts:
        is_kept = keeps[gift.to_path][gift.to_rows]
        if is_kept.any():
            names = names_of(gift.from_path, gift.from_rows[is_kept])
            parts[gift.to_path].append((gift.to_rows[is_kept], names))
    found = {}
    for path, given in parts.items():
        rows, firsts = np.unique(np.concatenate([rows for rows, _ in given]), return_index=True)
        table = pa.concat_tables([names for _, names in given])
        found[path] = NewNames(rows, table.take(pa.array(firsts)))
    return found
