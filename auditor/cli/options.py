"""Options that several verbs share, named as sacct names them."""

from datetime import datetime
from typing import Annotated

import typer

from auditor.cli.time_grammar import month_period, span_period, week_period
from auditor.domain.job import ENDED_STATES, OPEN_STATES
from auditor.domain.period import Period
from auditor.errors import UsageError

Users = Annotated[
    str,
    typer.Option("-u", "--user", metavar="LIST", help="Only these users, under all their names."),
]
Accounts = Annotated[
    str,
    typer.Option(
        "-A",
        "--account",
        "--project",
        metavar="LIST",
        help="Only these accounts, or the namespaces of pods.",
    ),
]
Clusters = Annotated[
    str, typer.Option("-M", "--cluster", metavar="LIST", help="Only these clusters.")
]
ClustersOrExports = Annotated[
    str,
    typer.Option(
        "-M",
        "--cluster",
        metavar="LIST",
        help="Only these clusters; with --from, one is also whose an export is that names none.",
    ),
]
Partitions = Annotated[
    str, typer.Option("-r", "--partition", metavar="LIST", help="Only these partitions.")
]
Qos = Annotated[str, typer.Option("-q", "--qos", metavar="LIST", help="Only these QOS.")]
States = Annotated[
    str, typer.Option("-s", "--state", metavar="LIST", help="Only runs in these states.")
]
Jobs = Annotated[
    str,
    typer.Option(
        "-j",
        "--jobs",
        metavar="LIST",
        help="Only these job ids: 4711, 4711_3, NAMESPACE/POD, or NAMESPACE/KIND/NAME of what owns "
        "pods in the end: its CronJob, not the Job between.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option("-S", "--starttime", "--since", metavar="TIME", help="From this time on."),
]
Until = Annotated[
    str | None, typer.Option("-E", "--endtime", "--until", metavar="TIME", help="Up to this time.")
]
Week = Annotated[
    str | None,
    typer.Option("--week", metavar="WEEK", help="One ISO week: 2026-W47, last-week, this-week."),
]
Month = Annotated[
    str | None,
    typer.Option("--month", metavar="MONTH", help="One month: 2026-11, last-month, this-month."),
]
From = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="FILE...",
        help="Read these exports instead of the ledger; - is stdin, sacct asks Slurm as you.",
    ),
]
ClusterName = Annotated[
    str | None,
    typer.Option("--cluster", "-M", metavar="NAME", help="The cluster that the exports are of."),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="LIST",
        help="Column names of an export without header, as given to sacct -o.",
    ),
]


def words(text: str | None) -> tuple[str, ...]:
    """Split a comma list; nothing stays nothing."""
    return tuple(word for part in (text or "").split(",") if (word := part.strip()))


def state_names(text: str) -> tuple[str, ...]:
    """Return full state names for sacct's short ones: F is FAILED, TO is TIMEOUT.

    Raises
    ------
    UsageError
        A state that neither Slurm knows nor runs of pods have.
    """
    short = {
        "BF": "BOOT_FAIL", "CA": "CANCELLED", "CD": "COMPLETED", "DL": "DEADLINE", "F": "FAILED",
        "NF": "NODE_FAIL", "OOM": "OUT_OF_MEMORY", "PD": "PENDING", "PR": "PREEMPTED",
        "R": "RUNNING", "RQ": "REQUEUED", "RS": "RESIZING", "RV": "REVOKED", "S": "SUSPENDED",
        "TO": "TIMEOUT",
    }  # fmt: skip
    names = tuple(short.get(word.upper(), word.upper()) for word in words(text))
    known = ENDED_STATES | OPEN_STATES
    unknown = [name for name in names if name not in known]
    if unknown:
        msg = f"there is no state {', '.join(unknown)}"
        raise UsageError(msg, hint=f"States are {', '.join(sorted(known))}.")
    return names


def chosen_period(
    spans: tuple[str | None, str | None, str | None, str | None],
    now_utc: datetime,
    timezone: str,
) -> Period:
    """Return the period of (since, until, week, month); the last seven days where none is given.

    Raises
    ------
    UsageError
        More than one way was used, or a value is not a time.
    """
    since, until, week, month = spans
    ways = [way for way in (since or until, week, month) if way]
    if len(ways) > 1:
        msg = "a period is given by -S/-E or --week or --month, not by several of them"
        raise UsageError(msg)
    if week:
        return week_period(week, now_utc, timezone)
    if month:
        return month_period(month, now_utc, timezone)
    return span_period(since, until, now_utc, timezone)
