"""One size for all runs of one job: what its hungriest run needs, and what that would save.

A size that fits the runs of many people fits none of them. So runs are taken together by user,
job name and partition, pods by what owns them too, and advice is about the group that would save
most.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import FloatArray, Saving, runs, saving
from auditor.recommend.language import KUBERNETES, Owner, owner_of, scheduler_of, short
from auditor.recommend.lost_work import BLAMED_STATES
from auditor.units import carbon_text

# Their emissions are claimed whole by other rules; what they needed still counts.
CLAIMED_STATES = (*BLAMED_STATES, "TIMEOUT")
_GROUP = ("user", "job_name", "partition")


@dataclass(frozen=True)
class Held:
    """What runs held of something and what of it their work needs, arrays of shape (n,).

    `n_needed` is NaN where nothing was recorded; `is_over` tells the runs that held too much;
    `saved_ratio` gives the share of each run's energy saved, had it held a given number.
    """

    rows: pd.DataFrame
    n_held: FloatArray
    n_needed: FloatArray
    is_over: NDArray[np.bool_]
    saved_ratio: Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class RightSize:
    """The group that would save most, had each of its runs held what the hungriest needs.

    `rows` are its runs of known need, `over` those of them that held more than `n_needed`;
    `n_unrecorded` counts its other runs. The rest are sums over all groups, sized alike.
    """

    rows: pd.DataFrame
    over: pd.DataFrame
    n_needed: int
    n_unrecorded: int
    saving: Saving
    saving_of_all: Saving
    n_over_of_all: int

    @property
    def names(self) -> dict[str, str]:
        """Return user, job name and partition; '' where unknown."""
        first = self.rows.iloc[0]
        return {name: "" if pd.isna(first[name]) else str(first[name]) for name in _GROUP}

    @property
    def scheduler(self) -> str:
        """Return what scheduled its runs."""
        return scheduler_of(self.rows)

    @property
    def owner(self) -> Owner:
        """Return what its pods belong to."""
        first = self.rows.iloc[0]
        return owner_of(first["parent_job_id"], str(first["job_id"]))

    @property
    def whose(self) -> str:
        """Name the group: 'job train of alice in gpu'. Names are from outside."""
        user, job, partition = (short(name) for name in self.names.values())
        if self.scheduler == KUBERNETES:
            return f"{self.owner.text} of {user}" if user else self.owner.text
        parts = [f"job {job}" if job else "the jobs"]
        parts += [f"of {user}"] if user else []
        parts += [f"in {partition}"] if partition else []
        return " ".join(parts)

    @property
    def its_runs(self) -> str:
        """Write how many runs the size fits: 'its run', 'its 7 runs'."""
        return "its run" if len(self.rows) == 1 else f"its {runs(len(self.rows))}"

    def recommendation(
        self, rule: str, sentence: str, command: str, evidence: dict[str, str | int | float]
    ) -> Recommendation:
        """Return the advice: a sentence about the group, then how much of all that is."""
        return Recommendation(
            rule=rule,
            text=" ".join((sentence, *self._reach())),
            command=command,
            saving_g=self.saving.central_g,
            saving_low_g=self.saving.low_g,
            saving_high_g=self.saving.high_g,
            saving_wh=self.saving.energy_wh,
            evidence={
                "scheduler": self.scheduler,
                **self.names,
                "n_runs": len(self.over),
                "n_runs_fitted": len(self.rows),
                "n_runs_without_record": self.n_unrecorded,
                "n_runs_of_all": self.n_over_of_all,
                "saving_of_all_g": self.saving_of_all.central_g,
                "saving_of_all_wh": self.saving_of_all.energy_wh,
                **evidence,
            },
        )

    def _reach(self) -> list[str]:
        n_over, n_all = len(self.over), self.n_over_of_all
        told = []
        if n_over == n_all:
            told.append(f"It covers {_all(n_all)} that held more than the work needs.")
        else:
            rest_g = self.saving_of_all.central_g - self.saving.central_g
            told.append(
                f"It covers {n_over:,} of {n_all:,} runs that held more than the work needs; the "
                f"other {n_all - n_over:,}, sized job by job, would save {carbon_text(rest_g)} "
                "together."
            )
        if self.n_unrecorded:
            more = "1 more run" if self.n_unrecorded == 1 else f"{self.n_unrecorded:,} more runs"
            told.append(f"{more} of it left no record of what was used.")
        return told


def right_size(held: Held) -> RightSize | None:
    """Find the group whose right size saves most carbon; None where no run held too much."""
    codes = _group_codes(held.rows)
    is_known = ~np.isnan(held.n_needed)
    n_needed = np.full(codes.max(initial=-1) + 1, np.nan)
    # A run that held a share of a card or of a core needs that share; what is asked for is whole.
    np.fmax.at(n_needed, codes[is_known], np.ceil(held.n_needed[is_known]))
    # A share of a card is never less than what is asked for; whole ones are.
    n_needed = np.ceil(n_needed)
    n_of_run = n_needed[codes]
    is_claimed = held.rows["state"].isin(CLAIMED_STATES).to_numpy()
    is_over = is_known & held.is_over & ~is_claimed & (n_of_run < held.n_held)
    if not is_over.any():
        return None
    saved = np.zeros(len(codes))
    saved[is_over] = held.saved_ratio(n_of_run)[is_over]
    saved_g = np.nan_to_num(held.rows["carbon_g"].to_numpy() * saved)
    sums_g = np.bincount(codes, weights=saved_g)
    has_over = np.bincount(codes, weights=is_over) > 0
    best = int(np.argmax(np.where(has_over, sums_g, -1.0)))
    is_best = codes == best
    over = is_best & is_over
    return RightSize(
        rows=held.rows[is_best & is_known],
        over=held.rows[over],
        n_needed=int(n_needed[best]),
        n_unrecorded=int((is_best & ~is_known).sum()),
        saving=saving(held.rows[over], saved[over]),
        saving_of_all=saving(held.rows[is_over], saved[is_over]),
        n_over_of_all=int(is_over.sum()),
    )


def _group_codes(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of each run's group; user and partition group runs without a name.

    Pods of one name are of one group only where what owns them, and the namespace, are the same.
    """
    combined = np.zeros(len(rows), dtype=np.int64)
    columns = [rows[name] for name in _GROUP]
    if scheduler_of(rows) == KUBERNETES:
        columns += [rows["parent_job_id"], rows["job_id"].str.partition("/")[0]]
    for column in columns:
        codes, values = pd.factorize(column)
        combined = pd.factorize(combined * (len(values) + 1) + codes + 1)[0]
    return np.asarray(combined, dtype=np.int64)


def _all(count: int) -> str:
    return "the only run" if count == 1 else f"all {runs(count)}"
