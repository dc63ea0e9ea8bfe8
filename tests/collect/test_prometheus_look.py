"""What is asked of one span."""

import numpy as np
import pandas as pd
import pytest

from auditor.collect.prometheus_look import ENERGY, ask_counters, ask_named
from auditor.collect.prometheus_queries import Span
from auditor.domain.series import Samples

DAY = 86400
SLOT = Span(10 * DAY, 10 * DAY + 21600)


class Board:
    """One board's samples; every question is noted."""

    def __init__(self, times_s):
        self.times_s, self.asked = np.array(times_s, dtype=np.float64), []

    def raw(self, metric, span, *matchers):
        self.asked.append((metric, span, matchers))
        inside = self.times_s[(self.times_s >= span.start_s) & (self.times_s < span.end_s)]
        return Samples(
            pd.DataFrame({"UUID": ["GPU-1"]}),
            np.zeros(len(inside), dtype=np.int64),
            (inside * 1000).astype(np.int64),
            inside,
        )

    def last(self, metric, span, *matchers):
        self.asked.append((metric, span, matchers))
        return pd.DataFrame({"UUID": ["GPU-1"], "pod": ["x"]})


@pytest.mark.parametrize("ago_s", [60, 800, 3000, 5 * 3600, 23 * 3600, 25 * 3600])
def test_the_step_over_a_gap_is_found_for_a_day(ago_s):
    board = Board([SLOT.start_s - ago_s - 60, SLOT.start_s - ago_s, SLOT.start_s + 600])
    found = ask_counters(board, ENERGY, SLOT)
    assert (found.time_ms.min() < SLOT.start_s * 1000) == (ago_s < DAY)
    # A stand at either end is seen to its begin and its end.
    span = board.asked[0][1]
    assert span.start_s < SLOT.start_s - 600
    assert span.end_s > SLOT.end_s + 600


def test_pods_are_asked_for_by_either_label():
    board = Board([])
    assert ask_named(board, (ENERGY,), SLOT, ["x"])["pod"].tolist() == ["x", "x"]
    assert [one[2] for one in board.asked] == [
        (f'__name__=~"{ENERGY}"', 'pod=~"x"'),
        (f'__name__=~"{ENERGY}"', 'exported_pod=~"x"'),
    ]
