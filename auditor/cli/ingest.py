"""`auditor ingest`: load export files into the ledger."""

import gc
import json
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
    from auditor.wiring.parts import ExportOptions, build_factors  # noqa: PLC0415  (start-up time)
    from auditor.wiring.store import open_ledger  # noqa: PLC0415  (start-up time)

    settings = state_of(context).load().settings
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
) -> "LoadReceipt":
    """Load one export with a progress bar; say on standard error what is worth knowing of it.

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
    seen = _Seen()
    # Frames make many small objects and no cycles: looking for cycles that often costs 3 %.
    gc.set_threshold(100_000, 50, 100)
    with open_export(path) as export, byte_bar(export.name, export.size_bytes) as progress:
        intake = line.Intake(
            stream=export.stream,
            context=export_context(settings, export.name, options or ExportOptions()),
            source=LoadSource(export.name, export.digest, now_utc().isoformat()),
            progress=progress,
            watch=seen.take,
        )
        receipt = line.ingest(intake, factors, ledger)
    for told in seen.lines(export.name):
        typer.echo(told, err=True)
    return receipt


class _Seen:
    """What is worth telling of a load: rows refused, and notes about the source."""

    def __init__(self) -> None:
        self._reasons: dict[str, list[int]] = {}
        self._notes: dict[str, str] = {}

    def take(self, batch: "LoadBatch") -> None:
        """Look at one piece."""
        for reject in batch.rejects:
            self._reasons.setdefault(reject.reason, []).append(reject.line)
        for note in batch.notes:
            self._notes.setdefault(note.text, note.hint)

    def lines(self, name: str) -> Iterator[str]:
        """Put it in words, the commonest reason first."""
        for reason, places in sorted(self._reasons.items(), key=lambda item: -len(item[1])):
            shown = ", ".join(str(place) for place in places[:_N_SHOWN])
            more = f" and {len(places) - _N_SHOWN:,} more" if len(places) > _N_SHOWN else ""
            yield printable(f"  {name}: line {shown}{more} refused: {reason}")
        for text, hint in self._notes.items():
            yield printable(f"  {name}: {text}" + (f" ({hint})" if hint else ""))


def receipt_text(receipt: "LoadReceipt") -> str:
    """Say in one line what a load did."""
    rows = (
        f"{receipt.n_rows:,} rows = {receipt.n_jobs:,} jobs + {receipt.n_steps:,} steps"
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
