"""What a Prometheus is asked of containers in one span: CPU, memory, and which nodes were scraped.

Names of series: cAdvisor, as its documentation has them. Sites drop labels of it that they do not
need (`id`, `name`, `image`, `cpu`): nothing here relies on one alone.
"""

from collections.abc import Iterator

import pandas as pd

from auditor.collect.prometheus_look import CPU, STEP_S
from auditor.collect.prometheus_queries import Questions, Span, any_of, quoted
from auditor.domain.series import UseFacts, together

MEMORY = "container_memory_working_set_bytes"
# What tells apart the kubelets that are scraped.
NODE = ("job", "instance", "node")
_LOOKBACK_S = 300
# A control group is named after the pod; some sites drop the label.
_UID = "[0-9a-fA-F]{8}(?:[-_][0-9a-fA-F]{4}){3}[-_][0-9a-fA-F]{12}"
_SANDBOX = ("", "POD")
_NO_LABELS = ("value", "__name__")


def ask_use(questions: Questions, span: Span) -> UseFacts:
    """Ask what the containers used; counters are read at two edges, so that answers stay small.

    Raises
    ------
    CollectError
        As `Prometheus.ask` does.
    """
    cpu = questions.last(CPU, span)
    before = Span(span.start_s - span.length_s, span.start_s)
    selector = questions.selector(CPU)
    resets = questions.vector(f"resets({selector}{span.range_text}) > 0", span.at_s)
    raw = [questions.raw(CPU, span, *matchers) for matchers in _counters(resets)]
    cpu_before = questions.last(CPU, before)
    interval_s = questions.interval_s(CPU, span)
    return UseFacts(
        cpu=cpu,
        cpu_first=questions.vector(f"min_over_time({selector}{span.range_text})", span.at_s),
        cpu_before=cpu_before,
        reset=together(raw),
        memory=_memory(questions, span, cpu),
        extents=_extents(questions, span),
        scrapes=_scrapes(questions, span),
        interval_s=interval_s,
        before_s=_last_times(questions, before, cpu_before, cpu),
        node_scrapes=_node_scrapes(questions, span, interval_s),
    )


