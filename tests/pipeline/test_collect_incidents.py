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
    assert receipt.collected_to_utc == datetime(2026, 11, 23, tzinfo=UTC)
    site.slurm.change(
        rows=[row(i, "bob", site.ago_s(hours=1), None, now_s=site.ago_s()) for i in (5, 6, 7)]
    )
    site.later(minutes=15)
    assert site.collect().collected_to_utc == site.now
    assert site.incidents() == {}


def test_a_controller_that_is_away_is_said_and_holds_nothing_up(site: Site) -> None:
    away = {"code": 1, "stderr": "slurm_load_jobs error: Unable to contact slurm controller\n"}
    site.slurm.change(
        rows=some_rows(site), faults=dict.fromkeys(("squeue", "sdiag", "scontrol", "sinfo"), away)
    )
    receipt = site.collect()
    assert (receipt.is_whole, receipt.collected_to_utc, receipt.n_new) == (True, NOW, 4)
    assert set(site.incidents()) == {"slurmctld_down"}
    site.slurm.change(faults={})
    assert site.collect().n_resolved == 1


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
