"""`auditor ingest`: load export files into the ledger."""

import gc
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditor.cli.options import ClusterName, Columns, words
from auditor.cli.progress import byte_bar
from auditor.cli.state import now_utc, state_of
from auditor.errors import AuditorError
from auditor.report.clean import printable

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.domain.reject import Reject
    from auditor.ledger.interface import LoadBatch, LoadReceipt
    from auditor.ledger.ledger import Ledger
    from auditor.pipeline.factors import Factors
    from auditor.settings.models import Settings
    from auditor.wiring.parts import ExportOptions

_N_SHOWN = 5


def ingest(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Exports; - is stdin.")],
    cluster: ClusterName = None,
    columns: Columns = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happened as JSON.")] = False,
) -> None:
    """Load exports into the ledger; loading again, in parts or in any order, changes nothing."""
    from auditor.wiring.cluster_names import refuse_unknown  # noqa: PLC0415  (start-up time)
    from auditor.wiring.parts import ExportOptions, build_factors  # noqa: PLC0415
    from auditor.wiring.store import open_ledger  # noqa: PLC0415

    settings = state_of(context).load().settings
    refuse_unknown(settings, cluster)
    factors = build_factors(settings)
    options = ExportOptions(cluster, columns=words(columns) or None)
    receipts: list[dict[str, Any]] = []
    failures: list[AuditorError] = []
    with open_ledger(settings, create=True) as ledger:
        for path in files:
            try:
                receipt = load_file(path, (settings, factors, ledger), options)
            except AuditorError as error:
                if len(files) == 1:
                    raise
                typer.secho(f"auditor: {path}: {error}", err=True, fg="red")
                failures.append(error)
                continue
            receipts.append({"file": path, **asdict(receipt)})
            if not as_json:
                typer.echo(f"{path}: {receipt_text(receipt)}")
    if as_json:
        typer.echo(json.dumps(receipts, indent=2))
    if failures:
        msg = f"{len(failures)} of {len(files)} files were refused, the others are loaded"
        raise type(failures[0])(msg, hint=failures[0].hint)


def load_file(
    path: str,
    parts: "tuple[Settings, Factors, Ledger]",
    options: "ExportOptions | None" = None,
    loaded_utc: "datetime | None" = None,
) -> "LoadReceipt":
    """Load one export with a progress bar; say on standard error what is worth knowing of it.

    It is loaded now unless `loaded_utc` says when: nothing in it can have been seen later.

    Raises
    ------
    ExportRefusedError
        Not one of its rows is a job, or it cannot be read without guessing.
    """
    from auditor.collect.export_file import open_export  # noqa: PLC0415  (start-up time)
    from auditor.ledger.interface import LoadSource  # noqa: PLC0415
    from auditor.pipeline import line  # noqa: PLC0415
    from auditor.wiring.parts import ExportOptions, export_context  # noqa: PLC0415

    settings, factors, ledger = parts
    seen = _Seen(settings)
    options = options or ExportOptions()
    when = (loaded_utc or now_utc()).isoformat()
    # Frames make many small objects and no cycles: looking for cycles that often costs 3 %.
    gc.set_threshold(100_000, 50, 100)
    with open_export(path) as export, byte_bar(export.name, export.size_bytes) as progress:
        intake = line.Intake(
            stream=export.stream,
            context=export_context(settings, export.name, options),
            source=LoadSource(export.name, export.digest, when, cluster=options.cluster),
            progress=progress,
            watch=seen.take,
        )
        receipt = line.ingest(intake, factors, ledger)
    for told in seen.lines(export.name):
        typer.echo(told, err=True)
    for warning in seen.warnings(export.name):
        typer.secho(warning, err=True, fg="yellow")
    return receipt


class _Seen:
    """What is worth telling of a load: rows refused, notes about the source, unknown clusters."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._reasons: dict[str, list[Reject]] = {}
        self._notes: dict[str, str] = {}
        self._n_runs_of: Counter[tuple[str, str]] = Counter()

    def take(self, batch: "LoadBatch") -> None:
        """Look at one piece."""
        for reject in batch.rejects:
            self._reasons.setdefault(reject.reason, []).append(reject)
        for note in batch.notes:
            self._notes.setdefault(note.text, note.hint)
        n_runs_of = batch.rows.groupby(["cluster", "scheduler"], observed=True).size()
        self._n_runs_of.update(dict(zip(n_runs_of.index, n_runs_of.tolist(), strict=True)))

    def lines(self, name: str) -> Iterator[str]:
        """Put it in words, the commonest reason first."""
        for reason, rejects in sorted(self._reasons.items(), key=lambda item: -len(item[1])):
            shown = ", ".join(_place(one) for one in rejects[:_N_SHOWN])
            more = f" and {len(rejects) - _N_SHOWN:,} more" if len(rejects) > _N_SHOWN else ""
            counted = rejects[0].counted
            yield printable(f"  {name}: {counted} {shown}{more} refused: {reason}")
        for text, hint in self._notes.items():
            yield printable(f"  {name}: {text}" + (f" ({hint})" if hint else ""))

    def warnings(self, name: str) -> Iterator[str]:
        """Say which runs are of clusters that the configuration does not name."""
        from auditor.wiring.cluster_names import unknown_text  # noqa: PLC0415  (start-up time)

        for (cluster, scheduler), n_runs in self._n_runs_of.items():
            text = unknown_text(self._settings, cluster, scheduler, n_runs)
            if text is not None:
                yield printable(f"auditor: warning: {name}: {text}")


def _place(reject: "Reject") -> str:
    return f"{reject.line} ({reject.name})" if reject.name else str(reject.line)


def receipt_text(receipt: "LoadReceipt") -> str:
    """Say in one line what a load did; steps are Slurm's, lists of pods hold other objects."""
    has_steps = not receipt.schedulers or "slurm" in receipt.schedulers
    others = f"{receipt.n_steps:,} {'steps' if has_steps else 'other objects'}"
    rows = (
        f"{receipt.n_rows:,} rows = {receipt.n_jobs:,} jobs + {others}"
        f" + {receipt.n_rejects:,} rejects"
    )
    parts = [
        f"{receipt.n_new:,} new",
        f"{receipt.n_superseded:,} updated",
        f"{receipt.n_unchanged:,} known",
    ]
    if receipt.n_duplicate_in_load:
        parts.append(f"{receipt.n_duplicate_in_load:,} repeated in the file")
    return f"{rows}; {', '.join(parts)}"
