"""Ask a Kubernetes API for its pods, so that the answer is whole and shows one moment.

What is asked for, and why nothing else:

- pods, which are the runs; nodes, whose labels say what accelerators they have; jobs and
  replicasets, whose own owners stand above the pods (CronJob, Deployment). JobSets, Kueue's
  Workloads, PyTorchJobs, RayClusters and Workflows are named by the ownerReferences of pods and
  jobs: no right to read them is needed.
- Only the verb list, over all namespaces. No secrets, no logs, no watch.
- Owners and nodes first, pods last: a job that is deleted while we ask is still known by name.
- Pages of 500: all pages of a list show the moment of its first one (Kubernetes API Concepts,
  "Retrieving large results sets in chunks").
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from auditor.collect.kubernetes_conversation import (
    Conversation,
    Listing,
    begin_at,
    clock_ahead,
)
from auditor.collect.kubernetes_kind import Kind
from auditor.collect.kubernetes_login import KubernetesHost
from auditor.collect.kubernetes_trouble import ForbiddenError, cut

PODS = Kind("pods", "", "PodList")
NODES = Kind("nodes", "", "NodeList")
JOBS = Kind("jobs", "batch", "JobList")
REPLICA_SETS = Kind("replicasets", "apps", "ReplicaSetList")
KINDS = (NODES, REPLICA_SETS, JOBS, PODS)
_CLOCKS_APART = timedelta(minutes=1)
_LACKING = {
    "nodes": "Without nodes the models of accelerators come from the configuration's node rules.",
    "jobs": "Without jobs a CronJob's runs are named after its jobs.",
    "replicasets": "Without replicasets a Deployment's pods are named after its replica sets.",
}


@dataclass(frozen=True)
class KubernetesNote:
    """What an answer lacks, or what is odd about it: a `code` for programs, words for people."""

    code: str
    text: str
    hint: str


@dataclass(frozen=True)
class KubernetesAnswer:
    """What the API answered, each page whole: concatenated Kubernetes Lists, as JSON.

    `seen_utc` is when it shows the pods, on the server's clock: their times are that clock's, too;
    on ours where the server's is ahead of it by more than a minute, as nobody sees what is to come.
    `ahead` is how far our clock was ahead of it at least, None where nobody can tell. `notes` say
    what could not be had (`kubernetes_partial`) or is odd (`kubernetes_clock`); the pods are whole
    all the same.
    """

    stream: BinaryIO
    n_bytes: int
    digest: str
    seen_utc: datetime
    n_pods: int
    n_objects: int
    notes: tuple[KubernetesNote, ...] = ()
    ahead: timedelta | None = None

    def name_content(self) -> str:
        """Return a name of the content."""
        return self.digest


@contextmanager
def asking_pods(
    host: KubernetesHost,
    should_stop: Callable[[], bool],
    now_utc: Callable[[], datetime] | None = None,
) -> Iterator[KubernetesAnswer]:
    """Ask for every pod there is, and for what says whose it is and what it runs on.

    Parameters
    ----------
    now_utc
        Our clock, to hold against the server's and for a server that does not tell the time.

    Raises
    ------
    CollectError
        `kubernetes_down`: it does not answer. `timeout`: not in time. `kubernetes_cut`: it answers
        what cannot be used, or lists change all the time.
    CollectRightsError
        `kubernetes_denied`: it does not know us, or we may not list pods.
    CollectStoppedError
        Somebody asked to stop.
    """
    with tempfile.TemporaryFile() as spool:
        conversation = Conversation(host, should_stop, now_utc)
        try:
            answer = _answer(conversation, spool)
        finally:
            conversation.close()
        spool.seek(0)
        yield answer


def _answer(conversation: Conversation, spool: BinaryIO) -> KubernetesAnswer:
    listings: dict[Kind, Listing] = {}
    notes: list[KubernetesNote] = []
    for kind in KINDS:
        start = spool.tell()
        try:
            listings[kind] = conversation.listing(kind, spool)
        except ForbiddenError as error:
            if kind is PODS:
                raise
            begin_at(spool, start)
            text = f"{error}. {_LACKING[kind.resource]}"
            notes.append(KubernetesNote("kubernetes_partial", text, error.hint or ""))
    pods = listings[PODS]
    seen_utc = pods.sent_utc or (pods.span_utc and pods.span_utc[0])
    if seen_utc is None:
        raise cut(conversation.login.url, "it does not say when it was sent (no Date)")
    ahead = clock_ahead(pods.sent_utc, pods.span_utc)
    if ahead is not None and abs(ahead) > _CLOCKS_APART:
        notes.append(_clock_note(ahead))
    if ahead is not None and ahead < -_CLOCKS_APART:
        seen_utc += ahead
    digest = hashlib.sha256(b"".join(one.digest for one in listings.values())).hexdigest()
    return KubernetesAnswer(
        stream=spool,
        n_bytes=spool.tell(),
        digest=digest,
        seen_utc=seen_utc,
        n_pods=pods.n_objects,
        n_objects=sum(one.n_objects for one in listings.values()),
        notes=tuple(notes),
        ahead=ahead,
    )


def _clock_note(ahead: timedelta) -> KubernetesNote:
    side = "ahead of" if ahead > timedelta() else "behind"
    text = (
        f"This host's clock is {abs(ahead).total_seconds():,.0f} s {side} the Kubernetes API's."
        " Pods that run are counted up to the earlier of the two."
    )
    hint = "`timedatectl status` here and on the API's host."
    return KubernetesNote("kubernetes_clock", text, hint)


__all__ = ["KubernetesAnswer", "KubernetesHost", "KubernetesNote", "asking_pods"]
