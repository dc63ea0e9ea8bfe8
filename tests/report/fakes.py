"""Made-up slices of runs that look like a week on a cluster, for the tests of the report."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from auditor.domain.frames import BOOK, CATEGORY, COMPONENTS, check
from auditor.domain.job import QualityFlag
from auditor.domain.period import Period
from auditor.domain.recommendation import Recommendation
from auditor.domain.reject import Reject
from auditor.report.build import ReportInput, build_report, totals_of
from auditor.report.doubts import SourceNote
from auditor.report.model import (
    EquivalenceFactor,
    FactorSource,
    IntensitySource,
    Provenance,
    QualityFacts,
    Report,
)

ZONE = "Europe/Berlin"
WEEK = Period(
    datetime(2026, 11, 15, 23, tzinfo=UTC),
    datetime(2026, 11, 22, 23, tzinfo=UTC),
    ZONE,
    "2026-W47",
)
HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "\x1b]0;owned\x07\x1b[31mred",
    "x" * 300,
    "evil.com",
    "=HYPERLINK(1)",
    "train 🚀 llm",
    "[red]x[/red]",
    "a|b\nc\td",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "模型訓練",
)
GPUS = (
    ("NVIDIA A100-SXM4-80GB", 400.0, 57.0),
    ("NVIDIA H100 SXM5 80GB", 700.0, 70.0),
    ("NVIDIA L40S", 350.0, 35.0),
    ("", 0.0, 0.0),
)
STATES = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "OUT_OF_MEMORY", "RUNNING")
USERS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")


def week_of_runs(n_runs: int = 120, *, seed: int = 1, period: Period = WEEK) -> pd.DataFrame:
    """Draw slices: the columns of the book with core_s and gpu_s, all within the period."""
    draw = np.random.default_rng(seed)
    rows = pd.DataFrame(index=pd.RangeIndex(n_runs))
    length_s = period.end_s - period.start_s
    elapsed_s = np.minimum(np.ceil(draw.lognormal(9.3, 1.2, n_runs)), length_s * 0.6).astype(int)
    start_s = period.start_s + (draw.random(n_runs) * (length_s - elapsed_s)).astype(int)
    _describe(rows, draw, start_s, elapsed_s)
    _estimate(rows, draw)
    for column in BOOK:
        rows[column.name] = rows[column.name].astype(column.dtype)
    return check(rows, BOOK)


def _describe(rows: pd.DataFrame, draw: np.random.Generator, start_s, elapsed_s) -> None:
    n_runs = len(rows)
    which_gpu = draw.choice(len(GPUS), n_runs, p=[0.4, 0.15, 0.15, 0.3])
    rows["cluster"] = draw.choice(["alpha", "beta"], n_runs, p=[0.8, 0.2])
    rows["scheduler"] = "slurm"
    rows["raw_job_id"] = [str(48_211_000 + 37 * i) for i in range(n_runs)]
    rows["start_utc"] = pd.to_datetime(start_s, unit="s", utc=True).as_unit("us")
    rows["submit_utc"] = rows["start_utc"] - pd.Timedelta(minutes=20)
    rows["n_restarts"] = 0
    rows["scheduler"] = "slurm"
    rows["job_id"] = rows["raw_job_id"]
    rows["parent_job_id"] = None
    rows["user"] = draw.choice(USERS, n_runs, p=np.arange(10, 0, -1) / 55)
    rows["account"] = draw.choice(["ml-group", "climate", "genomics"], n_runs, p=[0.6, 0.3, 0.1])
    rows["partition"] = np.where(which_gpu == 3, "cpu", "gpu")
    rows["qos"], rows["wckey"] = "normal", None
    rows["state"] = draw.choice(STATES, n_runs, p=[0.68, 0.1, 0.08, 0.06, 0.04, 0.04])
    names = ["train-resnet", "finetune llama", "eval", "preprocess", "sweep_17"]
    rows["job_name"] = draw.choice(names, n_runs)
    rows["node_list"] = "gpu[001-004]"
    rows["eligible_utc"] = rows["submit_utc"]
    rows["end_utc"] = rows["start_utc"] + pd.to_timedelta(elapsed_s, unit="s")
    rows["elapsed_s"] = elapsed_s
    rows["reported_elapsed_s"] = elapsed_s
    rows["suspended_s"] = 0
    rows["time_limit_s"] = 172_800.0
    rows["n_gpu"] = np.where(which_gpu == 3, 0, draw.choice([1, 1, 2, 4], n_runs)).astype(float)
    rows["n_cpus"] = np.where(which_gpu == 3, 32, 8 * np.maximum(rows["n_gpu"], 1))
    rows["n_nodes"] = 1.0
    rows["gpu_types"] = np.where(which_gpu == 3, "", "a100=1")
    rows["memory_bytes"] = rows["n_cpus"] * 4e9
    rows["requested_memory_decimal_gb"] = rows["n_cpus"] * 4.0
    rows["total_cpu_s"] = elapsed_s * rows["n_cpus"] * 0.6
    rows["max_rss_bytes"] = rows["memory_bytes"] * 0.4
    rows["gpu_utilisation_ratio"] = np.where(draw.random(n_runs) < 0.5, 0.55, np.nan)
    rows["consumed_energy_j"] = np.nan
    rows["gpu_energy_j"] = rows["gpu_metered_ratio"] = rows["gpu_observed_ratio"] = np.nan
    rows["is_open"] = rows["state"].eq("RUNNING")
    rows["quality_flags"] = np.where(draw.random(n_runs) < 0.05, 16, 0)
    rows["rank"], rows["source"], rows["line"] = 1, "sacct-2026-W47.txt", range(2, n_runs + 2)
    rows["gpu_model"] = [GPUS[i][0] for i in which_gpu]
    rows["gpu_max_w"] = [GPUS[i][1] for i in which_gpu]
    rows["gpu_idle_w"] = [GPUS[i][2] for i in which_gpu]


def _estimate(rows: pd.DataFrame, draw: np.random.Generator) -> None:
    for bound in ("low", "high"):
        rows[f"gpu_max_{bound}_w"] = rows["gpu_max_w"]
        rows[f"gpu_idle_{bound}_w"] = rows["gpu_idle_w"]
        rows[f"cpu_max_{bound}_w_per_core"] = 4.4
    rows["gpu_known"], rows["cpu_known"], rows["gpu_ambiguous"] = True, True, False
    rows["cpu_model"], rows["cpu_max_w_per_core"] = "AMD EPYC 7763", 4.4
    rows["cpu_idle_w_per_core"], rows["node_base_w"] = 1.0, np.nan
    rows["hardware_rule"] = "nodes gpu[001-016]"
    hours = rows["elapsed_s"] / 3600
    load = rows["gpu_utilisation_ratio"].fillna(0.45)
    gpu_w = rows["gpu_idle_w"] + (rows["gpu_max_w"] - rows["gpu_idle_w"]) * load
    rows["gpu_wh"] = gpu_w * rows["n_gpu"] * hours
    rows["gpu_measured_wh"] = 0.0
    rows["cpu_wh"] = rows["n_cpus"] * 3.0 * hours
    rows["memory_wh"] = rows["memory_bytes"] / 1e9 * 0.3725 * hours
    rows["node_wh"] = 0.1 * (rows["gpu_wh"] + rows["cpu_wh"])
    for component in COMPONENTS:
        rows[f"{component}_low_wh"] = 0.75 * rows[f"{component}_wh"]
        rows[f"{component}_high_wh"] = 1.3 * rows[f"{component}_wh"]
    rows["pue"] = 1.25
    rows["it_energy_wh"] = sum(rows[f"{name}_wh"] for name in COMPONENTS)
    rows["energy_wh"] = rows["it_energy_wh"] * rows["pue"]
    rows["energy_low_wh"], rows["energy_high_wh"] = (
        0.72 * rows["energy_wh"],
        1.4 * rows["energy_wh"],
    )
    known = np.where(rows["gpu_utilisation_ratio"].notna(), "utilisation", "assumed")
    rows["gpu_basis"] = np.where(rows["n_gpu"] > 0, known, "")
    rows["cpu_basis"], rows["memory_basis"] = "utilisation", "modelled"
    rows["node_basis"] = "assumed"
    rows["zone"] = "DE"
    rows["intensity_g_per_kwh"] = draw.normal(340, 60, len(rows))
    rows["intensity_measured_ratio"] = np.where(draw.random(len(rows)) < 0.9, 1.0, 0.5)
    rows["carbon_g"] = rows["energy_wh"] * rows["intensity_g_per_kwh"] / 1000
    rows["carbon_low_g"], rows["carbon_high_g"] = 0.7 * rows["carbon_g"], 1.45 * rows["carbon_g"]
    rows["embodied_g"], rows["factor_set"] = np.nan, "f3a91c02"
    rows["core_s"] = rows["elapsed_s"] * rows["n_cpus"]
    rows["gpu_s"] = rows["elapsed_s"] * rows["n_gpu"]


def by_day(rows: pd.DataFrame, timezone: str = ZONE) -> pd.DataFrame:
    """Cut slices at the local midnights, in proportion to time."""
    zone = ZoneInfo(timezone)
    pieces = []
    for place, start, end in zip(rows.index, rows["start_utc"], rows["end_utc"], strict=True):
        day = start.astimezone(zone).date()
        while True:
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            after = midnight + timedelta(days=1)
            overlap_s = (min(end, after) - max(start, midnight)).total_seconds()
            share = overlap_s / (end - start).total_seconds() if end > start else 1.0
            pieces.append((place, str(day), share))
            day += timedelta(days=1)
            if after >= end:
                break
    places, days, shares = zip(*pieces, strict=True) if pieces else ((), (), ())
    cut = rows.loc[list(places)].reset_index(drop=True)
    scaled = [n for n in cut.columns if n.endswith(("_wh", "_g")) or n in ("core_s", "gpu_s")]
    for name in scaled:
        cut[name] = cut[name].to_numpy() * np.array(shares)
    cut["day"] = pd.Series(days, dtype="str", index=cut.index).astype(CATEGORY)
    return cut


def hostile(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the largest runs hostile names, and a user and an account too."""
    rows = rows.sort_values("carbon_g", ascending=False, ignore_index=True)
    names = rows["job_name"].tolist()
    names[: len(HOSTILE_NAMES)] = HOSTILE_NAMES
    rows["job_name"] = pd.Series(names, dtype="str")
    users = rows["user"].astype(object)
    users.iloc[:2] = ["<b>mallory</b>", None]
    return rows.assign(user=users.astype(CATEGORY))


