"""The times of runs as the cells of an export give them, before anything is believed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.domain.job import OPEN_STATES
from auditor.normalize.columns import Cells, Encoded
from auditor.normalize.durations import Durations, parse_duration_s, parse_durations
from auditor.normalize.run_times import Fault, Reported, StateMarks
from auditor.normalize.slurm_values import KNOWN_STATES, is_missing, parse_state
from auditor.normalize.times import parse_times
from auditor.normalize.zones import Readings, read_local

_INFINITE_MINUTES = frozenset({str(2**32 - 1), str(2**64 - 1)})
_S_PER_MINUTE = 60.0
_NODE_COLUMNS = ("NodeList", "AllocTRES", "AllocNodes", "NNodes")


@dataclass(frozen=True)
class RowZones:
    """The time zone of each row: `names[codes[i]]`."""

    codes: NDArray[np.intp]
    names: list[str]


def read_reported(cells: Cells, zones: RowZones) -> tuple[Reported, list[Fault]]:
    """Read what the export says of the times of its runs, and which rows cannot be read.

    Parameters
    ----------
    cells
        Allocation rows.
    zones
        Where their wall clocks stand.
    """
    times: dict[str, Readings | None] = {}
    faults: list[Fault] = []
    for name in ("Submit", "Eligible", "Start", "End"):
        times[name], time_faults = _readings(cells, name, zones)
        faults += time_faults
    elapsed_s, elapsed_faults = _elapsed(cells)
    suspended, suspended_faults = _suspended(cells)
    reported = Reported(
        submit=times["Submit"],
        eligible=times["Eligible"],
        start=times["Start"],
        end=times["End"],
        elapsed_s=elapsed_s,
        suspended_s=suspended,
        time_limit_s=_time_limit(cells),
        has_nodes=_tell_nodes(cells),
        state=mark_states(cells),
    )
    return reported, [*faults, *elapsed_faults, *suspended_faults]


def _readings(cells: Cells, name: str, zones: RowZones) -> tuple[Readings | None, list[Fault]]:
    column = cells.text(name)
    if column is None:
        return None, []
    instants = parse_times(column)
    fault = Fault(instants.unreadable, f"{name} is no time that can be read without guessing")
    utc_s = Readings(instants.seconds, instants.seconds)
    if not instants.is_local.any():
        return utc_s, [fault]
    if len(zones.names) == 1 and instants.is_local.all():
        return read_local(instants.seconds, zones.names[0]), [fault]
    first_s, second_s = instants.seconds.copy(), instants.seconds.copy()
    for code, timezone in enumerate(zones.names):
        rows = instants.is_local & (zones.codes == code)
        readings = read_local(instants.seconds[rows], timezone)
        first_s[rows], second_s[rows] = readings.first_s, readings.second_s
    return Readings(first_s, second_s), [fault]


def _elapsed(cells: Cells) -> tuple[NDArray[np.float64], list[Fault]]:
    """Return ElapsedRaw, for rows without it Elapsed [s]."""
    elapsed_s = np.full(cells.n_rows, np.nan)
    faults = []
    for name in ("ElapsedRaw", "Elapsed"):
        column = cells.text(name)
        if column is not None and np.isnan(elapsed_s).any():
            durations = parse_durations(column)
            elapsed_s = np.where(np.isnan(elapsed_s), durations.seconds, elapsed_s)
            faults.append(_not_a_duration(name, durations))
    endless = Fault(np.isinf(elapsed_s), "Elapsed has no end")
    return np.where(np.isinf(elapsed_s), np.nan, elapsed_s), [*faults, endless]


def _not_a_duration(name: str, durations: Durations) -> Fault:
    return Fault(durations.unreadable, f"{name} is no duration")


def _suspended(cells: Cells) -> tuple[NDArray[np.float64] | None, list[Fault]]:
    column = cells.text("Suspended")
    if column is None:
        return None, []
    durations = parse_durations(column)
    return durations.seconds, [_not_a_duration("Suspended", durations)]


def _time_limit(cells: Cells) -> NDArray[np.float64]:
    """Return TimelimitRaw (minutes), for rows without it Timelimit; infinite for UNLIMITED [s]."""
    limit_s = np.full(cells.n_rows, np.nan)
    for name, parse in (("TimelimitRaw", _raw_limit_s), ("Timelimit", _limit_s)):
        encoded = cells.encoded(name)
        if encoded is not None:
            limit_s = np.where(np.isnan(limit_s), encoded.numbers(parse), limit_s)
    return limit_s


def _raw_limit_s(text: str) -> float:
    if text in _INFINITE_MINUTES:
        return np.inf
    limit_s = _limit_s(text)
    return limit_s * _S_PER_MINUTE if text.strip().isdigit() else limit_s


def _limit_s(text: str) -> float:
    try:
        return parse_duration_s(text)
    except ValueError:
        return np.nan


def _tell_nodes(cells: Cells) -> NDArray[np.bool_] | None:
    """Tell which runs ever had a node; None where nothing in the export says so."""
    for name in _NODE_COLUMNS:
        encoded = cells.encoded(name)
        if encoded is not None:
            return encoded.marks(lambda text: not is_missing(text) and text != "0")
    return None


def mark_states(cells: Cells) -> StateMarks:
    """Tell open, ended and unknown states apart."""
    encoded = cells.encoded("State") or Encoded(np.zeros(cells.n_rows, dtype=np.int32), [""])
    states = Encoded(encoded.codes, [parse_state(text) or "" for text in encoded.distinct])
    return StateMarks(
        open=states.marks(OPEN_STATES.__contains__),
        known=states.marks(KNOWN_STATES.__contains__),
        running=states.marks("RUNNING".__eq__),
        pending=states.marks("PENDING".__eq__),
        requeued=states.marks("REQUEUED".__eq__),
    )
