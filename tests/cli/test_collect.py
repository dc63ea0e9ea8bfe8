"""`auditor collect` and `auditor report --from sacct`, as typed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.collect.slurm_rights import Caller
from tests.collect.fake_slurm import FakeSlurm, row

NOW_S = 1_795_435_200  # 2026-11-23 12:00 UTC
CONFIG = """
[site]
timezone = "Europe/Berlin"
[ledger]
path = "ledger"
[collect]
since = 2026-11-22
[[clusters]]
name = "alpha"
collect = "sacct"
slurm_bin = "{folder}"
"""


@pytest.fixture
def slurm(tmp_path: Path, run, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    fake = FakeSlurm(tmp_path / "slurm")
    (tmp_path / "auditor.toml").write_text(CONFIG.format(folder=fake.folder))
    monkeypatch.setenv("AUDITOR_NOW", "2026-11-23T12:00:00Z")
    monkeypatch.setattr("auditor.wiring.collecting.caller", lambda: Caller("alice", 1001))
    fake.change(
        rows=[
            row(1, "alice", NOW_S - 20 * 3600, 3600),
            row(2, "bob", NOW_S - 2 * 3600, 3600, JobName="\x1b[2Jx"),
        ]
    )
    return fake


def test_receipts_for_people_and_programs(slurm: FakeSlurm, run) -> None:
    answer = run("collect")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "alpha: collected up to 2026-11-23T12:00:00Z; 2 jobs read: 2 new, 0 updated, 0 known\n"
    )
    (receipt,) = json.loads(run("collect", "--json").out)
    assert (receipt["cluster"], receipt["is_whole"], receipt["n_new"]) == ("alpha", True, 0)
    assert receipt["collected_to"] == "2026-11-23T12:00:00Z"
    assert (receipt["failure"], receipt["incidents"]) == (None, [])


def test_where_no_bar_can_be_shown_a_line_now_and_then_says_how_far_it_is(
    slurm: FakeSlurm, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.pipeline.collect_pace.EVERY_S", 0.0)
    first, *_rest = run("collect", "--json").err.splitlines()
    assert re.fullmatch(r"alpha: up to 2026-11-2\d \d\d:\d\d UTC, 1 of \d windows", first)


def test_who_may_not_see_everybody_ends_with_4(slurm: FakeSlurm, run) -> None:
    slurm.change(level="None", private="jobs")
    answer = run("collect")
    assert answer.code == 4
    assert "does not see the runs of everybody" in answer.err
    answer = run("collect", "--json")
    assert answer.code == 4
    (receipt,) = json.loads(answer.out)
    assert receipt["failure"]["code"] == "not_operator"
    assert [one["code"] for one in receipt["incidents"]] == ["not_operator"]
    assert (receipt["n_jobs"], receipt["collected_to"]) == (0, None)


def test_what_cannot_be_reached_ends_with_75(slurm: FakeSlurm, run) -> None:
    slurm.change(faults={"sacct": {"code": 1, "stderr": "sacct: error: \x1b[31mno\n"}})
    answer = run("collect")
    assert (answer.code, "\x1b[31mno" in answer.err) == (75, False)
    assert "ended with code 1" in answer.err


def test_which_clusters(slurm: FakeSlurm, run) -> None:
    assert run("collect", "--cluster", "alpha").code == 0
    answer = run("collect", "--cluster", "beta")
    assert (answer.code, "beta" in answer.err) == (2, True)
    Path("auditor.toml").write_text('[[clusters]]\nname = "alpha"\n')
    answer = run("collect")
    assert (answer.code, 'collect = "sacct"' in answer.err) == (6, True)


def test_shortfalls_that_stop_nothing_are_said(
    slurm: FakeSlurm, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.pipeline.collect_parts._sleep", lambda _: None)
    slurm.change(queue=70)
    answer = run("collect")
    assert answer.code == 0
    assert "dbd_queue: 70 records wait in slurmctld" in answer.err


def test_a_report_from_sacct_needs_no_ledger(slurm: FakeSlurm, run) -> None:
    answer = run("report", "--from", "sacct", "--since", "2026-11-22", "--json")
    assert answer.code == 0
    found = json.loads(answer.out)
    assert {line["key"] for line in found["by"]["user"]} == {"alice", "bob"}
    assert "own_runs_only" not in answer.out
    assert not Path("ledger").exists()


def test_a_report_from_sacct_says_whose_runs_it_holds(slurm: FakeSlurm, run) -> None:
    slurm.change(level="None", private="jobs", range="12:00:00", widest_s=12 * 3600)
    answer = run("report", "--from", "sacct", "--since", "2026-11-22", "--by", "user")
    assert answer.code == 0
    assert "Slurm shows alice only the runs that they may see" in " ".join(answer.out.split())
    assert "bob" not in answer.out
    head = answer.out.partition("Emitted")[0]
    assert "jobs visible to alice" in head
    assert "all jobs" not in answer.out
    assert "Slurm shows alice only the runs that they may see" in " ".join(head.split())
    found = json.loads(run("report", "--from", "sacct", "--since", "2026-11-22", "--json").out)
    assert found["filters"] == {"visible_to": ["alice"]}
    assert run("report", "--from", "sacct", "--since", "2026-11-22", "--strict").code == 5


def test_of_another_user_slurm_may_have_hidden_everything(slurm: FakeSlurm, run) -> None:
    slurm.change(level="None", private="jobs")
    sacct = ("report", "--from", "sacct", "--since", "2026-11-22", "--user")
    answer = run(*sacct, "bob")
    assert (answer.code, "hides those of others" in answer.err) == (3, True)
    answer = run(*sacct, "alice")
    assert answer.code == 0
    assert "user alice" in answer.out
    assert "only the runs that they may see" not in answer.out


def test_a_cluster_by_another_name(slurm: FakeSlurm, run) -> None:
    answer = run("report", "--from", "sacct", "--cluster", "nosuch")
    assert (answer.code, "knows no cluster nosuch" in answer.err) == (75, True)
    assert "Is it alpha?" in answer.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_after_the_window_in_hand(
    slurm: FakeSlurm, run, tmp_path: Path, number: signal.Signals
) -> None:
    gate = slurm.folder / "gate"
    wrapper = slurm.folder / "sacct"
    wrapper.unlink()
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *"-S "*) echo x >> {gate}; /bin/sleep 1 ;; esac\n'
        f'exec {slurm.folder}/thinking/sacct "$@"\n'
    )
    wrapper.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "collect", "--json"],
        cwd=tmp_path,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not gate.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopping" in err
    (receipt,) = json.loads(out)
    assert (receipt["is_whole"], receipt["failure"], receipt["incidents"]) == (False, None, [])
    assert receipt["n_windows"] == 1
    wrapper.unlink()
    wrapper.symlink_to(slurm.folder / "thinking" / "answer")
