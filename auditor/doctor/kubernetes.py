"""One Kubernetes API: whether it answers, knows us, lets us look, and has the same time."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from auditor.collect.errors import CollectError, CollectRightsError
from auditor.collect.kubernetes_api import KINDS, PODS
from auditor.collect.kubernetes_conversation import Conversation, clock_ahead
from auditor.collect.kubernetes_kind import Kind
from auditor.collect.kubernetes_trouble import RIGHTS_HINT, ForbiddenError
from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.inquiry import Inquiry
from auditor.settings.cluster import Cluster
from auditor.settings.models import Settings
from auditor.wiring.collecting_pods import kubernetes_host

LOGIN = Topic(Group.KUBERNETES, "kubernetes_login", "login")
API = Topic(Group.KUBERNETES, "kubernetes_api", "API")
RIGHTS = Topic(Group.KUBERNETES, "kubernetes_rights", "rights")
CLOCK = Topic(Group.KUBERNETES, "kubernetes_clock", "clock")

_TIMEOUT_S = 60.0
_ODD, _WRONG = timedelta(seconds=5), timedelta(minutes=1)
_READY_HINT = "`kubectl get --raw /readyz` with the same kubeconfig"
_CLOCK_HINT = "`timedatectl status` here and on the API's host"


@dataclass
class Looked:
    """What the looks at one object of each kind came to."""

    refused: dict[Kind, ForbiddenError] = field(default_factory=dict)
    ahead: timedelta | None = None


def cluster_checks(cluster: Cluster, settings: Settings, inquiry: Inquiry) -> Iterator[Check]:
    """Try one API, each question once; what cannot answer is not judged further."""
    host = kubernetes_host(settings, cluster)
    host = replace(host, timeout_s=min(_TIMEOUT_S, host.timeout_s), n_attempts=1)
    try:
        conversation = Conversation(host, lambda: False, inquiry.now_utc)
    except CollectError as error:
        yield _fault(LOGIN.of(host.cluster), error)
        return
    try:
        yield from _talk(conversation, inquiry)
    finally:
        conversation.close()


def _talk(conversation: Conversation, inquiry: Inquiry) -> Iterator[Check]:
    cluster = conversation.host.cluster
    try:
        looked = _look(conversation, inquiry)
    except CollectRightsError as error:
        yield API.of(cluster).ok(f"{conversation.login.url} answers")
        yield _fault(LOGIN.of(cluster), error)
        return
    except CollectError as error:
        yield _fault(API.of(cluster), error)
        return
    yield API.of(cluster).ok(f"{conversation.login.url} answers")
    yield LOGIN.of(cluster).ok(conversation.login.who)
    yield rights_check(cluster, looked.refused)
    if len(looked.refused) < len(KINDS):
        yield clock_check(cluster, looked.ahead)


def _look(conversation: Conversation, inquiry: Inquiry) -> Looked:
    """Ask for one object of each kind."""
    looked = Looked()
    for kind in KINDS:
        before_utc = inquiry.now_utc()
        try:
            sent_utc = _sent_utc(conversation, kind)
        except ForbiddenError as error:
            looked.refused[kind] = error
            continue
        looked.ahead = clock_ahead(sent_utc, (before_utc, inquiry.now_utc()))
    return looked


def _sent_utc(conversation: Conversation, kind: Kind) -> datetime | None:
    with tempfile.TemporaryFile() as spool:
        return conversation.page(kind, 1, "", spool).sent_utc


def rights_check(cluster: str, refused: dict[Kind, ForbiddenError]) -> Check:
    """Judge what may be listed: nothing goes without pods, the rest only names and models."""
    topic = RIGHTS.of(cluster)
    if PODS in refused:
        return topic.fault(str(refused[PODS]), RIGHTS_HINT)
    if refused:
        names = ", ".join(kind.resource for kind in refused)
        text = f"{names} may not be listed: owners or models may be unknown"
        return topic.warning(text, RIGHTS_HINT)
    return topic.ok(f"may list {', '.join(kind.resource for kind in KINDS)}")


def clock_check(cluster: str, ahead: timedelta | None) -> Check:
    """Judge how far apart the clocks of this host and of the API are."""
    topic = CLOCK.of(cluster)
    if ahead is None:
        return topic.warning("the API does not say what time it has", _READY_HINT)
    seconds = ahead.total_seconds()
    text = f"{abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} the API's"
    if abs(ahead) > _WRONG:
        return topic.fault(text, _CLOCK_HINT)
    if abs(ahead) > _ODD:
        return topic.warning(text, _CLOCK_HINT)
    return topic.ok("as the API's")


def _fault(topic: Topic, error: CollectError) -> Check:
    return topic.fault(str(error), error.hint or _READY_HINT)
