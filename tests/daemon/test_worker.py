"""Who works, how he is, and what of time: clocks that are turned by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from auditor.daemon.clock import ClockWatch, step_text
from auditor.daemon.duties import Duties, Duty, duties_of
from auditor.daemon.lock import only_daemon
from auditor.daemon.standing import Standing
from auditor.daemon.watch import Hand
from auditor.daemon.worker import Worker
from auditor.errors import AuditorError, ConfigError, LedgerError
from auditor.settings.models import Settings

_NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


class _Hands:
    """A worker with a clock to turn."""

    def __init__(self) -> None:
        self.monotonic_s = 0.0
        nothing = lambda *_, **__: ()  # noqa: E731
        duties = Duties(nothing, nothing, nothing, lambda: _NOW, lambda _settings: Standing())
        self.worker = Worker(duties, monotonic_s=lambda: self.monotonic_s)

    def perform(self, perform, name: str = "collect") -> None:
        self.worker.perform(Duty(name, 60.0, 10.0, perform), Settings())


@pytest.mark.parametrize(
    ("sign", "is_stuck"),
    [
        pytest.param(lambda hand: None, True, id="no sign of life"),
        pytest.param(lambda hand: hand.should_stop(), False, id="asks whether to stop"),
        pytest.param(lambda hand: hand.show("day 2 of 9"), False, id="shows how far it is"),
    ],
)
def test_a_long_duty_is_stuck_only_without_signs_of_life(sign, is_stuck: bool) -> None:
    hands = _Hands()
    found = []

    def perform(hand: Hand) -> None:
        for _ in range(5):
            hands.monotonic_s += 9.0
            sign(hand)
        hands.monotonic_s += 9.0
        found.append(hands.worker.is_stuck())

    hands.perform(perform)
    assert found == [is_stuck]
    assert not hands.worker.is_stuck()
    assert hands.worker.work is None


def test_the_first_failure_gives_the_exit_code_and_success_ends_trouble() -> None:
    hands = _Hands()

    def failing(failure: AuditorError):
        def perform(_hand: Hand) -> None:
            raise failure

        return perform

    hands.perform(failing(LedgerError("away\nmore")))
    hands.perform(failing(ConfigError("wrong")), "publish")
    assert hands.worker.trouble == {"collect": "away", "publish": "wrong"}
    assert hands.worker.exit_code == 75
    hands.perform(lambda _hand: None)
    hands.perform(lambda _hand: "no connection", "send")
    assert hands.worker.trouble == {"publish": "wrong", "send": "no connection"}


def test_who_was_asked_to_stop_begins_nothing() -> None:
    hands = _Hands()
    hands.worker.ask_stop()
    hands.perform(lambda _hand: pytest.fail("begun"))
    assert hands.worker.should_stop()


def test_duties_come_in_the_order_of_the_line_and_as_often_as_configured() -> None:
    duties = Duties(None, None, None, lambda: _NOW)  # type: ignore[arg-type]
    found = [(duty.name, duty.every_s) for duty in duties_of(Settings(), duties)]
    assert found == [("collect", 900.0), ("publish", 600.0), ("send", 120.0)]
    # A call of Slurm that takes as long as it may is not stuck.
    assert duties_of(Settings(), duties)[0].bound_s > Settings().collect.timeout_s


@pytest.mark.parametrize(
    ("steps_s", "expected"),
    [
        pytest.param([0, 30, -30], [None, None, None], id="the work of a time server"),
        pytest.param([86_400, 0], [timedelta(days=1), None], id="a day forward, told once"),
        pytest.param([-86_400, 0], [timedelta(days=-1), None], id="a day back"),
        pytest.param([-59, -59], [None, timedelta(seconds=-118)], id="little by little"),
        pytest.param([31_536_000], [timedelta(days=365)], id="a year"),
    ],
)
def test_a_clock_that_is_set_is_noticed(steps_s: list[int], expected: list) -> None:
    clock = {"wall": _NOW, "monotonic": 5.0}
    watch = ClockWatch(lambda: clock["wall"], lambda: clock["monotonic"])
    found = []
    for step_s in steps_s:
        clock["monotonic"] += 30.0
        clock["wall"] += timedelta(seconds=30.0 + step_s)
        found.append(watch.step())
    assert found == expected


def test_a_jump_is_told_in_words() -> None:
    assert step_text(timedelta(days=-1)).startswith("the clock went back by 1 day, 0:00:00 (it was")
    assert "or the host slept" in step_text(timedelta(hours=8))


def test_a_lock_that_cannot_be_made_is_told(tmp_path) -> None:
    (tmp_path / "daemon.lock").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(LedgerError, match="the lock of the daemon cannot be made") as caught,
        only_daemon(tmp_path),
    ):
        pytest.fail("taken")
    assert caught.value.exit_code == 75
    assert not (tmp_path / "elsewhere").exists()
