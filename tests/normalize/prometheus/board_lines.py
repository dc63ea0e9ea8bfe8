"""Lines of boards' meters, for tests."""

import numpy as np

from auditor.normalize.prometheus.boards import boards_of
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.shares import attribute
from auditor.normalize.prometheus.steps import counter_steps
from tests.normalize.kubernetes.pod_runs import runs

MAX_W = 400.0
BOARD = {"UUID": "GPU-1", "modelName": "NVIDIA A100-SXM4-80GB"}
MJ = 1000.0


def held_by(name, **labels):
    return {**BOARD, "namespace": "a" if name else "", "pod": name, **labels}


def pods(*rows, **options):
    return NamedPods(runs(*((name, "a", name, begin, end) for name, begin, end in rows), **options))


def given(samples_, named, plausible_w=MAX_W):
    boards = boards_of(samples_, named)
    steps = counter_steps(boards, np.full(len(boards.uuids), plausible_w))
    found = attribute(steps[steps["is_good"]], boards, named.runs)
    uid = named.runs["uid"].iloc[found.parts["run"]]
    return found, found.parts.set_index(uid.to_numpy())


def counter(watts, begin_s=0, step_s=60, start_j=0.0):
    """Return a counter [mJ] at steps, of the watts drawn before each of its readings."""
    values = np.cumsum([start_j, *(one * step_s for one in watts)]) * MJ
    return {begin_s + place * step_s: value for place, value in enumerate(values)}


def part(values, begin_s, end_s):
    return {time_s: value for time_s, value in values.items() if begin_s <= time_s < end_s}
