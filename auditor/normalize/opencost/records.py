"""One allocation of OpenCost, out of an answer of its API or a row of its CSV export.

Names follow https://opencost.io/docs/integrations/api: hours are resource time, averages are over
the minutes that were seen inside the window, and OpenCost's own amounts are the greater of what was
requested and what was used.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

IDLE, UNALLOCATED, UNMOUNTED = "__idle__", "__unallocated__", "__unmounted__"
_SPECIAL = frozenset((IDLE, UNALLOCATED, UNMOUNTED))
_SLACK_S = 60.0
_MINUTES_OF_DAY = 1440.0
_KINDS = {
    kind.lower(): kind
    for kind in ("Job", "CronJob", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Node")
}
_ODD = re.compile(r"[^a-zA-Z0-9_]")


class Allocation(NamedTuple):
    """What one workload was allocated in one window; text is '' and numbers NaN where unknown.

    `cpu`, `ram` and `gpu` are what was requested and what was allocated, as averages over the
    minutes [cores, bytes, accelerators]. Instants are seconds since 1970.
    """

    name: str
    cluster: str
    node: str
    namespace: str
    controller_kind: str
    controller: str
    pod: str
    container: str
    gpu_model: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    window_start_s: float
    window_end_s: float
    start_s: float
    minutes: float
    cpu_requested: float
    cpu_allocated: float
    cpu_used: float
    ram_requested: float
    ram_allocated: float
    ram_peak: float
    gpu_allocated: float
    line: int


def is_no_run(name: str) -> bool:
    """Say whether an entry stands for what nobody ran: idle, unmounted, or nothing it could name.

    A part of a name may be `__unallocated__` where a workload lacks what was aggregated by.
    """
    parts = name.split("/")
    return IDLE in parts or parts[-1] == UNMOUNTED or _SPECIAL.issuperset(parts)


def allocation_of(name: str, entry: Any, line: int) -> Allocation:  # noqa: ANN401  (any JSON)
    """Read one entry of an answer of the API.

    Raises
    ------
    ValueError
        It cannot be read; the message says why.
    """
    if not isinstance(entry, dict):
        msg = "the entry is no allocation"
        raise ValueError(msg)  # noqa: TRY004  (one kind of error for all that cannot be read)
    window, properties = _object(entry, "window"), _object(entry, "properties")
    window_start_s, window_end_s = _instant(window, "start"), _instant(window, "end")
    if math.isnan(window_start_s) or math.isnan(window_end_s):
        msg = "the allocation has no window"
        raise ValueError(msg)
    start_s, end_s = _instant(entry, "start"), _instant(entry, "end")
    start_s = window_start_s if math.isnan(start_s) else start_s
    minutes = _number(entry, "minutes")
    minutes = (end_s - start_s) / 60 if math.isnan(minutes) else minutes
    _refuse_times(minutes, start_s, (window_start_s, window_end_s))
    kind = _text(properties, "controllerKind")
    return Allocation(
        name=name,
        cluster=_text(properties, "cluster"),
        node=_text(properties, "node"),
        namespace=_text(properties, "namespace"),
        controller_kind=_KINDS.get(kind.lower(), kind),
        controller=_text(properties, "controller"),
        pod=_text(properties, "pod"),
        container=_text(properties, "container"),
        gpu_model=_text(_object(entry, "gpuAllocation"), "gpuModel"),
        labels=_texts(properties, "labels"),
        annotations=_texts(properties, "annotations"),
        window_start_s=window_start_s,
        window_end_s=window_end_s,
        start_s=start_s,
        minutes=minutes,
        cpu_requested=_number(entry, "cpuCoreRequestAverage"),
        cpu_allocated=_mean(entry, "cpuCoreHours", "cpuCores", minutes),
        cpu_used=_number(entry, "cpuCoreUsageAverage"),
        ram_requested=_number(entry, "ramByteRequestAverage"),
        ram_allocated=_mean(entry, "ramByteHours", "ramBytes", minutes),
        ram_peak=_number(_object(entry, "rawAllocationOnly"), "ramByteUsageMax"),
        gpu_allocated=_mean(entry, "gpuHours", "gpuCount", minutes),
        line=line,
    )


def allocation_of_row(row: Mapping[str, str], line: int) -> Allocation:
    """Read one row of the CSV export, by the names of its columns: averages over a day in UTC.

    Raises
    ------
    ValueError
        It cannot be read; the message says why.
    """
    try:
        day = datetime.strptime(row["Date"].strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        msg = "Date is no day"
        raise ValueError(msg) from error
    cells = {name: _cell(row, name) for name in _AMOUNTS if row.get(name, "").strip()}
    kind = row.get("ControllerKind", "")
    parts = [row.get(name, "") for name in ("Namespace", "Pod", "Container")]
    named = [row[name] or UNALLOCATED for name in ("Namespace", "Pod", "Container") if name in row]
    return Allocation(
        name=row.get("Name") or "/".join(named),
        cluster="",
        node=row.get("Node", ""),
        namespace=parts[0],
        controller_kind=_KINDS.get(kind.lower(), kind),
        controller=row.get("ControllerName", ""),
        pod=parts[1],
        container=parts[2],
        gpu_model="",
        labels=_label_cell(row.get("Labels", "")),
        annotations={},
        window_start_s=day.timestamp(),
        window_end_s=(day + timedelta(days=1)).timestamp(),
        start_s=day.timestamp(),
        minutes=_MINUTES_OF_DAY,
        cpu_requested=cells.get("CPUCoreRequestAverage", math.nan),
        cpu_allocated=cells.get("CPUCoreUsageAverage", math.nan),
        cpu_used=cells.get("CPUCoreUsageAverage", math.nan),
        ram_requested=cells.get("RAMBytesRequestAverage", math.nan),
        ram_allocated=cells.get("RAMBytesUsageAverage", math.nan),
        ram_peak=math.nan,
        gpu_allocated=cells.get("GPUs", math.nan),
        line=line,
    )


_AMOUNTS = (
    "CPUCoreUsageAverage", "CPUCoreRequestAverage", "RAMBytesUsageAverage",
    "RAMBytesRequestAverage", "GPUs",
)  # fmt: skip
CSV_COLUMNS = (
    "Date", "Name", "Node", "Namespace", "ControllerKind", "ControllerName", "Pod", "Container",
    "Labels", *_AMOUNTS,
)  # fmt: skip


def with_keys(labels: Mapping[str, str], sources: tuple[str, ...]) -> Mapping[str, str]:
    """Return labels under the keys that rules name: Prometheus made `_` of `.`, `/` and `-`."""
    asked = [source.partition(":")[2] for source in sources if ":" in source]
    renamed = {key: labels[odd] for key in asked if (odd := _ODD.sub("_", key)) in labels}
    return {**renamed, **labels} if renamed else labels


def _refuse_times(minutes: float, start_s: float, window_s: tuple[float, float]) -> None:
    if math.isnan(minutes):
        msg = "nothing says for how long it was allocated"
        raise ValueError(msg)
    end_s = start_s + minutes * 60
    if minutes < 0 or start_s < window_s[0] - _SLACK_S or end_s > window_s[1] + _SLACK_S:
        msg = "it lies outside of its window"
        raise ValueError(msg)


def _object(entry: dict[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) and value not in _SPECIAL else ""


def _texts(entry: dict[str, Any], key: str) -> Mapping[str, str]:
    found = _object(entry, key)
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _instant(entry: dict[str, Any], key: str) -> float:
    value = entry.get(key)
    if value is None:
        return math.nan
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        msg = f"{key} is no time"
        raise ValueError(msg) from error
    if moment.tzinfo is None:
        msg = f"{key} does not say in which time zone it is"
        raise ValueError(msg)
    return moment.timestamp()


def _number(entry: dict[str, Any], key: str) -> float:
    value = entry.get(key)
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        msg = f"{key} is no number"
        raise ValueError(msg)
    if value < 0:
        msg = f"{key} is negative"
        raise ValueError(msg)
    return float(value)


def _mean(entry: dict[str, Any], hours_key: str, mean_key: str, minutes: float) -> float:
    """Return an amount from its hours, as averages are rounded differently; else the average."""
    hours = _number(entry, hours_key)
    if math.isnan(hours):
        return _number(entry, mean_key)
    if minutes > 0:
        return hours * 60 / minutes
    if hours > 0:
        msg = f"{hours_key} are told for no minutes"
        raise ValueError(msg)
    return 0.0


def _cell(row: Mapping[str, str], key: str) -> float:
    try:
        return _number({key: float(row[key])}, key)
    except ValueError as error:
        msg = f"{key} is no number of zero or more"
        raise ValueError(msg) from error


def _label_cell(text: str) -> Mapping[str, str]:
    if not text.strip():
        return {}
    try:
        labels = json.loads(text)
    except json.JSONDecodeError as error:
        msg = "Labels are no JSON"
        raise ValueError(msg) from error
    return _texts({"labels": labels}, "labels")
