"""Tell what changed in a week since it was published: run by run, and in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.period import Period
from auditor.ledger.ledger import Ledger
from auditor.pipeline.named_runs import Wanted, read_named
from auditor.pipeline.reports import House
from auditor.pipeline.slices import REPORTED, series_of_factors, slices_of
from auditor.report.build import totals_of
from auditor.report.filters import count_text
from auditor.report.model import Restated, Totals
from auditor.report.page import Subject

_FACTS = (
    "user", "account", "partition", "state", "is_open", "gpu_types", "n_gpu", "n_cpus",
    "memory_bytes", "elapsed_s", "total_cpu_s", "max_rss_bytes", "gpu_utilisation_ratio",
    "gpu_energy_j", "gpu_metered_ratio", "gpu_observed_ratio",
)  # fmt: skip
_ESTIMATES = (
    "energy_low_wh", "energy_wh", "energy_high_wh", "carbon_low_g", "carbon_g", "carbon_high_g",
    "embodied_g",
)  # fmt: skip
# Sums of floats in another order are no change.
_ROUNDING = 1e-9
_LATE, _ENDED, _CHANGED, _GONE, _REESTIMATED = "late", "ended", "changed", "gone", "reestimated"
_FULLER = "fuller"
_COLUMN_OF_KIND = {"user": "user", "account": "account", "cluster": "cluster"}

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class WeekChange:
    """What changed in a week, one row per run: `what`, and its user, account and cluster.

    `before` are the slices of then. A run that changed hands counts for both.
    """

    runs: pd.DataFrame
    before: pd.DataFrame

    @property
    def can_wait(self) -> bool:
        """Tell whether it is only that runs have ended that were open when it was published."""
        return bool((self.runs["what"] == _ENDED).all())

    def restated(self, subject: Subject, revision: int) -> Restated | None:
        """Say what changed for the site, or one cluster, project or user; None if nothing did."""
        column = _COLUMN_OF_KIND.get(subject.kind)
        runs, before = self.runs, self.before
        if column is not None:
            is_now, was = runs[column] == subject.name, runs[f"{column}_before"] == subject.name
            runs, before = runs[is_now | was], before[before[column] == subject.name]
        if runs.empty:
            return None
        n_of = {str(what): int(n) for what, n in runs["what"].value_counts().items()}
        return Restated(
            revision=revision,
            previous=totals_of(before),
            n_late=n_of.get(_LATE, 0),
            n_changed=sum(n_of.get(what, 0) for what in (_ENDED, _FULLER, _CHANGED)),
            n_gone=n_of.get(_GONE, 0),
            n_reestimated=n_of.get(_REESTIMATED, 0),
            reasons=_sentences(n_of),
        )


def change_between(
    ledger: Ledger, period: Period, versions: tuple[int, int], house: House
) -> WeekChange | None:
    """Compare a period in two versions of the book, the earlier first; None if it is the same.

    What is compared lies in the period: a run that goes on beyond it does not change it. A run
    that is open in both and as long is left until it ends, as its use is known only then. Both
    are read under the names of now: a change of the site's map of names changes no run.

    Raises
    ------
    LedgerError
        The earlier version is gone.
    """
    before, now = (_slices(ledger, period, version, house) for version in versions)
    place = _keys(before).get_indexer(_keys(now))
    kept = np.flatnonzero(place >= 0)
    then, since = before.iloc[place[kept]], now.iloc[kept]
    what = _what_changed(then, since)
    is_changed = what != ""
    is_gone = ~np.isin(np.arange(len(before)), place)
    runs = pd.concat(
        [
            _named(before.iloc[:0], now.iloc[np.flatnonzero(place < 0)], _LATE),
            _named(then[is_changed], since[is_changed], what[is_changed]),
            _named(before[is_gone], now.iloc[:0], _GONE),
        ],
        ignore_index=True,
    )
    return None if runs.empty else WeekChange(runs, before)


def totals_changed(
    previous: Mapping[str, Totals], now: Mapping[str, Totals], revision: int
) -> dict[str, Restated]:
    """Compare totals by page, for a week whose book of then is gone."""
    reason = "The book of that time is gone, so that only totals can be compared."
    return {
        page: Restated(revision, previous.get(page), 0, 0, 0, 0, (reason,))
        for page, totals in now.items()
        if page not in previous or not is_same(previous[page], totals)
    }


def is_same(one: Totals, other: Totals) -> bool:
    """Tell whether two sums are of the same runs and estimates, but for rounding."""
    figures, others = (
        (totals.n_jobs, totals.energy_wh, totals.carbon_g) for totals in (one, other)
    )
    return bool(np.isclose(figures, others, rtol=_ROUNDING, atol=0.0).all())


def _slices(ledger: Ledger, period: Period, version: int, house: House) -> pd.DataFrame:
    wanted = Wanted(period, columns=REPORTED, version=version)
    found = read_named(ledger, house.identity, wanted)
    return slices_of(found, period, series_of_factors(ledger, found), house.bands)


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(
        [
            rows["cluster"].astype("str"),
            rows["raw_job_id"],
            rows["submit_utc"],
            rows["n_restarts"],
        ]
    )


def _what_changed(then: pd.DataFrame, since: pd.DataFrame) -> NDArray[np.object_]:
    was_open = then["is_open"].to_numpy(np.bool_)
    is_open = since["is_open"].to_numpy(np.bool_)
    facts, estimates = _differ(then, since, _FACTS), _differ(then, since, _ESTIMATES)
    what = np.full(len(then), "", dtype=object)
    what[estimates] = _REESTIMATED
    what[facts] = _CHANGED
    what[was_open & (facts | estimates)] = _ENDED
    grew = _differ(then, since, ("elapsed_s",))
    what[was_open & is_open & ~grew] = ""
    what[was_open & is_open & grew] = _FULLER
    return what


def _differ(then: pd.DataFrame, since: pd.DataFrame, columns: tuple[str, ...]) -> Flags:
    found = np.zeros(len(then), dtype=np.bool_)
    for name in columns:
        if then[name].dtype == np.float64:
            one, other = then[name].to_numpy(), since[name].to_numpy()
            found |= ~np.isclose(one, other, rtol=_ROUNDING, atol=0.0, equal_nan=True)
        else:
            one, other = (part[name].astype(object).to_numpy() for part in (then, since))
            found |= (one != other) & ~(pd.isna(one) & pd.isna(other))
    return found


def _named(
    before: pd.DataFrame, now: pd.DataFrame, what: str | NDArray[np.object_]
) -> pd.DataFrame:
    """Name changed runs by whose they are and were; one of the frames may be empty."""
    columns: dict[str, object] = {}
    for name in _COLUMN_OF_KIND.values():
        columns[name] = now[name].astype(object).reset_index(drop=True)
        columns[f"{name}_before"] = before[name].astype(object).reset_index(drop=True)
    return pd.DataFrame(columns).assign(what=what)


def _sentences(n_of: Mapping[str, int]) -> tuple[str, ...]:
    words = {
        _LATE: ("came in late", "came in late"),
        _ENDED: (
            "had not ended when it was published; its use is known now",
            "had not ended when it was published; their use is known now",
        ),
        _FULLER: (
            "goes on, and was accounted in part when it was published",
            "go on, and were accounted in part when it was published",
        ),
        _CHANGED: ("was recorded otherwise before", "were recorded otherwise before"),
        _GONE: ("is not of this week any more", "are not of this week any more"),
        _REESTIMATED: ("was estimated anew", "were estimated anew"),
    }
    return tuple(
        f"{count_text(n_of[what], 'run')} {one if n_of[what] == 1 else many}."
        for what, (one, many) in words.items()
        if n_of.get(what)
    )
