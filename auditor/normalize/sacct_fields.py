"""The fields of sacct: their names, who writes them and which of them are read."""

import re

_ALL = (
    "Account AdminComment AllocCPUS AllocGRES AllocNodes AllocTRES AssocID AveCPU AveCPUFreq "
    "AveDiskRead AveDiskWrite AvePages AveRSS AveVMSize BlockID Cluster Comment Constraints "
    "ConsumedEnergy ConsumedEnergyRaw Container CPUTime CPUTimeRAW DBIndex DerivedExitCode Elapsed "
    "ElapsedRaw Eligible End ExitCode Extra FailedNode Flags GID Group JobID JobIDRaw JobName "
    "Layout Licenses MaxDiskRead MaxDiskReadNode MaxDiskReadTask MaxDiskWrite MaxDiskWriteNode "
    "MaxDiskWriteTask MaxPages MaxPagesNode MaxPagesTask MaxRSS MaxRSSNode MaxRSSTask MaxVMSize "
    "MaxVMSizeNode MaxVMSizeTask McsLabel MinCPU MinCPUNode MinCPUTask NCPUS NNodes NodeList "
    "NTasks Partition Planned PlannedCPU PlannedCPURAW Priority QOS QOSRAW QOSREQ Reason "
    "ReqCPUFreq ReqCPUFreqGov ReqCPUFreqMax ReqCPUFreqMin ReqCPUS ReqGRES ReqMem ReqNodes ReqTRES "
    "Reservation ReservationId Reserved ResvCPU ResvCPURAW Restarts SegmentSize SLUID Start State "
    "StdErr StdIn StdOut StepMgrEnabled Submit SubmitLine Suspended SystemComment SystemCPU "
    "Timelimit TimelimitRaw TotalCPU TRESUsageInAve TRESUsageInMax TRESUsageInMaxNode "
    "TRESUsageInMaxTask TRESUsageInMin TRESUsageInMinNode TRESUsageInMinTask TRESUsageInTot "
    "TRESUsageOutAve TRESUsageOutMax TRESUsageOutMaxNode TRESUsageOutMaxTask TRESUsageOutMin "
    "TRESUsageOutMinNode TRESUsageOutMinTask TRESUsageOutTot UID User UserCPU WCKey WCKeyID WorkDir"
)
FIELDS = tuple(_ALL.split())

_SPELLED = {name.lower(): name for name in FIELDS}
_WIDTH = re.compile(r"%-?\d*$")

# What the jobs frame is made from; other columns are not read from text.
_USED = (
    "JobID JobIDRaw Cluster User Account Partition QOS WCKey State Submit Eligible Start End "
    "Elapsed ElapsedRaw Suspended Timelimit TimelimitRaw NCPUS AllocCPUS ReqCPUS NNodes AllocNodes "
    "NTasks ReqMem AllocTRES TotalCPU UserCPU SystemCPU MaxRSS TRESUsageInAve TRESUsageInTot "
    "ConsumedEnergyRaw NodeList JobName Restarts DBIndex"
)
USED_FIELDS = frozenset(_USED.split())

# Printed by sacct as they were written, delimiters and line breaks included.
# Account names may hold anything too, but only administrators and coordinators make them.
USER_WRITTEN = frozenset(("JobName", "Comment", "WorkDir", "SubmitLine", "Constraints", "WCKey"))

SAFE_COMMAND = "sacct -aD --json -S START -E END"
TEXT_COMMAND = (
    "sacct -aDP --noconvert -o JobIDRaw,JobID,Cluster,User,Account,Partition,QOS,State,Submit,"
    "Eligible,Start,End,ElapsedRaw,Suspended,TimelimitRaw,NCPUS,NNodes,ReqMem,AllocTRES,TotalCPU,"
    "MaxRSS,TRESUsageInAve,NodeList -S START -E END"
)

# The layout that Open XDMoD's shredder asks of sacct, without header (its documentation of the
# Slurm resource manager, open.xdmod.org, read 2026-11-23).
_XDMOD = (
    "JobID JobIDRaw Cluster Partition QOS Account Group GID User UID Submit Eligible Start End "
    "Elapsed ExitCode State NNodes NCPUS ReqCPUS ReqMem ReqTRES AllocTRES Timelimit NodeList "
    "JobName"
)
XDMOD_COLUMNS = tuple(_XDMOD.split())


def spelled(name: str) -> str | None:
    """Return a field name as `sacct -e` spells it, without `%width`; None if sacct has none such.

    Examples
    --------
    >>> spelled("jobname%20")
    'JobName'
    """
    return _SPELLED.get(_WIDTH.sub("", name.strip()).lower())


def known_prefix(text: str) -> str | None:
    """Return the longest field name that `text` begins with, as it stands there."""
    lowered = text[:40].lower()
    found = [name for name in _SPELLED if lowered.startswith(name)]
    return text[: max(map(len, found))] if found else None
