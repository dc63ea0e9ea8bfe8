"""When cAdvisor of a node told nothing, and what that leaves unknown of the pods there."""

import numpy as np
import pandas as pd

from auditor.domain.series import UseFacts
from auditor.normalize.prometheus.gaps import Asked, Hole, joined, scrape_holes
from auditor.normalize.prometheus.paces import longest_step_s

_NODE = ("job", "instance", "node")
# Times of samples are found by looking twice a minute.
SLACK_S = 60.0


def node_of(labels: pd.DataFrame) -> "pd.Series[str]":
    """Return one text for the kubelet that each series was scraped from."""
    told = labels.reindex(columns=list(_NODE), fill_value="").fillna("")
    return told["job"] + "\x1f" + told["instance"] + "\x1f" + told["node"]


def node_holes(use: UseFacts, span_s: tuple[float, float]) -> pd.DataFrame:
    """Return when nodes were not scraped, within the span: node, start_s, end_s.

    A hole is longer than three intervals and five minutes.
    """
    if use.node_scrapes.empty or use.interval_s is None:
        return pd.DataFrame({"node": pd.Series(dtype="str"), "start_s": [], "end_s": []})
    times = pd.DataFrame({"node": node_of(use.node_scrapes), "end_s": use.node_scrapes["time_s"]})
    nodes = times["node"].drop_duplicates()
    edges = [pd.DataFrame({"node": nodes, "end_s": edge_s}) for edge_s in span_s]
    times = pd.concat([times, *edges]).sort_values(["node", "end_s"], ignore_index=True)
    times.insert(1, "start_s", times.groupby("node")["end_s"].shift())
    longest_s = longest_step_s(pd.Series([use.interval_s])).iloc[0]
    return times[times["end_s"] - times["start_s"] > longest_s].reset_index(drop=True)


def unwatched_s(pieces: pd.DataFrame, holes: pd.DataFrame) -> "pd.Series[float]":
    """Return by run for how long no sample tells of it, between its first and its last one [s].

    That is the holes of its node, but for those that a counter ran across: what it counted in
    them is told afterwards. Of two jobs that scrape one node the better one counts.

    Parameters
    ----------
    pieces
        Stretches in which a counter ran on: run, node, start_s, last_s.
    holes
        As `node_holes` has them.
    """
    by_run = pieces.groupby("run").agg(from_s=("start_s", "min"), to_s=("last_s", "max"))
    found = pieces[["run", "node"]].drop_duplicates().merge(holes, on="node", how="left")
    found = found.join(by_run, on="run")
    found["hole"] = np.arange(len(found))
    ran = found.dropna(subset=["end_s"])[["hole", "run", "start_s", "end_s"]].merge(
        pieces[["run", "start_s", "last_s"]], on="run", suffixes=("", "_ran")
    )
    is_across = ran["start_s_ran"] < ran["end_s"] - SLACK_S
    is_across &= ran["last_s"] > (ran["start_s"] + ran["end_s"]) / 2
    lost_s = found["end_s"].clip(upper=found["to_s"]) - found["start_s"].clip(lower=found["from_s"])
    lost_s = lost_s.clip(lower=0.0).fillna(0.0)
    lost_s = lost_s.mask(found["hole"].isin(ran.loc[is_across, "hole"]), 0.0)
    return lost_s.groupby([found["run"], found["node"]]).sum().groupby("run").min()


def used_node_holes(use: UseFacts, runs_on: pd.DataFrame, asked: Asked) -> list[Hole]:
    """Return when nodes that had pods were not scraped, though others were.

    A hole is told for as long as pods were there; nodes with overlapping holes make one.

    Parameters
    ----------
    runs_on
        Which runs were seen where: node, begin_s, end_s (NaN: open).
    """
    holes = node_holes(use, (asked.start_s, asked.end_s))
    is_tail = holes["end_s"] >= asked.end_s
    holes = holes[~is_tail | asked.is_late(holes["start_s"])]
    for hole in scrape_holes(use.scrapes, use.interval_s, asked, resumed=True):
        is_told = holes["start_s"] >= hole.start_s - SLACK_S
        holes = holes[~(is_told & (holes["end_s"] <= hole.end_s + SLACK_S))]
    both = holes.merge(runs_on, on="node", suffixes=("", "_run"))
    found = pd.DataFrame(
        {
            "thing": both["node"],
            "begin_s": both[["start_s", "begin_s"]].max(axis="columns"),
            "end_s": both[["end_s", "end_s_run"]].min(axis="columns"),
            "is_bridged": False,
        }
    )
    longest_s = longest_step_s(pd.Series([use.interval_s], dtype="float64")).iloc[0]
    return joined(found[found["end_s"] - found["begin_s"] > longest_s])
