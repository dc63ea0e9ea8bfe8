"""What a job is: one run of one job, its states and what was odd about its record."""

from enum import IntFlag

ENDED_STATES = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        # A pod that was deleted before it ended, and one that its node sent away.
        "DELETED",
        "EVICTED",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REQUEUED",
        # What ran until a job was resized: accounting ends that record and begins another.
        "RESIZING",
        "REVOKED",
        "TIMEOUT",
    }
)
OPEN_STATES = frozenset(
    {
        "COMPLETING",
        "CONFIGURING",
        "PENDING",
        "REQUEUE_HOLD",
        "RUNNING",
        "SPECIAL_EXIT",
        "STOPPED",
        "SUSPENDED",
    }
)
# States whose work was lost to its owner; NODE_FAIL and EVICTED are not the owner's doing. Who is
# PREEMPTED was warned, and is often requeued from a checkpoint.
WASTED_STATES = frozenset(
    {"FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "EVICTED"}
)
# Ended, and nobody knows how: the work may be done, or lost.
UNTOLD_STATES = frozenset({"DELETED"})

# User and account of what belongs to the platform itself and is nobody's: no name that a person,
# a namespace or a label can have.
PLATFORM = "(platform)"
# How reports call a user or a project that nothing names; no name either.
NOBODY = "(unknown)"


class QualityFlag(IntFlag):
    """What was repaired, assumed or doubtful about one run. Kept in the book, shown in reports."""

    NONE = 0
    RUNAWAY = 1  # open long past its time limit: counted up to the limit, shown
    START_FROM_SUBMIT = 2  # the export has no Start
    SUBMIT_FROM_START = 4  # the export has no Submit: the key rests on Start
    CLOCK_REPAIRED = 8  # End disagreed with Start + Elapsed (+ Suspended): elapsed was believed
    CPU_TIME_ABOVE_ALLOCATION = 16  # TotalCPU above cores x elapsed: taken as full load
    STATE_UNKNOWN = 32  # a state that Slurm does not know
    MEMORY_UNUSABLE = 64  # ReqMem and AllocTRES say nothing that can be believed
    RESOURCES_UNKNOWN = 128  # no AllocTRES and no NCPUS: nothing to count
    TIME_AMBIGUOUS = 256  # local time in the hour that the clocks repeat, told apart by nothing
    FORGEABLE = 512  # came from a text export with user-written columns and a guessable delimiter
    END_UNKNOWN = 1024  # a final state without End: still open for us
    GPU_TYPE_UNKNOWN = 2048  # accelerators without a type
    SUSPENDED_INFERRED = 4096  # no Suspended column: taken as End - Start - Elapsed
    RUN_OUTSIDE_TIME = 8192  # start before 1990 or after the export: not counted
    END_INFERRED = 16384  # it was gone at the next look: taken to end when it was last seen
    START_INFERRED = 32768  # nobody recorded the start: taken from when it was first seen
    NO_REQUEST = 65536  # asked for no CPU or memory: counted by what it used, where that is known
    AGGREGATE = 131072  # stands for several jobs: the source tells no more
    PLATFORM = 262144  # the platform's own: system namespaces, daemons of every node
