"""What a Prometheus is asked of one span: facts of pods, boards' counters, targets.

Names of series: kube-state-metrics, cAdvisor and dcgm-exporter, as their documentation has them.
"""

from collections.abc import Sequence

import pandas as pd

from auditor.collect.prometheus_queries import Questions, Span, any_of, quoted
from auditor.domain.series import PodFacts, Samples, together

INFO, PHASE = "kube_pod_info", "kube_pod_status_phase"
FACTS = (
    INFO, PHASE, "kube_pod_owner", "kube_job_owner", "kube_replicaset_owner",
    "kube_pod_labels", "kube_pod_annotations", "kube_node_labels",
    "kube_node_status_capacity",
    "kube_pod_container_resource_requests", "kube_pod_init_container_resource_requests",
    "kube_pod_init_container_info", "kube_pod_overhead_cpu_cores",
    "kube_pod_overhead_memory_bytes", "kube_pod_created", "kube_pod_start_time",
    "kube_pod_status_scheduled_time", "kube_pod_completion_time", "kube_pod_status_reason",
    "kube_pod_container_status_terminated_reason",
    "kube_pod_container_status_last_terminated_reason",
    "kube_pod_container_status_restarts_total",
)  # fmt: skip
# A cluster may have no pod for a while; it has nodes.
_ALWAYS_THERE = (INFO, "kube_node_info", "kube_node_labels")
# Of these one series of a pod may replace another within the span: the later one holds.
_MAY_CHANGE = ("kube_pod_labels", "kube_pod_annotations")
ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
POWER = "DCGM_FI_DEV_POWER_USAGE"
ACTIVE = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
BUSY = "DCGM_FI_DEV_GPU_UTIL"
CPU = "container_cpu_usage_seconds_total"
STEP_S = 30
MARGIN_S = 600.0
# How far before a span the sample is looked for that its first step begins at.
_REACH_S = (3600.0, 6 * 3600.0, 24 * 3600.0)
# Exporters may look at counters every ten minutes, and repeat themselves meanwhile.
_STAND_S = 900.0
_DAY_S = 86400.0
_N_FEW = 300


def ask_pods(questions: Questions, span: Span) -> PodFacts:
    """Ask for the facts of every pod that the span has a sample of.

    Raises
    ------
    CollectError
        As `Prometheus.ask` does.
    """
    last = {metric: questions.last(metric, span) for metric in FACTS}
    for metric in _MAY_CHANGE:
        last[metric] = _latest(questions, metric, span, last[metric])
    extents = questions.extents(INFO, span, STEP_S)
    unseen = _unseen(last[INFO], extents)
    if unseen:
        extents = pd.concat([extents, _raw_extents(questions, span, unseen)], ignore_index=True)
    return PodFacts(
        last,
        extents,
        questions.extents(PHASE, span, STEP_S, 'phase=~"Succeeded|Failed"', condition=" == 1"),
        pd.concat([questions.scrape_times(one, span, STEP_S) for one in _ALWAYS_THERE]),
        questions.interval_s(INFO, span) or questions.interval_s(_ALWAYS_THERE[-1], span),
    )


def ask_counters(questions: Questions, metric: str, span: Span) -> Samples:
    """Ask for the raw samples of boards, and for the last one of each board before the span.

    A board that was not scraped for up to a day keeps its step over that time. What comes a little
    after the span tells what a counter rose by that stands still at its end.
    """
    first = questions.raw(metric, Span(span.start_s - _STAND_S, span.end_s + _STAND_S))
    if len(first) == 0:
        return first
    pieces, end_s = [first], span.start_s - _STAND_S
    boards = _boards(first)
    begins = pd.Series(first.time_ms).groupby(boards.to_numpy()).min()
    lost = begins.index[begins >= span.start_s * 1000]
    for reach_s in _REACH_S:
        if lost.empty:
            break
        earlier = Span(span.start_s - reach_s, end_s)
        names = any_of("UUID", list(lost)) if len(lost) <= _N_FEW else iter(('UUID!=""',))
        for matcher in names:
            found = _last_of_each(questions.raw(metric, earlier, matcher))
            pieces.append(found)
            lost = lost.difference(pd.Index(_boards(found)))
        end_s = earlier.start_s
    return together(pieces)


