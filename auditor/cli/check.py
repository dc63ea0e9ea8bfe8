"""`auditor check`: find out whether the ledger is whole and its sums close."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from auditor.cli.state import state_of
from auditor.errors import IncompleteError


def check(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the ledger's integrity and its sums; exit with 5 if something is wrong."""
    from auditor.wiring.store import open_ledger  # noqa: PLC0415  (start-up time)

    settings = state_of(context).load().settings
    with open_ledger(settings, create=False) as ledger:
        findings = ledger.check()
        version = ledger.version
    if as_json:
        document = {"book_version": version, "findings": [asdict(one) for one in findings]}
        typer.echo(json.dumps(document, indent=2))
    elif not findings:
        typer.echo(f"book version {version}: no finding")
    else:
        for one in findings:
            typer.echo(f"{one.code}: {one.text} ({one.n})")
    if findings:
        msg = f"the ledger in {settings.ledger.path} has {len(findings)} findings"
        raise IncompleteError(msg, hint="Load the exports again into a new ledger and compare.")
