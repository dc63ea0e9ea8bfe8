"""The read model as JSON, for programs: nothing scaled, nothing rounded, no NaN."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from auditor.domain.incident import Incident
from auditor.report.doubts import SourceBehind
from auditor.report.model import (
    SCHEMA,
    Components,
    JobLine,
    Quality,
    Report,
    Restated,
    Totals,
)


def to_json(report: Report) -> str:
    """Write a report as one JSON document in ASCII, indented, with a final line end."""
    return json.dumps(to_document(report), indent=2, allow_nan=False) + "\n"


def to_document(report: Report) -> dict[str, Any]:
    """Return a report as plain values that JSON can hold.

    Energies are Wh, carbon g CO2e, time s, instants UTC with a Z; unknown is None.
    """
    return {
        "schema": SCHEMA,
        "site": report.site,
        "period": _period(report),
        "filters": {name: list(values) for name, values in report.filters.items()},
        "totals": _totals(report.totals),
        "previous": _previous(report),
        "restated": None if report.restated is None else _restated(report.restated),
        "components_wh": _components(report.components),
        "by": {
            name: [asdict(group) for group in groups] for name, groups in report.groups_of.items()
        },
        "waste": asdict(report.waste),
        "jobs": [_job(line) for line in report.jobs],
        "recommendations": [
            {**asdict(advice), "evidence": _finite(advice.evidence)}
            for advice in report.recommendations
        ],
        "quality": _quality(report.quality),
        "provenance": asdict(report.provenance),
    }


def instant_text(instant: datetime | None) -> str | None:
    """Write an instant as `2026-11-15T23:00:00Z`; None stays None."""
    if instant is None:
        return None
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _period(report: Report) -> dict[str, str | None]:
    return {
        "start": instant_text(report.period.start_utc),
        "end": instant_text(report.period.end_utc),
        "timezone": report.period.timezone,
        "label": report.period.label,
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {**asdict(totals), "intensity_g_per_kwh": totals.intensity_g_per_kwh}


def _previous(report: Report) -> dict[str, Any] | None:
    if report.previous is None:
        return None
    return {**_totals(report.previous), "carbon_change_ratio": report.change_ratio}


def _components(components: Components) -> dict[str, float]:
    return {name.removesuffix("_wh"): value for name, value in asdict(components).items()}


def _job(line: JobLine) -> dict[str, Any]:
    plain = asdict(line)
    start, end, basis = plain.pop("start_utc"), plain.pop("end_utc"), plain.pop("basis_of")
    n_gpu, n_cpus = _whole(plain.pop("n_gpu")), _whole(plain.pop("n_cpus"))
    return {
        **plain,
        "start": instant_text(start),
        "end": instant_text(end),
        "n_gpu": n_gpu,
        "n_cpus": n_cpus,
        "basis": basis,
    }


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and value.is_integer() else value


def _finite(evidence: Mapping[str, object]) -> dict[str, object]:
    return {
        name: None if isinstance(value, float) and not abs(value) < float("inf") else value
        for name, value in evidence.items()
    }


def _quality(quality: Quality) -> dict[str, Any]:
    plain = asdict(quality)
    facts = plain.pop("facts")
    del facts["is_for_operators"], facts["user_rules"]
    facts["incidents"] = [_incident(one) for one in quality.facts.incidents]
    facts["behind"] = [_behind(one) for one in quality.facts.behind]
    rejects = [
        {name: reject[name] for name in ("source", "line", "reason")}
        for reject in facts.pop("rejects")
    ]
    return {**facts, "rejects": rejects, **plain}


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "source": incident.source,
        "cluster": incident.cluster,
        "code": incident.code,
        "text": incident.text,
        "hint": incident.hint,
        "start": instant_text(incident.start_utc),
        "end": instant_text(incident.end_utc),
        "resolved": instant_text(incident.resolved_utc),
    }


def _behind(behind: SourceBehind) -> dict[str, Any]:
    return {
        "cluster": behind.cluster,
        "collected_to": instant_text(behind.collected_to_utc),
        "collected_from": instant_text(behind.collected_from_utc),
        "is_late": behind.is_late,
    }


def _restated(restated: Restated) -> dict[str, Any]:
    previous = None if restated.previous is None else _totals(restated.previous)
    return {**asdict(restated), "previous": previous, "reasons": list(restated.reasons)}
