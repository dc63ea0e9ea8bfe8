"""A run from an export without Submit is the same run once somebody knows its Submit."""

from dataclasses import replace

import pandas as pd
import pytest

from .runs import MONDAY_S, STAND_IN, View, found, load

ONE = View("1")


def stand_in(raw="1", start_s=MONDAY_S + 60, **changes):
    """Return a view from an export without Submit: its Start stands in."""
    return replace(View(raw, submit_s=start_s, wait_s=0, flags=STAND_IN), **changes)


@pytest.mark.parametrize(
    "loads",
    [
        pytest.param([[stand_in(rank=9)], [ONE]], id="the real one comes second"),
        pytest.param([[ONE], [stand_in(rank=9)]], id="the real one comes first"),
        pytest.param([[ONE, stand_in(rank=9)]], id="in one load"),
        pytest.param([[stand_in(rank=9), ONE], [stand_in(rank=9)]], id="and again"),
        pytest.param([[stand_in(n_restarts=2)], [ONE], [stand_in()]], id="restarts do not matter"),
        pytest.param([[stand_in()], [stand_in(rank=2)], [ONE]], id="a newer stand-in between"),
    ],
)
def test_a_run_that_knows_its_submit_time_goes_before_its_stand_in(ledger, loads):
    for number, views in enumerate(loads):
        load(ledger, *views, digest=f"d{number}")
    assert found(ledger, "submit_utc", "quality_flags") == [
        (pd.Timestamp(MONDAY_S, unit="s", tz="UTC"), 0)
    ]


def test_a_stand_in_is_found_in_another_month(ledger):
    last_of_october = 1_793_490_000
    real = View("5", submit_s=last_of_october, wait_s=86400)
    load(ledger, stand_in("5", real.start_s), stand_in("6", real.start_s))
    receipt = load(ledger, real, digest="d2")
    assert receipt.n_superseded == 1
    assert found(ledger, "raw_job_id", "quality_flags") == [("5", 0), ("6", STAND_IN)]


def test_stand_ins_alone_are_told_apart_by_their_start(ledger):
    load(ledger, stand_in(), stand_in(start_s=MONDAY_S + 61), stand_in("2"))
    receipt = load(ledger, stand_in(rank=2, user="bob"), stand_in("2"), digest="d2")
    assert (receipt.n_superseded, receipt.n_unchanged) == (1, 1)
    assert sorted(found(ledger, "raw_job_id", "user")) == [
        ("1", "alice"),
        ("1", "bob"),
        ("2", "alice"),
    ]
