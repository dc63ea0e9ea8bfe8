"""Samples of time series, as a meter's server hands them on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Whole = npt.NDArray[np.int64]
Number = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Raw samples of one metric.

    `labels` has one row for each series and one text column for each label ('' where a series has
    none); `series` is the row of each sample's series, `time_ms` its time since 1970 [ms] and
    `value` its value, always finite. `n_unusable` samples were no numbers and were left out.
    """

    labels: pd.DataFrame
    series: Whole
    time_ms: Whole
    value: Number
    n_unusable: int = 0

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.value)

    def where(self, is_wanted: npt.NDArray[Any]) -> "Samples":
        """Return the samples that are wanted; the table of series stays."""
        return Samples(
            self.labels,
            self.series[is_wanted],
            self.time_ms[is_wanted],
            self.value[is_wanted],
            self.n_unusable,
        )


def no_samples() -> Samples:
    """Return a metric that nobody writes."""
    nothing = np.empty(0, dtype=np.int64)
    return Samples(pd.DataFrame(), nothing, nothing, np.empty(0, dtype=np.float64))


def together(pieces: list[Samples]) -> Samples:
    """Return the samples of several answers as one; a series may be in several of them."""
    if not pieces:
        return no_samples()
    if len(pieces) == 1:
        return pieces[0]
    offsets = np.cumsum([0, *(len(piece.labels) for piece in pieces[:-1])])
    labels = pd.concat([piece.labels for piece in pieces], ignore_index=True).fillna("")
    return Samples(
        labels,
        np.concatenate([one.series + begin for one, begin in zip(pieces, offsets, strict=True)]),
        np.concatenate([one.time_ms for one in pieces]),
        np.concatenate([one.value for one in pieces]),
        sum(one.n_unusable for one in pieces),
    )


@dataclass(frozen=True)
class PodFacts:
    """What kube-state-metrics said of a span.

    `last` holds of each metric the last value (`value`) of each series, beside its labels.
    `extents` are the times of each pod's first and last sample (`uid`, `first_s`, `last_s`),
    `ended` those at which it was Succeeded or Failed. `scrapes` are the times at which it was
    scraped (`job`, `time_s`), usually `interval_s` apart.
    """

    last: Mapping[str, pd.DataFrame]
    extents: pd.DataFrame
    ended: pd.DataFrame
    scrapes: pd.DataFrame
    interval_s: float | None


@dataclass(frozen=True)
class UseFacts:
    """What cAdvisor said of containers in a span.

    `cpu` and `cpu_first` are the counters' last and lowest values in the span, `cpu_before` the
    last ones in as long a time before it, and `before_s` the times of those (`value`); `reset`
    holds the raw samples of counters that began anew within. `extents` are the times of each
    counter's first and last sample (`first_s`, `last_s`). `memory` are the highest working sets of
    pods [bytes]. `scrapes` are the times at which scrape jobs brought anything (`job`, `time_s`),
    usually `interval_s` apart; `node_scrapes` are the same of each node that was not scraped all
    of the time (`job`, `instance`, `node`, `time_s`).
    """

    cpu: pd.DataFrame
    cpu_first: pd.DataFrame
    cpu_before: pd.DataFrame
    reset: Samples
    memory: pd.DataFrame
    extents: pd.DataFrame
    scrapes: pd.DataFrame
    interval_s: float | None
    before_s: pd.DataFrame = field(default_factory=pd.DataFrame)
    node_scrapes: pd.DataFrame = field(default_factory=pd.DataFrame)
