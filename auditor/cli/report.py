"""`auditor report`: what it used and emitted."""

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli import options
from auditor.cli.collect import SACCT, ask_slurm
from auditor.cli.ingest import load_file
from auditor.cli.state import now_utc, state_of
from auditor.errors import IncompleteError, NoJobMatchedError, UsageError
from auditor.report.clean import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.domain.identity import Identity
    from auditor.domain.incident import Incident
    from auditor.domain.period import Period
    from auditor.ledger.interface import Filters
    from auditor.ledger.ledger import Ledger
    from auditor.report.model import Report
    from auditor.settings.models import Settings


_WIDEN = "Widen the period (-S, -E) or the filters."
_NO_OWNER = (
    "Pods are found by what owns them in the end: NAMESPACE/CronJob/NAME for the Jobs of a CronJob."
    f" {_WIDEN}"
)
_N_SLASHES_OF_OWNER = 2


class By(StrEnum):
    """What the table is by."""

    USER = "user"
    ACCOUNT = "account"
    CLUSTER = "cluster"
    PARTITION = "partition"
    GPU = "gpu"
    STATE = "state"
    DAY = "day"
    JOB = "job"


def report(
    context: typer.Context,
    user: options.Users = "",
    account: options.Accounts = "",
    cluster: options.ClustersOrExports = "",
    partition: options.Partitions = "",
    qos: options.Qos = "",
    state: options.States = "",
    jobs: options.Jobs = "",
    since: options.Since = None,
    until: options.Until = None,
    week: options.Week = None,
    month: options.Month = None,
    by: Annotated[By | None, typer.Option("--by", help="One table, in full.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, unscaled.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, by job unless --by.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a standalone page.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write here instead of stdout."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 5 if the data are incomplete.")
    ] = False,
    exports: options.From = None,
    columns: options.Columns = None,
) -> None:
    """Report energy and carbon of the runs that overlap a period, cut at its edges."""
    if as_json and as_csv:
        msg = "--json and --csv exclude each other"
        raise UsageError(msg)
    if columns and not exports:
        msg = "--columns is about exports, and none is named with --from"
        raise UsageError(msg)
    from auditor.ledger.interface import Filters  # noqa: PLC0415  (start-up time)
    from auditor.pipeline.origins import is_short  # noqa: PLC0415
    from auditor.pipeline.reports import Question  # noqa: PLC0415
    from auditor.pipeline.reports import report as draw  # noqa: PLC0415
    from auditor.report.build import N_LARGEST_JOBS  # noqa: PLC0415
    from auditor.wiring.house import house  # noqa: PLC0415
    from auditor.wiring.pages import restated_of  # noqa: PLC0415

    given = state_of(context)
    settings = (given.load_or_default() if exports else given.load()).settings
    now = now_utc()
    period = options.chosen_period((since, until, week, month), now, settings.site.timezone)
    filters = Filters(
        user=options.words(user),
        account=options.words(account),
        cluster=options.words(cluster),
        partition=options.words(partition),
        qos=options.words(qos),
        state=options.state_names(state),
        jobs=options.words(jobs),
    )
    lists_all = by is By.JOB or (as_csv and by is None)
    question = Question(period, filters, None if lists_all else N_LARGEST_JOBS, now)
    only = filters.cluster[0] if len(filters.cluster) == 1 else None
    site = house(settings)
    if exports:
        site = replace(site, collected=())
    told = _Told(period, only, filters.user, options.words(columns) or None)
    with _ledger(settings, exports, told) as ledger:
        question = replace(question, filters=_recognised(ledger, filters, site.identity))
        found = draw(ledger, question, site)
        gaps = ledger.sources.incidents(period, filters.cluster, unresolved_only=True)
        short = found is None and is_short(ledger, period, site.collected, now)
    if found is None:
        hint = _NO_OWNER if any(_is_owner(one) for one in filters.jobs) else _WIDEN
        nothing = _nothing_matched(period, gaps, hint, is_short=short)
        raise IncompleteError(str(nothing), hint=nothing.hint) if strict and short else nothing
    if exports:
        found = _as_seen_by_us(found, gaps)
    else:
        found = replace(found, restated=restated_of(settings, found))
    if html is not None:
        _write_page(found, html)
    if html is None or output is not None or as_json or as_csv:
        form = "json" if as_json else "csv" if as_csv else "table"
        _write(_rendered(found, form, by.value if by else None, output), output)
    if strict:
        _refuse_incomplete(found)


def _as_seen_by_us(found: "Report", gaps: "tuple[Incident, ...]") -> "Report":
    """Say in the head of a report whose eyes Slurm let it be drawn with, where it hid something."""
    from auditor.pipeline.collect_as_caller import OWN_RUNS_ONLY  # noqa: PLC0415  (start-up time)
    from auditor.wiring.collecting import caller  # noqa: PLC0415

    if not any(gap.code == OWN_RUNS_ONLY for gap in gaps):
        return found
    return replace(found, filters={**found.filters, "visible_to": (caller().name,)})


def _recognised(ledger: "Ledger", filters: "Filters", identity: "Identity") -> "Filters":
    """Take a name that somebody has on one cluster only for theirs, and say so."""
    from auditor.pipeline.asked_names import recognised  # noqa: PLC0415  (start-up time)

    found = recognised(ledger, filters, identity)
    for told, name in found.called.items():
        text = f"auditor: {told} is called {name} in reports ([identity])"
        typer.echo(printable(text), err=True)
    return found.filters


def _is_owner(job: str) -> bool:
    """Tell whether a job id is NAMESPACE/KIND/NAME."""
    return job.count("/") == _N_SLASHES_OF_OWNER


def _nothing_matched(
    period: "Period", gaps: "tuple[Incident, ...]", hint: str, *, is_short: bool
) -> NoJobMatchedError:
    """Say that there is nothing, and whether that may be because accounting is missing."""
    if gaps:
        hint = f"Its accounting is not whole: {printable(gaps[0].text)}"
    elif is_short:
        hint = "Its accounting is not collected, or in part only: see `auditor doctor`."
    return NoJobMatchedError(f"no job matched in {period.label}", hint=hint)


@dataclass(frozen=True)
class _Told:
    """What the command line says of exports.

    The period and the users that sacct is asked for, the cluster of unnamed rows, the columns.
    """

    period: "Period"
    cluster: str | None
    users: tuple[str, ...]
    columns: tuple[str, ...] | None


@contextmanager
def _ledger(settings: "Settings", exports: list[str] | None, told: _Told) -> "Iterator[Ledger]":
    """Open the site's ledger, or fill one that lasts as long as the question from exports."""
    from auditor.ledger.ledger import Ledger  # noqa: PLC0415  (start-up time)
    from auditor.wiring.store import open_ledger  # noqa: PLC0415

    if not exports:
        with open_ledger(settings, create=False) as ledger:
            yield ledger
        return
    from auditor.pipeline.collect_as_caller import SacctQuestion  # noqa: PLC0415
    from auditor.wiring.parts import ExportOptions, build_factors  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory(prefix="auditor-") as folder,
        Ledger.open(folder, create=True) as ledger,
    ):
        factors = build_factors(settings)
        options_of_all = ExportOptions(None, told.cluster, told.columns)
        for path in exports:
            if path == SACCT:
                ask_slurm(settings, ledger, SacctQuestion(told.period, told.cluster, told.users))
                continue
            load_file(path, (settings, factors, ledger), options_of_all)
        yield ledger


