"""Energy and use of accelerator boards in a slot, asked for and given to their pods."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.collect.prometheus_look import (
    ACTIVE,
    BUSY,
    ENERGY,
    POWER,
    ask_boards,
    ask_counters,
    ask_gauge,
)
from auditor.collect.prometheus_queries import Questions, Span
from auditor.domain.series import Samples, no_samples
from auditor.hardware.catalogue import Catalogue
from auditor.normalize.prometheus.boards import Boards, boards_of
from auditor.normalize.prometheus.gaps import Hole, board_holes
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.shares import Attributed, attribute, summed
from auditor.normalize.prometheus.steps import (
    counter_steps,
    filling_steps,
    lacking_boards,
    power_steps,
)
from auditor.normalize.prometheus.use import accelerator_use

# Above every board of the catalogue: for one that it does not know.
_UNKNOWN_BOARD_W = 1500.0
_PERCENT = 100.0


@dataclass(frozen=True)
class Metered:
    """Boards of a slot: whose their energy was, what was missing, and who held them.

    `boards` are those read by their counter, `gauged` those whose power filled in for it.
    """

    energy: Attributed
    boards: Boards
    gauged: Boards
    holes: tuple[Hole, ...]
    jobs: tuple[str, ...]
    n_unusable: int

    def names_pods(self, runs: pd.DataFrame) -> bool:
        """Tell whether any reading names a pod that is no exporter itself."""
        held = pd.concat([self.boards.holders["run"], self.gauged.holders["run"]])
        is_daemon = runs["is_daemon"].to_numpy()[held[held >= 0]]
        return bool((~is_daemon).any() or (held < 0).any())

    @property
    def uuids(self) -> list[str]:
        """Every board that was read."""
        return sorted({*self.boards.uuids, *self.gauged.uuids})


def ask_energy(questions: Questions, span: Span, named: NamedPods) -> Metered:
    """Ask for the energy of every board: by its counter, by its power where that fails.

    Raises
    ------
    CollectError
        As `Prometheus.ask` does.
    """
    samples = ask_counters(questions, ENERGY, span)
    boards = boards_of(samples, named)
    steps = _within(counter_steps(boards, _plausible_w(boards)), span)
    gauge, gauged, filled = no_samples(), boards_of(no_samples(), named), steps.head(0)
    powered = set(ask_boards(questions, POWER, span))
    lacking = powered & {*(powered - set(boards.uuids)), *lacking_boards(boards, steps)}
    if lacking:
        gauge = ask_gauge(questions, POWER, span, sorted(lacking))
        gauged = boards_of(gauge, named)
        by_power = power_steps(gauged, _plausible_w(gauged))
        filled = _within(filling_steps(gauged, by_power, boards, steps), span)
    energy = summed(
        attribute(steps[steps["is_good"]], boards, named.runs),
        attribute(filled, gauged, named.runs),
    )
    edges_s = (span.start_s, span.end_s)
    alone = ~np.isin(gauged.uuids, boards.uuids)
    holes = board_holes(boards, steps, edges_s)
    if alone.any():
        holes += board_holes(gauged, _within(_gaps_of(gauged), span), edges_s)
    return Metered(
        energy=energy,
        boards=boards,
        gauged=gauged,
        holes=tuple(holes),
        jobs=tuple({*_jobs(samples), *_jobs(gauge)}),
        n_unusable=samples.n_unusable + gauge.n_unusable,
    )


def ask_utilisation(questions: Questions, span: Span, named: NamedPods) -> pd.DataFrame:
    """Ask how busy accelerators were: by their engines' activity, else by what ran at all.

    Returns `run`, `busy_s` and `observed_s`, accelerator seconds.
    """
    active = set(ask_boards(questions, ACTIVE, span))
    busy = set(ask_boards(questions, BUSY, span)) - active
    found = []
    for metric, names, scale in ((ACTIVE, active, 1.0), (BUSY, busy, _PERCENT)):
        if names:
            samples = ask_gauge(questions, metric, span, sorted(names))
            boards = boards_of(_scaled(samples, scale), named)
            limit = np.full(len(boards.uuids), np.inf)
            steps = _within(power_steps(boards, limit), span)
            found.append(accelerator_use(steps, boards, named.runs))
    if not found:
        return pd.DataFrame(columns=["run", "busy_s", "observed_s"], dtype="float64")
    return pd.concat(found).groupby("run", as_index=False).sum()


def _within(steps: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Keep the steps whose later reading lies in the span."""
    inside = (steps["end_s"] >= span.start_s) & (steps["end_s"] < span.end_s)
    return steps[inside].reset_index(drop=True)


def _gaps_of(boards: Boards) -> pd.DataFrame:
    """Return the steps between readings of a gauge, to find its holes."""
    return counter_steps(boards, np.full(len(boards.uuids), np.inf))


def _jobs(samples: Samples) -> list[str]:
    return samples.labels["job"].unique().tolist() if "job" in samples.labels else []


def _scaled(samples: Samples, scale: float) -> Samples:
    return Samples(
        samples.labels, samples.series, samples.time_ms, samples.value / scale, samples.n_unusable
    )


def _plausible_w(boards: Boards) -> NDArray[np.float64]:
    return np.array([_most_w(model) for model in boards.model_of], dtype=np.float64)


@cache
def _most_w(model: str) -> float:
    """Return what a board of this model can draw, by the catalogue [W]."""
    found = _catalogue().find_accelerator(model) if model else None
    return max(one.max_w for one in found.candidates) if found else _UNKNOWN_BOARD_W


@cache
def _catalogue() -> Catalogue:
    return Catalogue.load()
