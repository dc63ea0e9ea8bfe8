"""What a Prometheus did not tell of a slot, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandas as pd

from auditor.collect.errors import one_line
from auditor.collect.prometheus_look import CPU, ENERGY, INFO
from auditor.domain.series import PodFacts, UseFacts
from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.prometheus.gaps import NOT_YET_S, Asked, Hole, is_late, scrape_holes
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.pods import unseen_labels
from auditor.normalize.prometheus.use import unwatched_nodes
from auditor.pipeline.pod_metering_boards import Metered

KSM, DCGM, CADVISOR = "kube-state-metrics", "dcgm-exporter", "cAdvisor"
# A cluster may have no pod; it has nodes.
_EVER = "kube_node_info"
_N_SHOWN = 3
N_EXPORTERS = 3
_WHOSE = "Is {} installed, and scraped?"


@dataclass(frozen=True)
class Gap:
    """`what` (a noun) has no samples in `[start_utc, end_utc)`.

    `is_bridged`: counters that ran on tell what that time came to.
    """

    start_utc: datetime
    end_utc: datetime
    what: str
    is_bridged: bool = False


@dataclass(frozen=True)
class MeterNote:
    """What a Prometheus lacks, whenever it is asked.

    `code` is a word for programs: `series_missing` (an exporter is not there at all),
    `labels_missing` (kube-state-metrics lets no label through that a rule needs), `pods_unnamed`
    (DCGM names no pod), `targets_down`, `prometheus_partial` (an answer came with a warning),
    `values_unusable` (samples that are no numbers).
    """

    code: str
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Absent:
    """Exporters that told nothing in a slot, and targets that were down for all of it.

    `paused` exporters told something the day before, `never` ones did not; `went_down` are the
    targets among `down` that were up the day before; `resumed` exporters began to tell late in
    the slot, and did so the day before.
    """

    paused: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    went_down: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()

    @property
    def unheard(self) -> tuple[str, ...]:
        """The exporters that told nothing in the slot."""
        return (*self.paused, *self.never)


@dataclass(frozen=True)
class Told:
    """What was told of a slot."""

    facts: PodFacts
    pods: pd.DataFrame
    named: NamedPods
    metered: Metered
    use: UseFacts
    absent: Absent


def jobs_of(facts: PodFacts, metered: Metered, use: UseFacts) -> list[str]:
    """Return the scrape jobs that the slot's series came from."""
    frames = [facts.last.get(INFO, pd.DataFrame()), use.cpu, facts.scrapes]
    found = {job for frame in frames if "job" in frame for job in frame["job"].unique()}
    return sorted({*found, *metered.jobs} - {""})


def missing_of(facts: PodFacts, metered: Metered, use: UseFacts) -> dict[str, str]:
    """Return the exporters that told nothing at all in a slot, each with a metric of it."""
    told = {
        KSM: (INFO, len(facts.scrapes)),
        DCGM: (ENERGY, len(metered.uuids)),
        CADVISOR: (CPU, len(use.cpu)),
    }
    return {name: metric for name, (metric, n_series) in told.items() if not n_series}


def late_ones(facts: PodFacts, use: UseFacts, edges_s: tuple[float, float]) -> dict[str, str]:
    """Return the exporters whose first scrape in a slot came late, each with a metric of it."""
    found = {KSM: (_EVER, facts.scrapes), CADVISOR: (CPU, use.scrapes)}
    return {name: metric for name, (metric, times) in found.items() if is_late(times, edges_s)}


def gaps_of(told: Told, asked: Asked) -> tuple[Gap, ...]:
    """Return the spans of a slot that samples are missing of."""
    whole = (_instant(asked.start_s), _instant(asked.end_s))
    absent = told.absent
    silent = [*absent.paused, *absent.never] if len(absent.never) == N_EXPORTERS else absent.paused
    if asked.start_s > asked.look_s - NOT_YET_S:
        silent = ()
    facts, use = told.facts, told.use
    scraped = ((KSM, facts.scrapes, facts.interval_s), (CADVISOR, use.scrapes, use.interval_s))
    holes = () if DCGM in silent else told.metered.holes
    gaps = [
        *_as_gaps(holes, "the meters of {n} accelerators"),
        *(
            gap
            for name, scrapes, interval_s in scraped
            for gap in _as_gaps(
                scrape_holes(scrapes, interval_s, asked, resumed=name in absent.resumed), name
            )
        ),
        *_as_gaps(
            unwatched_nodes(use, told.named, set(told.pods["uid"]), asked),
            "cAdvisor on {n} of the nodes",
        ),
        *(Gap(*whole, name) for name in silent),
    ]
    if absent.went_down:
        gaps.append(Gap(*whole, one_line(_listed(absent.went_down))))
    return tuple(gaps)


def notes_of(
    told: Told, rules: PodRules, edges_s: tuple[float, float], warnings: Sequence[str]
) -> tuple[MeterNote, ...]:
    """Return what is missing altogether, and what the answers were warned of."""
    down = [one for one in told.absent.down if one not in told.absent.went_down]
    notes = [
        *(MeterNote("series_missing", f"Prometheus has no series of {name}.", _WHOSE.format(name))
          for name in told.absent.never),
        *_unlabelled(told, rules),
        *_unnamed(told, edges_s),
        *_unusable(told),
        *(MeterNote("prometheus_partial", f"An answer came with a warning: {text}")
          for text in warnings),
    ]  # fmt: skip
    if down:
        text = f"Prometheus hears nothing from {_listed(down)}."
        notes.append(MeterNote("targets_down", text, "Its page of targets (/targets) says why."))
    return tuple(replace(note, text=one_line(note.text)) for note in notes)


def _unlabelled(told: Told, rules: PodRules) -> list[MeterNote]:
    names = unseen_labels(told.facts, rules)
    if told.pods.empty or not names:
        return []
    hint = "--metric-labels-allowlist, --metric-annotations-allowlist of kube-state-metrics."
    return [MeterNote("labels_missing", f"No pod shows {_listed(names)}.", hint)]


def _unnamed(told: Told, edges_s: tuple[float, float]) -> list[MeterNote]:
    """Tell whether no board names a pod while pods hold accelerators."""
    runs = told.named.runs
    begin_s, end_s = runs["begin_ms"] / 1000.0, (runs["end_ms"] / 1000.0).fillna(edges_s[1])
    n_holding = int(((runs["n_gpu"] > 0) & (begin_s < edges_s[1]) & (end_s > edges_s[0])).sum())
    is_named = told.metered.names_pods(runs) or told.metered.holes
    if not n_holding or not told.metered.uuids or is_named:
        return []
    text = f"The accelerators' meters name no pod, and {n_holding:,} pods hold accelerators."
    return [MeterNote("pods_unnamed", text, "Switch dcgm-exporter's Kubernetes mapping on.")]


def _unusable(told: Told) -> list[MeterNote]:
    n_samples = told.metered.n_unusable
    text = f"{n_samples:,} samples of accelerators' meters were no numbers and count nothing."
    return [MeterNote("values_unusable", text)] if n_samples else []


def _as_gaps(holes: Iterable[Hole], what: str) -> list[Gap]:
    return [
        Gap(
            _instant(hole.start_s),
            _instant(hole.end_s),
            what.format(n=f"{hole.n_things:,}"),
            hole.is_bridged,
        )
        for hole in holes
    ]


def _instant(since_s: float) -> datetime:
    return datetime.fromtimestamp(since_s, UTC)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _N_SHOWN:,} more" if len(names) > _N_SHOWN else ""
    return f"{', '.join(names[:_N_SHOWN])}{more}"
