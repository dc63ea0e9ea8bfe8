"""Slices of runs -> the read model.

Everything is a sum over columns; a group's key is looked up once per distinct value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import COMPONENTS, KEY
from auditor.domain.job import NOBODY, UNTOLD_STATES, WASTED_STATES
from auditor.domain.period import Period
from auditor.domain.recommendation import Recommendation
from auditor.report.build_jobs import job_lines
from auditor.report.build_quality import build_quality
from auditor.report.model import (
    DIMENSIONS,
    Components,
    Equivalence,
    EquivalenceFactor,
    Group,
    Provenance,
    QualityFacts,
    Report,
    Restated,
    Totals,
    Waste,
)

N_LARGEST_JOBS = 20
N_EQUIVALENCES = 2
LEAST_EQUIVALENCE = 0.01
UNKNOWN = NOBODY
NO_GPU = "(no GPU)"
COLUMN_OF = {"gpu": "gpu_model"}
MISSING_KEY = {"gpu": NO_GPU}


@dataclass(frozen=True)
class ReportInput:
    """What a report is built from.

    Parameters
    ----------
    rows
        One row per run that overlaps the period: the columns of the book with `elapsed_s`,
        `core_s`, `gpu_s`, energy [Wh] and carbon [g] cut to the period.
    day_rows
        The same, cut again at the local midnights, with the column `day` ('2026-11-16').
    previous, everyone
        `totals_of` the span before, and of all runs of the period; None where not known or
        not to be shown.
    n_jobs_listed
        How many of the largest runs are listed; None for all.
    """

    site: str
    period: Period
    rows: pd.DataFrame
    day_rows: pd.DataFrame
    provenance: Provenance
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    recommendations: Sequence[Recommendation] = ()
    quality: QualityFacts = field(default_factory=QualityFacts)
    previous: Totals | None = None
    everyone: Totals | None = None
    equivalences: Sequence[EquivalenceFactor] = ()
    n_jobs_listed: int | None = N_LARGEST_JOBS
    restated: Restated | None = None


def build_report(given: ReportInput) -> Report:
    """Build the read model of one report.

    Sums leave out what is unknown (NaN): a run without resources counts as a run and adds
    nothing; the quality section counts such runs.
    """
    rows = given.rows
    totals = totals_of(rows)
    return Report(
        site=given.site,
        period=given.period,
        filters={name: tuple(values) for name, values in given.filters.items() if values},
        totals=totals,
        components=_components(rows),
        groups_of={name: _groups(given, name) for name in DIMENSIONS},
        jobs=job_lines(rows, given.n_jobs_listed),
        waste=_waste(rows),
        recommendations=tuple(given.recommendations),
        quality=build_quality(rows, given.quality),
        provenance=given.provenance,
        previous=given.previous,
        everyone=given.everyone,
        equivalences=equivalences_of(totals.carbon_g, given.equivalences),
        restated=given.restated,
    )


def totals_of(rows: pd.DataFrame) -> Totals:
    """Sum slices to their totals. `rows` as in `ReportInput`."""
    embodied_g = rows["embodied_g"].to_numpy(np.float64)
    return Totals(
        n_jobs=len(rows),
        core_s=_sum(rows, "core_s"),
        gpu_s=_sum(rows, "gpu_s"),
        it_energy_wh=_sum(rows, "it_energy_wh"),
        energy_wh=_sum(rows, "energy_wh"),
        energy_low_wh=_sum(rows, "energy_low_wh"),
        energy_high_wh=_sum(rows, "energy_high_wh"),
        carbon_g=_sum(rows, "carbon_g"),
        carbon_low_g=_sum(rows, "carbon_low_g"),
        carbon_high_g=_sum(rows, "carbon_high_g"),
        embodied_g=None if np.isnan(embodied_g).all() else float(np.nansum(embodied_g)),
    )


def equivalences_of(
    carbon_g: float, factors: Sequence[EquivalenceFactor]
) -> tuple[Equivalence, ...]:
    """Express grams CO2e as everyday things: the first two of which it is a hundredth or more."""
    amounts = (Equivalence(carbon_g / factor.factor_g, factor) for factor in factors)
    return tuple(one for one in amounts if one.amount >= LEAST_EQUIVALENCE)[:N_EQUIVALENCES]


def is_wasted(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell the runs that ended without a result, (n,) bool."""
    return rows["state"].isin(list(WASTED_STATES)).to_numpy(np.bool_)


