"""Ask sacct for the runs of a window, so that its answer is whole and cannot be forged.

The call and the reason for each part of it:

- `-a` everybody; `-D` earlier runs of a requeued job too; no `-X`, because CPU time and memory lie
  in the steps; no `-T`, because it rewrites Start and End; `--noconvert` bytes instead of rounded
  units.
- A delimiter drawn at random for each call: job names come out of `-P` as they were typed, with
  line breaks and bars, and only a delimiter that nobody can know keeps a user from writing rows.
- DBIndex last: it is a number, so that a record really ends there.
- Fields that this Slurm does not list (`sacct -e`) are left out: one unknown field fails the call.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from auditor.collect.errors import CollectError
from auditor.collect.slurm_command import SlurmHost, run_text, running
from auditor.domain.reject import Reject

WANTED = (
    "JobIDRaw", "JobID", "Cluster", "User", "Account", "Partition", "QOS", "WCKey", "State",
    "Submit", "Eligible", "Start", "End", "ElapsedRaw", "Suspended", "TimelimitRaw", "NCPUS",
    "NNodes", "NTasks", "ReqMem", "AllocTRES", "TotalCPU", "MaxRSS", "TRESUsageInAve",
    "TRESUsageInTot", "ConsumedEnergyRaw", "NodeList", "Restarts", "JobName", "DBIndex",
)  # fmt: skip
# Without these there is no telling what a row is, when it was, or where it ends.
_NEEDED = frozenset(("JobIDRaw", "State", "Submit", "Start", "End", "ElapsedRaw", "DBIndex"))
# Newer than the oldest Slurm that is read; nothing is lost where they do not exist.
_OPTIONAL = frozenset(("Restarts",))
_CHUNK_BYTES = 4 * 1024 * 1024
_NUMBER_CELL = re.compile(rb"\d+\n")
_ROOM = "Is there room in the temporary folder? The same window is asked for again next time."
DAY = timedelta(days=1)
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class SacctFields:
    """The fields that are asked for, in order, and those that this Slurm does not have."""

    names: tuple[str, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class SacctAnswer:
    """What sacct wrote, checked to be whole: the stream, its size, and a name of its content.

    `delimiter` is that of this call.
    """

    stream: BinaryIO
    n_bytes: int
    digest: str
    delimiter: str

    def name_content(self) -> str:
        """Return a name of the content."""
        return self.digest

    def cleaned(self, reject: Reject) -> Reject:
        """Return a refused row as people can read it, and alike each time that it comes."""
        return replace(reject, text=reject.text.replace(self.delimiter, "|"))


def ask_fields(host: SlurmHost) -> SacctFields:
    """Ask `sacct -e` which of the wanted fields there are.

    Raises
    ------
    CollectError
        As `running` does; `sacct_failed` where a field is missing that no job can do without.
    """
    listed = {name.lower() for name in run_text(host, ["sacct", "-e"]).split()}
    names = tuple(name for name in WANTED if name.lower() in listed)
    if lacking := sorted(_NEEDED - set(names)):
        msg = f"this sacct has no field {', '.join(lacking)}"
        raise CollectError(
            msg, code="sacct_failed", hint="`sacct -e` lists the fields that it has."
        )
    return SacctFields(names, tuple(sorted(set(WANTED) - set(names) - _OPTIONAL)))


def windows_between(
    start_utc: datetime, end_utc: datetime, widest: timedelta = DAY
) -> tuple[Window, ...]:
    """Cut a span at the midnights of UTC, and further where `widest` is less than a day."""
    windows = []
    while start_utc < end_utc:
        midnight = start_utc.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        edge = min(midnight, start_utc + widest, end_utc)
        windows.append((start_utc, edge))
        start_utc = edge
    return tuple(windows)


def window_options(window: Window) -> list[str]:
    """Return -S and -E of a window. sacct reads them as local time, which is UTC for it."""
    start, end = (instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") for instant in window)
    return ["-S", start, "-E", end]


def jobs_options(job_ids: Sequence[str], since_utc: datetime) -> list[str]:
    """Return the options that ask for jobs by raw id, submitted since; ended, held or running."""
    start = since_utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return ["-j", ",".join(job_ids), "-S", start]


@contextmanager
def asking(host: SlurmHost, fields: SacctFields, options: Sequence[str]) -> Iterator[SacctAnswer]:
    """Ask sacct for the runs of everybody that the options name, and check the answer's ends.

    Raises
    ------
    CollectError
        As `running` does; `sacct_cut` where the answer lacks its header, or stops within a record.
    """
    delimiter = f"\x1f0{secrets.token_hex(8)}\x1f"
    command = [
        "sacct", "-aDP", "--noconvert", f"--delimiter={delimiter}",
        *host.cluster_options, *options, "-o", ",".join(fields.names),
    ]  # fmt: skip
    with running(host, command) as stream:
        yield checked(stream, delimiter, fields)


def checked(stream: BinaryIO, delimiter: str, fields: SacctFields) -> SacctAnswer:
    """Return an answer that has its header and ends with a whole record, back at its start.

    Raises
    ------
    CollectError
        `sacct_cut`: it does not.
    """
    header = delimiter.join(fields.names).encode() + b"\n"
    stream.seek(0)
    if stream.read(len(header)).lower() != header.lower():
        msg = "sacct's answer lacks its header: it was cut, or it is not an answer"
        raise CollectError(msg, code="sacct_cut", hint=_ROOM)
    survey = _Survey.of(stream, delimiter.encode(), header)
    is_empty = survey.n_bytes == 0
    is_torn = survey.n_delimiters % (len(fields.names) - 1) or not _NUMBER_CELL.fullmatch(
        survey.last_cell
    )
    if is_torn and not is_empty:
        msg = "sacct's answer stops within a record: it was cut"
        raise CollectError(msg, code="sacct_cut", hint=_ROOM)
    stream.seek(0)
    return SacctAnswer(stream, len(header) + survey.n_bytes, survey.digest, delimiter)


@dataclass(frozen=True)
class _Survey:
    """The records of an answer looked at to their end: what follows the last delimiter, too."""

    n_bytes: int
    n_delimiters: int
    last_cell: bytes
    digest: str

    @classmethod
    def of(cls, stream: BinaryIO, delimiter: bytes, header: bytes) -> "_Survey":
        digest = hashlib.sha256(header)
        n_bytes = n_delimiters = 0
        left = b""
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            n_bytes += len(chunk)
            *whole, left = (left + chunk).split(delimiter)
            n_delimiters += len(whole)
            # What stands before a delimiter that is split over two chunks is short.
            left = left[-_CHUNK_BYTES:]
        return cls(n_bytes, n_delimiters, left, digest.hexdigest())
