"""Look for what cannot be: rows that the log does not know, sums that do not close."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from auditor.domain.frames import COMPONENTS, ENERGY, NUMBER
from auditor.ledger.book import Snapshot
from auditor.ledger.interface import Finding

_TOLERANCE = 1e-9
_RUN_KEY = "cluster, raw_job_id, submit_utc, n_restarts"
_SUBMITTED = "make_timestamp(epoch_us(submit_utc))"
_PARTS = " + ".join(f"{component}_wh" for component in COMPONENTS)
_ENERGIES = tuple(c.name for c in ENERGY if c.dtype == NUMBER)
_MISSING = " OR ".join(f"{name} IS NULL OR isnan({name})" for name in _ENERGIES)


def _differs(left: str, right: str) -> str:
    return f"abs(({left}) - ({right})) > {_TOLERANCE} * greatest(1, abs({right}))"


# What no run of the book may be: code, sentence, condition that is true for a bad row.
_IMPOSSIBLE = (
    (
        "wrong_partition",
        "runs are filed under a month that is not that of their submit time",
        f"strftime({_SUBMITTED}, '%Y-%m') <> submit_month",
    ),
    ("energy_missing", "runs lack an energy figure", _MISSING),
    (
        "components",
        "runs have components that do not add up to their IT energy",
        _differs(_PARTS, "it_energy_wh"),
    ),
    (
        "overhead",
        "runs have an energy that is not their IT energy times PUE",
        _differs("it_energy_wh * pue", "energy_wh"),
    ),
    (
        "bounds",
        "runs have an energy or carbon outside its own bounds",
        (
            "NOT (energy_low_wh <= energy_wh + 1e-9 AND energy_wh <= energy_high_wh + 1e-9)"
            " OR NOT (carbon_low_g <= carbon_g + 1e-9 AND carbon_g <= carbon_high_g + 1e-9)"
        ),
    ),
    (
        "times",
        "runs do not end at their start plus elapsed and suspended time",
        "epoch_us(end_utc) - epoch_us(start_utc) <> (elapsed_s + suspended_s) * 1000000",
    ),
)


def find_in_book(root: Path, snapshot: Snapshot) -> list[Finding]:
    """Return what is wrong with the book's files and rows; nothing if all is well."""
    missing = [
        file.path for file in snapshot.files if not _is_whole(root / file.path, file.n_bytes)
    ]
    if missing:
        text = f"data files are missing or of another size: {', '.join(missing[:3])}"
        return [Finding("files", text, len(missing))]
    try:
        return list(_rows_found(root, snapshot))
    except duckdb.Error as error:
        return [Finding("files", f"data files cannot be read: {error}", 1)]


def factor_sets_of(root: Path, snapshot: Snapshot) -> list[str]:
    """Return the ids of the factors that the book's estimates rest on."""
    if not snapshot.files:
        return []
    query = "SELECT DISTINCT factor_set FROM read_parquet(?) WHERE factor_set IS NOT NULL"
    with duckdb.connect() as connection:
        paths = [str(root / file.path) for file in snapshot.files]
        return [row[0] for row in connection.execute(query, [paths]).fetchall()]


def _is_whole(path: Path, n_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == n_bytes


def _rows_found(root: Path, snapshot: Snapshot) -> Iterator[Finding]:
    counts = {code: 0 for code, _, _ in _IMPOSSIBLE}
    n_twice, n_differs = 0, 0
    for partition in sorted({file.partition for file in snapshot.files}):
        files = [file for file in snapshot.files if file.partition == partition]
        found = _count([str(root / file.path) for file in files])
        n_differs += abs(found["n_rows"] - sum(file.n_rows for file in files))
        n_twice += found["n_rows"] - found["n_keys"]
        for code in counts:
            counts[code] += found[code]
    if n_differs:
        yield Finding("row_count", "rows differ in number from what the log says", n_differs)
    if n_twice:
        yield Finding("duplicate", "rows are a second view of a run", n_twice)
    for code, text, _ in _IMPOSSIBLE:
        if counts[code]:
            yield Finding(code, text, counts[code])


def _count(paths: list[str]) -> dict[str, int]:
    sums = ", ".join(f"count(*) FILTER (WHERE {bad}) AS {code}" for code, _, bad in _IMPOSSIBLE)
    source = "read_parquet(?, hive_partitioning = true, hive_types_autocast = false)"
    query = f"SELECT count(*) AS n_rows, {sums} FROM {source}"  # noqa: S608  (our own words only)
    keys = f"SELECT count(*) FROM (SELECT DISTINCT {_RUN_KEY} FROM {source})"  # noqa: S608
    with duckdb.connect() as connection:
        found = connection.execute(query, [paths])
        names = [column[0] for column in found.description]
        counts = dict(zip(names, found.fetchone() or (), strict=True))
        counts["n_keys"] = (connection.execute(keys, [paths]).fetchone() or (0,))[0]
    return counts
