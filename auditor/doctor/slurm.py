"""One Slurm cluster: whether its accounting can be asked, by us, for everybody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.collect.errors import CollectError
from auditor.collect.slurm_command import SlurmHost
from auditor.collect.slurm_rights import Rights, ask_rights, require_cluster
from auditor.doctor import slurm_facts
from auditor.doctor.check import Check, Group, Status, Topic
from auditor.doctor.inquiry import Inquiry
from auditor.doctor.slurm_controller import CONTROLLER, controller_checks
from auditor.domain.incident import SourceState
from auditor.settings.cluster import Cluster
from auditor.settings.models import Settings
from auditor.wiring.collecting import caller, since_utc

PROGRAMS = Topic(Group.SLURM, "slurm_programs", "programs")
VERSION = Topic(Group.SLURM, "slurm_version", "version")
DATABASE = Topic(Group.SLURM, "slurmdbd", "slurmdbd")
CLUSTER = Topic(Group.SLURM, "slurm_cluster", "cluster")
RIGHTS = Topic(Group.SLURM, "slurm_rights", "rights")
PURGE = Topic(Group.SLURM, "slurm_purge", "purge")
RANGE = Topic(Group.SLURM, "slurm_query_range", "query span")
RUNAWAYS = Topic(Group.SLURM, "slurm_runaway", "runaways")

_OLDEST_TRIED = (20, 11)
_NARROW = timedelta(hours=1)
_DATABASE_HINT = "`systemctl status slurmdbd` on its host; `sacctmgr show cluster`"


@dataclass(frozen=True)
class Needs:
    """How far back accounting will be asked: days at each deep look, and the first time."""

    deep_days: int
    since_utc: datetime | None


def cluster_checks(
    cluster: Cluster, settings: Settings, state: SourceState | None, inquiry: Inquiry
) -> Iterator[Check]:
    """Try one cluster; what cannot answer is not judged further."""
    host = slurm_facts.patient_host(settings, cluster)
    programs = programs_check(host)
    yield programs
    if programs.status != Status.OK:
        return
    yield version_check(host)
    needs = needs_of(settings, state, inquiry.now_utc())
    asked = list(accounting_checks(host, needs, inquiry))
    yield from asked
    # With -M every question to slurmctld goes by slurmdbd, which knows where it is.
    if _is_silent(asked, DATABASE):
        return
    asked = list(controller_checks(host, inquiry))
    yield from asked
    if not _is_silent(asked, CONTROLLER):
        yield runaway_check(host, inquiry.now_utc())


def _is_silent(asked: Sequence[Check], topic: Topic) -> bool:
    return any(check.code == topic.code and check.status != Status.OK for check in asked)


def needs_of(settings: Settings, state: SourceState | None, now_utc: datetime) -> Needs:
    """Say how far back accounting must reach; what was collected already need not be there."""
    first_utc = since_utc(settings, now_utc) if state is None else None
    return Needs(settings.collect.deep_lookback_days, first_utc)


def programs_check(host: SlurmHost) -> Check:
    """Look for Slurm's commands."""
    missing = slurm_facts.missing_programs(host)
    topic = PROGRAMS.of(host.cluster)
    if missing:
        hint = "Install Slurm's client commands here, or set slurm_bin of the cluster."
        return topic.fault(f"no {', '.join(missing)} in {host.path}", hint)
    return topic.ok(f"in {host.path}")


def version_check(host: SlurmHost) -> Check:
    """Judge the version of the commands."""
    topic = VERSION.of(host.cluster)
    try:
        version = slurm_facts.ask_version(host)
    except CollectError as error:
        return topic.fault(str(error), error.hint or "`sacct --version`")
    if version is None:
        return topic.warning("`sacct --version` says nothing known", "`sacct --version`")
    text = f"{version[0]}.{version[1]:02d}"
    if version < _OLDEST_TRIED:
        return topic.warning(f"{text} is older than what was tried", "Slurm 20.11 or newer.")
    return topic.ok(text)


def accounting_checks(host: SlurmHost, needs: Needs, inquiry: Inquiry) -> Iterator[Check]:
    """Ask slurmdbd what it lets us see."""
    try:
        rights = ask_rights(host, caller())
    except CollectError as error:
        yield DATABASE.of(host.cluster).fault(str(error), _DATABASE_HINT)
        return
    yield DATABASE.of(host.cluster).ok("answers")
    yield cluster_check(host)
    yield rights_check(host.cluster, rights)
    yield purge_check(host.cluster, rights, needs, inquiry.now_utc())
    yield range_check(host.cluster, rights)


def cluster_check(host: SlurmHost) -> Check:
    """Judge whether accounting knows the cluster by this name."""
    topic = CLUSTER.of(host.cluster)
    try:
        require_cluster(host)
    except CollectError as error:
        return topic.fault(str(error), error.hint or "`sacctmgr show cluster`")
    return topic.ok("known to accounting")


def rights_check(cluster: str, rights: Rights) -> Check:
    """Judge whether we see the jobs of everybody."""
    topic = RIGHTS.of(cluster)
    if rights.sees_everybody:
        return topic.ok(f"{rights.caller} sees everybody: {rights.reason}")
    hint = f"`{rights.command_to_see_everybody}`"
    return topic.fault(f"{rights.caller} does not see everybody: {rights.reason}", hint)


def purge_check(cluster: str, rights: Rights, needs: Needs, now_utc: datetime) -> Check:
    """Judge whether accounting keeps jobs for as long as they are asked for."""
    topic, horizon_utc = PURGE.of(cluster), rights.purged_before(now_utc)
    if rights.keeps_jobs is None or horizon_utc is None:
        return topic.ok("never: jobs are kept")
    text = f"jobs are kept for {rights.keeps_jobs.days} days"
    if rights.keeps_jobs < timedelta(days=needs.deep_days):
        text = f"{text}, and late changes are looked for over {needs.deep_days} days"
        hint = "Raise PurgeJobAfter in slurmdbd.conf, or lower [collect] deep_lookback_days."
        return topic.fault(text, hint)
    if needs.since_utc is not None and needs.since_utc < horizon_utc:
        text = f"{text}; nothing before {horizon_utc:%Y-%m-%d} can be collected"
        return topic.warning(text, "Set [collect] since to a later day, or load old exports.")
    return topic.ok(text)


def range_check(cluster: str, rights: Rights) -> Check:
    """Judge how wide one question may be; an operator may ask for any span."""
    topic = RANGE.of(cluster)
    if rights.widest_window is None:
        return topic.ok("any span")
    text = f"{rights.widest_window}"
    if rights.widest_window < _NARROW:
        hint = "Raise MaxQueryTimeRange in slurmdbd.conf, or make the caller an operator."
        return topic.warning(f"{text}: collecting takes many calls", hint)
    return topic.ok(text)


def runaway_check(host: SlurmHost, now_utc: datetime) -> Check:
    """Look for jobs that run for ever in accounting alone."""
    topic = RUNAWAYS.of(host.cluster)
    try:
        jobs = slurm_facts.runaway_jobs(host, now_utc)
    except CollectError as error:
        return topic.warning(f"cannot be asked for: {error}", "`sacctmgr show runawayjobs`")
    if jobs:
        shown = ", ".join(jobs[:3]) + (", ..." if len(jobs) > 3 else "")  # noqa: PLR2004
        text = f"{len(jobs)} run in accounting alone, and are counted: {shown}"
        return topic.warning(text, "`sacctmgr show runawayjobs` lists them and offers to end them.")
    return topic.ok("none")
