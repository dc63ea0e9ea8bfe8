"""Try everything that the auditor depends on, one after the other, whatever fails before."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from auditor.doctor import configuration, grid, host, kubernetes, prometheus, slurm
from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.configuration import Configuration, read_configuration
from auditor.doctor.house import LedgerVisit, visit_ledger
from auditor.doctor.inquiry import Inquiry
from auditor.doctor.mail import mail_checks
from auditor.errors import AuditorError
from auditor.settings.models import Settings

_HINT = "The sentence is the system's own; look at what it names."


def examine(stated: Path | None, inquiry: Inquiry) -> Iterator[Check]:
    """Yield the checks as they are done, group by group.

    Parameters
    ----------
    stated
        The configuration file of the command line, if one was named.
    """
    found = read_configuration(stated, inquiry.environment)
    yield from found.checks
    if found.settings is not None:
        yield from _of_settings(found, found.settings, inquiry)
    yield from tried(Topic(Group.HOST, "host", "host"), host.host_checks)


def _of_settings(found: Configuration, settings: Settings, inquiry: Inquiry) -> Iterator[Check]:
    """Try what the settings name; what a broken table is about cannot be tried."""
    broken = found.broken
    names = Topic(Group.CONFIGURATION, "config_names", "names in it")
    yield from tried(names, lambda: configuration.name_checks(settings))
    visit = _visit(settings, inquiry) if "ledger" not in broken else LedgerVisit(())
    topic = Topic(Group.SLURM, "slurm", "Slurm")
    yield from tried(topic, lambda: _slurm_checks(settings, visit, inquiry))
    topic = Topic(Group.KUBERNETES, "kubernetes", "Kubernetes")
    yield from tried(topic, lambda: _kubernetes_checks(settings, inquiry))
    topic = Topic(Group.PROMETHEUS, "prometheus", "Prometheus")
    yield from tried(topic, lambda: _prometheus_checks(settings, inquiry))
    yield from visit.checks
    if not broken & {"intensity", "clusters", "defaults"}:
        topic = Topic(Group.GRID, "grid", "grid")
        yield from tried(topic, lambda: grid.grid_checks(settings, inquiry.now_utc()))
    if "mail" not in broken:
        topic = Topic(Group.MAIL, "mail", "mail")
        yield from tried(topic, lambda: mail_checks(settings.mail, visit.facts, inquiry))


def _visit(settings: Settings, inquiry: Inquiry) -> LedgerVisit:
    try:
        return visit_ledger(settings, inquiry)
    except (AuditorError, OSError) as error:
        return LedgerVisit((_failed(Topic(Group.LEDGER, "ledger", "ledger"), error),))


def _slurm_checks(settings: Settings, visit: LedgerVisit, inquiry: Inquiry) -> Iterator[Check]:
    for cluster in settings.clusters:
        if cluster.collect == "sacct":
            state = None if visit.facts is None else visit.facts.states.get(cluster.name)
            yield from slurm.cluster_checks(cluster, settings, state, inquiry)
    if all(cluster.collect is None for cluster in settings.clusters):
        yield Topic(Group.SLURM, "slurm", "clusters").ok("none is collected: exports are loaded")


def _kubernetes_checks(settings: Settings, inquiry: Inquiry) -> Iterator[Check]:
    for cluster in settings.clusters:
        if cluster.collect == "kubernetes":
            yield from kubernetes.cluster_checks(cluster, settings, inquiry)


def _prometheus_checks(settings: Settings, inquiry: Inquiry) -> Iterator[Check]:
    for cluster in settings.clusters:
        if cluster.collect in {"kubernetes", "prometheus"} and cluster.prometheus is not None:
            yield from prometheus.cluster_checks(cluster, cluster.prometheus, inquiry)


def tried(topic: Topic, attempt: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Yield the checks of one part; what keeps it from being tried is a fault of its own."""
    try:
        yield from attempt()
    except (AuditorError, OSError) as error:
        yield _failed(topic, error)


def _failed(topic: Topic, error: AuditorError | OSError) -> Check:
    hint = error.hint if isinstance(error, AuditorError) else None
    return topic.fault(str(error), hint or _HINT)
