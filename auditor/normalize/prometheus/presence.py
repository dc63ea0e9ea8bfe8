"""Which pods that a board's series name were there: exporters go on naming some that ended."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.normalize.prometheus.names import NOBODY, UNKNOWN

_N_INTERVALS = 2
# Ends that nobody recorded are as late as the next look at the pods.
_UNRECORDED_SLACK_MS = 900_000.0
_PLACE = ["reading", "instance"]


def present(rows: pd.DataFrame, readings: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the samples that name a pod, less those of pods that were not there any more.

    The kubelet lists a pod that ended until it is cleaned up, and a name may come back with a pod
    that nobody told of. Named long after its end or before its begin it is UNKNOWN, and not even
    that beside another pod. Within two intervals of a recorded time it just does not count.

    Parameters
    ----------
    rows
        Samples in order of board and time: reading, instance (of a slice), time_ms, run.
    readings
        By reading: board, time_ms.
    runs
        By row: begin_ms, end_ms (NaN: open), is_begin_told, is_end_told (recorded, not inferred).
    """
    held = rows[rows["run"] != NOBODY]
    if runs.empty or held.empty:
        return held
    run = held["run"].to_numpy()
    at, is_known = np.maximum(run, 0), run >= 0
    time_ms = held["time_ms"].to_numpy()
    begin_ms, end_ms = runs["begin_ms"].to_numpy()[at], runs["end_ms"].to_numpy()[at]
    has_begin = is_known & runs["is_begin_told"].to_numpy()[at]
    has_end = is_known & runs["is_end_told"].to_numpy()[at]
    slack_ms = _N_INTERVALS * _interval_ms(readings)
    late_ms = np.where(has_end, slack_ms, max(slack_ms, _UNRECORDED_SLACK_MS))
    is_stranger = is_known & (time_ms > end_ms + late_ms)
    is_stranger |= has_begin & (time_ms < begin_ms - slack_ms)
    is_coming = has_begin & (begin_ms >= time_ms)
    is_leaving = has_end & (end_ms < time_ms)
    is_leaving &= _is_counted_before(held, readings, end_ms)
    kept = held.assign(run=np.where(is_stranger, UNKNOWN, run), is_stranger=is_stranger)
    kept = kept[is_stranger | ~(is_coming | is_leaving)]
    is_pod = (kept["run"] >= 0).groupby([kept[name] for name in _PLACE]).transform("any")
    found: pd.DataFrame = kept[~(kept["is_stranger"] & is_pod)]
    return found


def _interval_ms(readings: pd.DataFrame) -> float:
    gap_ms = readings.groupby("board")["time_ms"].diff().median()
    return 0.0 if np.isnan(gap_ms) else float(gap_ms)


def _is_counted_before(
    held: pd.DataFrame, readings: pd.DataFrame, end_ms: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Tell whose end the reading before has to do with: it lies before, or names the pod too."""
    before_ms = readings.groupby("board")["time_ms"].shift().to_numpy()[held["reading"]]
    named = pd.MultiIndex.from_frame(held[["reading", "run"]])
    earlier = pd.MultiIndex.from_arrays([held["reading"] - 1, held["run"]])
    was_named: npt.NDArray[np.bool_] = earlier.isin(named) & ~np.isnan(before_ms)
    return was_named | (end_ms <= before_ms)
