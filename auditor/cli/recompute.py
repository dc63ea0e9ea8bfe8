"""`auditor recompute`: estimate anew after the configuration or a grid series changed."""

import typer

from auditor.cli.state import now_utc, state_of


def recompute(context: typer.Context) -> None:
    """Estimate every run in the ledger anew with the factors that hold now; facts stay."""
    from auditor.ledger.interface import LoadSource  # noqa: PLC0415
    from auditor.pipeline import line  # noqa: PLC0415  (start-up time)
    from auditor.wiring.parts import build_factors  # noqa: PLC0415  (start-up time)
    from auditor.wiring.store import open_ledger  # noqa: PLC0415  (start-up time)

    settings = state_of(context).load().settings
    factors = build_factors(settings)
    source = LoadSource("recompute", lambda: factors.factor_set.id, now_utc().isoformat())
    with open_ledger(settings, create=False) as ledger:
        receipt = line.recompute(ledger, factors, source)
    typer.echo(
        f"{receipt.n_superseded:,} of {receipt.n_jobs:,} runs estimated anew"
        f" with factor set {factors.factor_set.id}; book version {receipt.book_version}"
    )
