"""One Prometheus: whether it answers us, and holds what tells of pods and their meters."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from auditor.collect.errors import CollectError, CollectRightsError
from auditor.collect.prometheus import connected
from auditor.collect.prometheus_queries import Questions
from auditor.doctor import prometheus_facts as facts
from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.inquiry import Inquiry
from auditor.settings.cluster import Cluster
from auditor.settings.kubernetes import PrometheusSection
from auditor.wiring.collecting_pods import prometheus_host

API = Topic(Group.PROMETHEUS, "prometheus_api", "API")
LOGIN = Topic(Group.PROMETHEUS, "prometheus_login", "login")
SERIES = Topic(Group.PROMETHEUS, "prometheus_series", "series")
REACH = Topic(Group.PROMETHEUS, "prometheus_reach", "reach")
PODS = Topic(Group.PROMETHEUS, "prometheus_pods", "pods")
LABELS = Topic(Group.PROMETHEUS, "prometheus_labels", "labels")
USAGE = Topic(Group.PROMETHEUS, "prometheus_usage", "CPU and memory")
GPUS = Topic(Group.PROMETHEUS, "prometheus_gpus", "GPU meters")
GPU_PODS = Topic(Group.PROMETHEUS, "prometheus_gpu_pods", "pods of GPUs")

_TIMEOUT_S = 60.0
_UP = "up"
_WEEK = timedelta(days=7)
_TARGETS = "its page /targets, and its log"
_API_HINT = "See url of [clusters.prometheus]; `curl URL/-/ready` must say that it is ready."
_REACH_HINT = "Raise --storage.tsdb.retention.time: a week that was missed can be made up from it."
_STATE_METRICS_HINT = "Run kube-state-metrics, scrape it, and let kube_pod_info through."
_DCGM_HINT = "Run dcgm-exporter on the GPU nodes and scrape it; without it energy is modelled."
_MAPPING_HINT = "Set DCGM_EXPORTER_KUBERNETES=true, with /var/lib/kubelet/pod-resources mounted."


def cluster_checks(
    cluster: Cluster, section: PrometheusSection, inquiry: Inquiry
) -> Iterator[Check]:
    """Try one Prometheus; where nothing comes in, that is said once and for all of it."""
    host = prometheus_host(cluster.name, section)
    host = replace(host, timeout_s=min(_TIMEOUT_S, host.timeout_s))
    try:
        with connected(host) as prometheus:
            yield from _asked(Questions(prometheus), cluster, inquiry.now_utc())
    except CollectRightsError as error:
        yield LOGIN.of(cluster.name).fault(str(error), error.hint or _API_HINT)
    except CollectError as error:
        yield API.of(cluster.name).fault(str(error), error.hint or _API_HINT)


def _asked(questions: Questions, cluster: Cluster, now_utc: datetime) -> Iterator[Check]:
    at_s = now_utc.timestamp()
    fresh = facts.fresh_series(questions, at_s)
    yield API.of(cluster.name).ok(f"{questions.prometheus.host.url} answers")
    if fresh is None:
        match = questions.prometheus.host.match
        of_match = f" of {match}" if match else ""
        yield SERIES.of(cluster.name).fault(
            f"no target{of_match} was scraped in the last hour, and no series of pods or GPUs came"
            " in: labels, CPU and GPUs cannot be judged",
            f"Look at {_TARGETS}; match of [clusters.prometheus] must fit the series.",
        )
        return
    came = "targets are scraped" if fresh == _UP else f"there is no {_UP}, but {fresh} is fresh"
    yield SERIES.of(cluster.name).ok(came)
    yield reach_check(cluster.name, facts.begin_utc(questions, at_s, fresh), now_utc)
    yield from _pod_checks(questions, cluster, at_s)
    yield usage_check(cluster.name, has_it=facts.has_usage(questions, at_s))
    yield from _gpu_checks(questions, cluster.name, at_s)


def reach_check(cluster: str, begin_utc: datetime | None, now_utc: datetime) -> Check:
    """Judge whether a whole week is held."""
    topic = REACH.of(cluster)
    if begin_utc is None:
        return topic.warning("it cannot be told how far back it reaches", _REACH_HINT)
    if now_utc - begin_utc >= _WEEK:
        return topic.ok("a week and more")
    days = (now_utc - begin_utc) / timedelta(days=1)
    text = f"only {days:.1f} days, since {begin_utc:%Y-%m-%d %H:%M} UTC: less than a week"
    return topic.warning(text, _REACH_HINT)


def _pod_checks(questions: Questions, cluster: Cluster, at_s: float) -> Iterator[Check]:
    has_pods = facts.has_pods(questions, at_s)
    yield pods_check(cluster, has_pods=has_pods)
    sources = (*cluster.kubernetes.user, *cluster.kubernetes.project)
    if has_pods or facts.has_labels(questions, at_s):
        yield labels_check(cluster.name, facts.lacking_labels(questions, sources, at_s))


def pods_check(cluster: Cluster, *, has_pods: bool) -> Check:
    """Judge whether anything tells of pods; the API does, too, where it is asked."""
    topic = PODS.of(cluster.name)
    if has_pods:
        return topic.ok("kube-state-metrics tells of them")
    text = "no kube_pod_info: kube-state-metrics is not scraped, or that is filtered out"
    if cluster.collect == "prometheus":
        return topic.fault(f"{text}, so no pod is known, nor whose", _STATE_METRICS_HINT)
    text = f"{text}: pods that come and go between two looks at the API are not known"
    return topic.warning(text, _STATE_METRICS_HINT)


def labels_check(cluster: str, lacking: tuple[tuple[str, str], ...]) -> Check:
    """Judge whether the labels come that say whose a pod is: an allowlist must name them."""
    topic = LABELS.of(cluster)
    if not lacking:
        return topic.ok("those that say whose a pod is come through")
    names = ", ".join(f"{kind} {key}" for kind, key in lacking)
    text = f"no pod has {names}: kube-state-metrics exports no label that it is not told to"
    options = " ".join(
        f"--metric-{kind}s-allowlist=pods=[{','.join(k for one, k in lacking if one == kind)}]"
        for kind in sorted({kind for kind, _ in lacking})
    )
    return topic.warning(text, f"Start kube-state-metrics with {options}.")


def usage_check(cluster: str, *, has_it: bool) -> Check:
    """Judge whether anything measures CPU time of containers."""
    topic = USAGE.of(cluster)
    if has_it:
        return topic.ok("cAdvisor measures them")
    text = "no container_cpu_usage_seconds_total: CPU energy rests on requests"
    return topic.warning(text, "Scrape /metrics/cadvisor of every kubelet.")


def _gpu_checks(questions: Questions, cluster: str, at_s: float) -> Iterator[Check]:
    boards = facts.boards(questions, at_s)
    if boards is None:
        yield gpus_check(cluster, has_gpus=facts.has_gpus(questions, at_s))
        return
    yield GPUS.of(cluster).ok(f"dcgm-exporter measures {boards.n_boards}")
    yield gpu_pods_check(cluster, boards, n_holders=facts.n_holders(questions, at_s))


def gpus_check(cluster: str, *, has_gpus: bool) -> Check:
    """Judge a Prometheus without a meter of any GPU."""
    if not has_gpus:
        return GPUS.of(cluster).ok("no node has NVIDIA GPUs")
    text = "no DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION and no DCGM_FI_DEV_POWER_USAGE"
    return GPUS.of(cluster).warning(text, _DCGM_HINT)


def gpu_pods_check(cluster: str, boards: facts.Boards, n_holders: int) -> Check:
    """Judge whether the meters say which pod holds a GPU."""
    topic = GPU_PODS.of(cluster)
    if boards.is_named:
        return topic.ok("are named by dcgm-exporter")
    if n_holders == 0:
        return topic.ok("none held a GPU in the last hour")
    text = f"{n_holders} pods asked for GPUs in the last hour and no meter names one of them"
    return topic.warning(text, _MAPPING_HINT)
