"""What was repaired, assumed or doubtful about runs, counted, in the words of their scheduler."""

import numpy as np
import pandas as pd

from auditor.domain.job import PLATFORM, QualityFlag
from auditor.report.doubts import FlagCount

_SLURM, _KUBERNETES = "slurm", "kubernetes"
TEXT_OF_FLAG = {
    QualityFlag.RUNAWAY: "called running long past their time limit; counted up to the limit",
    QualityFlag.START_FROM_SUBMIT: "the export has no Start; Submit stands in for it, so hours of "
    "waiting may be charged to the wrong hours of the grid",
    QualityFlag.SUBMIT_FROM_START: "the export has no Submit; Start stands in for it",
    QualityFlag.CLOCK_REPAIRED: "End disagreed with Start and Elapsed; Elapsed was believed",
    QualityFlag.CPU_TIME_ABOVE_ALLOCATION: "more CPU time than the allocation could give; taken as "
    "full load",
    QualityFlag.STATE_UNKNOWN: "a state that the scheduler does not have",
    QualityFlag.MEMORY_UNUSABLE: "no usable memory request; memory counts nothing",
    QualityFlag.RESOURCES_UNKNOWN: "nothing says how many cores they held; those count nothing",
    QualityFlag.TIME_AMBIGUOUS: "start or end in the hour that the clocks repeat",
    QualityFlag.FORGEABLE: "read from a text export with columns that users write; a job name can "
    "forge rows there",
    QualityFlag.END_UNKNOWN: "a final state without an End; still open for this report",
    QualityFlag.GPU_TYPE_UNKNOWN: "accelerators without a type",
    QualityFlag.SUSPENDED_INFERRED: "no Suspended column; taken as End - Start - Elapsed",
    QualityFlag.RUN_OUTSIDE_TIME: "a start before 1990 or after the export; not counted",
    QualityFlag.END_INFERRED: "nobody recorded the end; taken from the last sign of them",
    QualityFlag.START_INFERRED: "nobody recorded the start; taken from the first sign of them",
    QualityFlag.NO_REQUEST: "asked for no CPU or no memory; counted by what they used, where that "
    "is known, else as nothing",
    QualityFlag.AGGREGATE: "stand for several jobs each, as the source tells no more",
    QualityFlag.PLATFORM: "the platform's own (system namespaces, daemons of every node), counted "
    f"under {PLATFORM} and nobody's",
}
_TEXT_FOR = {
    _SLURM: {QualityFlag.RESOURCES_UNKNOWN: "neither AllocTRES nor NCPUS; they count nothing"},
    _KUBERNETES: {
        QualityFlag.SUBMIT_FROM_START: "nothing says when they were created; their start stands in "
        "for it",
        QualityFlag.CLOCK_REPAIRED: "a start or an end that cannot be, after they were last seen "
        "or the wrong way round; not believed",
    },
}


def flag_counts(rows: pd.DataFrame) -> tuple[FlagCount, ...]:
    """Count the runs with each flag; one flag twice where two schedulers say it differently."""
    flags = rows["quality_flags"].to_numpy(np.int64)
    schedulers = rows["scheduler"].astype("object").fillna(_SLURM).to_numpy()
    found: dict[tuple[QualityFlag, str], list[tuple[str, int]]] = {}
    for scheduler in sorted(set(schedulers.tolist())):
        values, counts = np.unique(flags[schedulers == scheduler], return_counts=True)
        for flag, text in {**TEXT_OF_FLAG, **_TEXT_FOR.get(scheduler, {})}.items():
            n_runs = int(counts[(values & int(flag)) != 0].sum())
            if n_runs:
                found.setdefault((flag, text), []).append((scheduler, n_runs))
    return tuple(
        FlagCount(
            code=str(flag.name),
            n_jobs=sum(n_runs for _, n_runs in told),
            text=text,
            scheduler=told[0][0] if len(told) == 1 else None,
        )
        for (flag, text), told in sorted(found.items())
    )