def _rendered(found: "Report", form: str, by: str | None, output: Path | None) -> str:
    if form == "json":
        from auditor.report.as_json import to_json  # noqa: PLC0415  (start-up time)

        return to_json(found)
    if form == "csv":
        from auditor.report.as_csv import to_csv  # noqa: PLC0415

        return to_csv(found, by or By.JOB.value)
    from auditor.report.terminal import style_of, to_terminal  # noqa: PLC0415

    width = shutil.get_terminal_size().columns
    environment = {**os.environ, "NO_COLOR": "1"} if output else os.environ
    return to_terminal(found, style_of(sys.stdout, environment, width), by)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from auditor.deliver.files import write_file  # noqa: PLC0415  (start-up time)

    write_file(output, text)


def _write_page(found: "Report", file: Path) -> None:
    from auditor.deliver.files import write_file  # noqa: PLC0415  (start-up time)
    from auditor.report.page import to_html  # noqa: PLC0415

    write_file(file, to_html(found))
    typer.echo(f"wrote {file}", err=True)


def _refuse_incomplete(found: "Report") -> None:
    from auditor.report.findings import incomplete_reasons  # noqa: PLC0415  (start-up time)

    if gaps := incomplete_reasons(found):
        msg = f"incomplete: {'; '.join(gaps)}"
        raise IncompleteError(msg, hint="The quality section of the report has the details.")
