"""`auditor collect` on a real Slurm: its day as it goes, and again when sreport has rolled it up.

One file, so that one worker runs it: there is one cluster.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .auditing import Auditor, settled_part, used
from .cluster import USERS
from .oracle import (
    Span,
    gpu_suspended,
    summed,
    used_by_sacct,
    used_by_sreport,
)

WHOLE = ("jobs ended", "slurmdbd back", "slurmctld restarted", "state lost")
# A run that is suspended now has been working at times that nobody knows: only its sum is known.
STILL_SUSPENDED = {"erin", "reserved"}
RAN = {"alice", "bob", "carol", "dave.müller", "erin", "zoe"}
# sreport charges the idle time of a reservation to the accounts that were allowed in.
HAD_A_RESERVATION = {"erin", "reserved"}
RUN_AGAIN = ("requeued", "node lost and requeued", "preempted low")
N_KILLS = 200
# A ledger is filled by what a killed collection got done: several start from nothing.
N_LEDGERS = 20
SEED = 20_261_123


def without(names: set[str], sums: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {key: seconds for key, seconds in sums.items() if key[0] not in names}


@pytest.mark.parametrize("by", ["user", "account"])
@pytest.mark.parametrize("name", WHOLE)
def test_seconds_are_those_of_sacct(story, name, by):
    scene = story.scenes[name]
    assert scene.collected.code == 0, scene.collected.err
    left_out = set() if name == "state lost" else STILL_SUSPENDED
    expected = without(left_out, summed(scene.sacct, by=by))
    assert len(expected) >= 8
    assert used(scene.report, by=by, without=left_out) == expected


@pytest.mark.parametrize("name", ["jobs run", *WHOLE])
def test_a_collection_is_whole_and_refuses_nothing(story, name):
    (receipt,) = story.scenes[name].collected.document
    assert receipt["is_whole"]
    assert receipt["n_windows"] == receipt["n_windows_due"]
    assert (receipt["n_rejects"], receipt["failure"]) == (0, None)


def test_there_are_jobs_of_every_kind(story):
    assert len(story.ids) >= 40
    ended = {state.split()[0] for state in story.states_before.values()}
    assert ended >= {
        *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "DEADLINE", "NODE_FAIL", "PREEMPTED"),
        *("REQUEUED", "RUNNING", "SUSPENDED", "PENDING"),
    }


@pytest.mark.parametrize("name", [*WHOLE, "jobs run", "slurmdbd away"])
def test_nobody_appears_who_did_not_run(story, name):
    report = story.scenes[name].report
    assert {group["key"] for group in report["by"]["user"]} <= RAN
    assert not {"424242", "424243"} & {job["job_id"] for job in report["jobs"]}


def test_slurmdbd_away_is_an_incident_and_never_a_smaller_number(story):
    before, away = story.scenes["jobs ended"], story.scenes["slurmdbd away"]
    assert away.collected.code == 75
    (incident,) = away.report["quality"]["incidents"]
    assert (incident["code"], incident["resolved"]) == ("slurmdbd_down", None)
    for name in ("n_jobs", "core_s", "gpu_s", "energy_wh", "carbon_g"):
        assert away.report["totals"][name] >= before.report["totals"][name]


def test_what_ended_while_slurmdbd_was_away_is_there_when_it_is_back(story):
    back = story.scenes["slurmdbd back"]
    (incident,) = back.report["quality"]["incidents"]
    assert incident["code"] == "slurmdbd_down"
    assert incident["resolved"] is not None
    n_late = back.report["totals"]["n_jobs"] - story.scenes["jobs ended"].report["totals"]["n_jobs"]
    assert n_late == 3


def test_a_controller_that_restarts_rewrites_rows_and_changes_no_number(story):
    assert any(state != story.states_after[number] for number, state in story.states_before.items())
    (receipt,) = story.scenes["slurmctld restarted"].collected.document
    assert receipt["n_new"] == 0
    back, restarted = story.scenes["slurmdbd back"], story.scenes["slurmctld restarted"]
    assert restarted.report["totals"]["n_jobs"] == back.report["totals"]["n_jobs"]


def test_an_id_that_comes_again_is_another_job(story):
    """Ids begin again at 1 where slurmctld lost its state; the older jobs stay."""
    assert set(story.reused) <= set(story.ids.values())
    (receipt,) = story.scenes["state lost"].collected.document
    assert receipt["n_new"] == len(story.reused)


def charged_by_sreport(past):
    """Return what sreport charges, less the GPU-seconds of suspension.

    sreport takes the time of suspension off CPUs, and not off GPUs.
    """
    charged = used_by_sreport(past.slurm, past.span)
    for key, seconds in gpu_suspended(past.slurm, past.span).items():
        charged[key] -= seconds
    return charged


@pytest.mark.parametrize("by", ["user", "account"])
def test_seconds_are_those_of_sreport(past, by):
    expected = without(HAD_A_RESERVATION, summed(charged_by_sreport(past), by=by))
    assert len(expected) >= 8
    report = past.auditor.report(past.span)
    assert used(report, by=by, without=HAD_A_RESERVATION) == expected


def test_sacct_and_sreport_agree_where_no_reservation_was(past):
    sacct, sreport = used_by_sacct(past.slurm, past.span), charged_by_sreport(past)
    inside = ("erin", "reserved", "core_s")
    assert sreport.pop(inside) >= sacct.pop(inside)
    assert sreport == sacct


def test_a_reservation_costs_what_was_used_of_it(past):
    sacct = summed(used_by_sacct(past.slurm, past.span), by="user")
    assert used(past.auditor.report(past.span), by="user") == sacct


def test_a_gpu_was_suspended(past):
    """Else the agreement above would not show how suspension is treated."""
    assert gpu_suspended(past.slurm, past.span)


def test_every_run_of_a_job_counts(past, story):
    start, end = past.span.words
    answer = past.auditor.ask("report", "--json", "--by", "job", "-S", start, "-E", end)
    reported = [job["job_id"] for job in answer.document["jobs"] if job["elapsed_s"] > 0]
    out = past.slurm.ask("sacct", "-aXDPn", "-S", start, "-E", end, "-o", "JobIDRaw,ElapsedRaw")
    rows = [row.split("|")[0] for row in out.splitlines() if not row.endswith("|0")]
    for tag in RUN_AGAIN:
        job = story.ids[tag]
        assert reported.count(job) == rows.count(job) >= 2


def test_ten_more_collections_change_nothing(past):
    before = past.auditor.report(past.span)
    for _ in range(10):
        assert past.auditor.collect().code == 0
    assert settled_part(past.auditor.report(past.span)) == settled_part(before)
    assert past.auditor.findings() == []


def test_an_ordinary_user_is_refused_and_nothing_is_loaded(past):
    zoe = USERS["zoe"]
    auditor = Auditor(past.slurm, "refused", past.since, zoe)
    answer = auditor.collect()
    assert answer.code == 4
    (receipt,) = answer.document
    assert (receipt["n_jobs"], receipt["collected_to"]) == (0, None)
    assert [incident["code"] for incident in receipt["incidents"]] == ["not_operator"]
    start, end = past.span.words
    report = auditor.ask("report", "--json", "-S", start, "-E", end)
    assert report.code == 3
    assert "not whole" in report.err


def test_the_trap_is_real(past):
    """sacct says nothing of what it withholds."""
    start, end = past.span.words
    command = ("sacct", "-aXPn", "-S", start, "-E", end, "-o", "User")
    everybody = past.slurm.run(*command)
    zoes = past.slurm.run(*command, user=USERS["zoe"])
    assert len(set(everybody.stdout.split())) > 3
    assert (set(zoes.stdout.split()), zoes.returncode, zoes.stderr) == ({"zoe"}, 0, "")


def test_a_right_that_was_taken_away_is_an_incident_until_it_is_given_back(past):
    auditor = past.auditor
    before = auditor.report(past.span)

    def set_level(level: str) -> None:
        change = ("sacctmgr", "-iQ", "modify", "user", "auditor", "set", f"adminlevel={level}")
        past.slurm.ask(*change)

    set_level("none")
    try:
        refused = auditor.collect()
    finally:
        set_level("operator")
    assert refused.code == 4
    until_now = Span(past.span.start_s, int(time.time()) + 1)
    during = auditor.report(until_now)["quality"]["incidents"]
    assert [(one["code"], one["resolved"]) for one in during] == [("not_operator", None)]
    assert auditor.report(past.span)["totals"] == before["totals"]
    assert auditor.collect().code == 0
    (mended,) = auditor.report(until_now)["quality"]["incidents"]
    assert mended["resolved"] is not None


def kill_after(auditor: Auditor, delay_s: float) -> bool:
    """Start a collection, kill it after a while; tell whether it was still at it."""
    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    process = auditor.start("collect", "--json", **silent)
    try:
        assert process.wait(timeout=delay_s) == 0
    except subprocess.TimeoutExpired:
        entered = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for child in entered.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
    code = process.wait(timeout=60)
    assert code in {0, -signal.SIGKILL}
    return code != 0


def whole_collection_s(auditor: Auditor) -> float:
    begun = time.monotonic()
    assert auditor.collect().code == 0
    return time.monotonic() - begun


def test_two_hundred_kills_leave_the_ledger_as_one_collection_does(past):
    untouched = Auditor(past.slurm, "untouched", past.since)
    length_s = whole_collection_s(untouched)
    expected = settled_part(untouched.report(past.span))
    draw = random.Random(SEED)  # noqa: S311
    struck = Auditor(past.slurm, "struck", past.since)
    for _ in range(N_LEDGERS):
        shutil.rmtree(struck.ledger, ignore_errors=True)
        n_killed = 0
        while n_killed < N_KILLS // N_LEDGERS:
            n_killed += kill_after(struck, draw.uniform(0.0, length_s))
        length_s = whole_collection_s(struck)
        assert settled_part(struck.report(past.span)) == expected
        assert struck.findings() == []
