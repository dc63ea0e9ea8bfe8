"""Ask a Prometheus for one slot of time: which pods there were, and what meters said of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from auditor.collect.prometheus import PrometheusHost, connected
from auditor.collect.prometheus_look import MARGIN_S, ask_down, ask_pods, was_told
from auditor.collect.prometheus_queries import Questions, Span
from auditor.collect.prometheus_use import ask_use
from auditor.domain.series import PodFacts, UseFacts
from auditor.normalize.interface import ExportContext
from auditor.normalize.prometheus.gaps import Asked
from auditor.normalize.prometheus.meters import Measured, meters_of, named_pods
from auditor.normalize.prometheus.models import typed_by_boards
from auditor.normalize.prometheus.pods import pods_of
from auditor.normalize.prometheus.use import cpu_seconds, peak_memory
from auditor.pipeline.pod_metering_boards import Metered, ask_energy, ask_utilisation
from auditor.pipeline.pod_metering_gaps import (
    DCGM,
    KSM,
    N_EXPORTERS,
    Absent,
    Gap,
    MeterNote,
    Told,
    gaps_of,
    jobs_of,
    late_ones,
    missing_of,
    notes_of,
)
from auditor.units import JOULES_PER_WH

__all__ = ("Gap", "MeterAnswer", "MeterNote", "ask_meters")


@dataclass(frozen=True)
class MeterAnswer:
    """What a Prometheus told of a slot.

    `pods` has the columns of PODS, `meters` those of METERS. `gaps` are spans without samples,
    `notes` what is missing altogether. `unattributed_wh` is energy of boards
    that pods held whom nobody knows, `idle_wh` that of boards nobody held. Together with the
    energy of `meters` they are all that the boards drew, as far as it was measured.
    `tells_of_pods`: kube-state-metrics was heard; `is_mute`: no exporter was. `n_queries` and
    `n_bytes` say what it took.
    """

    pods: pd.DataFrame
    meters: pd.DataFrame
    gaps: tuple[Gap, ...]
    notes: tuple[MeterNote, ...]
    unattributed_wh: float
    idle_wh: float
    n_queries: int
    n_bytes: int
    tells_of_pods: bool = True
    is_mute: bool = False


def ask_meters(
    host: PrometheusHost,
    slot_window: tuple[datetime, datetime],
    known: pd.DataFrame | None,
    context: ExportContext,
    should_stop: Callable[[], bool] = lambda: False,
) -> MeterAnswer:
    """Ask for the pods and meters of one slot.

    A step between two samples belongs to the slot of the later one, so that slots which follow
    each other have every step once. Pods that were last seen shortly before the slot, or first
    shortly after it, are told too: the meters may know them earlier and longer.

    Parameters
    ----------
    slot_window
        `[slot, slot + SLOT_S)`, shorter where it ends now.
    known
        Pods that other sources told of: uid, namespace, name, start_utc, end_utc (NaT: open),
        and n_gpu and is_start_inferred, where the book has them.

    Raises
    ------
    CollectError
        `prometheus_down`, `prometheus_refused`, `timeout`, `stopped`. Nothing is told then.
    CollectRightsError
        `prometheus_denied`.
    """
    span = Span(slot_window[0].timestamp(), slot_window[1].timestamp())
    edges_s = (span.start_s, span.end_s)
    look_s = math.inf if context.seen_utc is None else context.seen_utc.timestamp()
    book = _nobody() if known is None else known
    rules = context.pod_rules_of.get(host.cluster, context.default_pod_rules)
    with connected(host, should_stop) as prometheus:
        questions = Questions(prometheus)
        wider = Span(span.start_s - MARGIN_S, span.end_s + MARGIN_S)
        facts = ask_pods(questions, wider)
        pods = pods_of(facts, book, rules, wider.start_s)
        named = named_pods(pods, book, facts)
        metered = ask_energy(questions, span, named, look_s)
        used = ask_utilisation(questions, span, named)
        use = ask_use(questions, span)
        told = Told(
            facts, pods, named, metered, use, _absent(questions, span, (facts, metered, use))
        )
    measured = Measured(
        metered.energy.parts,
        used,
        cpu_seconds(use, named, edges_s),
        peak_memory(use, named, span.end_s),
    )
    return MeterAnswer(
        pods=typed_by_boards(pods, metered.boards, named),
        meters=meters_of(measured, named, pd.Timestamp(slot_window[0])),
        gaps=gaps_of(told, Asked(*edges_s, look_s)),
        notes=notes_of(told, rules, edges_s, tuple(prometheus.warnings)),
        unattributed_wh=metered.energy.unattributed_j / JOULES_PER_WH,
        idle_wh=metered.energy.idle_j / JOULES_PER_WH,
        n_queries=prometheus.n_queries,
        n_bytes=prometheus.n_bytes,
        tells_of_pods=KSM not in told.absent.unheard,
        is_mute=len(told.absent.unheard) == N_EXPORTERS,
    )


def _absent(questions: Questions, span: Span, told: tuple[PodFacts, Metered, UseFacts]) -> Absent:
    """Ask whether what told nothing in the slot did so the day before."""
    facts, metered, use = told
    missing = missing_of(*told)
    late = late_ones(facts, use, (span.start_s, span.end_s))
    resumed = tuple(name for name, one in late.items() if was_told(questions, one, span))
    paused = tuple(
        name
        for name, one in missing.items()
        if (name == DCGM and metered.holes) or was_told(questions, one, span)
    )
    down, went_down = ask_down(questions, span, jobs_of(*told))
    never = tuple(name for name in missing if name not in paused)
    return Absent(paused, never, down, went_down, resumed)


def _nobody() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "uid": pd.Series(dtype="str"),
            "namespace": pd.Series(dtype="str"),
            "name": pd.Series(dtype="str"),
            "start_utc": pd.Series(dtype="datetime64[us, UTC]"),
            "end_utc": pd.Series(dtype="datetime64[us, UTC]"),
        }
    )
