"""Models of accelerators by what the exporter on the node calls them."""

import pandas as pd

from auditor.normalize.prometheus.boards import Boards
from auditor.normalize.prometheus.names import NamedPods


def typed_by_boards(pods: pd.DataFrame, boards: Boards, named: NamedPods) -> pd.DataFrame:
    """Return pods with the model of the boards that they hold where no node label told it.

    Nodes' labels come through kube-state-metrics only where it was told to let them.
    """
    is_untyped = pods["gpu_types"].astype("str").str.startswith("=")
    held = boards.holders[boards.holders["run"] >= 0]
    if not is_untyped.any() or held.empty:
        return pods
    board = boards.readings["board"].to_numpy()[held["reading"]]
    model = pd.Series(boards.model_of, dtype="str").iloc[board].to_numpy()
    uid = named.runs["uid"].to_numpy()[held["run"]]
    told = pd.DataFrame({"uid": uid, "model": model}).drop_duplicates()
    told = told[(told["model"] != "") & ~told["uid"].duplicated(keep=False)]
    words = told.set_index("uid")["model"].str.replace(r"[^0-9A-Za-z._+-]+", "-", regex=True)
    found = pods["uid"].map(words)
    types = pods["gpu_types"].astype("str")
    types = types.where(~is_untyped | found.isna(), found + types)
    return pods.assign(gpu_types=types.astype("category"))
