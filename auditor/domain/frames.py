"""The columns of every frame between the stages, and one check for all of them.

Text of few distinct values is `category`, other text `str` (missing: None); instants are
`datetime64[us, UTC]` (missing: NaT); measurements are float64 (missing: NaN, never 0 or -1).
"""

from dataclasses import dataclass

import pandas as pd

CATEGORY = "category"
TEXT = "str"
INSTANT = "datetime64[us, UTC]"
NUMBER = "float64"
WHOLE = "int64"
FLAG = "bool"


@dataclass(frozen=True)
class Column:
    """Name, dtype and meaning of one column."""

    name: str
    dtype: str
    meaning: str


KEY = ("cluster", "raw_job_id", "submit_utc", "n_restarts")

JOBS = (
    Column("cluster", CATEGORY, "name of the cluster; never empty"),
    Column("raw_job_id", TEXT, "JobIDRaw in Slurm (digits); JobID where an export has no JobIDRaw; "
           "the uid of a pod"),
    Column("submit_utc", INSTANT, "Submit; Start stands in, flagged"),
    Column("n_restarts", WHOLE, "restart count, 0 where the export gives none; in a table, which "
           "counts none, seconds from submit to start"),
    Column("scheduler", CATEGORY, "slurm, kubernetes, or other (a table, OpenCost)"),
    Column("job_id", TEXT, "the id as people know it: 14_4, 21+0, 4711; namespace/name of a pod"),
    Column("parent_job_id", TEXT, "array master or het leader, what owns a pod "
           "(namespace/Job/name); None for a plain job"),
    Column("user", CATEGORY, "user name; None where the export has none"),
    Column("account", CATEGORY, "Slurm account (project)"),
    Column("partition", CATEGORY, "partition"),
    Column("qos", CATEGORY, "quality of service"),
    Column("wckey", CATEGORY, "WCKey, a wish its owner may rewrite"),
    Column("state", CATEGORY, "COMPLETED, FAILED, ... without 'by UID'"),
    Column("job_name", TEXT, "what its owner called it; hostile text"),
    Column("node_list", CATEGORY, "Slurm host list of its nodes; None if it never started"),
    Column("eligible_utc", INSTANT, "Eligible"),
    Column("start_utc", INSTANT, "start of the run; NaT if it never started"),
    Column("end_utc", INSTANT, "start + elapsed_s + suspended_s, always, for a run that started "
           "(an open one is counted to the moment of the export); the moment it was given up for "
           "one that never started, NaT while pending"),
    Column("elapsed_s", WHOLE, "seconds it ran, suspension not counted; 0 if it never started"),
    Column("reported_elapsed_s", WHOLE, "elapsed as the export says; differs from elapsed_s for a "
           "runaway only, which is counted up to its time limit"),
    Column("suspended_s", WHOLE, "seconds of suspension between start and end"),
    Column("time_limit_s", NUMBER, "time limit [s]; inf for UNLIMITED"),
    Column("n_cpus", NUMBER, "allocated CPUs"),
    Column("n_nodes", NUMBER, "allocated nodes"),
    Column("n_gpu", NUMBER, "allocated accelerators, each counted once; MIG slices count as such"),
    Column("gpu_types", CATEGORY, "what they are, as accounting says: 'a100=4', 'a100=1,v100=1', "
           "'=2' without type, '' for none"),
    Column("memory_bytes", NUMBER, "allocated memory, all nodes together (AllocTRES, else ReqMem)"),
    Column("requested_memory_decimal_gb", NUMBER, "ReqMem, all nodes together, with 1000 M = 1 G "
           "as GreenAlgorithms4HPC reads it; AllocTRES in the same convention where unusable"),
    Column("total_cpu_s", NUMBER, "CPU time used, user + system"),
    Column("max_rss_bytes", NUMBER, "memory used at its peak, all tasks together where known"),
    Column("gpu_utilisation_ratio", NUMBER, "mean utilisation of its accelerators, 0..1, over the "
           "time that gpu_observed_ratio says"),
    Column("consumed_energy_j", NUMBER, "ConsumedEnergyRaw where credible as a measurement"),
    Column("gpu_energy_j", NUMBER, "metered energy of its accelerators [J], over the time that "
           "gpu_metered_ratio says; NaN where nobody metered"),
    Column("gpu_metered_ratio", NUMBER, "share of its accelerator time that gpu_energy_j covers, "
           "0..1; NaN where nobody metered"),
    Column("gpu_observed_ratio", NUMBER, "share of its accelerator time that "
           "gpu_utilisation_ratio covers, 0..1; NaN where that is of the whole run, or unknown"),
    Column("is_open", FLAG, "not ended at the moment of the export"),
    Column("quality_flags", WHOLE, "bits of QualityFlag"),
    Column("rank", WHOLE, "orders the views of one run: a later view has the higher rank"),
    Column("source", CATEGORY, "file or source it came from"),
    Column("line", WHOLE, "1-based line or record there"),
)  # fmt: skip

# What meters said of pods, slot by slot (see `SLOT_S`); one row for each pod and slot.
METERS = (
    Column("uid", TEXT, "uid of the pod"),
    Column("slot_utc", INSTANT, "begin of the slot"),
    Column("gpu_energy_j", NUMBER, "metered energy of its accelerators in the slot [J]; its share "
           "of a board that it has a slice of; 0 without a meter"),
    Column("gpu_metered_s", NUMBER, "accelerator seconds that this energy covers"),
    Column("gpu_busy_s", NUMBER, "utilisation x accelerator seconds"),
    Column("gpu_observed_s", NUMBER, "accelerator seconds that gpu_busy_s covers"),
    Column("cpu_s", NUMBER, "CPU seconds used"),
    Column("cpu_metered_s", NUMBER, "seconds that cpu_s covers"),
    Column("max_memory_bytes", NUMBER, "highest working set of all its containers together; NaN "
           "where nobody looked"),
)  # fmt: skip
SLOT_S = 6 * 3600

