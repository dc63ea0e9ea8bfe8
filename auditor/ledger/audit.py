"""Look for what cannot be: files of other content, rows unknown to the log, open sums."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from auditor.domain.frames import COMPONENTS, ENERGY, NUMBER
from auditor.errors import LedgerError
from auditor.ledger.book import Snapshot
from auditor.ledger.data_files import checksum
from auditor.ledger.interface import Finding
from auditor.ledger.queries import ENGINE, SOURCE, reading
from auditor.ledger.staging import DataFile

_TOLERANCE = 1e-9
_RUN_KEY = "cluster, raw_job_id, submit_utc, n_restarts"
_SUBMITTED = "make_timestamp(epoch_us(submit_utc))"
_PARTS = " + ".join(f"{component}_wh" for component in COMPONENTS)
# Null in files that were written before it was thought of.
_LATER = "gpu_measured_wh"
_ENERGIES = tuple(c.name for c in ENERGY if c.dtype == NUMBER and c.name != _LATER)
_CARBONS = ("carbon_low_g", "carbon_g", "carbon_high_g")
_BOUNDED = (
    *(
        (f"{component}_low_wh", f"{component}_wh", f"{component}_high_wh")
        for component in COMPONENTS
    ),
    ("energy_low_wh", "energy_wh", "energy_high_wh"),
    _CARBONS,
)


def _missing(names: tuple[str, ...]) -> str:
    return " OR ".join(f"{name} IS NULL OR isnan({name})" for name in names)


def _differs(left: str, right: str) -> str:
    return f"abs(({left}) - ({right})) > {_TOLERANCE} * greatest(1, abs({right}))"


def _outside(low: str, central: str, high: str) -> str:
    slack = f"{_TOLERANCE} * greatest(1, abs({central}))"
    return f"{low} > {central} + {slack} OR {central} > {high} + {slack}"


# What no run of the book may be: code, sentence, condition that is true for a bad row.
_IMPOSSIBLE = (
    (
        "wrong_partition",
        "runs are filed under a month that is not that of their submit time",
        f"strftime({_SUBMITTED}, '%Y-%m') <> submit_month",
    ),
    ("energy_missing", "runs lack an energy figure", _missing(_ENERGIES)),
    ("carbon_missing", "runs lack a carbon figure", _missing(_CARBONS)),
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
        "carbon",
        "runs have a carbon that is not their energy times the grid's intensity",
        _differs("coalesce(energy_wh * intensity_g_per_kwh / 1000, 0)", "carbon_g"),
    ),
    (
        "bounds",
        "runs have an energy or carbon outside its own bounds",
        " OR ".join(_outside(*triple) for triple in _BOUNDED),
    ),
    (
        "measured",
        "runs have more metered energy than energy of their accelerators",
        f"{_LATER} > gpu_wh + {_TOLERANCE} * greatest(1, gpu_wh) OR {_LATER} < 0",
    ),
    (
        "times",
        "runs do not end at their start plus elapsed and suspended time",
        "epoch_us(end_utc) - epoch_us(start_utc) <> (elapsed_s + suspended_s) * 1000000",
    ),
)


def find_in_book(root: Path, snapshot: Snapshot, checksum_of: Mapping[str, int]) -> list[Finding]:
    """Return what is wrong with the book's files and rows; nothing if all is well.

    `checksum_of` has the CRC-32 of the data files as they were written, by path.
    """
    damaged = [f.path for f in snapshot.files if not _is_whole(root, f, checksum_of.get(f.path))]
    if damaged:
        text = "data files are missing, or of another size or content than was written"
        return [Finding("files", f"{text}: {', '.join(damaged[:3])}", len(damaged))]
    found = []
    n_unknown = sum(file.path not in checksum_of for file in snapshot.files)
    if n_unknown:
        text = "data files have no checksum: not recorded when they were written"
        found.append(Finding("not_recorded", text, n_unknown))
    try:
        return found + list(_rows_found(root, snapshot))
    except duckdb.Error as error:
        return [*found, Finding("files", f"data files cannot be read: {error}", 1)]


def factor_sets_of(root: Path, snapshot: Snapshot) -> list[str]:
    """Return the ids of the factors that the book's estimates rest on.

    Raises
    ------
    LedgerError
        A data file cannot be read.
    """
    if not snapshot.files:
        return []
    query = "SELECT DISTINCT factor_set FROM read_parquet(?) WHERE factor_set IS NOT NULL"
    paths = [str(root / file.path) for file in snapshot.files]
    try:
        with duckdb.connect(config=ENGINE) as connection:
            return [row[0] for row in connection.execute(query, [paths]).fetchall()]
    except (duckdb.Error, UnicodeDecodeError) as error:
        msg = f"the book of jobs in {root} cannot be read: {error}"
        raise LedgerError(msg, hint="Restore its files from a backup.") from error


def _is_whole(root: Path, file: DataFile, crc32: int | None) -> bool:
    path = root / file.path
    if not path.is_file() or path.stat().st_size != file.n_bytes:
        return False
    return crc32 is None or checksum(path) == crc32


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
    query = f"SELECT count(*) AS n_rows, {sums} FROM {SOURCE}"  # noqa: S608  (our own words only)
    keys = f"SELECT count(*) FROM (SELECT DISTINCT {_RUN_KEY} FROM {SOURCE})"  # noqa: S608
    with reading() as connection:
        found = connection.execute(query, [paths])
        names = [column[0] for column in found.description]
        counts = dict(zip(names, found.fetchone() or (), strict=True))
        counts["n_keys"] = (connection.execute(keys, [paths]).fetchone() or (0,))[0]
    return counts