def _counters(resets: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield matchers of containers' counters: by control group, by pod where that is not told."""
    names = ["id", "container", "exported_container", "pod", "exported_pod"]
    told = resets.reindex(columns=names, fill_value="").fillna("")
    is_sandbox = told[["container", "exported_container"]].isin(_SANDBOX)
    has_container = ~is_sandbox.all(axis="columns")
    # Where no series names its container, none of them is known to be a mere sum.
    told = told[has_container | (not has_container.any())]
    groups = sorted(set(told["id"]) - {"", "/"})
    yield from ((matcher,) for matcher in any_of("id", groups))
    unnamed = told[told["id"] == ""]
    for label in ("exported_pod", "pod"):
        pods = sorted(set(unnamed[label]) - {""})
        yield from (('id=""', matcher) for matcher in any_of(label, pods))
        unnamed = unnamed[unnamed[label] == ""]


def _extents(questions: Questions, span: Span) -> pd.DataFrame:
    """Ask when each counter was first and last read: to the moment where it still is."""
    found = questions.extents(CPU, span, STEP_S)
    latest = questions.vector(f"timestamp({questions.selector(CPU)})", span.at_s)
    labels = [name for name in found if name not in {*_NO_LABELS, "first_s", "last_s"}]
    if not labels or latest.empty:
        return found
    times = latest.reindex(columns=[*labels, "value"], fill_value="")
    newest = times.groupby(labels)["value"].max().reset_index()
    both = found.merge(newest, on=labels, how="left")
    both["last_s"] = both[["last_s", "value"]].max(axis="columns")
    return both.drop(columns="value")


def _last_times(
    questions: Questions, before: Span, told: pd.DataFrame, now: pd.DataFrame
) -> pd.DataFrame:
    """Ask when counters that run on were last read before a span; those of a hole, by looking."""
    selector = questions.selector(CPU)
    latest = questions.vector(f"timestamp({selector})", before.at_s)
    if not (_is_in(told, now) & ~_is_in(told, latest)).any():
        return latest
    when = questions.over_time("max", f"timestamp({selector})", before, STEP_S)
    both = pd.concat([latest, when[~_is_in(when, latest)]], ignore_index=True)
    return both.fillna("")


def _is_in(frame: pd.DataFrame, other: pd.DataFrame) -> "pd.Series[bool]":
    """Mark the series that another answer has, too."""
    labels = sorted({*map(str, frame), *map(str, other)} - set(_NO_LABELS))
    if not labels or frame.empty or other.empty:
        return pd.Series(data=bool(len(other)) and not labels, index=frame.index, dtype="bool")
    own, others = (
        pd.MultiIndex.from_frame(one.reindex(columns=labels, fill_value="").fillna(""))
        for one in (frame, other)
    )
    return pd.Series(own.isin(others), index=frame.index)


def _scrapes(questions: Questions, span: Span) -> pd.DataFrame:
    """Ask when cAdvisor was scraped: of each node's root, where that is kept."""
    times = questions.scrape_times(CPU, span, STEP_S, 'id="/"')
    return times if len(times) else questions.scrape_times(CPU, span, STEP_S)


def _node_scrapes(questions: Questions, span: Span, interval_s: float | None) -> pd.DataFrame:
    """Ask when those nodes were scraped whose fullest series lacks samples of the span."""
    nothing = pd.DataFrame(columns=[*NODE, "time_s"])
    if interval_s is None:
        return nothing
    counted = f"count_over_time({questions.selector(CPU)}{span.range_text})"
    fullest = questions.vector(f"max by ({', '.join(NODE)}) ({counted})", span.at_s)
    # The shortest hole that counts is five minutes long, or three intervals.
    least_s = max(1.5 * interval_s, _LOOKBACK_S - 1.5 * interval_s)
    lacking = fullest[span.length_s - fullest["value"] * interval_s >= least_s]
    names = sorted(
        {str(one) for one in lacking.reindex(columns=["instance"], fill_value="")["instance"]}
    )
    matchers = [*any_of("instance", [name for name in names if name])]
    if "" in names:
        matchers.append('instance=""')
    found = [questions.scrape_times(CPU, span, STEP_S, one, by=NODE) for one in matchers]
    return pd.concat(found, ignore_index=True) if found else nothing


def _memory(questions: Questions, span: Span, cpu: pd.DataFrame) -> pd.DataFrame:
    """Ask for the highest working set of each pod, containers together at the same moment.

    A sample counts for one interval: that of a container which is gone would stay five minutes.
    """
    interval_s = questions.interval_s(MEMORY, span) if len(cpu) else None
    if interval_s is None:
        return pd.DataFrame()
    step_s = max(1, min(_LOOKBACK_S, round(interval_s)))
    found = []
    for prefix, matchers, own in _ways(cpu):
        selector = questions.selector(MEMORY, *matchers)
        fresh = f"({selector} unless (time() - timestamp({selector}) >= {interval_s:g}))"
        by = f"{prefix}namespace, {prefix}pod"
        # One series for each container: two jobs that scrape the same do not add up.
        fresh = f'label_replace({fresh}, "pod_uid", "$1", "id", ".*pod({_UID}).*")'
        by = f"{by}, pod_uid"
        each = f"max by ({by}{own}) ({fresh})"
        peaks = questions.over_time("max", f"sum by ({by}) ({each})", span, step_s)
        found.append(peaks.rename(columns=lambda name: name.removeprefix("exported_")))
    return pd.concat(found, ignore_index=True).fillna("")


def _ways(cpu: pd.DataFrame) -> list[tuple[str, list[str], str]]:
    """Return how memory is told: before its labels, which series count, and what they are of."""
    columns = ["container", "exported_container", "exported_pod", "job"]
    labels = cpu.reindex(columns=columns, fill_value="").fillna("")
    if (labels[["container", "exported_container"]] == "").all(axis=None):
        # Nothing says whose a series is: of a pod's, its own sum is the highest.
        return [("exported_" if (labels["exported_pod"] != "").any() else "", [], "")]
    jobs = sorted(set(labels.loc[labels["exported_container"] != "", "job"]))
    if not jobs:
        return [("", _matchers(""), ", container, id")]
    of_jobs = quoted("|".join(jobs))
    return [
        ("", [*_matchers(""), f"job!~{of_jobs}"], ", container, id"),
        ("exported_", [*_matchers("exported_"), f"job=~{of_jobs}"], ", exported_container, id"),
    ]


def _matchers(prefix: str) -> list[str]:
    """Leave out the pod's sum, and its sandbox: they count the containers again."""
    return [f'{prefix}container!=""', f'{prefix}container!="POD"']