def ask_gauge(questions: Questions, metric: str, span: Span, boards: Sequence[str]) -> Samples:
    """Ask for the raw samples of a gauge of some boards, from a little before the span on."""
    wider = Span(span.start_s - MARGIN_S, span.end_s)
    if len(boards) > _N_FEW:
        return questions.raw(metric, wider)
    return together([questions.raw(metric, wider, one) for one in any_of("UUID", list(boards))])


def ask_boards(questions: Questions, metric: str, span: Span) -> list[str]:
    """Ask which boards a metric has samples of, by UUID."""
    selector = questions.selector(metric, 'UUID!=""')
    found = questions.vector(
        f"count by (UUID) (count_over_time({selector}{span.range_text}))", span.at_s
    )
    return [] if found.empty else found["UUID"].tolist()


def ask_named(
    questions: Questions, metrics: Sequence[str], span: Span, names: Sequence[str]
) -> pd.DataFrame:
    """Ask for the series of these metrics that name one of these pods: their labels."""
    either = f"__name__=~{quoted('|'.join(metrics))}"
    found = [
        questions.last("", span, either, matcher)
        for label in ("pod", "exported_pod")
        for matcher in any_of(label, names)
    ]
    return pd.concat(found, ignore_index=True).fillna("")


def ask_down(
    questions: Questions, span: Span, jobs: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ask which targets of these scrape jobs never answered in the span.

    Returns the targets, and those of them that answered the day before.
    """
    down: set[str] = set()
    went_down: set[str] = set()
    for matcher in any_of("job", list(jobs)):
        up = questions.selector("up", matcher)
        is_down = f"max_over_time({up}{span.range_text}) == 0"
        was_up = f"max_over_time({up}[1d] offset {round(span.length_s * 1000)}ms) == 1"
        down |= _instances(questions.vector(is_down, span.at_s))
        went_down |= _instances(questions.vector(f"{is_down} and {was_up}", span.at_s))
    return tuple(sorted(down)), tuple(sorted(went_down))


def was_told(questions: Questions, metric: str, span: Span) -> bool:
    """Ask whether a metric had any sample in the day before the span."""
    before = Span(span.start_s - _DAY_S, span.start_s)
    query = f"count(last_over_time({questions.selector(metric)}{before.range_text}))"
    return not questions.vector(query, before.at_s).empty


def _instances(found: pd.DataFrame) -> set[str]:
    return set(found["instance"]) if "instance" in found else set()


def _latest(questions: Questions, metric: str, span: Span, found: pd.DataFrame) -> pd.DataFrame:
    """Keep of several series of one pod the one with the latest sample."""
    if "uid" not in found:
        return found
    again = found["uid"].duplicated(keep=False)
    if not again.any():
        return found
    names = sorted(set(found.loc[again, "uid"]) - {""})
    raw = together([questions.raw(metric, span, one) for one in any_of("uid", names)])
    ends = pd.Series(raw.time_ms).groupby(raw.series).max()
    newest = raw.labels.iloc[ends.index].assign(value=1.0, end=ends.to_numpy())
    newest = newest.sort_values("end").drop_duplicates("uid", keep="last").drop(columns="end")
    return pd.concat([found[~again], newest], ignore_index=True).fillna("")


def _unseen(info: pd.DataFrame, extents: pd.DataFrame) -> list[str]:
    """Return pods that were gone, marked so, between two looks."""
    if "uid" not in info:
        return []
    seen = set(extents.get("uid", ()))
    return sorted(set(info["uid"]) - seen - {""})


def _raw_extents(questions: Questions, span: Span, uids: Sequence[str]) -> pd.DataFrame:
    raw = together([questions.raw(INFO, span, one) for one in any_of("uid", uids)])
    times = pd.Series(raw.time_ms / 1000).groupby(raw.series)
    ends = pd.DataFrame({"first_s": times.min(), "last_s": times.max()})
    return raw.labels.iloc[ends.index].reset_index(drop=True).join(ends.reset_index(drop=True))


def _boards(samples: Samples) -> "pd.Series[str]":
    names = samples.labels.reindex(columns=["UUID"], fill_value="")["UUID"]
    return names.iloc[samples.series].reset_index(drop=True)


def _last_of_each(samples: Samples) -> Samples:
    """Keep each board's last sample, in all series that have one then."""
    if len(samples) == 0:
        return samples
    times = pd.Series(samples.time_ms)
    latest = times.groupby(_boards(samples).to_numpy()).transform("max")
    return samples.where((times == latest).to_numpy())