HARDWARE = (
    Column("gpu_model", CATEGORY, "catalogue name; the site's word if unknown; '' without GPU"),
    Column("gpu_max_w", NUMBER, "maximum draw of one accelerator of this job [W]"),
    Column("gpu_max_low_w", NUMBER, "lower bound of the same"),
    Column("gpu_max_high_w", NUMBER, "upper bound of the same"),
    Column("gpu_idle_w", NUMBER, "idle draw of one accelerator [W]"),
    Column("gpu_idle_low_w", NUMBER, "lower bound of the same"),
    Column("gpu_idle_high_w", NUMBER, "upper bound of the same"),
    Column("gpu_known", FLAG, "the model is in the catalogue or its watts are stated; True "
           "without GPU"),
    Column("gpu_ambiguous", FLAG, "the word for them fits several models of the catalogue; the "
           "commonest was taken"),
    Column("cpu_model", CATEGORY, "catalogue name, '' where unknown"),
    Column("cpu_max_w_per_core", NUMBER, "draw of one core at full load [W]"),
    Column("cpu_max_low_w_per_core", NUMBER, "lower bound of the same"),
    Column("cpu_max_high_w_per_core", NUMBER, "upper bound of the same"),
    Column("cpu_idle_w_per_core", NUMBER, "draw of one idle core [W]"),
    Column("cpu_known", FLAG, "the processor is in the catalogue or its watts are stated"),
    Column("node_base_w", NUMBER, "base load of the nodes of this job that falls to it by its "
           "share of their cores [W]; NaN where not stated"),
    Column("hardware_rule", CATEGORY, "in words: which rule gave these figures"),
)  # fmt: skip

COMPONENTS = ("gpu", "cpu", "memory", "node")

ENERGY = (
    *(
        Column(f"{component}{bound}_wh", NUMBER, f"IT energy of the {component} part [Wh]")
        for component in COMPONENTS
        for bound in ("_low", "", "_high")
    ),
    Column("gpu_measured_wh", NUMBER, "the part of gpu_wh that meters said; 0 where nobody "
           "metered, or the meter is not believed"),
    Column("pue", NUMBER, "power usage effectiveness applied"),
    Column("it_energy_wh", NUMBER, "sum of the components, without PUE"),
    Column("energy_low_wh", NUMBER, "lower bound, PUE's included"),
    Column("energy_wh", NUMBER, "it_energy_wh x pue"),
    Column("energy_high_wh", NUMBER, "upper bound, PUE's included"),
    *(Column(f"{c}_basis", CATEGORY, "measured, utilisation, modelled, assumed; '' if nothing")
      for c in COMPONENTS),
)  # fmt: skip

CARBON = (
    Column("zone", CATEGORY, "grid zone"),
    Column("intensity_g_per_kwh", NUMBER, "time-weighted mean over the run [gCO2e/kWh]"),
    Column("intensity_measured_ratio", NUMBER, "share of the run on measured hours, 0..1"),
    Column("carbon_low_g", NUMBER, "lower bound [gCO2e]"),
    Column("carbon_g", NUMBER, "location-based operational carbon [gCO2e]"),
    Column("carbon_high_g", NUMBER, "upper bound [gCO2e]"),
    Column("embodied_g", NUMBER, "embodied carbon of the run [gCO2e]; NaN without a factor"),
    Column("factor_set", CATEGORY, "id of the factors that made this estimate"),
)  # fmt: skip

# Bounds of the hardware's figures make the bounds of the energy and are not kept beside them:
# the factor set and the rule lead to them again.
_PASSING = {column.name for column in HARDWARE if "_low_" in column.name or "_high_" in column.name}

# The book holds these; submit_month ('2026-11', UTC) is its partition beside the cluster.
BOOK = (*JOBS, *(c for c in HARDWARE if c.name not in _PASSING), *ENERGY, *CARBON)

# What of each run lies in a period: the book with times, energies and carbon cut at its edges.
SLICES = (
    *(c for c in BOOK if c.name not in {"elapsed_s", "suspended_s"}),
    Column("elapsed_s", NUMBER, "seconds it ran inside, suspension not counted"),
    Column("suspended_s", NUMBER, "seconds of suspension inside, spread evenly over the run"),
    Column("core_s", NUMBER, "allocated CPUs x elapsed_s"),
    Column("gpu_s", NUMBER, "allocated accelerators x elapsed_s"),
    Column("active_ratio", NUMBER, "share of the run that was not suspended; 1 without length"),
    Column("slice_start_utc", INSTANT, "start of what lies inside"),
    Column("slice_end_utc", INSTANT, "end of the same"),
)


def names(columns: tuple[Column, ...]) -> list[str]:
    """Return the names of the columns, in order."""
    return [column.name for column in columns]


def check(frame: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return the frame if it holds the columns with their dtypes.

    Raises
    ------
    TypeError
        A column is missing or of another dtype: a bug in the stage before.
    """
    dtype_of = dict(zip(frame.columns, frame.dtypes, strict=True))
    for column in columns:
        if column.name not in dtype_of:
            msg = f"column {column.name} is missing"
            raise TypeError(msg)
        if str(dtype_of[column.name]) != column.dtype:
            msg = f"column {column.name} is {dtype_of[column.name]}, not {column.dtype}"
            raise TypeError(msg)
    return frame
