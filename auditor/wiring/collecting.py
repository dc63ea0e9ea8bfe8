"""Collect from every cluster whose accounting the configuration says to ask."""

import os
import pwd
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from auditor.collect.errors import CollectError
from auditor.collect.slurm_command import DEFAULT_PATH, SlurmHost
from auditor.collect.slurm_nodes import ask_nodes, keep_snapshot
from auditor.collect.slurm_rights import Caller
from auditor.errors import UsageError
from auditor.ledger.ledger import Ledger
from auditor.ledger.lock import writer_lock
from auditor.pipeline.collect_as_caller import SacctQuestion, ask_period
from auditor.pipeline.collect_parts import CollectProgress, CollectReceipt, Run, Silent, Source
from auditor.pipeline.collect_plan import Reach
from auditor.pipeline.collect_pod_parts import PodSource
from auditor.pipeline.collect_pods import collect_pods
from auditor.pipeline.collecting import collect
from auditor.settings.cluster import Cluster
from auditor.settings.models import Settings
from auditor.wiring.collecting_pods import pod_source
from auditor.wiring.nodes import snapshot_folder
from auditor.wiring.parts import ExportOptions, build_factors, export_context
from auditor.wiring.store import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

_WEEKS_BEFORE = 4
_LOCK_TIMEOUT_S = 30.0


def collect_once(
    settings: Settings,
    *,
    now_utc: Callable[[], datetime],
    clusters: tuple[str, ...] = (),
    progress: CollectProgress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[CollectReceipt, ...]:
    """Collect what is due from the clusters whose accounting is asked for, one after the other.

    A cluster that fails does not keep the next one from being asked; `progress.finished` is told
    of each.

    Parameters
    ----------
    clusters
        Only these; all where none is named.

    Returns
    -------
    A receipt for each; none where no cluster is to be collected from.

    Raises
    ------
    CollectError
        The first failure, after all clusters were tried. It is an incident in the ledger, too.
    UsageError
        A cluster is named that is not to be collected from.
    LedgerError
        Another collection is under way.
    """
    chosen = _chosen(settings, clusters)
    if not chosen:
        return ()
    watcher = progress or Silent()
    run = Run(now_utc, watcher, should_stop)
    receipts = []
    with _alone(settings), open_ledger(settings, create=True) as ledger:
        sources = [_source_of(settings, cluster, now_utc) for cluster in chosen]
        factors = build_factors(settings)
        for source in sources:
            if should_stop():
                break
            if isinstance(source, PodSource):
                receipts.append(collect_pods(source, factors, ledger, run))
            else:
                receipts.append(collect(source, factors, ledger, run))
    for receipt in receipts:
        if receipt.failure is not None:
            raise receipt.failure
    return tuple(receipts)


def load_from_sacct(settings: Settings, ledger: Ledger, question: SacctQuestion, run: Run) -> None:
    """Load the runs of a period that the caller may see into a ledger that is theirs.

    Where the question names no cluster, all are asked that the configuration says to collect from,
    or else the one that this host belongs to.

    Raises
    ------
    CollectError
        Slurm cannot be asked.
    """
    factors = build_factors(settings)
    collecting = [entry for entry in settings.clusters if entry.collect == "sacct"]
    names = [question.cluster] if question.cluster else [entry.name for entry in collecting] or [""]
    # A cluster that the configuration does not name is asked as one that it does.
    other = collecting[0] if collecting else Cluster(name="-")
    for name in names:
        entry = next((entry for entry in settings.clusters if entry.name == name), other)
        host = replace(slurm_host(settings, entry), cluster=name)
        context = export_context(
            settings, f"sacct {name}".strip(), ExportOptions(default_cluster=name or None)
        )
        reach = Reach(timedelta(), timedelta())
        start_utc = question.period.start_utc
        source = Source(host, caller(), context, start_utc, reach, _listing(host))
        ask_period(source, question, factors, ledger, run)


def slurm_host(settings: Settings, cluster: Cluster) -> SlurmHost:
    """Say where a cluster's Slurm commands are, and how they are called."""
    return SlurmHost(
        cluster=cluster.name,
        path=str(cluster.slurm_bin) if cluster.slurm_bin else DEFAULT_PATH,
        conf=str(cluster.slurm_conf) if cluster.slurm_conf else os.environ.get("SLURM_CONF"),
        timeout_s=settings.collect.timeout_s,
    )


def caller() -> Caller:
    """Say who we are to Slurm."""
    uid = os.geteuid()
    try:
        return Caller(pwd.getpwuid(uid).pw_name, uid)
    except KeyError:
        return Caller(f"uid {uid}", uid)


def since_utc(settings: Settings, now_utc: datetime) -> datetime:
    """Return the moment that collection begins at: a midnight of the site.

    Where the configuration states no day, it is the Monday four weeks before.
    """
    zone = ZoneInfo(settings.site.timezone)
    day = settings.collect.since
    if day is None:
        today = now_utc.astimezone(zone).date()
        day = today - timedelta(days=today.weekday(), weeks=_WEEKS_BEFORE)
    return _midnight(day, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _chosen(settings: Settings, names: tuple[str, ...]) -> list[Cluster]:
    asked = [cluster for cluster in settings.clusters if cluster.collect is not None]
    if unknown := sorted(set(names) - {cluster.name for cluster in asked}):
        msg = f"the configuration does not say to collect from {', '.join(unknown)}"
        hint = 'Its [[clusters]] entry needs collect = "sacct", "kubernetes" or "prometheus".'
        raise UsageError(msg, hint=hint)
    return [cluster for cluster in asked if not names or cluster.name in names]


@contextmanager
def _alone(settings: Settings) -> "Iterator[None]":
    """Keep two collections from passing each other: an older answer must not be loaded last."""
    folder = Path(settings.ledger.path)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with writer_lock(folder / "collect.lock", _LOCK_TIMEOUT_S):
        yield


def _source_of(
    settings: Settings, cluster: Cluster, now_utc: Callable[[], datetime]
) -> Source | PodSource:
    if cluster.collect == "sacct":
        return _source(settings, cluster, now_utc())
    return pod_source(settings, cluster, since_utc(settings, now_utc()), now_utc)


def _source(settings: Settings, cluster: Cluster, now_utc: datetime) -> Source:
    host = slurm_host(settings, cluster)
    section = settings.collect
    options = ExportOptions(default_cluster=cluster.name)
    return Source(
        host=host,
        caller=caller(),
        context=export_context(settings, f"sacct {cluster.name}", options),
        since_utc=since_utc(settings, now_utc),
        reach=Reach(
            timedelta(hours=section.lookback_hours), timedelta(days=section.deep_lookback_days)
        ),
        node_listing=_fresh_listing(settings, host, now_utc),
    )


def _listing(host: SlurmHost) -> str | None:
    try:
        return ask_nodes(host)
    except CollectError:
        return None


def _fresh_listing(settings: Settings, host: SlurmHost, now_utc: datetime) -> str | None:
    """Ask for the nodes and keep a snapshot; where Slurm does not answer, the last one holds."""
    listing = _listing(host)
    if listing is not None:
        keep_snapshot(snapshot_folder(settings), host.cluster, listing, now_utc)
    return listing
