"""What keeps the collection of a Kubernetes cluster from being whole, as incidents."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from auditor.domain.incident import Incident
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_pod_parts import Gap, PodSource, Window, prometheus_name

# Over when the API has been looked at again. What happened meanwhile and left no trace is
# `looks_missed`, and stays.
OVERLAP = "allocations_overlap"
MENDED_BY_A_LOOK = frozenset(
    {OVERLAP, "kubernetes_cut", "kubernetes_denied", "kubernetes_down", "timeout"}
)
# What a look says of itself: over with the first one that does not say it.
SAID_BY_A_LOOK = frozenset({"kubernetes_clock", "kubernetes_partial", "pods_refused"})
# Over when all slots that were due have been asked for. What has no samples is `prometheus_gap`:
# it says what part of the energy is modelled, and stays.
MENDED_BY_ALL_SLOTS = frozenset(
    {OVERLAP, "prometheus_denied", "prometheus_down", "prometheus_refused", "timeout"}
)
GAP, RETENTION, UNATTRIBUTED = "prometheus_gap", "prometheus_retention", "energy_unattributed"
_LEAST_MISSED = timedelta(hours=1)
_N_LOOKS = 4
_LEAST_WH = 1e-3
_WH_PER_KWH = 1000.0


def gap_incidents(
    ledger: Ledger, source: PodSource, gaps: Iterable[Gap], now_utc: datetime
) -> list[Incident]:
    """Return the incidents of spans without samples; what goes on from a known one makes it grow.

    Each span has a source of its own, as one source has one unresolved incident of a code.
    """
    known = [
        one
        for one in ledger.sources.incidents(clusters=(source.cluster,), unresolved_only=True)
        if one.code == GAP
    ]
    found: list[Incident] = []
    # Whoever has no API hears of pods from kube-state-metrics only.
    unseen = "" if source.look else ", and pods that began and ended then are not known"
    for start_utc, end_utc, whats in _spans(gaps):
        touching = [one for one in (*known, *found) if _touches(one, start_utc, end_utc)]
        first_utc = min([start_utc, *(one.start_utc for one in touching)])
        last_utc = max([end_utc, *(one.end_utc or end_utc for one in touching)])
        text = (
            f"Prometheus has no samples of {', '.join(whats)} from {_when(first_utc)} to"
            f" {_when(last_utc)}: what the meters would have said of that time is modelled{unseen}."
        )
        hint = "Its page of targets (/targets) and its log say why."
        incident = _incident(source, GAP, (text, hint), (first_utc, last_utc), now_utc)
        name = touching[0].source if touching else _named(source, start_utc)
        found = [one for one in found if one.source != name]
        found.append(replace(incident, source=name))
    return found


def retention_incident(source: PodSource, begin_utc: datetime, now_utc: datetime) -> Incident:
    """Return the incident of a Prometheus that holds less than is to be collected."""
    text = f"Prometheus holds nothing from before {_when(begin_utc)}: earlier pods are not known."
    hint = "Its --storage.tsdb.retention.time; or state a later [collect] since."
    span = (min(source.since_utc, begin_utc), begin_utc)
    return _incident(source, RETENTION, (text, hint), span, now_utc)


def unattributed_incident(
    source: PodSource, slot: Window, energy_wh: float, now_utc: datetime
) -> Incident | None:
    """Return the incident of energy that was metered for pods nobody told of, if there is any."""
    if not energy_wh >= _LEAST_WH:
        return None
    text = (
        f"{energy_wh / _WH_PER_KWH:,.3f} kWh of accelerators were metered from {_when(slot[0])} to"
        f" {_when(slot[1])} for pods that nobody told of: they are in no run."
    )
    hint = "Does kube-state-metrics run, and is it scraped all the time?"
    incident = _incident(source, UNATTRIBUTED, (text, hint), slot, now_utc)
    return replace(incident, source=_named(source, slot[0]))


def looks_missed_incident(source: PodSource, span: Window, now_utc: datetime) -> Incident | None:
    """Return the incident of a long time without a look, where nothing but looks tells of pods."""
    if span[1] - span[0] <= max(_LEAST_MISSED, _N_LOOKS * source.look_every):
        return None
    text = (
        f"Nobody looked at the pods from {_when(span[0])} to {_when(span[1])}: those that began and"
        " ended meanwhile are not known."
    )
    hint = "Where there is a Prometheus, [clusters.prometheus] lets it tell of them."
    incident = _incident(source, "looks_missed", (text, hint), span, now_utc)
    return replace(incident, source=f"{incident.source} {_stamp(span[0])}")


def remark_incident(
    source: PodSource, remark: tuple[str, str, str], span: Window, now_utc: datetime
) -> Incident:
    """Return the incident of what a look lacks: code, text, hint."""
    code, text, hint = remark
    return replace(_incident(source, code, (text, hint), span, now_utc), end_utc=None)


def slot_name(source: PodSource, slot: Window) -> str:
    """Return the source of the incidents of one slot."""
    return _named(source, slot[0])


def _spans(gaps: Iterable[Gap]) -> list[tuple[datetime, datetime, list[str]]]:
    """Join gaps that overlap or touch; each with what is missing in it."""
    spans: list[tuple[datetime, datetime, list[str]]] = []
    for gap in sorted(gaps, key=lambda one: (one.start_utc, one.end_utc, one.what)):
        if spans and gap.start_utc <= spans[-1][1]:
            start_utc, end_utc, whats = spans.pop()
            whats = whats if gap.what in whats else [*whats, gap.what]
            spans.append((start_utc, max(end_utc, gap.end_utc), whats))
        else:
            spans.append((gap.start_utc, gap.end_utc, [gap.what]))
    return spans


def _touches(incident: Incident, start_utc: datetime, end_utc: datetime) -> bool:
    is_over = incident.end_utc is not None and incident.end_utc < start_utc
    return not is_over and incident.start_utc <= end_utc


def _named(source: PodSource, start_utc: datetime) -> str:
    return f"{prometheus_name(source.cluster)} {_stamp(start_utc)}"


def _stamp(instant_utc: datetime) -> str:
    return f"{instant_utc:%Y-%m-%dT%H:%M:%SZ}"


def _when(instant_utc: datetime) -> str:
    return f"{instant_utc:%Y-%m-%d %H:%M} UTC"


def _incident(
    source: PodSource, code: str, words: tuple[str, str], span: Window, now_utc: datetime
) -> Incident:
    text, hint = words
    is_meters = code in {GAP, RETENTION, UNATTRIBUTED}
    name = prometheus_name(source.cluster) if is_meters else source.name
    return Incident(
        source=name,
        cluster=source.cluster,
        code=code,
        text=text,
        hint=hint,
        start_utc=span[0],
        end_utc=span[1],
        first_seen_utc=now_utc,
        last_seen_utc=now_utc,
    )
