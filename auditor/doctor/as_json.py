"""Checks as JSON, for programs that watch a host."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from auditor.doctor.check import Check, Status

SCHEMA = "auditor.doctor/1"


def checks_json(checks: Sequence[Check]) -> str:
    """Return the checks and how many there are of each status."""
    n_of = {f"n_{status.value}": 0 for status in Status}
    for check in checks:
        n_of[f"n_{check.status.value}"] += 1
    document = {"schema": SCHEMA, **n_of, "checks": [asdict(check) for check in checks]}
    return json.dumps(document, indent=2)
