"""An answer of Prometheus, checked to be one: labels, times and values in columns."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from auditor.collect.errors import CollectError, one_line
from auditor.domain.series import Number, Samples

_MS_PER_S = 1000
_N_SHOWN_BYTES = 200
_N_LOOKED_AT_BYTES = 20_000
_PAGE = re.compile(r"\s*<(!doctype|html|head|body|title|\?xml|!--)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """What was answered: series with their samples as pairs of time [s] and text."""

    metrics: list[dict[str, str]]
    values: list[Sequence[Any]]

    def samples(self) -> Samples:
        """Return the samples in columns; NaN and infinite ones are counted and left out.

        Raises
        ------
        CollectError
            `prometheus_refused`: a time or a value is no number.
        """
        counts = np.fromiter((len(pairs) for pairs in self.values), np.int64, len(self.values))
        n_samples = int(counts.sum())
        flat = [pair for pairs in self.values for pair in pairs]
        try:
            time_s = np.fromiter((pair[0] for pair in flat), np.float64, n_samples)
            value = _numbers([pair[1] for pair in flat])
        except (TypeError, ValueError, IndexError, KeyError):
            _refuse("a sample is no pair of a time and a number")
        if not np.isfinite(time_s).all():
            _refuse("a sample has no time")
        series = np.repeat(np.arange(len(self.values), dtype=np.int64), counts)
        time_ms = np.rint(time_s * _MS_PER_S).astype(np.int64)
        usable = np.isfinite(value)
        labels = pd.DataFrame(self.metrics, dtype="str").fillna("")
        samples = Samples(labels, series, time_ms, value, int((~usable).sum()))
        return samples if usable.all() else samples.where(usable)

    def last(self) -> pd.DataFrame:
        """Return one row for each series: its labels, and `value`, its last sample's."""
        samples = self.samples()
        rows = samples.labels.iloc[samples.series].reset_index(drop=True)
        frame = rows.drop(columns=["value"], errors="ignore").assign(value=samples.value)
        ends = pd.Series(samples.series).duplicated(keep="last").to_numpy()
        return frame.loc[~ends].reset_index(drop=True)


def check_answer(document: dict[str, Any]) -> Asked:
    """Return the series of an answer to a query.

    Raises
    ------
    CollectError
        `prometheus_refused`: it is not what Prometheus answers.
    """
    data = document.get("data")
    result = data.get("result") if isinstance(data, dict) else None
    kind = data.get("resultType") if isinstance(data, dict) else None
    if kind not in {"vector", "matrix"} or not isinstance(result, list):
        _refuse(f"its answer is of the kind {kind!r}")
    key = "values" if kind == "matrix" else "value"
    metrics: list[dict[str, str]] = []
    values: list[Sequence[Any]] = []
    for series in result:
        metric = series.get("metric") if isinstance(series, dict) else None
        found = series.get(key) if isinstance(series, dict) else None
        if not isinstance(metric, dict) or not isinstance(found, list):
            _refuse(f"a series without labels or {key}")
        if not all(isinstance(text, str) for text in metric.values()):
            _refuse("a label that is no text")
        metrics.append(metric)
        values.append(found if kind == "matrix" else [found])
    return Asked(metrics, values)


def _numbers(texts: list[str]) -> Number:
    """Read what Prometheus writes as text; a bare number is not its writing."""
    if not all(kind is str for kind in set(map(type, texts))):
        raise TypeError
    return np.fromiter(map(float, texts), np.float64, len(texts))


def _refuse(what: str) -> NoReturn:
    msg = f"Prometheus's answer cannot be read: {one_line(what)}"
    hint = "See url in [clusters.prometheus]: is it a Prometheus?"
    raise CollectError(msg, code="prometheus_refused", hint=hint)


def in_words(body: bytes) -> str:
    """Say what came back that is no answer: a web page by its title, else how the text begins."""
    text = body[:_N_LOOKED_AT_BYTES].decode("utf-8", "replace")
    if not text.strip():
        return "nothing"
    if not _PAGE.match(text):
        return one_line(body[:_N_SHOWN_BYTES].decode("utf-8", "replace"))
    title = _TITLE.search(text)
    words = " ".join(html.unescape(title[1]).split()) if title else ""
    return f"a web page, {one_line(words)!r}" if words else "a web page"
