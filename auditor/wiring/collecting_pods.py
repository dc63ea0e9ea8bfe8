"""How a Kubernetes cluster of the configuration is looked at, and how its meters are asked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from auditor.pipeline.collect_plan import Reach
from auditor.pipeline.collect_pod_parts import AskMeters, Look, PodSource
from auditor.settings.cluster import Cluster
from auditor.settings.kubernetes import PrometheusSection
from auditor.settings.models import Settings
from auditor.wiring.parts import ExportOptions, export_context

if TYPE_CHECKING:
    from auditor.collect.kubernetes_login import KubernetesHost
    from auditor.collect.prometheus import PrometheusHost


def pod_source(
    settings: Settings, cluster: Cluster, since_utc: datetime, now_utc: Callable[[], datetime]
) -> PodSource:
    """Say how a cluster that is no Slurm is collected from; collection begins at `since_utc`."""
    section = settings.collect
    context = export_context(settings, cluster.name, ExportOptions(default_cluster=cluster.name))
    return PodSource(
        cluster=cluster.name,
        context=replace(context, cluster=cluster.name, table=None),
        since_utc=since_utc,
        reach=Reach(
            timedelta(hours=section.lookback_hours), timedelta(days=section.deep_lookback_days)
        ),
        look_every=timedelta(minutes=settings.daemon.collect_every_minutes),
        look=_look(settings, cluster, now_utc) if cluster.collect == "kubernetes" else None,
        ask_meters=None if cluster.prometheus is None else _meters(cluster, cluster.prometheus),
    )


def kubernetes_host(settings: Settings, cluster: Cluster) -> "KubernetesHost":
    """Say where a cluster's API is."""
    from auditor.collect.kubernetes_login import KubernetesHost  # noqa: PLC0415  (start-up time)

    section = cluster.kubernetes
    return KubernetesHost(
        cluster.name, section.kubeconfig, section.context, float(settings.collect.timeout_s)
    )


def prometheus_host(cluster: str, section: PrometheusSection) -> "PrometheusHost":
    """Say where a cluster's Prometheus is."""
    from auditor.collect.prometheus import PrometheusHost  # noqa: PLC0415  (start-up time)

    return PrometheusHost(
        cluster=cluster,
        url=section.url,
        timeout_s=float(section.timeout_s),
        bearer_token_file=section.bearer_token_file,
        username=section.username,
        password_file=section.password_file,
        ca_file=section.ca_file,
        match=section.match,
    )


def _look(settings: Settings, cluster: Cluster, now_utc: Callable[[], datetime]) -> Look:
    from auditor.collect.kubernetes_api import asking_pods  # noqa: PLC0415  (start-up time)

    host = kubernetes_host(settings, cluster)
    return lambda should_stop: asking_pods(host, should_stop, now_utc)


def _meters(cluster: Cluster, section: PrometheusSection) -> AskMeters:
    from auditor.pipeline.pod_metering import ask_meters  # noqa: PLC0415  (start-up time)

    return partial(ask_meters, prometheus_host(cluster.name, section))
