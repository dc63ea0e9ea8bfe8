"""Energy and use of accelerator boards in a slot, asked for and given to their pods."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    ask_named,
)
from auditor.collect.prometheus_queries import Questions, Span
from auditor.domain.series import Samples, no_samples
from auditor.hardware.catalogue import Catalogue
from auditor.normalize.prometheus.boards import Boards, boards_of, counted
from auditor.normalize.prometheus.gaps import Asked, Hole, board_holes, joined, unread_pods
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.shares import Attributed, attribute, summed
from auditor.normalize.prometheus.steps import (
    counter_steps,
    filling_steps,
    lacking_boards,
    power_steps,
    reading_steps,
)
from auditor.normalize.prometheus.use import accelerator_use

# Above every board of the catalogue: for one that it does not know.
_UNKNOWN_BOARD_W = 1500.0
_PERCENT = 100.0
_MS_PER_S = 1000.0
# Nobody keeps asking after a meter that has been silent for longer.
_LONGEST_AGO_S = 30 * 86400.0


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
    uuids: tuple[str, ...]

    def names_pods(self, runs: pd.DataFrame) -> bool:
        """Tell whether any reading names a pod that is no exporter itself."""
        held = pd.concat([self.boards.holders["run"], self.gauged.holders["run"]])
        is_daemon = runs["is_daemon"].to_numpy()[held[held >= 0]]
        return bool((~is_daemon).any() or (held < 0).any())


def ask_energy(questions: Questions, span: Span, named: NamedPods, look_s: float) -> Metered:
    """Ask for the energy of every board: by its counter, by its power where that fails.

    `look_s` is when this is asked, in seconds since 1970.

    Raises
    ------
    CollectError
        As `Prometheus.ask` does.
    """
    samples = ask_counters(questions, ENERGY, span)
    boards = boards_of(samples, named)
    steps = counter_steps(boards, _plausible_w(boards))
    inside = _within(steps, span)
    gauge, gauged, filled = no_samples(), boards_of(no_samples(), named), inside.head(0)
    powered = set(ask_boards(questions, POWER, span))
    lacking = powered & {*(powered - set(boards.uuids)), *lacking_boards(boards, inside)}
    if lacking:
        gauge = ask_gauge(questions, POWER, span, sorted(lacking))
        gauged = boards_of(gauge, named)
        boards, gauged = counted([boards, gauged], named.runs)
        by_power = power_steps(gauged, _plausible_w(gauged))
        filled = _within(filling_steps(gauged, by_power, boards, inside), span)
    energy = summed(
        attribute(inside[inside["is_good"]], boards, named.runs),
        attribute(filled, gauged, named.runs),
    )
    sets = (boards, _without(gauged, boards))
    asked = Asked(span.start_s, span.end_s, look_s)
    holes = [
        board_holes(boards, steps, named.runs, asked),
        board_holes(sets[1], reading_steps(sets[1]), named.runs, asked),
        _ask_unread(questions, asked, sets, named),
    ]
    return Metered(
        energy=energy,
        boards=boards,
        gauged=gauged,
        holes=tuple(joined(pd.concat(holes, ignore_index=True))),
        jobs=tuple({*_jobs(samples), *_jobs(gauge)}),
        n_unusable=samples.n_unusable + gauge.n_unusable,
        uuids=tuple(sorted({*_read_before(boards, span.end_s), *gauged.uuids})),
    )


def ask_utilisation(questions: Questions, span: Span, named: NamedPods) -> pd.DataFrame:
    """Ask how busy accelerators were: by their engines' activity, else by what ran at all.

    Returns `run`, `busy_s` and `observed_s`, accelerator seconds.
    """
    active = set(ask_boards(questions, ACTIVE, span))
    busy = set(ask_boards(questions, BUSY, span)) - active
    sets = []
    for metric, names, scale in ((ACTIVE, active, 1.0), (BUSY, busy, _PERCENT)):
        if names:
            samples = ask_gauge(questions, metric, span, sorted(names))
            sets.append(boards_of(_scaled(samples, scale), named))
    found = []
    for boards in counted(sets, named.runs):
        steps = _within(power_steps(boards, np.full(len(boards.uuids), np.inf)), span)
        found.append(accelerator_use(steps, boards, named.runs))
    if not found:
        return pd.DataFrame(columns=["run", "busy_s", "observed_s"], dtype="float64")
    return pd.concat(found).groupby("run", as_index=False).sum()


def _within(steps: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Keep the steps whose later reading lies in the span."""
    inside = (steps["end_s"] >= span.start_s) & (steps["end_s"] < span.end_s)
    return steps[inside].reset_index(drop=True)


def _without(gauged: Boards, boards: Boards) -> Boards:
    """Return only those boards that have no counter."""
    is_alone = ~np.isin(gauged.uuids, boards.uuids)
    readings = gauged.readings
    readings = readings[is_alone[readings["board"]]] if len(readings) else readings
    holders = gauged.holders[gauged.holders["reading"].isin(readings.index)]
    place = pd.Series(np.arange(len(readings)), index=readings.index)
    holders = holders.assign(reading=place.reindex(holders["reading"]).to_numpy())
    return replace(gauged, readings=readings.reset_index(drop=True), holders=holders)


def _read_before(boards: Boards, end_s: float) -> list[str]:
    is_before = boards.readings["time_ms"] < end_s * _MS_PER_S
    return [boards.uuids[code] for code in boards.readings.loc[is_before, "board"].unique()]


def _ask_unread(
    questions: Questions, asked: Asked, sets: Sequence[Boards], named: NamedPods
) -> pd.DataFrame:
    """Return the holes of pods whose boards were read once, and not since the span began.

    A board that is silent for longer than anybody looks back is known by its pod alone.
    """
    held = pd.concat([_named_at(boards) for boards in sets], ignore_index=True)
    unread = unread_pods(held, named.runs, asked)
    if unread.empty:
        return pd.DataFrame(columns=["thing", "begin_s", "end_s", "is_bridged"])
    runs = named.runs.iloc[unread["run"]]
    begin_s = max(runs["begin_ms"].min() / _MS_PER_S, asked.start_s - _LONGEST_AGO_S)
    before = Span(begin_s, asked.start_s)
    told = ask_named(questions, (ENERGY, POWER), before, sorted(set(runs["name"])))
    rows = np.arange(len(told), dtype=np.int64)
    at_ms = np.full(len(told), round(asked.start_s * _MS_PER_S), dtype=np.int64)
    found = pd.DataFrame({"run": named.places(told, rows, at_ms)})
    found["thing"] = told.reindex(columns=["UUID"], fill_value="")["UUID"].to_numpy()
    return unread.merge(found.drop_duplicates(), on="run").assign(is_bridged=False)


def _named_at(boards: Boards) -> pd.DataFrame:
    at = boards.holders["reading"].to_numpy()
    time_s = boards.readings["time_ms"].to_numpy()[at] / _MS_PER_S
    return boards.holders[["run"]].assign(time_s=time_s)


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
