"""The daemon as a process: real signals, and a manager that speaks systemd's protocol."""

import re
import signal

import pytest

from tests.daemon.conftest import House, ended, stopped


def test_ready_comes_with_the_ledger_and_the_duties_follow_in_order(house: House) -> None:
    process = house.start()
    house.manager.hear_exactly("READY=1")
    assert (house.folder / "ledger" / "desk.sqlite").exists()
    house.await_event("send Example HPC")
    assert house.events() == [f"{name} Example HPC" for name in ("collect", "publish", "send")]
    code, log = stopped(process)
    assert code == 0
    assert "off duty" in log
    assert "STOPPING=1" in house.manager.told or house.manager.hear_exactly("STOPPING=1")


@pytest.mark.parametrize("house", ["abstract"], indirect=True)
def test_an_abstract_socket_is_heard_too(house: House) -> None:
    process = house.start()
    house.manager.hear_exactly("READY=1")
    assert stopped(process)[0] == 0


def test_without_a_manager_it_works_all_the_same(house: House) -> None:
    house.watchdog_s = None
    process = house.start(NOTIFY_SOCKET="")
    house.await_event("send Example HPC")
    assert stopped(process)[0] == 0


def test_the_status_says_what_it_does_and_what_comes_next(house: House) -> None:
    house.order(publish="stuck")
    process = house.start()
    told = house.manager.hear(lambda told: told.startswith("STATUS=publishing since "))
    assert re.search(r"; 3 mails wait; next: .*\bcollecting \d\d:\d\d", told)
    house.order()
    told = house.manager.hear(lambda told: told.startswith("STATUS=on duty; "))
    assert "\n" not in told
    assert stopped(process)[0] == 0


def test_a_configuration_with_problems_ends_it_before_it_is_ready(house: House) -> None:
    house.configure("[week]\ngrace_hours = -1\nnonsense = 2\n")
    code, log = ended(house.start())
    assert code == 6
    assert "week.grace_hours" in log
    assert "week.nonsense: no such key" in log
    assert house.manager.listen(0.05) == []


def test_the_watchdog_is_fed_while_idle(house: House) -> None:
    process = house.start()
    for _ in range(5):
        house.manager.hear_exactly("WATCHDOG=1")
    assert stopped(process)[0] == 0


def test_a_stuck_duty_starves_the_watchdog_until_it_goes_on(house: House) -> None:
    house.order(collect="stuck")
    process = house.start()
    house.manager.hear(lambda told: told.startswith("STATUS=STUCK collecting since "))
    assert "WATCHDOG=1" not in house.manager.listen(4 * house.watchdog_s)
    house.order()
    house.manager.hear_exactly("WATCHDOG=1")
    code, log = stopped(process)
    assert code == 0
    assert log.count("collect: no sign of life for 0.5 s: stuck") == 1


def test_sigterm_finishes_the_unit_of_work_and_begins_no_other(house: House) -> None:
    house.order(collect="units 100000")
    process = house.start()
    house.await_event("collect unit 3 begun")
    code, log = stopped(process)
    house.manager.hear_exactly("STOPPING=1")
    assert code == 0
    events = house.events()
    assert re.fullmatch(r"collect unit \d+ done", events[-1])
    assert len([e for e in events if e.endswith("begun")]) < 100_000
    assert not [e for e in events if e.startswith(("publish", "send"))]
    assert "SIGTERM: stopping after what is in hand" in log


def test_a_second_sigterm_leaves_at_once(house: House) -> None:
    house.order(collect="stuck")
    process = house.start()
    house.await_event("collect Example HPC")
    process.send_signal(signal.SIGTERM)
    house.manager.hear_exactly("STOPPING=1")
    process.send_signal(signal.SIGTERM)
    code, log = ended(process)
    assert code == -signal.SIGTERM
    assert "leaving at once" in log


def test_sighup_takes_a_good_configuration(house: House) -> None:
    process = house.start()
    house.await_event("send Example HPC")
    house.manager.hear_exactly("READY=1")
    house.configure(name="New name")
    process.send_signal(signal.SIGHUP)
    told = house.manager.hear(lambda told: told.startswith("RELOADING=1"))
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", told)
    house.manager.hear_exactly("READY=1")
    house.await_event("send New name")
    assert stopped(process)[0] == 0


