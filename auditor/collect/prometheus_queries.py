"""Questions to a Prometheus that count nothing twice and whose answers stay bounded.

Only range vectors and the times of real samples are asked for: what an instant query returns may
be five minutes old (lookback), and a pod that ended would live on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pandas as pd

from auditor.collect.prometheus import Prometheus, TooMuchError
from auditor.domain.series import Samples, together

# Above it an answer takes more memory than a head node should spare.
MOST_SAMPLES = 500_000
_NARROWEST_S = 60.0
_N_NAMES_AT_ONCE = 150
_MS_S = 0.001
_MS_PER_S = 1000
# What quotes a character of a name for a regular expression within a PromQL string.
_SPECIAL = frozenset("\\.+*?()|[]{}^$")


@dataclass(frozen=True)
class Span:
    """`[start_s, end_s)`, seconds since 1970."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Length [s]."""
        return self.end_s - self.start_s

    @property
    def at_s(self) -> float:
        """Instant at which a range vector of this length holds the span and not its end."""
        return self.end_s - _MS_S

    @property
    def range_text(self) -> str:
        """The span as PromQL writes a range."""
        return f"[{round(self.length_s * _MS_PER_S)}ms]"

    def cut(self, n_parts: int) -> list["Span"]:
        """Cut it evenly, at whole milliseconds."""
        edges = [round(self.start_s + self.length_s * part / n_parts, 3) for part in range(n_parts)]
        return [Span(*pair) for pair in pairwise([*edges, self.end_s])]