def _is_untold(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell the runs that ended nobody knows how, (n,) bool."""
    no_state = rows["state"].isna() & ~rows["is_open"].astype(bool)
    return (rows["state"].isin(list(UNTOLD_STATES)) | no_state).to_numpy(np.bool_)


def _sum(rows: pd.DataFrame, column: str) -> float:
    return float(np.nansum(rows[column].to_numpy(np.float64)))


def _components(rows: pd.DataFrame) -> Components:
    part_wh = {name: _sum(rows, f"{name}_wh") for name in COMPONENTS}
    overhead_wh = rows["energy_wh"].to_numpy(np.float64) - rows["it_energy_wh"].to_numpy(np.float64)
    return Components(
        gpu_wh=part_wh["gpu"],
        cpu_wh=part_wh["cpu"],
        memory_wh=part_wh["memory"],
        node_wh=part_wh["node"],
        overhead_wh=float(np.nansum(overhead_wh)),
    )


def _waste(rows: pd.DataFrame) -> Waste:
    wasted = rows[is_wasted(rows)]
    return Waste(
        n_jobs=len(wasted),
        energy_wh=_sum(wasted, "energy_wh"),
        carbon_g=_sum(wasted, "carbon_g"),
        core_s=_sum(wasted, "core_s"),
        gpu_s=_sum(wasted, "gpu_s"),
        n_end_unknown=int(_is_untold(rows).sum()),
    )


def _groups(given: ReportInput, dimension: str) -> tuple[Group, ...]:
    if dimension == "day":
        groups = _sum_by(given.day_rows, "day", UNKNOWN, _is_first_day(given.day_rows))
        return tuple(sorted(groups, key=lambda group: group.key))
    every_run = np.ones(len(given.rows))
    column = COLUMN_OF.get(dimension, dimension)
    groups = _sum_by(given.rows, column, MISSING_KEY.get(dimension, UNKNOWN), every_run)
    return tuple(sorted(groups, key=lambda group: (-group.carbon_g, group.key)))


def _is_first_day(day_rows: pd.DataFrame) -> NDArray[np.float64]:
    """Mark the first day of each run: it is counted there alone, so that days add up to jobs."""
    order = np.argsort(day_rows["day"].to_numpy(str), kind="stable")
    is_first = np.zeros(len(day_rows))
    keys = day_rows[list(KEY)].iloc[order]
    is_first[order] = ~keys.duplicated().to_numpy(np.bool_)
    return is_first


def _sum_by(
    rows: pd.DataFrame, column: str, missing_key: str, n_jobs: NDArray[np.float64]
) -> list[Group]:
    codes, keys = pd.factorize(rows[column])
    words = [str(key) or missing_key for key in keys] + [missing_key]
    distinct, place_of_word = np.unique(np.array(words, dtype=object), return_inverse=True)
    places = place_of_word[codes]  # code -1, a missing key, is the last word

    def total(values: NDArray[np.float64]) -> list[float]:
        summed: list[float] = np.bincount(
            places, weights=np.nan_to_num(values), minlength=len(distinct)
        ).tolist()
        return summed

    columns = ("energy_wh", "carbon_g", "carbon_low_g", "carbon_high_g", "gpu_s", "core_s")
    sums = {name: total(rows[name].to_numpy(np.float64)) for name in columns}
    sums["wasted_carbon_g"] = total(np.where(is_wasted(rows), rows["carbon_g"].to_numpy(), 0.0))
    counts = total(n_jobs)
    present = np.bincount(places, minlength=len(distinct)) > 0
    return [
        Group(str(distinct[i]), round(counts[i]), **{name: sums[name][i] for name in sums})
        for i in np.flatnonzero(present)
    ]
