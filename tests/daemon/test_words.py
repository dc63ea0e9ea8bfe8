"""What the log says of receipts, whole lines; nothing where nothing happened."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.collect.errors import CollectError
from auditor.daemon.watch import CollectWatch
from auditor.daemon.words import collect_lines, publish_lines, send_lines
from auditor.domain.incident import Incident
from auditor.domain.week import WeekState
from auditor.pipeline.collect_parts import CollectReceipt
from auditor.pipeline.sending import SendReceipt
from auditor.pipeline.weeks import PublishedWeek

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_HEAD = "alpha: up to 2026-11-23 12:00 UTC"


def _incident(code: str) -> Incident:
    return Incident("sacct alpha", "alpha", code, f"text of {code}", "", _NOON, None, _NOON, _NOON)


def _failure(code: str) -> CollectError:
    return CollectError(f"text of {code}", code=code, hint="Mend it.")


@pytest.mark.parametrize(
    ("receipt", "lines"),
    [
        pytest.param(
            CollectReceipt("alpha", True, 1, 1, _NOON, n_new=1234, n_superseded=5),
            [f"{_HEAD}; 1,234 new, 5 updated"],
            id="whole",
        ),
        pytest.param(
            CollectReceipt("alpha", False, 3, 30, _NOON, n_rejects=2, n_resolved=1),
            [
                (
                    f"{_HEAD}; 0 new, 0 updated, 2 rows refused; 3 of 30 windows;"
                    " earlier gaps are closed"
                )
            ],
            id="stopped",
        ),
        pytest.param(
            CollectReceipt("alpha", True, 1, 1, None, incidents=(_incident("dbd_queue"),)),
            ["alpha: nothing yet; 0 new, 0 updated", "alpha: dbd_queue: text of dbd_queue"],
            id="an incident",
        ),
        pytest.param(
            CollectReceipt(
                "alpha",
                False,
                0,
                1,
                None,
                incidents=(_incident("timeout"), _incident("gpus_untracked")),
                failure=_failure("timeout"),
            ),
            ["alpha: gpus_untracked: text of gpus_untracked"],
            id="a failure is told by who raises it",
        ),
    ],
)
def test_a_collection_in_words(receipt: CollectReceipt, lines: list[str]) -> None:
    assert collect_lines(receipt) == lines


def test_a_published_week_in_words() -> None:
    week = PublishedWeek(
        "2026-W47", WeekState.RESTATED, 2, 1200, 17, Path("/pages/2026-W47"), ("3 late",)
    )
    assert publish_lines([week]) == [
        "2026-W47 restated, revision 2: 1,200 pages in /pages/2026-W47, 17 mails queued; 3 late"
    ]
    assert publish_lines([]) == []


def test_a_month_has_no_pages_and_what_is_held_is_not_published() -> None:
    month = PublishedWeek("2026-11", WeekState.CLOSED, 1, 0, 17, Path("/pages"), ())
    held = PublishedWeek("2026-W48", WeekState.CLOSED, 1, 0, 0, Path("/p"), ("away",), is_held=True)
    assert publish_lines([month, held]) == [
        "2026-11 closed: 17 mails queued",
        "2026-W48 is held back and tried again; away",
    ]


@pytest.mark.parametrize(
    ("receipt", "lines"),
    [
        pytest.param(SendReceipt(0, 0, 0, 9, "no connection"), [], id="nothing sent"),
        pytest.param(
            SendReceipt(3, 1, 2, 1, None),
            ["3 sent, 1 to be tried again, 2 parked (`auditor send` shows them); 1 wait"],
            id="of each kind",
        ),
    ],
)
def test_a_round_of_mail_in_words(receipt: SendReceipt, lines: list[str]) -> None:
    assert send_lines(receipt) == lines


class _Hand:
    def __init__(self) -> None:
        self.shown: list[str] = []
        self.logged: list[str] = []

    def should_stop(self) -> bool:
        return False

    def show(self, detail: str) -> None:
        self.shown.append(detail)

    def log(self, lines) -> None:
        self.logged += lines


def test_a_watch_shows_the_days_and_tells_every_failure_but_the_one_raised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hand = _Hand()
    watch = CollectWatch(hand)
    watch.started("alpha", 2)
    watch.advanced("alpha", (_NOON, _NOON), None)
    watch.finished(CollectReceipt("alpha", False, 1, 2, None, failure=_failure("timeout")))
    watch.finished(CollectReceipt("beta", False, 0, 2, None, failure=_failure("slurm_missing")))
    watch.finished(CollectReceipt("gamma", True, 2, 2, _NOON))
    assert hand.shown == ["alpha, 0 of 2 windows", "alpha, 1 of 2 windows"]
    assert hand.logged == ["gamma: up to 2026-11-23 12:00 UTC; 0 new, 0 updated"]
    told = [record.getMessage() for record in caplog.records]
    assert told == ["collect beta: text of slurm_missing (Mend it.)"]


def test_the_log_of_a_long_collection_says_how_far_it_is() -> None:
    hand = _Hand()
    clock = iter([0.0, 0.0, 10.0, 40.0, 50.0])
    watch = CollectWatch(hand, lambda: next(clock))
    watch.started("alpha", 3)
    for _ in range(3):
        watch.advanced("alpha", (_NOON, _NOON), None)
    assert hand.logged == ["alpha: up to 2026-11-23 12:00 UTC, 2 of 3 windows"]
