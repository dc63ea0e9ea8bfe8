"""What a question takes out of the book, and what it leaves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from deltalake import DeltaTable

from auditor.domain.period import Period
from auditor.ledger.interface import Filters

from .runs import HOUR_S, MONDAY_S, View, found, load

WEEK = Period(
    datetime.fromtimestamp(MONDAY_S, UTC),
    datetime.fromtimestamp(MONDAY_S, UTC) + timedelta(days=7),
    "UTC",
    "2026-W47",
)


NEVER = {"wait_s": None}


EDGES = [
    pytest.param(View(submit_s=MONDAY_S - 3661), False, id="ends as the week starts"),
    pytest.param(View(submit_s=MONDAY_S - 3659), True, id="ends a second later"),
    pytest.param(View(submit_s=MONDAY_S - 90 * 86400, elapsed_s=200 * 86400), True, id="covers it"),
    pytest.param(View(submit_s=MONDAY_S + 7 * 86400 - 61), True, id="starts a second before"),
    pytest.param(View(submit_s=MONDAY_S + 7 * 86400 - 60), False, id="starts as the week ends"),
    pytest.param(View(submit_s=MONDAY_S, wait_s=0, elapsed_s=0), True, id="no length, at start"),
    pytest.param(
        View(submit_s=MONDAY_S + 7 * 86400, wait_s=0, elapsed_s=0), False, id="no length, at end"
    ),
    pytest.param(View(submit_s=MONDAY_S - HOUR_S, **NEVER), True, id="given up at the start"),
    pytest.param(
        View(submit_s=MONDAY_S + 7 * 86400 - HOUR_S, **NEVER), False, id="given up at the end"
    ),
    pytest.param(View(is_pending=True, **NEVER), False, id="pending"),
]


@pytest.mark.parametrize(("view", "is_in"), EDGES)
@pytest.mark.parametrize("beside", [True, False], ids=["among others", "alone"])
def test_a_period_takes_what_overlaps_it(ledger, view, is_in, beside):
    load(ledger, view, *([View("77"), View("78", submit_s=MONDAY_S - 10**7)] if beside else []))
    assert ("1" in set(ledger.read(WEEK)["raw_job_id"])) is is_in


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"user": ("alice",)}, {"1", "10", "11"}),
        ({"user": ("alice", "o'neil")}, {"1", "2", "10", "11"}),
        ({"user": ("o'neil",), "cluster": ("alpha",)}, set()),
        ({"cluster": ("b'eta",)}, {"2"}),
        ({"account": ("bio",)}, {"3"}),
        ({"state": ("FAILED",)}, {"3"}),
        ({"partition": ("nosuch",)}, set()),
        ({"qos": ("qos",), "partition": ("partition",)}, {"1", "2", "3", "10", "11"}),
        ({"jobs": ("1",)}, {"1"}),
        ({"jobs": ("4711",)}, {"10", "11"}),
        ({"jobs": ("4711_2", "3")}, {"11", "3"}),
        ({"jobs": ("11",)}, {"11"}),
        ({"jobs": ("471",)}, set()),
    ],
)
def test_filters_take_exact_values(ledger, filters, expected):
    load(
        ledger,
        View("1"),
        View("2", user="o'neil", cluster="b'eta"),
        View("3", user=None, account="bio", state="FAILED"),
        View("10", job_id="4711_1", parent="4711"),
        View("11", job_id="4711_2", parent="4711"),
    )
    assert set(ledger.read(None, Filters(**filters))["raw_job_id"]) == expected


ODD_NAMES = [
    "42",
    "2026-11-23",
    "a b",
    "a/b",
    "50%",
    "o'neil",
    'q"uote',
    "é",
    "a=b&c",
    "..",
    "[x]*",
]


def test_odd_cluster_names_come_back_as_they_were(ledger):
    views = [View("1", cluster=name) for name in ODD_NAMES]
    load(ledger, *views)
    assert load(ledger, *views, digest="d2").n_unchanged == len(views)
    later = [replace(view, rank=2, user="bob") for view in views]
    assert load(ledger, *later, digest="d3").n_superseded == len(views)
    assert sorted(found(ledger, "cluster", "user")) == sorted((name, "bob") for name in ODD_NAMES)
    for name in ODD_NAMES:
        assert found(ledger, "cluster", cluster=(name,)) == [(name,)]
    other_engine = DeltaTable(str(ledger.folder / "book")).to_pyarrow_table()
    assert sorted(other_engine.column("cluster").to_pylist()) == sorted(ODD_NAMES)


def test_the_parts_of_a_version_make_the_whole(ledger):
    views = [
        View(str(n), submit_s=MONDAY_S + n * 10 * 86400, cluster="ab"[n % 2]) for n in range(9)
    ]
    load(ledger, *views)
    parts = ledger.read_in_parts(columns=["raw_job_id", "energy_wh"])
    first = next(parts)
    load(ledger, *(replace(view, rank=2, energy_wh=0.0) for view in views), digest="d2")
    rows = pd.concat([first, *parts])
    assert len(first) < 9
    assert sorted(rows["raw_job_id"]) == [str(n) for n in range(9)]
    assert rows["energy_wh"].gt(0).all()
