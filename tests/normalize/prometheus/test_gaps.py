"""Spans in which nobody looked."""

import numpy as np
import pandas as pd
import pytest

from auditor.normalize.prometheus.boards import boards_of
from auditor.normalize.prometheus.gaps import (
    Asked,
    Hole,
    board_holes,
    is_late,
    joined,
    scrape_holes,
    unread_pods,
)
from auditor.normalize.prometheus.steps import counter_steps, reading_steps
from tests.normalize.kubernetes.pod_runs import samples
from tests.normalize.prometheus.board_lines import MAX_W, counter, held_by, pods


@pytest.mark.parametrize(
    ("end_s", "look_s", "expected"),
    [
        (None, np.inf, [(600, 8000, 1)]),
        (500, np.inf, []),
        (5000, np.inf, [(600, 5000, 1)]),
        (None, 1400, []),
        (None, 1600, [(600, 8000, 1)]),
    ],
    ids=["held", "gone-with-its-machine", "ended-meanwhile", "may-come", "does-not-come"],
)
def test_a_board_that_goes_silent_is_a_hole_while_a_pod_holds_it(end_s, look_s, expected):
    named = pods(("one", 0, end_s))
    boards = boards_of(samples((held_by("one"), counter([90] * 10))), named)
    found = board_holes(boards, reading_steps(boards), named.runs, Asked(0, 8000, look_s))
    assert [(one.start_s, one.end_s, one.n_things) for one in joined(found)] == expected


def test_two_holes_of_one_board_are_one_accelerator():
    holes = pd.DataFrame(
        {
            "thing": ["GPU-1", "GPU-1", "GPU-2"],
            "begin_s": [0.0, 100.0, 150.0],
            "end_s": [100.0, 200.0, 300.0],
            "is_bridged": [True, True, False],
        }
    )
    assert joined(holes) == [Hole(0, 300, 2, is_bridged=False)]
    assert joined(holes[:2]) == [Hole(0, 200, 1, is_bridged=True)]


@pytest.mark.parametrize(
    ("begin_s", "end_s", "first_s", "expected"),
    [
        (-900, None, None, [(0, 8000)]),
        (-900, None, 5000, [(0, 5000)]),
        (-900, 400, None, [(0, 400)]),
        (-900, None, 60, []),
        (-900, None, -60, []),
        (30, None, None, []),
    ],
    ids=["never", "late", "ended", "in-time", "before", "new"],
)
def test_a_pod_that_nothing_names_any_more_is_unread(begin_s, end_s, first_s, expected):
    held = pd.DataFrame({"run": [0] if first_s else [], "time_s": [first_s] if first_s else []})
    runs_ = pods(("one", begin_s, end_s), n_gpu=1.0).runs
    found = unread_pods(held.astype("float64"), runs_, Asked(0, 8000))
    assert list(found[["begin_s", "end_s"]].itertuples(index=False, name=None)) == expected
    assert unread_pods(held.astype("float64"), runs_, Asked(0, 8000, 600)).empty


def test_holes_of_boards_are_told_together():
    line = {0: 0.0, 60: 1e6, 4000: 50e6, 4060: 51e6}
    other = {**held_by("one"), "UUID": "GPU-2"}
    boards = boards_of(
        samples((held_by("one"), line), (other, {**line, 3990: 49e6})), pods(("one", 0, None))
    )
    steps = counter_steps(boards, np.full(2, MAX_W))
    runs_ = pods(("one", 0, None)).runs
    holes = joined(board_holes(boards, steps, runs_, Asked(0, 8000)))
    told = [(one.start_s, one.end_s, one.n_things, one.is_bridged) for one in holes]
    assert told == [(60, 4000, 2, True), (4060, 8000, 2, False)]
    assert joined(board_holes(boards, steps, runs_, Asked(0, 4100)))[0].end_s == 4000


@pytest.mark.parametrize(
    ("times", "resumed", "expected"),
    [
        ([0, 60, 120], False, []),
        ([0, 60, 700, 760], False, [(60, 700)]),
        ([600, 660, 720, 780], False, []),
        ([600, 660, 720, 780], True, [(0, 600)]),
        ([0, 60], False, [(60, 800)]),
        ([], True, []),
    ],
    ids=["none", "hole", "began", "resumed", "stopped", "nothing"],
)
def test_holes_between_scrapes(times, resumed, expected):
    scrapes = pd.DataFrame({"job": "ksm", "time_s": pd.Series(times, dtype="float64")})
    end_s = 800 if times != [0, 60, 120] else 180
    holes = scrape_holes(scrapes, 60.0, Asked(0, end_s), resumed=resumed)
    assert [(one.start_s, one.end_s) for one in holes] == expected
    assert is_late(scrapes, (0, end_s)) == (times[:1] == [600])