_ZONE = '[[clusters]]\nname = "alpha"\nzone = "NOWHERE"\n'


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param("[daemon]\nsend_every_minutes = 0\nx = 1\n",
                     ["daemon.send_every_minutes", "daemon.x: no such key"], id="not valid"),
        pytest.param("[daemon\n", ["is not valid TOML"], id="not TOML"),
        pytest.param(_ZONE, ["NOWHERE"], id="names lead nowhere"),
        pytest.param("", ["another ledger needs a restart"], id="another ledger"),
    ],
)  # fmt: skip
def test_sighup_leaves_the_old_configuration_where_the_new_is_bad(
    house: House, text: str, problems: list[str]
) -> None:
    process = house.start()
    house.await_event("send Example HPC")
    house.manager.hear_exactly("READY=1")
    house.configure(text, name="New name")
    if not text:
        moved = house.config.read_text(encoding="utf-8").replace('"ledger"', '"elsewhere"')
        house.config.write_text(moved, encoding="utf-8")
    process.send_signal(signal.SIGHUP)
    house.manager.hear(lambda told: told.startswith("RELOADING=1"))
    house.manager.hear_exactly("READY=1")
    # It still listens, and what it does next it does as before.
    house.order(clock_h="-24")
    house.await_event("send Example HPC", 2)
    code, log = stopped(process)
    assert code == 0
    assert "New name" not in " ".join(house.events())
    assert "the configuration stays as it was" in log
    assert [problem for problem in problems if problem not in log] == []


@pytest.mark.parametrize("hours", ["-24", "24"], ids=["set back a day", "set forward a day"])
def test_a_clock_that_is_set_does_not_put_it_to_sleep(house: House, hours: str) -> None:
    process = house.start()
    house.await_event("send Example HPC")
    house.order(clock_h=hours)
    house.await_event("send Example HPC", 2)
    code, log = stopped(process)
    assert code == 0
    assert f"the clock went {'back' if hours == '-24' else 'forward'} by " in log


def test_its_duties_come_again_in_their_rhythm(house: House) -> None:
    house.order(every_minutes="0.001")
    process = house.start()
    house.await_event("collect Example HPC", 4)
    assert stopped(process)[0] == 0


def test_an_expected_failure_is_a_line_with_its_hint_and_is_tried_again(house: House) -> None:
    house.order(collect="fail", every_minutes="0.002")
    process = house.start()
    house.await_event("collect Example HPC", 2)
    house.await_event("send Example HPC")
    told = house.manager.hear(lambda told: "collecting failed: " in told)
    assert "\x1b" not in told
    house.order(every_minutes="0.002")
    house.manager.hear(lambda told: told.startswith("STATUS=on duty") and "failed" not in told)
    code, log = stopped(process)
    assert code == 0
    assert "collect: slurmdbd?[31m is? away (Start it.)\n" in log
    assert "Traceback" not in log


def test_a_bug_is_told_with_its_traceback_and_ends_it_with_1(house: House) -> None:
    house.order(collect="bug")
    code, log = ended(house.start())
    assert code == 1
    assert "Traceback (most recent call last):" in log
    assert "in act\n" in log
    assert "ZeroDivisionError: slurmdbd?[31m is? away" in log
    assert "\x1b" not in log
    assert "publish Example HPC" not in house.events()


def test_after_a_kill_the_next_one_is_on_duty_at_once(house: House) -> None:
    house.order(collect="units 100000")
    process = house.start()
    house.await_event("collect unit 2 begun")
    process.kill()
    process.wait()
    house.manager.listen(0.05)
    house.order()
    process = house.start()
    house.manager.hear_exactly("READY=1")
    house.await_event("send Example HPC")
    assert stopped(process)[0] == 0


@pytest.mark.parametrize("words", [(), ("--once",)], ids=["daemon", "once"])
def test_a_second_one_is_refused(house: House, words: tuple[str, ...]) -> None:
    first = house.start()
    house.await_event("send Example HPC")
    code, log = ended(house.start(*words))
    assert code == 75
    assert f"another daemon is on duty for the ledger in {house.folder / 'ledger'}" in log
    assert f"process {first.pid}" in log
    assert house.events().count("collect Example HPC") == 1
    assert stopped(first)[0] == 0


@pytest.mark.parametrize(
    ("orders", "code"),
    [
        pytest.param({}, 0, id="all well"),
        pytest.param({"publish": "refuse"}, 6, id="one fails"),
        pytest.param({"collect": "fail", "publish": "refuse"}, 75, id="the first to fail counts"),
    ],
)
def test_once_tries_all_three_and_ends(house: House, orders: dict[str, str], code: int) -> None:
    house.order(**orders)
    assert ended(house.start("--once"))[0] == code
    assert house.events() == [f"{name} Example HPC" for name in ("collect", "publish", "send")]


def test_once_ends_after_the_unit_in_hand(house: House) -> None:
    house.order(collect="units 100000")
    process = house.start("--once")
    house.await_event("collect unit 3 begun")
    assert stopped(process)[0] == 0
    assert re.fullmatch(r"collect unit \d+ done", house.events()[-1])


def test_once_with_a_bug_keeps_its_traceback(house: House) -> None:
    house.order(collect="bug")
    code, log = ended(house.start("--once"))
    assert code == 1
    assert "Traceback (most recent call last):" in log
    assert "ZeroDivisionError: slurmdbd?[31m is? away" in log
