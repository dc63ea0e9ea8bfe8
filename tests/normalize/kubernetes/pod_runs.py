"""Runs of pods as series name them, for tests."""

import numpy as np
import pandas as pd

from auditor.domain.series import Samples


def runs(*rows: tuple, n_gpu: float = np.nan, daemons: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return runs of rows (uid, namespace, name, begin_s, end_s)."""
    frame = pd.DataFrame(rows, columns=["uid", "namespace", "name", "begin_s", "end_s"])
    return pd.DataFrame(
        {
            "uid": frame["uid"],
            "namespace": frame["namespace"],
            "name": frame["name"],
            "begin_ms": frame["begin_s"].astype("float64") * 1000,
            "end_ms": frame["end_s"].astype("float64") * 1000,
            "is_begin_told": True,
            "is_end_told": True,
            "n_gpu": n_gpu,
            "is_daemon": frame["uid"].isin(daemons),
        }
    )


def samples(*series: tuple[dict, dict]) -> Samples:
    """Return samples of series (labels, {time_s: value})."""
    times = [np.array(list(values), dtype=np.float64) for _, values in series]
    values = [np.array(list(one.values()), dtype=np.float64) for _, one in series]
    labels = pd.DataFrame([labels for labels, _ in series], dtype="str").fillna("")
    rows = [np.full(len(one), place, dtype=np.int64) for place, one in enumerate(times)]
    return Samples(
        labels,
        np.concatenate(rows),
        np.rint(np.concatenate(times) * 1000).astype(np.int64),
        np.concatenate(values),
    )
