"""One pod told of again and again, by anybody and in any order: one run, the same in the end."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline.pod_site import HOUR, INFERRED, NOW, SAID, Look, Pod, PodSite

LOOKED, LISTED, ENDED, GONE = (NOW - hours * HOUR for hours in (6, 5, 4, 3))
BEGUN = NOW - 8 * HOUR
OTHER = Pod("other", NOW - 9 * HOUR, n_gpu=0)
RUNNING = Pod("pod", BEGUN)
ENDS = replace(RUNNING, end_utc=ENDED)
# What meters saw of it: the first two hours.
METERED = replace(RUNNING, end_utc=BEGUN + 2 * HOUR)


class History:
    """A site where looks, lists and meters tell of a pod whenever they are told to."""

    def __init__(self, folder: Path) -> None:
        self.site = PodSite(folder, [RUNNING, OTHER], since=NOW - 12 * HOUR, knows_ends=False)
        self.site.lookback = timedelta(days=1)

    def look(self, *pods: Pod, seen_utc: datetime = NOW, has_meters: bool = False) -> None:
        """Collect: the API shows these pods as they were, the meters what they ever saw."""
        text = self.site.listing([*pods, OTHER], seen_utc)

        @contextmanager
        def look(_should_stop: object) -> Iterator[Look]:
            yield Look(io.BytesIO(text.encode()), str(hash(text)), seen_utc, ())

        self.site.look = look
        self.site.pods = [METERED, OTHER]
        self.site.has_meters = has_meters
        assert self.site.collect().failure is None

    def listed(self, pod: Pod, seen_utc: datetime) -> None:
        self.site.ingest(pod, OTHER, seen_utc=seen_utc)


EVENTS: dict[str, Callable[[History], None]] = {
    "open": lambda site: site.look(RUNNING, seen_utc=LOOKED),
    "ended": lambda site: site.look(ENDS, seen_utc=GONE),
    "gone": lambda site: site.look(),
    "list open": lambda site: site.listed(RUNNING, LISTED),
    "list ended": lambda site: site.listed(ENDS, GONE),
    "meters": lambda site: site.look(RUNNING, seen_utc=LOOKED, has_meters=True),
}
# What is told of it, the last moment that is known of it, and what became of it.
STORIES = {
    "it was seen, and is gone": (["open", "gone"], LOOKED, "DELETED"),
    "a list saw it later": (["open", "gone", "list open"], LISTED, "DELETED"),
    "metered, and a list": (["meters", "gone", "list open"], LISTED, "DELETED"),
    "a list saw it end": (["open", "gone", "list ended"], ENDED, "COMPLETED"),
    "metered, a list saw it end": (["meters", "gone", "list ended"], ENDED, "COMPLETED"),
    "a look saw it end": (["ended", "gone", "meters"], ENDED, "COMPLETED"),
    "all of them": (["gone", "list open", "list ended", "meters"], ENDED, "COMPLETED"),
}
ORDERS = [
    pytest.param(order, last, state, id=f"{story}: {', '.join(order)}")
    for story, (events, last, state) in STORIES.items()
    for order in permutations(events)
]


@pytest.mark.parametrize(("order", "last", "state"), ORDERS)
def test_the_order_and_the_repetition_of_what_is_told_change_no_run(
    tmp_path: Path, order: tuple[str, ...], last: datetime, state: str
) -> None:
    history = History(tmp_path)
    for event in order:
        EVENTS[event](history)
    # The last word is the API's: it is not there any more.
    history.look()
    row = history.site.book().loc["pod"]
    assert (row["state"], row["is_open"], row["end_utc"]) == (state, False, last)
    assert row["elapsed_s"] == (last - BEGUN).total_seconds()
    assert row["quality_flags"] == (INFERRED if state == "DELETED" else 0)
    if "meters" in order:
        assert row["gpu_energy_j"] == 2 * 3600 * 200.0
        assert row["gpu_metered_ratio"] == pytest.approx(2 * HOUR / (last - BEGUN))
    # What was told first is told again, when all is known.
    EVENTS[order[0]](history)
    history.look()
    again = history.site.book().loc["pod", SAID]
    pd.testing.assert_series_equal(again, row[SAID])
    assert history.site.findings() == ()
