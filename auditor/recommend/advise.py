"""Ask every rule, count nothing twice, and put the largest saving first."""

from dataclasses import replace

import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.idle_gpu import idle_gpu
from auditor.recommend.interface import AdviceSettings, Rule
from auditor.recommend.lost_work import BLAMED_STATES, lost_work
from auditor.recommend.low_use_cpu import low_use_cpu
from auditor.recommend.over_asked_memory import over_asked_memory
from auditor.recommend.timed_out import timed_out

WHOLE_RUN_RULES: tuple[Rule, ...] = (lost_work, timed_out)
COMPONENT_RULES: tuple[Rule, ...] = (idle_gpu, low_use_cpu, over_asked_memory)
_CLAIMED_STATES = (*BLAMED_STATES, "TIMEOUT")


def recommend(rows: pd.DataFrame, settings: AdviceSettings) -> list[Recommendation]:
    """Say what would have helped, largest saving first.

    Lost runs are claimed whole by the first rules; the other rules see only the rest, and each of
    them claims another component. So the savings can be added. Runs that are still open are left
    out: their use is not known yet.

    Parameters
    ----------
    rows
        Slices of the runs of one user or project: BOOK columns cut to the period, with `core_s`,
        `gpu_s` and `active_ratio`.
    settings
        Where advice begins.
    """
    ended = rows[~rows["is_open"]]
    least_g = max(
        settings.least_saving_g, settings.least_saving_ratio * float(rows["carbon_g"].sum())
    )
    settings = replace(settings, least_saving_g=least_g)
    kept = ended[~ended["state"].isin(_CLAIMED_STATES)]
    advice = [rule(ended, settings) for rule in WHOLE_RUN_RULES]
    advice += [rule(kept, settings) for rule in COMPONENT_RULES]
    found = [piece for piece in advice if piece is not None]
    return sorted(found, key=lambda piece: piece.saving_g, reverse=True)