@dataclass(frozen=True)
class Questions:
    """Asks one Prometheus for the series of one cluster."""

    prometheus: Prometheus

    def selector(self, metric: str, *matchers: str) -> str:
        """Return a metric with the cluster's matchers and these."""
        own = self.prometheus.host.match
        wanted = [*([own] if own else []), *matchers]
        return f"{metric}{{{','.join(wanted)}}}" if wanted else metric

    def vector(self, query: str, at_s: float) -> pd.DataFrame:
        """Return one row for each series of a query's answer: its labels and `value`."""
        return self.prometheus.ask(query, at_s).last()

    def last(self, metric: str, span: Span, *matchers: str) -> pd.DataFrame:
        """Return each series that has a sample in the span, with its last value there."""
        selector = self.selector(metric, *matchers)
        return self.vector(f"last_over_time({selector}{span.range_text})", span.at_s)

    def raw(self, metric: str, span: Span, *matchers: str) -> Samples:
        """Return every sample of the span, asked for in pieces that stay bounded."""
        selector = self.selector(metric, *matchers)
        return together(list(self._pieces(selector, span)))

    def extents(
        self, metric: str, span: Span, step_s: int, *matchers: str, condition: str = ""
    ) -> pd.DataFrame:
        """Return the times of the first and the last real sample of each series in the span.

        `first_s` is late by less than `step_s`, and so may `last_s` be early. `condition` narrows
        the samples (` == 1`).
        """
        when = f"timestamp({self.selector(metric, *matchers)}{condition})"
        first = self.over_time("min", when, span, step_s)
        last = self.over_time("max", when, span, step_s)
        labels = [name for name in first.columns if name != "value"]
        if first.empty or last.empty:
            return pd.DataFrame(columns=["first_s", "last_s"], dtype="float64")
        both = first.merge(last, on=labels, suffixes=("_first", "_last"))
        found = both.rename(columns={"value_first": "first_s", "value_last": "last_s"})
        # Lookback reaches before the span; the sample it finds there is real and outside.
        found = found[found["last_s"] >= span.start_s]
        return found.assign(first_s=found["first_s"].clip(lower=span.start_s))

    def over_time(
        self, extreme: Literal["min", "max"], expression: str, span: Span, step_s: int
    ) -> pd.DataFrame:
        """Return the lowest or highest value of an expression, looked at every `step_s`."""
        query = f"{extreme}_over_time(({expression}){span.range_text[:-1]}:{step_s}s])"
        try:
            return self.vector(query, span.at_s)
        except TooMuchError:
            if span.length_s / 2 < max(_NARROWEST_S, step_s):
                raise
        parts = [self.over_time(extreme, expression, part, step_s) for part in span.cut(2)]
        both = pd.concat(parts, ignore_index=True).fillna("")
        labels = [name for name in both.columns if name != "value"]
        if not labels or both.empty:
            return both.head(0)
        return both.groupby(labels, sort=False).agg({"value": extreme}).reset_index()

    def interval_s(self, metric: str, span: Span, *matchers: str) -> float | None:
        """Measure how often a metric is scraped: the median gap in its fullest series [s].

        None where there are not two samples of one series.
        """
        selector = self.selector(metric, *matchers)
        fullest = self.vector(f"topk(1, count_over_time({selector}{span.range_text}))", span.at_s)
        if fullest.empty or (fullest["value"] < 2).all():  # noqa: PLR2004  (a gap has two ends)
            return None
        labels = fullest.drop(columns="value").iloc[0]
        exact = [f"{name}={quoted(text)}" for name, text in labels.items() if name != "__name__"]
        samples = self.raw(metric, span, *exact)
        gaps = pd.Series(samples.time_ms).sort_values().drop_duplicates().diff()
        return float(gaps.median()) / _MS_PER_S

    def scrape_times(
        self, metric: str, span: Span, step_s: int, *matchers: str, by: Sequence[str] = ("job",)
    ) -> pd.DataFrame:
        """Return when each scrape job really brought a metric: columns job, time_s.

        Times are those of samples, found by looking every `step_s`. `by` are the labels that tell
        apart what is scraped: columns in the place of job.
        """
        latest = f"max by ({', '.join(by)}) (timestamp({self.selector(metric, *matchers)}))"
        query = f"({latest}){span.range_text[:-1]}:{step_s}s]"
        try:
            samples = self.prometheus.ask(query, span.at_s).samples()
        except TooMuchError:
            if span.length_s / 2 < max(_NARROWEST_S, step_s):
                raise
            parts = [
                self.scrape_times(metric, part, step_s, *matchers, by=by) for part in span.cut(2)
            ]
            return _in_order(pd.concat(parts), by)
        labels = samples.labels.reindex(columns=list(by), fill_value="")
        frame = labels.iloc[samples.series].reset_index(drop=True).assign(time_s=samples.value)
        return _in_order(frame[frame["time_s"] >= span.start_s], by)

    def _pieces(self, selector: str, span: Span) -> Iterator[Samples]:
        n_samples = self._count(selector, span)
        if n_samples == 0:
            return
        if n_samples is None or n_samples > MOST_SAMPLES:
            n_parts = 2 if n_samples is None else int(n_samples // MOST_SAMPLES) + 1
            if span.length_s / n_parts >= _NARROWEST_S:
                for part in span.cut(n_parts):
                    yield from self._pieces(selector, part)
                return
        samples = self.prometheus.ask(f"{selector}{span.range_text}", span.at_s).samples()
        # Before version 3 a range holds its left edge too: that sample is the span's before.
        inside = samples.time_ms >= round(span.start_s * _MS_PER_S)
        yield samples.where(inside)

    def _count(self, selector: str, span: Span) -> float | None:
        """Count the samples; None where even that is too much at once."""
        query = f"sum(count_over_time({selector}{span.range_text}))"
        try:
            counted = self.vector(query, span.at_s)
        except TooMuchError:
            if span.length_s / 2 < _NARROWEST_S:
                raise
            return None
        return 0.0 if counted.empty else float(counted["value"].iloc[0])


def _in_order(times: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    return times.drop_duplicates().sort_values([*by, "time_s"], ignore_index=True)


def any_of(label: str, names: Sequence[str]) -> Iterator[str]:
    """Return matchers that between them fit these values of a label, some values in each."""
    for begin in range(0, len(names), _N_NAMES_AT_ONCE):
        some = names[begin : begin + _N_NAMES_AT_ONCE]
        yield f"{label}=~{quoted('|'.join(map(_literal, some)))}"


def quoted(text: str) -> str:
    """Write text as a PromQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _literal(text: str) -> str:
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in text)
