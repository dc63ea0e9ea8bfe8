"""The facts of one run, in the words of what scheduled it."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from auditor.domain.job import PLATFORM, QualityFlag
from auditor.report.clean import printable
from auditor.units import BYTES_PER_GIB

if TYPE_CHECKING:
    from auditor.pipeline.explain import Explanation
    from auditor.settings.models import Settings

KUBERNETES = "kubernetes"
_OF_JOBS = (
    ("partition", "partition"), ("state", "state"), ("node_list", "nodes"),
    ("gpu_model", "accelerator"), ("n_gpu", "accelerators"), ("cpu_model", "processor"),
    ("n_cpus", "CPUs"), ("start_utc", "start"), ("end_utc", "end"), ("elapsed_s", "ran, s"),
    ("suspended_s", "suspended, s"),
)  # fmt: skip
_OF_PODS = (
    ("parent_job_id", "owner"), ("partition", "queue"), ("qos", "priority class"),
    ("state", "state"), ("node_list", "node"), ("gpu_model", "accelerator"),
    ("n_gpu", "accelerators"), ("cpu_model", "processor"), ("n_cpus", "cores requested"),
    ("memory_bytes", "memory"), ("submit_utc", "created"), ("start_utc", "bound"),
    ("end_utc", "ended"), ("elapsed_s", "held, s"), ("raw_job_id", "uid"),
)  # fmt: skip
# What was used stands in for what nobody requested; see the remarks.
_COUNTED = {"cores requested": "cores counted"}


def width_of(run: "Explanation") -> int:
    """Return how wide the labels are."""
    return 17 if run.facts["scheduler"] == KUBERNETES else 14


def title(run: "Explanation") -> str:
    """Name the run: 'Job 4711 on alpha', 'Pod team/train-0 on gpu-cloud'."""
    facts = run.facts
    word = "Pod" if facts["scheduler"] == KUBERNETES else "Job"
    return f"{word} {printable(facts['job_id'])} on {printable(facts['cluster'])}"


def fact_lines(run: "Explanation", settings: "Settings") -> Iterator[str]:
    """Write what is known of a run, a line each."""
    is_pod, width = run.facts["scheduler"] == KUBERNETES, width_of(run)
    yield from _who_lines(run, settings, is_pod=is_pod)
    for name, label in _OF_PODS if is_pod else _OF_JOBS:
        value = run.facts[name]
        if value in {None, ""}:
            continue
        if QualityFlag.NO_REQUEST.name in run.flags:
            label = _COUNTED.get(label, label)  # noqa: PLW2901  (the same label, in better words)
        if is_pod and name == "end_utc" and run.facts["is_open"]:
            label = "seen running"  # noqa: PLW2901
        if is_pod and name == "partition" and value == run.facts["job_id"].partition("/")[0]:
            label = "namespace"  # noqa: PLW2901
        yield f"{label:<{width}}{shown(name, value, settings.site.timezone)}"


def shown(name: str, value: object, timezone: str) -> str:
    """Write one value: instants in the site's zone, numbers whole, names as they may be printed."""
    if name.endswith("_utc"):
        local = datetime.fromisoformat(str(value)).astimezone(ZoneInfo(timezone))
        return f"{local:%Y-%m-%d %H:%M:%S %Z}"
    if name == "memory_bytes" and isinstance(value, float):
        return f"{value / BYTES_PER_GIB:.4g} GiB"
    return f"{value:.12g}" if isinstance(value, float) else printable(str(value))


def _who_lines(run: "Explanation", settings: "Settings", *, is_pod: bool) -> Iterator[str]:
    for label, name, fact in (("user", run.user, "user"), ("project", run.account, "account")):
        told = run.facts[fact]
        if name is None and not is_pod:
            continue
        also = f" ({printable(str(told))} in accounting, see [identity])" if told != name else ""
        yield f"{label:<{width_of(run)}}{printable(name or '(unknown)')}{also}"
        if is_pod:
            yield f"{'':<{width_of(run)}}{_rule(run, settings, label)}"


def _rule(run: "Explanation", settings: "Settings", label: str) -> str:
    """Say what names the people of pods, as it is configured now."""
    if run.facts["user"] == PLATFORM:
        return "a platform namespace, a daemon of every node or a static pod"
    clusters = (one for one in settings.clusters if one.name == run.facts["cluster"])
    section = next((one.kubernetes for one in clusters), None)
    sources = () if section is None else section.user if label == "user" else section.project
    key = f"[clusters.kubernetes] {label}"
    if not sources:
        return f"{key} says nothing"
    if run.facts["user" if label == "user" else "account"] is None:
        return f"no {', no '.join(sources)} that names one ({key})"
    which = "the first it has of " if len(sources) > 1 else ""
    return f"by {which}{', '.join(sources)} ({key})"
