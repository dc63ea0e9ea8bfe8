"""Read lists of pods, with the Jobs, ReplicaSets and nodes that lie beside them, into runs."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from auditor.domain.reject import Reject
from auditor.errors import ExportRefusedError, UsageError
from auditor.normalize.interface import Batch, ExportContext, SourceNote
from auditor.normalize.json_records import BrokenJsonError, CutJsonError
from auditor.normalize.json_spelling import member
from auditor.normalize.kubernetes.instants import last_named_us, latest_us
from auditor.normalize.kubernetes.jobs import assemble_pods
from auditor.normalize.kubernetes.objects import KubernetesObject, ObjectFacts, objects
from auditor.normalize.kubernetes.owners import KnownOwners, is_object_name
from auditor.normalize.kubernetes.record import pod_record
from auditor.normalize.kubernetes.rows import KnownNodes, PodRows
from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.kubernetes.text import PODS_COMMAND
from auditor.normalize.kubernetes.times import CLOCK_SLACK_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN_CHARACTERS = 200
_AGAIN = f"Write it again: `{PODS_COMMAND}`."
_NO_PODS = SourceNote(
    code="no_rows",
    text="the list holds no pods: an empty answer is not always 'no pods'",
    hint="Ask for all namespaces (-A), with the right to list them.",
)


@dataclass
class _Gathered:
    """What a source told, until its last object has been read."""

    source: str
    rules: PodRules
    bound_us: int | None
    rows: PodRows = field(default_factory=PodRows)
    nodes: KnownNodes = field(default_factory=KnownNodes)
    owners: KnownOwners = field(default_factory=KnownOwners)
    facts: ObjectFacts = field(default_factory=ObjectFacts)
    rejects: list[Reject] = field(default_factory=list)
    refused_ids: set[str | None] = field(default_factory=set)
    others: Counter[str] = field(default_factory=Counter)
    n_pods: int = 0
    n_held_open: int = 0
    n_with_claims: int = 0
    n_ahead: int = 0
    latest_us: int | None = None

    def take(self, found: KubernetesObject, place: int) -> None:
        """Take one object: a pod, a node, or what may own one of them."""
        if not isinstance(found.item, Mapping):
            self._reject(place, "it is no object", found.item)
            self.refused_ids.add(None)
            return
        self._take_instants(found.item)
        if found.kind == "Pod":
            self._take_pod(found.item, place)
            return
        self.others[found.kind] += 1
        self.owners.learn(found.item)
        if found.kind == "Node":
            self.nodes.learn(found.item)

    def _take_instants(self, item: Mapping[str, Any]) -> None:
        last_us = last_named_us(item)
        if last_us is not None and self.bound_us is not None and last_us > self.bound_us:
            self.n_ahead += 1
            last_us = last_named_us(item, self.bound_us)
        self.latest_us = latest_us([self.latest_us, last_us])

    def _take_pod(self, pod: Mapping[str, Any], place: int) -> None:
        self.n_pods += 1
        try:
            record = pod_record(pod, self.rules)
        except ValueError as error:
            self._reject(place, str(error), {"metadata": pod.get("metadata")}, _pod_name(pod))
            uid = member(pod, "metadata", "uid")
            self.refused_ids.add(uid if is_object_name(uid) else None)
            return
        self.rows.add(record, place)
        self.n_held_open += record.is_open and record.start_us is not None
        self.n_with_claims += record.has_claims

    def _reject(self, place: int, reason: str, item: object, name: str = "") -> None:
        shown = json.dumps(item)[:_SHOWN_CHARACTERS]
        self.rejects.append(Reject(self.source, place, reason, shown, name, "object"))


def _pod_name(pod: Mapping[str, Any]) -> str:
    """Return namespace/name of a pod that cannot be read, as far as they are there; else ''."""
    words = [member(pod, "metadata", key) for key in ("namespace", "name")]
    return "/".join(word for word in words if isinstance(word, str))[:_SHOWN_CHARACTERS]


def read_pods(head: bytes, stream: BinaryIO, context: ExportContext) -> Iterator[Batch]:
    """Read lists of Kubernetes, one after the other; `line` is the number of the object.

    Jobs, ReplicaSets, nodes and whatever else stands there tell what owns the pods and which
    accelerators they hold, wherever they stand; they count as steps. What was still open is counted
    up to `seen_utc`, else to the latest instant that the source names; what lies after `now_utc` is
    believed of neither.

    Raises
    ------
    ExportRefusedError
        It is cut, broken or a part of an answer, or holds no pods but other objects.
    UsageError
        Nobody names a cluster.
    """
    cluster, notes = _cluster(context)
    rules = context.pod_rules_of.get(cluster, context.default_pod_rules)
    gathered = _gather(head, stream, rules, context)
    _refuse_a_part(gathered, context)
    seen_us = _seen_us(gathered, context)
    notes += _notes(gathered, context, seen_us)
    n_steps, strays = sum(gathered.others.values()), gathered.rejects
    refused_ids = frozenset(gathered.refused_ids)
    for frame in gathered.rows.frames(gathered.nodes, gathered.owners, seen_us):
        assembled = assemble_pods(frame, context, cluster)
        rejects = sorted([*strays, *assembled.rejects], key=lambda reject: reject.line)
        n_jobs = len(assembled.jobs)
        n_rows = n_jobs + n_steps + len(rejects)
        refused_ids |= assembled.refused_ids
        yield Batch(assembled.jobs, rejects, n_rows, n_jobs, n_steps, notes, refused_ids)
        n_steps, strays = 0, []


def _seen_us(gathered: _Gathered, context: ExportContext) -> int | None:
    """Return when the source was seen [us since 1970]: never after the moment of the loading."""
    now_us = None if context.now_utc is None else _micros(context.now_utc)
    if context.seen_utc is None:
        return now_us if gathered.latest_us is None else gathered.latest_us
    seen_us = _micros(context.seen_utc)
    is_ahead = gathered.bound_us is not None and seen_us > gathered.bound_us
    return now_us if is_ahead else seen_us


def _micros(instant_utc: datetime) -> int:
    return (instant_utc - _EPOCH) // timedelta(microseconds=1)


def _gather(head: bytes, stream: BinaryIO, rules: PodRules, context: ExportContext) -> _Gathered:
    bound_us = None
    if context.now_utc is not None:
        bound_us = _micros(context.now_utc + timedelta(seconds=CLOCK_SLACK_S))
    gathered = _Gathered(context.source, rules, bound_us)
    n_read = 0
    try:
        for found in objects(head, stream, gathered.facts):
            n_read += 1
            gathered.take(found, n_read)
    except CutJsonError as error:
        reason = f"its JSON is cut after {n_read:,} objects"
        raise _refusal(context, reason, _AGAIN) from error
    except BrokenJsonError as error:
        reason = f"its JSON is broken after {n_read:,} objects ({error})"
        raise _refusal(context, reason, _AGAIN) from error
    return gathered


def _refuse_a_part(gathered: _Gathered, context: ExportContext) -> None:
    """Refuse what is not all of it: owners and nodes that are missing would change the numbers."""
    facts = gathered.facts
    if facts.failures:
        reason = f"the API did not answer all of it: {facts.failures[0][:300]}"
        raise _refusal(
            context, reason, f"`kubectl auth can-i list pods -A`; then `{PODS_COMMAND}`."
        )
    unfinished = [kind for kind in facts.pages_to_follow if not facts.last_pages[kind]]
    if unfinished:
        reason = f"it is the first page only of a {unfinished[0] or 'list'}: more objects follow"
        raise _refusal(context, reason, f"Ask for all pages: `{PODS_COMMAND}`.")
    if gathered.others and not gathered.n_pods and not facts.last_pages["PodList"]:
        kind, n_objects = gathered.others.most_common(1)[0]
        reason = f"it holds no pods, but {n_objects:,} objects of kind {kind or 'unknown'}"
        raise _refusal(context, reason, f"Pods say what was held, and when: `{PODS_COMMAND}`.")


def _refusal(context: ExportContext, reason: str, hint: str) -> ExportRefusedError:
    return ExportRefusedError(f"{context.source} cannot be read: {reason}", hint=hint)


def _cluster(context: ExportContext) -> tuple[str, tuple[SourceNote, ...]]:
    if context.cluster is not None:
        return context.cluster, ()
    if context.default_cluster is None:
        msg = "a list of pods names no cluster"
        raise UsageError(msg, hint="State whose it is with --cluster NAME.")
    name = context.default_cluster
    if context.is_default_stated:
        return name, ()
    text = f"The export names no cluster; its runs were counted as those of {name!r}."
    hint = "If they are another cluster's, load them with --cluster NAME."
    return name, (SourceNote("cluster_by_default", text, hint),)


def _notes(
    gathered: _Gathered, context: ExportContext, seen_us: int | None
) -> tuple[SourceNote, ...]:
    notes = []
    if not gathered.n_pods:
        notes.append(_NO_PODS)
    if gathered.n_held_open and context.seen_utc is None and seen_us is not None:
        seen = _EPOCH + timedelta(microseconds=seen_us)
        text = (
            f"{gathered.n_held_open:,} pods had not ended: they are counted up to "
            f"{seen:%Y-%m-%dT%H:%M:%SZ}, the latest instant that the list names."
        )
        notes.append(SourceNote("seen_inferred", text, "A later list counts them on."))
    if gathered.n_ahead:
        text = (
            f"{gathered.n_ahead:,} objects name instants that lie ahead of this host's clock:"
            " nothing is counted up to them."
        )
        hint = "`timedatectl status` here and on the nodes: a later list puts it right."
        notes.append(SourceNote("instants_ahead", text, hint))
    if gathered.n_with_claims:
        text = (
            f"{gathered.n_with_claims:,} pods hold devices through resource claims: a list of pods "
            "does not say which, and accelerators among them are not counted."
        )
        notes.append(SourceNote("resource_claims", text, "Meters (Prometheus) tell of their use."))
    return tuple(notes)
