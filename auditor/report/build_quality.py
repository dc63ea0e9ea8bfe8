"""What the numbers of a report rest on, counted from its runs."""

import numpy as np
import pandas as pd

from auditor.domain.frames import COMPONENTS
from auditor.domain.job import QualityFlag
from auditor.report.build_flags import flag_counts
from auditor.report.build_jobs import text_or_none
from auditor.report.build_open import KUBERNETES, open_runs
from auditor.report.doubts import (
    AmbiguousGpu,
    Runaway,
    UnmatchedNode,
    ZoneIntensity,
)
from auditor.report.model import BASES, Quality, QualityFacts

N_RUNAWAYS_LISTED = 20
UNKNOWN_ACCELERATOR = "unknown accelerator"


def build_quality(rows: pd.DataFrame, facts: QualityFacts) -> Quality:
    """Count what was measured, assumed, repaired or unknown in the runs of a report."""
    energy_wh = np.nan_to_num(rows["energy_wh"].to_numpy(np.float64))
    measured = np.nan_to_num(rows["intensity_measured_ratio"].to_numpy(np.float64))
    embodied_known = rows["embodied_g"].notna().to_numpy(np.float64)
    runaways = _runaways(rows)
    unnamed = rows.loc[rows["scheduler"].eq(KUBERNETES) & rows["user"].isna(), "cluster"]
    return Quality(
        facts=facts,
        intensity_measured_ratio=_energy_share(energy_wh, measured),
        energy_basis_ratio=_energy_basis_ratio(rows),
        embodied_known_ratio=_energy_share(energy_wh, embodied_known),
        unmatched_nodes=_unmatched_nodes(rows),
        n_meter_refused=_n_meter_refused(rows),
        n_unknown_cpu=int((~rows["cpu_known"].to_numpy(np.bool_) & (energy_wh > 0)).sum()),
        n_open=int(rows["is_open"].sum()),
        open_runs=open_runs(rows),
        ambiguous_gpus=_ambiguous_gpus(rows),
        zones=_zones(rows),
        flags=flag_counts(rows),
        runaways=runaways[:N_RUNAWAYS_LISTED],
        n_runaways=len(runaways),
        component_measured_ratio=_component_measured_ratio(rows),
        n_unnamed_pods=len(unnamed),
        unnamed_clusters=tuple(sorted(unnamed.astype(str).unique())),
    )


def _energy_share(energy_wh: np.ndarray, ratio: np.ndarray) -> float | None:
    total_wh = float(energy_wh.sum())
    return float((energy_wh * ratio).sum() / total_wh) if total_wh > 0 else None


def _zones(rows: pd.DataFrame) -> tuple[ZoneIntensity, ...]:
    """Share the energy out by grid zone, the largest first."""
    energy_wh = np.nan_to_num(rows["energy_wh"].to_numpy(np.float64))
    measured = np.nan_to_num(rows["intensity_measured_ratio"].to_numpy(np.float64))
    codes, zones = pd.factorize(rows["zone"])
    sums_wh = np.bincount(codes + 1, weights=energy_wh, minlength=len(zones) + 1)[1:]
    measured_wh = np.bincount(codes + 1, weights=energy_wh * measured, minlength=len(zones) + 1)[1:]
    total_wh = float(energy_wh.sum())
    found = [
        ZoneIntensity(str(zone), sum_wh / total_wh, part_wh / sum_wh)
        for zone, sum_wh, part_wh in zip(zones, sums_wh.tolist(), measured_wh.tolist(), strict=True)
        if sum_wh > 0
    ]
    return tuple(sorted(found, key=lambda one: (-one.energy_ratio, one.zone)))


def _energy_basis_ratio(rows: pd.DataFrame) -> dict[str, float | None]:
    """Share the energy out by basis; a component carries its part of the facility overhead.

    Accelerators that were metered in part count as measured for that part.
    """
    by_basis_wh = dict.fromkeys(BASES, 0.0)
    by_basis_wh["measured"] = float(_with_overhead_wh(rows, "gpu_measured_wh").sum())
    for component in COMPONENTS:
        part_wh, names = _with_overhead_wh(rows, f"{component}_wh"), rows[f"{component}_basis"]
        if component == "gpu":
            part_wh, names = part_wh - _with_overhead_wh(rows, "gpu_measured_wh"), _rest_basis(rows)
        codes, bases = pd.factorize(names)
        sums = np.bincount(codes + 1, weights=part_wh, minlength=len(bases) + 1)
        for basis, sum_wh in zip(bases, sums[1:].tolist(), strict=True):
            if basis in by_basis_wh:
                by_basis_wh[str(basis)] += sum_wh
    total_wh = sum(by_basis_wh.values())
    if total_wh <= 0:
        return dict.fromkeys(BASES)
    return {basis: sum_wh / total_wh for basis, sum_wh in by_basis_wh.items()}


def _component_measured_ratio(rows: pd.DataFrame) -> dict[str, float | None]:
    """Return what share of each component meters said, accelerators metered in part included."""
    found: dict[str, float | None] = {}
    for component in COMPONENTS:
        part_wh = np.nan_to_num(rows[f"{component}_wh"].to_numpy(np.float64))
        measured_wh = np.where(rows[f"{component}_basis"] == "measured", part_wh, 0.0)
        if component == "gpu":
            metered_wh = np.nan_to_num(rows["gpu_measured_wh"].to_numpy(np.float64))
            measured_wh = np.where(metered_wh > 0, metered_wh, measured_wh)
        total_wh = float(part_wh.sum())
        found[component] = float(measured_wh.sum()) / total_wh if total_wh > 0 else None
    return found


