"""Ask every rule, count nothing twice, and put the largest saving first."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.job import PLATFORM, QualityFlag
from auditor.domain.recommendation import Recommendation
from auditor.recommend.idle_gpu import idle_gpu
from auditor.recommend.interface import AdviceSettings, Rule
from auditor.recommend.lost_work import lost_work
from auditor.recommend.low_use_cpu import low_use_cpu
from auditor.recommend.over_asked_memory import over_asked_memory
from auditor.recommend.timed_out import timed_out

WHOLE_RUN_RULES: tuple[Rule, ...] = (lost_work, timed_out)
COMPONENT_RULES: tuple[Rule, ...] = (idle_gpu, low_use_cpu, over_asked_memory)


def recommend(rows: pd.DataFrame, settings: AdviceSettings) -> list[Recommendation]:
    """Say what would have helped, largest saving first.

    Lost runs are claimed whole by the first rules; the other rules save on the rest only, and each
    of them on another component. So the savings can be added. Each scheduler's runs are advised
    apart, in its language. Runs that are still open are left out, as their use is not known yet; so
    are those of the platform, and rows that stand for several runs.

    Parameters
    ----------
    rows
        Slices of the runs of a user, a project or all: BOOK columns cut to the period, with
        `core_s`, `gpu_s` and `active_ratio`.
    settings
        Where advice begins.
    """
    advised = rows[~rows["is_open"] & ~_is_nobodys_job(rows)]
    least_g = max(
        settings.least_saving_g, settings.least_saving_ratio * float(rows["carbon_g"].sum())
    )
    settings = replace(settings, least_saving_g=least_g)
    parts = [part for _, part in advised.groupby("scheduler", observed=True, dropna=False)]
    rules = (*WHOLE_RUN_RULES, *COMPONENT_RULES)
    advice = [rule(part, settings) for part in parts for rule in rules]
    found = [piece for piece in advice if piece is not None]
    return sorted(found, key=lambda piece: piece.saving_g, reverse=True)


def _is_nobodys_job(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell what nobody can size: the platform's own, and rows that stand for several runs."""
    unsized = int(QualityFlag.PLATFORM | QualityFlag.AGGREGATE)
    is_unsized = (rows["quality_flags"].to_numpy(np.int64) & unsized) != 0
    found: NDArray[np.bool_] = is_unsized | rows["user"].eq(PLATFORM).to_numpy(np.bool_)
    return found
