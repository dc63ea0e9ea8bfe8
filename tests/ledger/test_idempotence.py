"""The law of the ledger: which views were loaded decides, never how, how often or in what order."""

import tempfile
from dataclasses import replace

import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from auditor.domain.frames import BOOK, names
from auditor.ledger.ledger import Ledger

from .runs import MONDAY_S, STAND_IN, View, batch, source

DAY_S = 86400
# Two of the submit times are in November, one is the last of October.
SUBMITS_S = [MONDAY_S, MONDAY_S + 60, MONDAY_S - 16 * DAY_S]
WANTED = ("cluster", "raw_job_id", "n_restarts", "rank", "user", "job_id")
STATES = ["PENDING", "RUNNING", "COMPLETED"]


@st.composite
def views(draw):
    """Draw a view of one of a few runs, from an export with Submit or without."""
    raw = draw(st.sampled_from(["7", "07", "7_1"]))
    submit_s = draw(st.sampled_from(SUBMITS_S))
    wait_s = draw(st.sampled_from([0, 60, 2 * DAY_S]))
    n_restarts = draw(st.sampled_from([0, 1]))
    level = draw(st.sampled_from([1, 2, 3]))
    # What a view says follows from its run and its rank, as in an accounting database.
    view = View(
        raw,
        submit_s=submit_s,
        wait_s=60 * n_restarts + {MONDAY_S: 0, MONDAY_S + 60: 2 * DAY_S}.get(submit_s, 16 * DAY_S),
        n_restarts=n_restarts,
        rank=10 * level,
        state=STATES[level - 1],
        user=f"user{level}",
        cluster=draw(st.sampled_from(["alpha", "beta"])),
        elapsed_s=level * 1000,
    )
    if not draw(st.booleans()):
        return view
    return replace(
        view,
        submit_s=submit_s + wait_s,
        wait_s=0,
        flags=STAND_IN,
        rank=view.rank + n_restarts,
        user=f"user{level}{n_restarts}",
    )


@st.composite
def task_views(draw):
    """Draw a view of one of a few runs of array tasks, from exports that lack this or that.

    Two runs of a task share neither Submit nor start.
    """
    task, run, level = (draw(st.integers(0, n)) for n in (1, 1, 2))
    submit_s = SUBMITS_S[1 + run]
    wait_s = {(0, 1): 20 * DAY_S, (1, 1): None}.get((task, run), 120)
    view = View(
        draw(st.sampled_from([str(75 + task), f"14_{task}"])),
        job_id=f"14_{task}",
        parent="14",
        submit_s=submit_s,
        wait_s=wait_s,
        n_restarts=run,
        rank=1 + level + 10 * task,
        user=f"user{level}",
        elapsed_s=1000,
        given_up_after_s=7777,
    )
    if view.raw.isdigit() and draw(st.booleans()):
        view = replace(view, job_id=view.raw, parent=None, rank=view.rank + 100)
    if draw(st.booleans()):
        return view
    moment_s = view.end_s if view.start_s is None else view.start_s
    wait_s = None if view.start_s is None else 0
    return replace(
        view,
        submit_s=moment_s,
        wait_s=wait_s,
        given_up_after_s=0,
        flags=STAND_IN,
        rank=view.rank + 200,
        user=f"{view.user}s",
    )


def expected_rows(loaded: list[View]) -> set[tuple]:
    """Say in plain Python which views the book must hold."""
    best: dict[tuple, View] = {}
    for view in loaded:
        restarts = "stand-in" if view.flags else view.n_restarts
        key = (view.cluster, view.raw, view.submit_s, restarts)
        if key not in best or view.rank > best[key].rank:
            best[key] = view
    real = [view for view in best.values() if not view.flags]
    starts = {(view.cluster, view.raw, view.start_s) for view in real}
    starts |= {(view.cluster, view.raw, view.submit_s) for view in real}
    kept = real + [
        v for v in best.values() if v.flags and (v.cluster, v.raw, v.start_s) not in starts
    ]
    return {row_of(view) for view in kept}


def expected_tasks(loaded: list[View]) -> set[tuple]:
    """Say the same of array tasks: ids that no view brings together stay two rows."""
    rows = set()
    for run in {
        (view.job_id if view.parent else f"14_{int(view.raw) - 75}", view.n_restarts)
        for view in loaded
    }:
        views = [v for v in loaded if v.n_restarts == run[1] and v.raw in (run[0], raw_of(run[0]))]
        digits = [view for view in views if view.raw != run[0]]
        is_named = any(view.parent for view in digits)
        for side in [digits] if is_named else [digits, [v for v in views if v.raw == run[0]]]:
            if side:
                best = max(side, key=lambda view: (not view.flags, view.rank))
                rows.add(row_of(replace(best, job_id=run[0]) if is_named else best))
    return rows


def raw_of(job_id: str) -> str:
    return str(75 + int(job_id.removeprefix("14_")))


def row_of(view: View) -> tuple:
    job_id = view.job_id or view.raw
    return (
        view.cluster, view.raw, view.submit_s, view.n_restarts, view.rank, view.user, job_id,
    )  # fmt: skip


def rows_of(frame: pd.DataFrame) -> list[tuple]:
    submits_s = frame["submit_utc"].dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    columns = [frame[name] for name in WANTED]
    cluster, raw, restarts, rank, user, job_id = (column.tolist() for column in columns)
    seconds = submits_s.astype(int).tolist()
    return list(zip(cluster, raw, seconds, restarts, rank, user, job_id, strict=True))


def histories(drawn):
    """Return loads of batches of views."""
    return st.lists(st.lists(st.lists(drawn, max_size=4), min_size=1, max_size=2), max_size=4)


@given(
    st.one_of(
        st.tuples(histories(views()), st.just(expected_rows)),
        st.tuples(histories(task_views()), st.just(expected_tasks)),
    ),
    st.randoms(use_true_random=False),
)
@settings(
    deadline=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
def test_only_the_set_of_views_matters(history, random):
    loads, expected = history
    with tempfile.TemporaryDirectory() as folder:
        with Ledger.open(f"{folder}/one", create=True) as one:
            receipts = [
                one.load([batch(*piece) for piece in load], source(f"d{number}"))
                for number, load in enumerate(loads)
            ]
            rows = rows_of(one.read())
            everything = [view for load in loads for piece in load for view in piece]
            assert len({row[:4] for row in rows}) == len(rows)
            assert set(rows) == expected(everything)
            for receipt in receipts:
                fates = (receipt.n_new, receipt.n_superseded, receipt.n_unchanged)
                assert sum(fates) + receipt.n_duplicate_in_load == receipt.n_jobs
            again = random.sample(everything, len(everything))
            before = one.version
            one.load([batch(*again)], source("again"))
            assert one.version == before
            table = one.read()
        with Ledger.open(f"{folder}/two", create=True) as two:
            for number, view in enumerate(again[:2]):
                two.load([batch(view)], source(f"d{number}"))
            two.load([batch(*again[2:])], source("rest"))
            pd.testing.assert_frame_equal(
                two.read()[names(BOOK)], table, check_categorical=False, check_exact=True
            )