def _with_overhead_wh(rows: pd.DataFrame, column: str) -> np.ndarray:
    pue = np.nan_to_num(rows["pue"].to_numpy(np.float64), nan=1.0)
    part_wh: np.ndarray = np.nan_to_num(rows[column].to_numpy(np.float64)) * pue
    return part_wh


def _rest_basis(rows: pd.DataFrame) -> "pd.Series[str]":
    """Return what the part of the accelerators rests on that no meter covers."""
    is_part = (rows["gpu_basis"] == "measured") & (rows["gpu_measured_wh"] > 0)
    # By time: the book has the energy of the rest, and not the loads that made it.
    observed = rows["gpu_observed_ratio"].fillna(1.0)
    is_mostly_seen = observed - rows["gpu_metered_ratio"] >= 1.0 - observed
    is_used = rows["gpu_utilisation_ratio"].notna() & is_mostly_seen & rows["gpu_known"]
    rest = np.where(is_used, "utilisation", "assumed")
    return rows["gpu_basis"].astype(object).where(~is_part, rest)


def _n_meter_refused(rows: pd.DataFrame) -> int:
    """Count the runs whose accelerators were metered and whose meters were not believed."""
    is_metered = rows["gpu_metered_ratio"] > 0
    is_modelled = (rows["gpu_wh"] > 0) & ~(rows["gpu_measured_wh"] > 0)
    return int((is_metered & is_modelled).sum())


def _runaways(rows: pd.DataFrame) -> tuple[Runaway, ...]:
    flags = rows["quality_flags"].to_numpy(np.int64)
    chosen = rows[(flags & int(QualityFlag.RUNAWAY)) != 0]
    counted_s = (chosen["end_utc"] - chosen["start_utc"]).dt.total_seconds().to_numpy(np.float64)
    columns = zip(
        chosen["cluster"].to_numpy(object),
        chosen["job_id"].to_numpy(object),
        chosen["user"].to_numpy(object),
        chosen["reported_elapsed_s"].to_numpy(np.float64).tolist(),
        np.nan_to_num(counted_s).tolist(),
        chosen["scheduler"].to_numpy(object),
        strict=True,
    )
    runaways = (
        Runaway(
            str(cluster),
            str(job_id),
            text_or_none(user),
            reported_s,
            counted,
            text_or_none(scheduler),
        )
        for cluster, job_id, user, reported_s, counted, scheduler in columns
    )
    return tuple(sorted(runaways, key=lambda runaway: -runaway.reported_s))


def _unmatched_nodes(rows: pd.DataFrame) -> tuple[UnmatchedNode, ...]:
    unknown = rows.loc[
        ~rows["gpu_known"].to_numpy(np.bool_),
        ["cluster", "partition", "gpu_model", "gpu_s", "energy_wh"],
    ]
    if unknown.empty:
        return ()
    plain = unknown.astype({"cluster": object, "partition": object, "gpu_model": object})
    grouped = plain.groupby(["cluster", "partition", "gpu_model"], dropna=False, sort=True)
    sums = grouped[["gpu_s", "energy_wh"]].sum()
    counts = grouped.size().tolist()
    return tuple(
        UnmatchedNode(
            str(cluster),
            text_or_none(partition),
            text_or_none(word) or UNKNOWN_ACCELERATOR,
            n_jobs,
            gpu_s,
            energy_wh,
        )
        for (cluster, partition, word), n_jobs, gpu_s, energy_wh in zip(
            sums.index, counts, sums["gpu_s"].tolist(), sums["energy_wh"].tolist(), strict=True
        )
    )


def _ambiguous_gpus(rows: pd.DataFrame) -> tuple[AmbiguousGpu, ...]:
    """List the words that fit several models, the most accelerator time first."""
    chosen = rows.loc[rows["gpu_ambiguous"].to_numpy(np.bool_), ["gpu_types", "gpu_model", "gpu_s"]]
    if chosen.empty:
        return ()
    plain = chosen.astype({"gpu_types": object, "gpu_model": object})
    distinct = plain["gpu_types"].unique()
    word_of = {types: _words(types if isinstance(types, str) else "") for types in distinct}
    plain["gpu_types"] = plain["gpu_types"].map(word_of)
    grouped = plain.groupby(["gpu_types", "gpu_model"], dropna=False)
    sums, counts = grouped[["gpu_s"]].sum(), grouped.size().tolist()
    found = [
        AmbiguousGpu(str(word), str(taken), n_jobs, gpu_s)
        for (word, taken), n_jobs, gpu_s in zip(
            sums.index, counts, sums["gpu_s"].tolist(), strict=True
        )
    ]
    return tuple(sorted(found, key=lambda one: (-one.gpu_s, one.word, one.taken)))


def _words(gpu_types: str) -> str:
    """Read the words out of 'a100=1,v100=1'; '' where there are none."""
    return ", ".join(filter(None, (item.rpartition("=")[0] for item in gpu_types.split(","))))
