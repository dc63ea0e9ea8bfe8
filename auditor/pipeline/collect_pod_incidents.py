"""What keeps the collection of a Kubernetes cluster from being whole, as incidents."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from auditor.domain.incident import Incident
from auditor.ledger.ledger import Ledger
from auditor.pipeline.allocation_overlap import Window as Allocations
from auditor.pipeline.allocation_overlap import when
from auditor.pipeline.collect_pod_parts import PodSource, Window, prometheus_name

# Over when the API has been looked at again. What happened meanwhile and left no trace is
# `looks_missed`, and stays.
OVERLAP = "allocations_overlap"
MENDED_BY_A_LOOK = frozenset({"kubernetes_cut", "kubernetes_denied", "kubernetes_down", "timeout"})
# What a look says of itself: over with the first one that does not say it.
EMPTY = "kubernetes_empty"
SAID_BY_A_LOOK = frozenset({EMPTY, "kubernetes_clock", "kubernetes_partial", "pods_refused"})
# Over when all slots that were due have been asked for. What has no samples is `prometheus_gap`,
# or `pods_unseen`: it is over when its slots are asked again and are whole.
NOTHING_FITS = "prometheus_series"
MENDED_BY_ALL_SLOTS = frozenset(
    {"prometheus_denied", "prometheus_down", "prometheus_refused", NOTHING_FITS, "timeout"}
)
GAP, RETENTION, UNATTRIBUTED = "prometheus_gap", "prometheus_retention", "energy_unattributed"
UNSEEN = "pods_unseen"
_LEAST_MISSED = timedelta(hours=1)
_N_LOOKS = 4
_LEAST_WH = 1e-3
_WH_PER_KWH = 1000.0


def retention_incident(source: PodSource, begin_utc: datetime, now_utc: datetime) -> Incident:
    """Return the incident of a Prometheus that holds less than is to be collected."""
    text = (
        f"Prometheus holds nothing from before {when_text(begin_utc)}: earlier pods are not known."
    )
    hint = "Its --storage.tsdb.retention.time; or state a later [collect] since."
    span = (min(source.since_utc, begin_utc), begin_utc)
    return pod_incident(source, RETENTION, (text, hint), span, now_utc)


def unattributed_incident(
    source: PodSource, slot: Window, energy_wh: float, now_utc: datetime
) -> Incident | None:
    """Return the incident of energy that was metered for pods nobody told of, if there is any."""
    if not energy_wh >= _LEAST_WH:
        return None
    text = (
        f"{energy_wh / _WH_PER_KWH:,.3f} kWh of accelerators were metered from"
        f" {when_text(slot[0])} to {when_text(slot[1])} for pods that nobody told of: they are in"
        " no run."
    )
    hint = "Does kube-state-metrics run, and is it scraped all the time?"
    incident = pod_incident(source, UNATTRIBUTED, (text, hint), slot, now_utc)
    return replace(incident, source=source_named(source, slot[0]))


def looks_missed_incident(source: PodSource, span: Window, now_utc: datetime) -> Incident | None:
    """Return the incident of a long time without a look, where nothing but looks tells of pods."""
    if span[1] - span[0] <= max(_LEAST_MISSED, _N_LOOKS * source.look_every):
        return None
    text = (
        f"Nobody looked at the pods from {when_text(span[0])} to {when_text(span[1])}: those that"
        " began and ended meanwhile are not known."
    )
    hint = "Where there is a Prometheus, [clusters.prometheus] lets it tell of them."
    incident = pod_incident(source, "looks_missed", (text, hint), span, now_utc)
    return replace(incident, source=f"{incident.source} {_stamp(span[0])}")


def overlap_incident(
    source: PodSource, uids: Collection[str], windows: Sequence[Allocations], now_utc: datetime
) -> Incident:
    """Return the incident of pods that were left out as allocations of OpenCost have their time."""
    first = min(windows, key=lambda one: one.start_us)
    more = f" and {len(windows) - 1:,} more windows" if len(windows) > 1 else ""
    text = (
        f"{source.cluster} has allocations of OpenCost (from {first.source}) for"
        f" {when(first)}{more}: {len(uids):,} of its pods would count the same time again. What"
        " they ran since the book last saw them is left out."
    )
    hint = f'Give the cluster that is collected another name, such as "{source.cluster}-live".'
    start_utc = datetime.fromtimestamp(first.start_us // 1_000_000, UTC)
    span = (min(start_utc, now_utc), now_utc)
    return replace(pod_incident(source, OVERLAP, (text, hint), span, now_utc), end_utc=None)


def held_since(ledger: Ledger, source: PodSource) -> datetime:
    """Return where the meters' memory was found to begin when it was asked for all of it."""
    name = prometheus_name(source.cluster)
    found = [
        one.end_utc
        for one in ledger.sources.incidents(clusters=(source.cluster,))
        if (one.source, one.code) == (name, RETENTION)
        and one.end_utc is not None
        and one.resolved_utc is None
        and one.start_utc <= source.since_utc
    ]
    return max(found, default=source.since_utc)


def odd_in_look(
    refusals: Sequence[str], refused_ids: Collection[str | None], n_open: int | None
) -> list[tuple[str, str, str]]:
    """Say what a look did not bring: code, text, hint.

    Parameters
    ----------
    refusals, refused_ids
        Why objects were refused, and the uids of these, None among them where one has none.
    n_open
        How many pods of the book have not ended, if the look brought nothing at all.
    """
    found = []
    if refusals:
        text = f"{len(refusals):,} objects that the API lists could not be read: {refusals[0]}"
        if None in refused_ids:
            text += ". Which pods they are is not known: none is taken to have ended"
        found.append(("pods_refused", text, "The report's quality names them."))
    if n_open is not None:
        text = (
            "The API lists no pods at all, not even its own: nothing is taken to have ended."
            f" {n_open:,} pods that ran are counted up to when they were last seen."
        )
        hint = "`kubectl auth can-i list pods -A`; does the kubeconfig name the right cluster?"
        found.append((EMPTY, text, hint))
    return found


def remark_incident(
    source: PodSource, remark: tuple[str, str, str], span: Window, now_utc: datetime
) -> Incident:
    """Return the incident of what a look lacks: code, text, hint."""
    code, text, hint = remark
    return replace(pod_incident(source, code, (text, hint), span, now_utc), end_utc=None)


def slot_name(source: PodSource, slot: Window) -> str:
    """Return the source of the incidents of one slot."""
    return source_named(source, slot[0])


def source_named(source: PodSource, start_utc: datetime) -> str:
    """Return the source of incidents of meters that begin at a moment."""
    return f"{prometheus_name(source.cluster)} {_stamp(start_utc)}"


def _stamp(instant_utc: datetime) -> str:
    return f"{instant_utc:%Y-%m-%dT%H:%M:%SZ}"


def when_text(instant_utc: datetime) -> str:
    """Return a moment in words."""
    return f"{instant_utc:%Y-%m-%d %H:%M} UTC"


def pod_incident(
    source: PodSource, code: str, words: tuple[str, str], span: Window, now_utc: datetime
) -> Incident:
    """Return an incident of a code, `words` (text, hint) and a span."""
    text, hint = words
    is_meters = code in {GAP, UNSEEN, RETENTION, UNATTRIBUTED}
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