def runaway(rows: pd.DataFrame) -> pd.DataFrame:
    """Make the first run a runaway, and the second one's accelerator unknown."""
    flags, known, models = rows["quality_flags"].copy(), rows["gpu_known"].copy(), rows["gpu_model"]
    reported_s = rows["reported_elapsed_s"].copy()
    flags.iloc[0] = int(QualityFlag.RUNAWAY)
    reported_s.iloc[0] = 41_000_000
    known.iloc[1] = False
    models = models.astype(object)
    models.iloc[1] = "quantum9000"
    return rows.assign(
        quality_flags=flags,
        gpu_known=known,
        gpu_model=models.astype(CATEGORY),
        reported_elapsed_s=reported_s,
    )


ADVICE = (
    Recommendation(
        "lost_work_timeout",
        "9 jobs ran into their time limit and lost 31.4 GPU hours of work. "
        "Write checkpoints and let Slurm warn the job before the limit.",
        "#SBATCH --signal=B:USR1@300 --requeue",
        5_310.0,
        3_700.0,
        7_800.0,
        15_600.0,
        {"n_jobs": 9, "gpu_hours": 31.4},
    ),
    Recommendation(
        "idle_gpu",
        "4 jobs held two GPUs and used one. Ask for one.",
        "#SBATCH --gres=gpu:1",
        2_120.0,
        1_500.0,
        3_000.0,
        6_200.0,
        {"n_jobs": 4},
    ),
    Recommendation(
        "over_asked_memory",
        "37 jobs asked for four times the memory they touched; the saving is small, the queue is "
        "shorter.",
        "#SBATCH --mem=24G",
        88.0,
        40.0,
        140.0,
        260.0,
        {"n_jobs": 37},
    ),
)
EQUIVALENCES = (
    EquivalenceFactor(
        "km in an average petrol car",
        164.0,
        "0.164 kg CO₂e per km",
        "DESNZ conversion factors",
        2025,
    ),
    EquivalenceFactor(
        "passenger-km by national rail",
        35.0,
        "0.035 kg CO₂e per passenger-km",
        "DESNZ conversion factors",
        2025,
    ),
)
PROVENANCE = Provenance(
    "1.0.0",
    12,
    "f3a91c02",
    (IntensitySource("DE", "de-2026.csv, hourly, life cycle", "Ember 2025, annual", "life_cycle"),),
    (
        FactorSource("NVIDIA A100-SXM4-80GB", "57 to 400 W", "NVIDIA data sheet, 2021-06"),
        FactorSource("Memory", "0.3725 W/GB", "Karyakin and Salem 2017"),
        FactorSource("PUE of alpha", "1.25 (1.2 to 1.4)", "stated by the site"),
    ),
    "calibrated",
)
QUALITY = QualityFacts(
    18_204,
    2,
    (
        Reject("sacct-2026-W47.txt", 7, "Elapsed '1-02:aa' is not a duration", "<b>x</b>"),
        Reject("sacct-2026-W47.txt", 11_902, "cut last line", "4711|alpha|"),
    ),
    (
        SourceNote(
            "forgeable",
            "The export carries job names and a '|' delimiter: a job name can forge a row.",
            "Export with `sacct --json`, or leave JobName out.",
        ),
    ),
)


def report_of(rows: pd.DataFrame, period: Period = WEEK, **changes: object) -> Report:
    """Build a full report of slices: advice, equivalences, quality and the week before."""
    fields: dict[str, object] = {
        "site": "Example HPC",
        "period": period,
        "rows": rows,
        "provenance": PROVENANCE,
        "filters": {"user": ["alice"]},
        "recommendations": ADVICE,
        "quality": QUALITY,
        "previous": totals_of(week_of_runs(len(rows), seed=7)),
        "equivalences": EQUIVALENCES,
    }
    given = {**fields, **changes}
    if "day_rows" not in given:
        given["day_rows"] = by_day(rows, period.timezone)
    return build_report(ReportInput(**given))
