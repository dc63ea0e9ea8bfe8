"""What slurmctld says: its clock, the records it has not sent, what it tracks and gathers."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from auditor.collect.errors import CollectError
from auditor.collect.slurm_command import SlurmHost
from auditor.collect.slurm_lag import ask_unsent, is_stuck
from auditor.collect.slurm_rights import tracks_gpus
from auditor.doctor import slurm_facts
from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.inquiry import Inquiry
from auditor.doctor.slurm_facts import ClockOffset

CONTROLLER = Topic(Group.SLURM, "slurmctld", "slurmctld")
GPUS = Topic(Group.SLURM, "slurm_gpus", "GPUs")
GATHER = Topic(Group.SLURM, "slurm_gather", "usage")
QUEUE = Topic(Group.SLURM, "slurm_dbd_queue", "dbd queue")
CLOCK = Topic(Group.SLURM, "slurm_clock", "clock")

_ODD, _WRONG = timedelta(seconds=5), timedelta(seconds=60)
_BETWEEN_LOOKS_S = 2.0
_CONTROLLER_HINT = "`scontrol ping`"


def controller_checks(host: SlurmHost, inquiry: Inquiry) -> Iterator[Check]:
    """Ask slurmctld; without it nothing more can be asked."""
    try:
        offset = slurm_facts.ask_offset(host, inquiry.now_utc)
    except CollectError as error:
        yield CONTROLLER.of(host.cluster).fault(str(error), _CONTROLLER_HINT)
        return
    yield CONTROLLER.of(host.cluster).ok("answers")
    yield clock_check(host.cluster, offset)
    attempts: tuple[tuple[Topic, Callable[[], Check]], ...] = (
        (QUEUE, lambda: queue_check(host, inquiry)),
        (GPUS, lambda: gpus_check(host)),
        (GATHER, lambda: gather_check(host.cluster, slurm_facts.ask_gather_type(host))),
    )
    for topic, attempt in attempts:
        try:
            yield attempt()
        except CollectError as error:
            yield topic.of(host.cluster).fault(str(error), error.hint or _CONTROLLER_HINT)


def clock_check(cluster: str, offset: ClockOffset | None) -> Check:
    """Judge how far apart the clocks of this host and of slurmctld are."""
    topic = CLOCK.of(cluster)
    if offset is None:
        return topic.warning("sdiag does not say what time slurmctld has", "`sdiag | head -2`")
    seconds = offset.ahead.total_seconds()
    text = f"{abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} slurmctld"
    hint = "`timedatectl status` here and on slurmctld's host"
    distance = abs(offset.ahead) - offset.doubt
    if distance > _WRONG:
        return topic.fault(text, hint)
    if distance > _ODD:
        return topic.warning(text, hint)
    return topic.ok("as slurmctld's")


def queue_check(host: SlurmHost, inquiry: Inquiry) -> Check:
    """Look at the queue of records for slurmdbd, and once more if it is not empty."""
    n_before = n_after = ask_unsent(host)
    if n_before and not inquiry.is_quick:
        time.sleep(_BETWEEN_LOOKS_S)
        n_after = ask_unsent(host)
    return queue_verdict(host.cluster, n_before, n_after)


def queue_verdict(cluster: str, n_before: int | None, n_after: int | None) -> Check:
    """Judge two lengths of the queue, one after the other."""
    topic = QUEUE.of(cluster)
    if n_after is None:
        return topic.warning("sdiag does not say", "`sdiag | grep DBD`")
    if is_stuck(n_before, n_after):
        text = f"{n_after} wait for slurmdbd and do not get fewer: accounting lags"
        return topic.fault(text, "`sdiag | grep DBD`; the log of slurmdbd")
    return topic.ok(str(n_after))


def gpus_check(host: SlurmHost) -> Check:
    """Judge whether accounting records accelerators, where there are any."""
    is_tracked = tracks_gpus(host)
    return gpus_verdict(
        host.cluster, is_tracked, has_gpus=not is_tracked and slurm_facts.has_gpus(host)
    )


def gpus_verdict(cluster: str, is_tracked: bool | None, *, has_gpus: bool) -> Check:  # noqa: FBT001  (three answers)
    """Say what follows from what slurmctld and sinfo said."""
    topic = GPUS.of(cluster)
    hint = "Add gres/gpu to AccountingStorageTRES in slurm.conf and restart slurmctld."
    if is_tracked:
        return topic.ok("recorded")
    if not has_gpus:
        return topic.ok("there are none")
    if is_tracked is None:
        return topic.warning("slurmctld does not say", "`scontrol show config | grep TRES`")
    return topic.fault("no: jobs are recorded without the GPUs that they hold", hint)


def gather_check(cluster: str, gather: str | None) -> Check:
    """Judge whether anything measures CPU time and memory."""
    topic = GATHER.of(cluster)
    if gather is None or gather.endswith("/none") or gather == "(null)":
        text = f"JobAcctGatherType is {gather or 'not told'}: no CPU time, no memory use"
        return topic.warning(
            text, "Set JobAcctGatherType in slurm.conf, as in jobacct_gather/cgroup."
        )
    return topic.ok(gather)
