"""Asking again for a time that was asked for before never makes the doubts grow."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.domain.period import Period
from auditor.domain.reject import Reject
from auditor.ledger.interface import Filters, LoadSource, Note
from auditor.ledger.ledger import Ledger
from auditor.ledger.load_table import LoadTable

from .runs import View, batch

MIDNIGHT = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATE = Note("late", "records came late", "Wait.")
NOTE = Note("old", "Slurm is old", "Renew it.")


def bad(*texts, line=5):
    return tuple(Reject("sacct alpha", line + n, "cut", text) for n, text in enumerate(texts))


def window(first_h, last_h, content="", name="sacct alpha"):
    return LoadSource(
        name,
        lambda: f"content {content}",
        "2026-11-23T00:00:00Z",
        (MIDNIGHT + first_h * HOUR, MIDNIGHT + last_h * HOUR),
    )


def asked(ledger, source, *views, rejects=(), notes=()):
    return ledger.load([batch(*views, rejects=rejects, notes=notes, n_steps=1)], source)


def told(ledger, *filters):
    """Return what the desk says of its loads: rows, jobs, rejects, and the texts of those."""
    said = ledger.quality(*filters)
    assert said.n_rows == said.n_jobs + said.n_steps + said.n_rejected
    assert ledger.check() == ()
    return said.n_loads, said.n_jobs, said.n_rejected, [r.text for r in said.rejects]


def test_a_wider_window_takes_the_place_of_those_within(ledger):
    asked(ledger, window(12, 16), View("1"), rejects=bad("x|y", "z"), notes=(LATE,))
    asked(ledger, window(16, 18), rejects=bad("w"))
    asked(ledger, window(12, 18), View("1"), View("2"), rejects=bad("z"), notes=(NOTE,))
    assert told(ledger) == (1, 2, 1, ["z"])
    assert [said.note for said in ledger.quality().notes] == [NOTE]


@pytest.mark.parametrize("content", ["same", "other"])
def test_a_window_asked_again_counts_once(ledger, content):
    for number in range(4):
        name = "same" if content == "same" else f"{number}"
        asked(ledger, window(0, 6, name), View("1"), rejects=bad("x", "x"), notes=(NOTE,))
        assert told(ledger) == (1, 1, 2, ["x", "x"])


def test_what_a_window_said_is_taken_back_when_it_says_something_else_and_comes_back(ledger):
    for content, texts in [("a", ("x",)), ("b", ()), ("a", ("x",))]:
        asked(ledger, window(0, 6, content), View("1"), rejects=bad(*texts))
        assert told(ledger) == (1, 1, len(texts), list(texts))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param((0, 24), (18, 24), (1, 1, 3, ["x", "x", "new"]), id="within an earlier"),
        pytest.param((12, 24), (18, 30), (2, 2, 3, ["x", "x", "new"]), id="overlapping"),
        pytest.param((0, 24), (24, 30), (2, 2, 3, ["x", "x", "new"]), id="side by side"),
    ],
)
def test_a_bad_row_that_two_windows_met_is_one(ledger, first, second, expected):
    asked(ledger, window(*first), View("1"), rejects=bad("x", "x"))
    asked(ledger, window(*second), View("1"), rejects=bad("new", "x", line=900))
    assert told(ledger) == expected


def test_a_bad_row_without_text_is_not_known_again(ledger):
    for first_h in (0, 6):
        asked(ledger, window(first_h, first_h + 6), rejects=bad(""))
    assert told(ledger)[2] == 2


def test_sources_do_not_replace_one_another(ledger):
    """Empty answers are all alike."""
    for name in ("sacct alpha", "sacct beta"):
        asked(ledger, window(0, 24, name=name), rejects=bad("x"), notes=(NOTE,))
    assert told(ledger)[:3] == (2, 0, 2)
    assert [said.source for said in ledger.quality().notes] == ["sacct alpha", "sacct beta"]


def test_a_load_without_a_window_stands_for_itself(ledger):
    file = LoadSource("sacct alpha", lambda: "d1", "2026-11-23T00:00:00Z")
    asked(ledger, file, View("1"), rejects=bad("x"))
    asked(ledger, window(-9999, 9999), View("1"), rejects=bad("x"))
    assert told(ledger) == (2, 2, 2, ["x", "x"])


def test_the_same_content_under_another_cluster_is_another_load(ledger):
    """Its runs are others: `pods.json` of two clusters that nothing in it tells apart."""
    loads = [("alpha", 2, (LATE,)), ("beta", 1, (NOTE,)), ("alpha", 2, ()), ("beta", 1, ())]
    for cluster, n_bad, notes in loads:
        runs = [View("1", cluster=cluster), View("2", cluster=cluster)]
        source = LoadSource("pods.json", lambda: "d1", "2026-11-23T00:00:00Z", cluster=cluster)
        asked(ledger, source, *runs, rejects=bad(*"xy"[:n_bad]), notes=notes)
    assert told(ledger)[:3] == (2, 4, 3)
    assert told(ledger, None, Filters(cluster=("beta",))) == (1, 2, 1, ["x"])
    assert told(ledger, None, Filters(cluster=("alpha",))) == (1, 2, 2, ["x", "y"])
    (found,) = ledger.quality(None, Filters(cluster=("beta",))).notes
    assert found.note == NOTE


@pytest.mark.parametrize(
    "clusters",
    [
        pytest.param(("alpha",), id="as it names itself"),
        pytest.param(("alpha", "beta"), id="several in one"),
        pytest.param((), id="no runs at all"),
    ],
)
def test_a_load_that_an_older_program_knows_stays_one(ledger, clusters):
    views = [View(str(n), cluster=cluster) for n, cluster in enumerate(clusters)]
    file = LoadSource("jobs.csv", lambda: "d1", "2026-11-23T00:00:00Z")
    for _ in range(2):
        asked(ledger, file, *views, rejects=bad("x"))
        assert known_loads(ledger) == [("d1",)]


@pytest.mark.parametrize(("cluster", "is_said"), [("alpha", True), ("beta", False)])
def test_a_load_without_runs_is_of_the_cluster_that_was_asked(ledger, cluster, is_said):
    asked(ledger, replace(window(0, 6), cluster="alpha"), rejects=bad("x"))
    assert told(ledger, None, Filters(cluster=(cluster,)))[2] == is_said


@pytest.mark.parametrize(
    ("first_h", "last_h", "n_loads"),
    [(-2, 0, 0), (-2, 1, 1), (24, 30, 0), (23, 30, 1), (-90, 90, 1)],
)
def test_an_empty_window_belongs_to_the_time_it_was_asked_for(ledger, first_h, last_h, n_loads):
    asked(ledger, window(first_h, last_h), rejects=bad("x"))
    day = Period(MIDNIGHT, MIDNIGHT + 24 * HOUR, "UTC", "day")
    assert told(ledger, day)[0] == n_loads
    assert told(ledger, day, Filters(cluster=("beta",)))[0] == n_loads


def test_loads_that_left_nothing_behind_are_forgotten(ledger):
    asked(ledger, window(0, 1), View("1"))
    for minute in range(20):
        asked(ledger, window(0, 1 + minute / 60), View("1"))
    assert len(known_loads(ledger)) == 2
    asked(ledger, window(0, 24), replace(View("1"), rank=9))
    ledger.vacuum(keep_days=0)
    assert len(known_loads(ledger)) == 1
    assert ledger.check() == ()


def known_loads(ledger):
    with closing(sqlite3.connect(ledger.folder / "desk.sqlite")) as connection:
        return connection.execute("SELECT digest FROM loads").fetchall()


def test_the_next_window_answers_for_a_load_that_was_killed(ledger, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LoadTable, "record", die)
        with pytest.raises(KeyboardInterrupt):
            asked(ledger, window(0, 7), View("1"), View("2"))
    assert [finding.code for finding in ledger.check()] == ["loads"]
    asked(ledger, window(0, 8, name="sacct beta"), View("9", cluster="beta"))
    assert [finding.code for finding in ledger.check()] == ["loads"]
    asked(ledger, window(0, 8), View("1"), View("2"))
    assert ledger.check() == ()


_EDGES = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda w: (w[0], w[0] + w[1]))


def n_widest(asked_for):
    """Return how many windows are left that lie in no other, where the later replaces."""
    left = []
    for first, last in asked_for:
        left = [old for old in left if not (first <= old[0] and old[1] <= last)]
        left.append((first, last))
    return sum(
        not any(one != other and other[0] <= one[0] and one[1] <= other[1] for other in left)
        for one in left
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked_for=st.lists(st.tuples(_EDGES, st.integers(0, 99)), max_size=12))
def test_asking_often_is_like_asking_once(tmp_path_factory, asked_for):
    """Bad row n lies in hour n: however often it is met, it is there once."""
    with Ledger.open(tmp_path_factory.mktemp("ledger"), create=True) as ledger:
        for (first_h, last_h), content in asked_for:
            rejects = bad(*(f"row {hour}" for hour in range(first_h, last_h)))
            asked(ledger, window(first_h, last_h, str(content)), rejects=rejects)
        said = ledger.quality(n_shown=1000)
        assert said.n_loads == said.n_steps == n_widest(edges for edges, _ in asked_for)
        met = {hour for edges, _ in asked_for for hour in range(*edges)}
        assert sorted(r.text for r in said.rejects) == sorted(f"row {hour}" for hour in met)
        assert said.n_rejected == len(met)
        assert ledger.check() == ()
