"""How one run's number came about, step by step, from what the ledger holds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd

from auditor.carbon.operational import seconds
from auditor.carbon.pieces import Piece, pieces
from auditor.domain.identity import Identity
from auditor.domain.intensity import IntensitySeries
from auditor.domain.job import QualityFlag
from auditor.energy.explain import explain_run
from auditor.energy.step import Step
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger
from auditor.pipeline.factor_text import energy_model

_NO_NAMES = Identity()


@dataclass(frozen=True)
class Explanation:
    """One run: its facts, the steps to its energy, and the grid pieces to its carbon.

    Beside the facts, `user` and `account` are its names in reports.
    """

    facts: Mapping[str, Any]
    steps: tuple[Step, ...]
    pieces: tuple[Piece, ...]
    series: IntensitySeries | None
    flags: tuple[str, ...]
    user: str | None = None
    account: str | None = None


def explain(
    ledger: Ledger, job_id: str, clusters: tuple[str, ...], identity: Identity = _NO_NAMES
) -> list[Explanation]:
    """Explain every run of a job, oldest first; nothing if the ledger has none.

    `job_id` is an id as people know it, that of what owns runs (an array, `namespace/Job/name`), or
    a raw one: the uid of a pod.
    """
    rows = ledger.read(filters=Filters(jobs=(job_id,), cluster=clusters))
    rows = rows.sort_values(["cluster", "submit_utc", "n_restarts"], ignore_index=True)
    start_s, end_s = seconds(rows["start_utc"]), seconds(rows["end_utc"])
    users = identity.name_users(rows["cluster"], rows["user"]).tolist()
    accounts = identity.name_projects(rows["cluster"], rows["account"]).tolist()
    found = [
        _explained(ledger, record, int(start_s[place]), int(end_s[place]))
        for place, record in enumerate(rows.to_dict("records"))
    ]
    return [
        replace(one, user=_text(user), account=_text(account))
        for one, user, account in zip(found, users, accounts, strict=True)
    ]


def _explained(ledger: Ledger, record: dict[Any, Any], start_s: int, end_s: int) -> Explanation:
    made_by = ledger.factor_set(record["factor_set"])
    if made_by is None:
        msg = f"the ledger has lost the factor set {record['factor_set']}"
        raise LookupError(msg)
    series = next((one for one in made_by.series if one.zone == record["zone"]), None)
    ran = series is not None and not pd.isna(record["start_utc"])
    return Explanation(
        facts={key: _plain(value) for key, value in record.items()},
        steps=tuple(explain_run(record, record, energy_model(made_by.text))),
        pieces=tuple(pieces(start_s, end_s, series)) if ran and series is not None else (),
        series=series,
        flags=tuple(flag.name or "" for flag in QualityFlag(record["quality_flags"])),
    )


def _text(name: object) -> str | None:
    return name if isinstance(name, str) else None


def _plain(value: object) -> object:
    """Return what JSON can hold: None for what is missing, ISO 8601 for instants."""
    if value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.isoformat() if isinstance(value, datetime) else value
