"""Slots that nothing is told of, and pods that nothing tells of any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from auditor.collect.errors import CollectError
from auditor.domain.frames import INSTANT
from auditor.pipeline.collect_pod_incidents import NOTHING_FITS, when_text
from auditor.pipeline.collect_pod_parts import TELLER, Metering, Window
from auditor.pipeline.collect_pod_sights import instants

# A pod of which nothing was said for so long is gone, if something was said of others.
_SILENCE = timedelta(minutes=30)
# What is younger may be on its way.
_NOT_YET = timedelta(minutes=15)


@dataclass(frozen=True)
class Silence:
    """A gap: a span in which nothing told of pods, unless `what` says something else."""

    start_utc: datetime
    end_utc: datetime
    what: str = TELLER
    is_bridged: bool = False


def is_silent(window: Window, answer: Metering) -> bool:
    """Tell whether a Prometheus says nothing of a slot.

    Pods that are told only as they were seen before the slot do not count.
    """
    is_before = answer.pods["seen_utc"] <= pd.Timestamp(window[0])
    is_gap = any(
        gap.what == TELLER and gap.start_utc <= window[0] and gap.end_utc >= window[1]
        for gap in answer.gaps
    )
    return bool(answer.meters.empty and is_before.all() and (answer.is_mute or is_gap))


def is_dark(window: Window, answer: Metering, now_utc: datetime) -> bool:
    """Tell the same of a slot of which something should be there by now."""
    return is_silent(window, answer) and not _is_young(window, now_utc)


def is_untold(window: Window, answer: Metering, now_utc: datetime) -> bool:
    """Tell whether nothing names the pods of a slot, of which something should be there by now."""
    return not answer.tells_of_pods and not _is_young(window, now_utc)


def _is_young(window: Window, now_utc: datetime) -> bool:
    return window[0] > now_utc - _NOT_YET


def nothing_fits(window: Window) -> CollectError:
    """Return the error of a Prometheus that never said anything; it is no memory that ran out."""
    msg = (
        "Prometheus has no series of kube-state-metrics, of cAdvisor or of dcgm-exporter from"
        f" {when_text(window[0])} to {when_text(window[1])}: `match` fits nothing, it is another"
        " Prometheus, or nothing is scraped"
    )
    hint = "`auditor doctor` says more; see url and match of [clusters.prometheus]."
    return CollectError(msg, code=NOTHING_FITS, hint=hint)


class Sights:
    """When each pod was last told of in the slots of a collection, and when any pod was."""

    def __init__(self) -> None:
        self._last_utc = pd.Series(dtype=INSTANT)
        self._spoke_utc: pd.Timestamp | None = None

    def take(self, window: Window, answer: Metering, jobs: pd.DataFrame) -> None:
        """Remember what is told of a slot.

        Parameters
        ----------
        jobs
            Runs of the pods that its answer names: start_utc and n_gpu by raw_job_id.
        """
        seen = answer.pods.groupby("uid")["seen_utc"].max()
        if seen.notna().any():
            latest = seen.max()
            spoke = self._spoke_utc
            self._spoke_utc = latest if spoke is None else max(spoke, latest)
        told = pd.concat([self._last_utc, seen, _named_to(window, answer.meters, jobs)])
        self._last_utc = instants(told).groupby(level=0).max()

    def are_over(self, opened: pd.DataFrame) -> pd.Series:
        """Tell which open runs nothing has told of for long, though others were told of.

        Where nothing tells of any pod, none is known to have ended.
        """
        if self._spoke_utc is None:
            return pd.Series(data=False, index=opened.index, dtype="bool")
        told = instants(opened["raw_job_id"].map(self._last_utc))
        sights = pd.concat([opened["end_utc"], told, opened["submit_utc"]], axis="columns")
        last: pd.Series = sights.max(axis="columns")
        return last < self._spoke_utc - _SILENCE


def _named_to(window: Window, meters: pd.DataFrame, jobs: pd.DataFrame) -> pd.Series:
    """Return up to when meters named pods, at least: for as long as they measured it, by uid."""
    of_pod = jobs.drop_duplicates("raw_job_id").set_index("raw_job_id").reindex(meters["uid"])
    n_gpu = of_pod["n_gpu"].fillna(1.0).clip(lower=1.0).to_numpy()
    of_gpus = meters["gpu_metered_s"].to_numpy() / n_gpu
    named_s = pd.Series(of_gpus, index=of_pod.index)
    named_s = named_s.clip(lower=meters["cpu_metered_s"].to_numpy())
    first, last = (pd.Timestamp(one) for one in window)
    begin = of_pod["start_utc"].where(of_pod["start_utc"] > first, first)
    reached = begin + pd.to_timedelta(named_s, unit="s").astype("timedelta64[us]")
    found = instants(reached.where(reached < last, last))
    return found[(named_s > 0).to_numpy()]
