"""Shortfalls of a collection: said, kept, and over when they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.pipeline.collect_parts import Silent
from tests.collect.fake_slurm import DATABASE_DOWN, NODES, row
from tests.pipeline.collect_site import HOUR_S, NOW, SINCE, Site, some_rows

DOWN = {"code": 1, "stderr": DATABASE_DOWN.format(program="x")}


@pytest.mark.parametrize(
    ("faults", "world", "code", "exit_code"),
    [
        pytest.param({"sacct": DOWN, "sacctmgr": DOWN}, {}, "slurmdbd_down", 75,
            id="slurmdbd down"),
        pytest.param({"sacct": {**DOWN, "after": 3}}, {}, "slurmdbd_down", 75,
            id="down in between"),
        pytest.param({"sacct": {"code": 111, "after": 2, "stderr": "sacct: error: lost\n"}}, {},
            "sacct_failed", 75, id="it dies in between"),
        pytest.param({"sacct": {"code": 0, "after": 3, "stderr": "sacct: error: odd\n"}}, {},
            "sacct_failed", 75, id="a complaint with code 0"),
        pytest.param({"sacct": {"cut": 900, "after": 3}}, {}, "sacct_cut", 75, id="a torn record"),
        pytest.param({"sacct": {"cut": 0, "after": 1}}, {}, "sacct_cut", 75, id="no header"),
        pytest.param({}, {"clusters": ["beta"]}, "cluster_unknown", 75, id="unknown cluster"),
        pytest.param({}, {"level": "None", "private": "jobs"}, "not_operator", 4, id="private"),
        pytest.param({}, {"level": None, "private": "jobs"}, "not_operator", 4, id="a stranger"),
        pytest.param({"sacctmgr": {"code": 1, "stderr": "sacctmgr: error: no\n"}}, {},
            "sacct_failed", 75, id="sacctmgr fails"),
    ],
)  # fmt: skip
def test_a_collection_that_fails_is_an_incident_and_no_smaller_number(
    site: Site, faults: dict[str, Any], world: dict[str, Any], code: str, exit_code: int
) -> None:
    site.slurm.change(rows=some_rows(site))
    well = dict(site.slurm.world)
    site.slurm.change(faults=faults, **world)
    error = site.fails()
    assert (error.code, error.exit_code) == (code, exit_code)
    incident = site.incidents()[code]
    state = site.state()
    cursor = SINCE if state is None else state.collected_to_utc
    assert cursor < NOW
    assert (incident.start_utc, incident.end_utc, incident.cluster) == (cursor, None, "alpha")
    assert incident.hint
    site.later(minutes=15)
    site.fails()
    assert site.incidents()[code].first_seen_utc == NOW
    site.slurm.change(**well)
    site.later(minutes=15)
    receipt = site.collect()
    assert (receipt.is_whole, receipt.n_resolved) == (True, 1)
    assert site.incidents() == {}
    assert site.incidents(unresolved_only=False)[code].resolved_utc == site.now
    assert sorted(site.book().index) == ["1", "2", "3", "4"]
    assert site.findings() == ()


def test_missing_programs_and_timeouts(site: Site) -> None:
    (site.slurm.folder / "sacctmgr").unlink()
    assert site.fails().code == "slurm_missing"
    script = site.slurm.folder / "sacctmgr"
    script.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    script.chmod(0o755)
    settings = site.settings
    site.settings = lambda **collect: settings(timeout_s=1, **collect)  # type: ignore[method-assign]
    assert site.fails().code == "timeout"
    assert set(site.incidents()) == {"slurm_missing", "timeout"}


def test_a_right_that_goes_while_sacct_answers_loads_nothing(site: Site) -> None:
    site.slurm.change(rows=some_rows(site), level="Operator", private="jobs")

    class Demotes(Silent):
        def advanced(self, *_: object) -> None:
            site.slurm.change(level="None")

    with pytest.raises(Exception, match="does not see the runs of everybody"):
        site.collect(Demotes())
    state = site.state()
    assert state is not None
    assert state.collected_to_utc == datetime(2026, 11, 22, tzinfo=UTC)
    assert site.book().empty
    site.slurm.change(level="Operator")
    assert site.collect().n_new == 4


def test_what_was_purged_before_the_first_collection_is_said(site: Site) -> None:
    site.slurm.change(purge="20 hours")
    assert {incident.code for incident in site.collect().incidents} == {"purged"}
    incident = site.incidents()["purged"]
    assert (incident.start_utc, incident.end_utc) == (SINCE, NOW - timedelta(hours=20))
    site.later(minutes=15)
    assert site.collect().incidents == ()
    assert set(site.incidents()) == {"purged"}


def test_records_that_wait_hold_the_cursor(site: Site) -> None:
    site.collect()
    site.slurm.change(queue=40)
    site.later(hours=3)
    receipt = site.collect()
    assert (receipt.is_whole, receipt.collected_to_utc) == (True, NOW)
    incident = site.incidents()["dbd_queue"]
    assert (incident.start_utc, incident.end_utc) == (NOW, None)
    assert "40 records" in incident.text
    # They come, of a time that the look back would no longer reach from now.
    site.slurm.change(queue=0, rows=[row(7, "bob", site.ago_s(hours=2), HOUR_S)])
    site.later(hours=20)
    receipt = site.collect()
    assert (receipt.n_new, receipt.n_resolved, receipt.collected_to_utc) == (1, 1, site.now)
    assert site.incidents() == {}


def test_running_jobs_that_accounting_does_not_know(site: Site) -> None:
    site.slurm.change(
        rows=[row(5, "bob", site.ago_s(hours=1), None, now_s=site.ago_s())],
        running=[[job, str(site.ago_s(minutes=n))] for job, n in (("5", 60), ("6", 30), ("7", 1))],
    )
    receipt = site.collect()
    incident = site.incidents()["running_jobs_missing"]
    assert "6." in incident.text
    assert incident.start_utc == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert receipt.is_held
    assert receipt.collected_to_utc == NOW - timedelta(minutes=30)
    site.slurm.change(
        rows=[row(i, "bob", site.ago_s(hours=1), None, now_s=site.ago_s()) for i in (5, 6, 7)]
    )
    site.later(minutes=15)
    assert site.collect().collected_to_utc == site.now
    assert site.incidents() == {}


def test_a_missing_job_is_missing_until_accounting_names_it(site: Site) -> None:
    start = NOW + timedelta(minutes=10)
    start_s = int(start.timestamp())
    site.collect()
    site.later(hours=1)
    site.slurm.change(running=[["6", str(start_s)]])
    site.collect()
    # It ends, and days pass; what came with it is of a time that no look back reaches.
    site.slurm.change(running=[])
    for _ in range(3):
        site.later(days=4)
        receipt = site.collect()
        assert (receipt.is_held, receipt.n_asked_by_id, receipt.n_resolved) == (True, 1, 0)
        assert receipt.collected_to_utc == start
    assert set(site.incidents()) == {"running_jobs_missing"}
    late = [row(6, "bob", start_s, 2 * HOUR_S), row(7, "carol", start_s + HOUR_S, HOUR_S)]
    site.slurm.change(rows=late)
    site.later(minutes=15)
    receipt = site.collect()
    assert (receipt.n_new, receipt.n_resolved, receipt.collected_to_utc) == (2, 1, site.now)
    site.later(minutes=15)
    assert site.collect().n_asked_by_id == 0


def test_a_job_that_accounting_never_comes_to_know_holds_it_for_a_month(site: Site) -> None:
    start_s = site.ago_s(minutes=30)
    site.slurm.change(running=[["6", str(start_s)]])
    site.collect()
    site.slurm.change(running=[])
    site.later(days=29)
    assert site.collect().is_held
    site.later(days=1)
    receipt = site.collect()
    assert [incident.code for incident in receipt.incidents] == ["jobs_lost"]
    assert site.collect().collected_to_utc == site.now
    # Nothing mends it: what it kept short stays short.
    incident = site.incidents()["jobs_lost"]
    assert (incident.start_utc, incident.end_utc) == (NOW - timedelta(minutes=30), NOW)
    assert set(site.incidents()) == {"jobs_lost"}


def test_an_outage_longer_than_the_look_back_is_asked_again_whole(site: Site) -> None:
    site.collect()
    site.slurm.change(faults={"sacct": DOWN, "sacctmgr": DOWN})
    site.later(days=10)
    site.fails()
    # slurmdbd is back, and what slurmctld kept for it is on its way.
    late = [row(n, "bob", site.ago_s(days=n), HOUR_S) for n in range(1, 10)]
    site.slurm.change(faults={}, queue=900, rows=late[:4])
    site.later(hours=1)
    receipt = site.collect()
    assert (receipt.is_whole, receipt.is_held, receipt.n_new) == (True, True, 4)
    assert (receipt.collected_to_utc, receipt.n_resolved) == (NOW, 0)
    assert set(site.incidents()) == {"slurmdbd_down", "dbd_queue"}
    state = site.state()
    assert state is not None
    assert state.deep_utc == NOW
    site.slurm.change(queue=0, rows=late)
    site.later(minutes=15)
    receipt = site.collect()
    assert (receipt.n_new, receipt.n_resolved, receipt.collected_to_utc) == (5, 2, site.now)


@pytest.mark.parametrize(
    ("lengths", "n_waits"),
    [
        pytest.param([40, 7, 0], 1, id="until it is empty"),
        pytest.param([30, 20], 3, id="or short three times"),
    ],
)
def test_a_doubt_is_over_when_the_queue_was_empty(
    site: Site, monkeypatch: pytest.MonkeyPatch, lengths: list[int], n_waits: int
) -> None:
    site.collect()
    site.slurm.change(queue=200)
    site.later(minutes=15)
    site.collect()
    assert set(site.incidents()) == {"dbd_queue"}

    def queue_of(number: int) -> None:
        site.slurm.change(queue=lengths[number % len(lengths)])

    for n_wait in range(n_waits):
        assert site.incidents()
        looks = iter(range(1, 99))
        queue_of(0)
        monkeypatch.setattr(
            "auditor.pipeline.collect_parts._sleep", lambda _, left=looks: queue_of(next(left))
        )
        site.later(minutes=15)
        receipt = site.collect()
        assert receipt.is_held is (n_wait + 1 < n_waits)
    assert site.incidents() == {}
    behind = timedelta(minutes=0 if lengths[-1] == 0 else 10)
    assert receipt.collected_to_utc == site.now - behind


def test_a_queue_that_is_never_empty_does_not_hold_a_busy_cluster_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(range(999))
    monkeypatch.setattr(
        "auditor.pipeline.collect_parts._sleep",
        lambda _: site.slurm.change(queue=1 + next(looks) % 3),
    )
    site.slurm.change(queue=3)
    for _ in range(3):
        site.later(hours=12)
        receipt = site.collect()
        assert (receipt.is_held, receipt.incidents) == (False, ())
        assert receipt.collected_to_utc == site.now - timedelta(minutes=10)


def test_the_same_short_queue_is_an_incident_the_second_time(site: Site) -> None:
    site.slurm.change(queue=1)
    receipt = site.collect()
    assert (receipt.is_held, receipt.incidents, receipt.collected_to_utc) == (True, (), SINCE)
    site.later(minutes=15)
    assert site.collect().collected_to_utc == SINCE
    assert set(site.incidents()) == {"dbd_queue"}


def test_sdiag_that_does_not_tell_is_said(site: Site) -> None:
    site.slurm.change(queue="?")
    assert site.collect().is_held
    assert "does not say" in site.incidents()["dbd_queue"].text


@pytest.mark.parametrize("ahead", [timedelta(minutes=30), timedelta(days=400)])
def test_a_clock_that_was_ahead_is_not_believed(site: Site, ahead: timedelta) -> None:
    site.now += ahead
    site.collect()
    # The clock is right again; what ended lies far behind the cursor. Slurm is away at first.
    site.now = NOW + timedelta(minutes=15)
    site.slurm.change(rows=[row(1, "alice", site.ago_s(hours=20), HOUR_S)])
    site.slurm.change(faults={"sacct": DOWN})
    site.fails()
    assert site.incidents()["clock_set_back"].start_utc == SINCE
    state = site.state()
    assert state is not None
    assert (state.collected_to_utc, state.deep_utc) == (SINCE, None)
    site.slurm.change(faults={})
    site.later(minutes=15)
    receipt = site.collect()
    assert (receipt.n_new, receipt.collected_to_utc) == (1, site.now)
    assert site.incidents() == {}
    assert "clock_set_back" in site.incidents(unresolved_only=False)


def test_while_the_controller_is_away_nothing_is_taken_to_be_whole(site: Site) -> None:
    away = {"code": 1, "stderr": "slurm_load_jobs error: Unable to contact slurm controller\n"}
    site.slurm.change(
        rows=some_rows(site), faults=dict.fromkeys(("squeue", "sdiag", "scontrol", "sinfo"), away)
    )
    receipt = site.collect()
    assert (receipt.is_whole, receipt.collected_to_utc, receipt.n_new) == (True, SINCE, 4)
    assert set(site.incidents()) == {"slurmctld_down"}
    site.later(days=9)
    assert (site.collect().collected_to_utc, site.receipts[-1].n_resolved) == (SINCE, 0)
    site.slurm.change(faults={})
    receipt = site.collect()
    assert (receipt.n_resolved, receipt.collected_to_utc) == (1, site.now)


def test_gpus_that_accounting_does_not_record(site: Site) -> None:
    site.slurm.change(tres="cpu,mem,energy,node,billing")
    assert site.collect().is_whole
    incident = site.incidents()["gpus_untracked"]
    assert (incident.start_utc, incident.end_utc) == (SINCE, NOW)
    site.slurm.change(tres="cpu,gres/gpu")
    site.later(minutes=15)
    site.collect()
    assert site.incidents()["gpus_untracked"].end_utc == NOW
    site.slurm.change(nodes=NODES + "cpu1|(null)|8|8:1:1|16000|epyc\n", tres="cpu")
    site.later(minutes=15)
    assert site.collect().incidents == ()
