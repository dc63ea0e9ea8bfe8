"""When a run took place: start, elapsed, suspension and end, whatever the export makes of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.domain.job import QualityFlag
from auditor.normalize.times import EARLIEST_S, LATEST_S
from auditor.normalize.zones import Readings

Seconds = NDArray[np.float64]
Mask = NDArray[np.bool_]
Flags = NDArray[np.int64]
RUNAWAY_SLACK_S = 3600.0
RUNAWAY_SLACK_RATIO = 0.1


@dataclass(frozen=True)
class Fault:
    """Rows that cannot be jobs, and why."""

    rows: Mask
    reason: str


@dataclass(frozen=True)
class StateMarks:
    """What the states of the runs say, (n,) each. `open` is False where the state is unknown."""

    open: Mask
    known: Mask
    running: Mask
    pending: Mask
    requeued: Mask


@dataclass(frozen=True)
class Reported:
    """What the export says of the times of its runs, (n,) each; NaN is missing [s].

    `submit`, `start`, `end` and `suspended_s` are None where the export has no such column;
    `has_nodes` is None where nothing in the export tells.
    """

    submit: Readings | None
    eligible: Readings | None
    start: Readings | None
    end: Readings | None
    elapsed_s: Seconds
    suspended_s: Seconds | None
    time_limit_s: Seconds
    has_nodes: Mask | None
    state: StateMarks

    @property
    def n_rows(self) -> int:
        """Number of runs."""
        return len(self.elapsed_s)

    @property
    def nothing(self) -> Readings:
        """Readings of a column that is not there."""
        missing = np.full(self.n_rows, np.nan)
        return Readings(missing, missing)


@dataclass(frozen=True)
class RunTimes:
    """When the runs took place, (n,) each, in seconds (since 1970); NaN is none [s]."""

    submit_s: Seconds
    eligible_s: Seconds
    start_s: Seconds
    end_s: Seconds
    elapsed_s: Seconds
    reported_elapsed_s: Seconds
    suspended_s: Seconds
    is_open: Mask
    flags: Flags
    faults: list[Fault]


@dataclass(frozen=True)
class _Start:
    """The start of each run as far as it is told, and the elapsed time that goes with it."""

    start_s: Seconds
    elapsed_s: Seconds
    flags: Flags
    faults: list[Fault]


def place_runs(reported: Reported) -> RunTimes:
    """Work out when each run took place.

    Elapsed is the truth for the duration: End is not believed where it disagrees, and a local
    time in a repeated hour is read so that it agrees. A runaway is counted up to its time limit.
    """
    is_open, open_flags = _open_runs(reported)
    begun = _starts(reported)
    started = _started(reported, begun)
    start_s = np.where(started, begun.start_s, np.nan)
    counted_s, count_flags = _counted(reported, is_open, start_s, begun.elapsed_s)
    suspended_s, clock_flags = _suspension(reported, is_open, start_s, begun.elapsed_s)
    end_s = start_s + counted_s + suspended_s
    submit_s, eligible_s, submit_flags = _submission(reported, begun.start_s, end_s)
    given_up = ~started & ~is_open & ~reported.state.pending
    end_s = np.where(given_up, _given_up(reported, submit_s), end_s)
    too_late = Fault(end_s >= LATEST_S, "it would end after the year 2100")
    unplaced = Fault(np.isnan(submit_s), "no Submit, Start or End: it cannot be placed in time")
    flags = open_flags | begun.flags | count_flags | clock_flags | submit_flags
    return RunTimes(
        submit_s=submit_s,
        eligible_s=eligible_s,
        start_s=start_s,
        end_s=end_s,
        elapsed_s=counted_s,
        reported_elapsed_s=begun.elapsed_s,
        suspended_s=suspended_s,
        is_open=is_open,
        flags=flags,
        faults=[*begun.faults, too_late, unplaced],
    )


def _flag(rows: Mask, flag: QualityFlag) -> Flags:
    return np.where(rows, np.int64(flag), np.int64(0))


def _open_runs(reported: Reported) -> tuple[Mask, Flags]:
    """Tell which runs go on: by state, and by a missing End."""
    if reported.end is None:
        return reported.state.open, np.zeros(reported.n_rows, dtype=np.int64)
    no_end = np.isnan(reported.end.first_s)
    ended_without_end = no_end & ~reported.state.open & reported.state.known
    return reported.state.open | no_end, _flag(ended_without_end, QualityFlag.END_UNKNOWN)


def _starts(reported: Reported) -> _Start:
    readings = reported.start or reported.submit or reported.nothing
    stands_in = np.full(reported.n_rows, reported.start is None)
    start_s, ambiguous = _choose_start(reported, readings)
    end = reported.end or reported.nothing
    suspended_s = _known_suspension(reported)
    missing = np.isnan(reported.elapsed_s)
    worked_out_s = end.first_s - start_s - suspended_s
    worked_out_s = np.where(
        (worked_out_s < 0) & end.are_two, end.second_s - start_s - suspended_s, worked_out_s
    )
    idle = np.isnan(start_s) | reported.state.pending
    elapsed_s = np.where(missing, np.where(idle, 0.0, worked_out_s), reported.elapsed_s)
    backwards = Fault(missing & (elapsed_s < 0), "it ends before it starts and has no Elapsed")
    endless = Fault(np.isnan(elapsed_s), "no Elapsed, and no End to work it out")
    derived = np.isnan(start_s) & (elapsed_s > 0) & ~stands_in
    derived_s = end.first_s - elapsed_s - suspended_s
    derived &= derived_s >= EARLIEST_S
    flags = _flag(stands_in & ~np.isnan(start_s), QualityFlag.START_FROM_SUBMIT)
    flags |= _flag(ambiguous, QualityFlag.TIME_AMBIGUOUS)
    flags |= _flag(derived, QualityFlag.CLOCK_REPAIRED)
    start_s = np.where(derived, derived_s, start_s)
    return _Start(start_s, np.rint(elapsed_s), flags, [backwards, endless])


def _known_suspension(reported: Reported) -> Seconds:
    if reported.suspended_s is None:
        return np.zeros(reported.n_rows)
    return np.nan_to_num(np.rint(reported.suspended_s))


def _choose_start(reported: Reported, readings: Readings) -> tuple[Seconds, Mask]:
    """Tell the two readings of a local start apart by End, Elapsed and Submit."""
    two = readings.are_two
    if not two.any():
        return readings.first_s, two
    first_misfit_s = _misfit(reported, readings.first_s)
    second_misfit_s = _misfit(reported, readings.second_s)
    submit = reported.submit or reported.nothing
    too_early = readings.first_s < submit.first_s
    second = two & ((second_misfit_s < first_misfit_s) | too_early)
    ambiguous = two & ~second & ~(first_misfit_s < second_misfit_s)
    return np.where(second, readings.second_s, readings.first_s), ambiguous


def _misfit(reported: Reported, start_s: Seconds) -> Seconds:
    """Seconds by which End disagrees with a start, under the better reading of End."""
    end = reported.end or reported.nothing
    expected_s = start_s + reported.elapsed_s + _known_suspension(reported)
    return np.minimum(np.abs(end.first_s - expected_s), np.abs(end.second_s - expected_s))


def _started(reported: Reported, begun: _Start) -> Mask:
    """Tell which runs ever began: a start, and either some time or a node to show for it."""
    without_time = begun.elapsed_s == 0
    never = reported.state.pending | (begun.start_s < EARLIEST_S)
    if reported.has_nodes is not None:
        never |= ~reported.has_nodes
    started: Mask = ~np.isnan(begun.start_s) & ~(without_time & never)
    return started


def _counted(
    reported: Reported, is_open: Mask, start_s: Seconds, elapsed_s: Seconds
) -> tuple[Seconds, Flags]:
    """Return the elapsed time that is believed: not of runaways, not outside of time."""
    limit_s = reported.time_limit_s
    slack_s = np.maximum(RUNAWAY_SLACK_S, RUNAWAY_SLACK_RATIO * limit_s)
    runaway = is_open & reported.state.running & (elapsed_s > limit_s + slack_s)
    outside = (elapsed_s > 0) & ~(start_s >= EARLIEST_S)
    counted_s = np.where(runaway, np.floor(limit_s), elapsed_s)
    flags = _flag(runaway, QualityFlag.RUNAWAY) | _flag(outside, QualityFlag.RUN_OUTSIDE_TIME)
    return np.where(outside, 0.0, counted_s), flags


def _suspension(
    reported: Reported, is_open: Mask, start_s: Seconds, elapsed_s: Seconds
) -> tuple[Seconds, Flags]:
    """Return the suspension of each run, from its column or else from End, and what disagrees."""
    suspended_s = _known_suspension(reported)
    suspended_s = np.where(start_s >= EARLIEST_S, suspended_s, 0.0)
    if reported.end is None or reported.start is None:
        return suspended_s, np.zeros(reported.n_rows, dtype=np.int64)
    expected_s = start_s + elapsed_s + suspended_s
    first_s, second_s = reported.end.first_s - expected_s, reported.end.second_s - expected_s
    surplus_s = np.where(np.abs(second_s) < np.abs(first_s), second_s, first_s)
    judged = ~is_open & ~reported.state.requeued & (start_s >= EARLIEST_S)
    stated = np.zeros(reported.n_rows, dtype=bool)
    if reported.suspended_s is not None:
        stated = ~np.isnan(reported.suspended_s)
    inferred = judged & ~stated & (surplus_s >= 1) & (elapsed_s > 0)
    repaired = judged & ~inferred & (np.abs(surplus_s) >= 1)
    flags = _flag(inferred, QualityFlag.SUSPENDED_INFERRED)
    flags |= _flag(repaired, QualityFlag.CLOCK_REPAIRED)
    return np.where(inferred, np.rint(surplus_s), suspended_s), flags


def _submission(
    reported: Reported, start_s: Seconds, end_s: Seconds
) -> tuple[Seconds, Seconds, Flags]:
    """Return submit and eligible time; Start, else End, stands in for a missing Submit.

    The first reading of a repeated hour always agrees with what came later, so it is taken; the
    second is excluded only if the run began before it.
    """
    submit = reported.submit or reported.nothing
    end = reported.end or reported.nothing
    absent = np.isnan(submit.first_s)
    stand_in_s = np.where(np.isnan(start_s), end.first_s, start_s)
    submit_s = np.where(absent, stand_in_s, submit.first_s)
    bound_s = np.where(np.isnan(start_s), end_s, start_s)
    ambiguous = submit.are_two & ~(submit.second_s > bound_s)
    flags = _flag(absent & ~np.isnan(submit_s), QualityFlag.SUBMIT_FROM_START)
    flags |= _flag(ambiguous, QualityFlag.TIME_AMBIGUOUS)
    eligible = reported.eligible or reported.nothing
    too_early = eligible.first_s < submit_s
    eligible_s = np.where(too_early, eligible.second_s, eligible.first_s)
    return submit_s, eligible_s, flags


def _given_up(reported: Reported, submit_s: Seconds) -> Seconds:
    """Return the moment at which a run that never began was given up: its End, else Submit."""
    if reported.end is None:
        return submit_s
    return reported.end.first_s
