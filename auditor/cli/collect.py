"""`auditor collect`: ask the configured sources once."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditor.cli.progress import step_bar
from auditor.cli.state import now_utc, state_of
from auditor.errors import ConfigError
from auditor.report.clean import printable

if TYPE_CHECKING:
    from auditor.domain.incident import Incident
    from auditor.ledger.interface import LoadReceipt
    from auditor.ledger.ledger import Ledger
    from auditor.pipeline.collect_as_caller import SacctQuestion
    from auditor.pipeline.collect_pace import Pace
    from auditor.pipeline.collect_parts import CollectReceipt
    from auditor.settings.models import Settings

SACCT = "sacct"


def collect(
    context: typer.Context,
    cluster: Annotated[
        list[str] | None,
        typer.Option("--cluster", "-M", metavar="NAME", help="Only this cluster; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happened as JSON.")] = False,
) -> None:
    """Ask Slurm, Kubernetes and Prometheus for what is new; run again, it goes on where it was."""
    from auditor.wiring.collecting import collect_once  # noqa: PLC0415  (start-up time)

    settings = state_of(context).load().settings
    if not any(entry.collect for entry in settings.clusters):
        msg = "no cluster of the configuration is to be collected from"
        hint = 'Set collect = "sacct", "kubernetes" or "prometheus" in its [[clusters]] entry.'
        raise ConfigError(msg, hint=hint)
    with _Watcher(as_json) as watcher, _stop_flag() as stop:
        try:
            collect_once(
                settings,
                now_utc=now_utc,
                clusters=tuple(cluster or ()),
                progress=watcher,
                should_stop=stop.is_set,
            )
        finally:
            watcher.print_json()


def ask_slurm(settings: "Settings", ledger: "Ledger", question: "SacctQuestion") -> None:
    """Load the runs of a period that the caller may see, with a bar of its windows.

    Raises
    ------
    CollectError
        Slurm cannot be asked.
    """
    from auditor.pipeline.collect_parts import Run  # noqa: PLC0415  (start-up time)
    from auditor.wiring.collecting import load_from_sacct  # noqa: PLC0415

    with _Watcher(as_json=False) as watcher:
        load_from_sacct(settings, ledger, question, Run(now_utc, watcher))


class _Stop:
    """Whether somebody asked us to stop."""

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        """Tell whether to stop after the window in hand."""
        return self._is_set

    def set(self, number: int, _frame: object) -> None:
        """Take a signal; the same one again ends us at once."""
        self._is_set = True
        signal.signal(number, signal.SIG_DFL)
        typer.echo("stopping after the window in hand", err=True)


@contextmanager
def _stop_flag() -> Iterator[_Stop]:
    stop = _Stop()
    before = {number: signal.signal(number, stop.set) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Watcher:
    """Shows a bar of windows while they come, and a line for each cluster when it is done.

    Where there is no terminal for a bar, a line now and then says how far it is.
    """

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._receipts: list[CollectReceipt] = []
        self._bar = ExitStack()
        self._step: Callable[[int], None] = _no_step
        self._pace: Pace | None = None

    def __enter__(self) -> "_Watcher":
        """Use it as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._bar.close()

    def started(self, cluster: str, n_windows: int) -> None:
        """Show a bar of a cluster's windows."""
        from auditor.pipeline.collect_pace import Pace  # noqa: PLC0415  (start-up time)

        self._bar.close()
        if not sys.stderr.isatty():
            self._pace = Pace(cluster, n_windows, time.monotonic())
        self._step = self._bar.enter_context(step_bar(f"{cluster}: windows", n_windows))

    def advanced(
        self,
        cluster: str,  # noqa: ARG002
        window: tuple[datetime, datetime],
        receipt: "LoadReceipt",  # noqa: ARG002
    ) -> None:
        """Move the bar."""
        self._step(1)
        line = self._pace.advanced(window, time.monotonic()) if self._pace else None
        if line is not None:
            typer.echo(printable(line), err=True)

    def finished(self, receipt: "CollectReceipt") -> None:
        """Say what a cluster's collection came to."""
        self._bar.close()
        self._receipts.append(receipt)
        if self._as_json:
            return
        typer.echo(printable(receipt_text(receipt)))
        for incident in receipt.incidents:
            if receipt.failure is None or incident.code != receipt.failure.code:
                typer.echo(printable(f"  {incident.code}: {incident.text}"), err=True)
                typer.echo(printable(f"    {incident.hint}"), err=True)
        for note in receipt.notes:
            hint = f" ({note.hint})" if note.hint else ""
            typer.echo(printable(f"  {note.text}{hint}"), err=True)

    def print_json(self) -> None:
        """Print the receipts, if they are wanted so."""
        if self._as_json:
            json.dump([receipt_json(one) for one in self._receipts], sys.stdout, indent=2)
            sys.stdout.write("\n")


def _no_step(_done: int) -> None:
    """Show nothing."""


def receipt_text(receipt: "CollectReceipt") -> str:
    """Say in one line what a collection came to."""
    reached = receipt.collected_to_utc
    until = "nothing collected yet" if reached is None else f"collected up to {_instant(reached)}"
    how = "" if receipt.is_whole else f", {receipt.n_windows} of {receipt.n_windows_due} windows"
    if receipt.is_held:
        how = ", and held there as Slurm may have more to send"
    counts = (
        f"{receipt.n_jobs:,} jobs read: {receipt.n_new:,} new, {receipt.n_superseded:,} updated,"
        f" {receipt.n_unchanged:,} known"
    )
    refused = f"; {receipt.n_rejects:,} rows refused" if receipt.n_rejects else ""
    return f"{receipt.cluster}: {until}{how}; {counts}{refused}"


def receipt_json(receipt: "CollectReceipt") -> dict[str, Any]:
    """Return a receipt as JSON takes it."""
    plain = {name: value for name, value in vars(receipt).items() if isinstance(value, str | int)}
    failure = receipt.failure
    return {
        **plain,
        "collected_to": None
        if receipt.collected_to_utc is None
        else _instant(receipt.collected_to_utc),
        "incidents": [_incident_json(one) for one in receipt.incidents],
        "notes": [vars(note) for note in receipt.notes],
        "failure": None
        if failure is None
        else {"code": failure.code, "text": str(failure), "hint": failure.hint},
    }


def _incident_json(incident: "Incident") -> dict[str, str | None]:
    return {
        "code": incident.code,
        "text": incident.text,
        "hint": incident.hint,
        "start": _instant(incident.start_utc),
        "end": None if incident.end_utc is None else _instant(incident.end_utc),
    }


def _instant(instant_utc: datetime) -> str:
    return instant_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
