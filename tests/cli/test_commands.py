"""Whole commands over one small export whose numbers are worked out by hand."""

import json
import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.conftest import EXPORT

WEEK = ("--week", "2026-W47")
# Job 11: 6 h, 2 A100 at the default load; 8 cores with 24 h of CPU time (half load).
# Job 12: 1 h, 4 cores with 2 h of CPU time (half load).


def document(answer):
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_an_export_goes_in_and_its_rows_are_accounted_for(run):
    answer = run("ingest", "jobs.txt")
    assert answer.code == 0
    assert "5 rows = 2 jobs + 1 steps + 2 rejects; 2 new, 0 updated, 0 known" in answer.out
    again = run("ingest", "jobs.txt")
    assert "0 new, 0 updated, 2 known" in again.out


def test_the_report_adds_up_and_keeps_its_rejects(run):
    run("ingest", "jobs.txt")
    report = document(run("report", *WEEK, "--json"))
    totals = report["totals"]
    assert totals["n_jobs"] == 2
    assert totals["gpu_s"] == 2 * 6 * 3600
    assert totals["core_s"] == 8 * 6 * 3600 + 4 * 3600
    cpu_wh = 8 * (1 + 3 * 0.5) * 6 + 4 * (1 + 3 * 0.5) * 1
    assert report["components_wh"]["cpu"] == pytest.approx(cpu_wh, rel=1e-12)
    node_wh = 100 * (8 / 64) * 6 + 100 * (4 / 64) * 1
    assert report["components_wh"]["node"] == pytest.approx(node_wh, rel=1e-12)
    assert totals["energy_wh"] == pytest.approx(totals["it_energy_wh"] * 1.5, rel=1e-12)
    assert sum(report["components_wh"].values()) == pytest.approx(totals["energy_wh"], rel=1e-12)
    for groups in report["by"].values():
        assert sum(g["energy_wh"] for g in groups) == pytest.approx(totals["energy_wh"], rel=1e-9)
        assert sum(g["carbon_g"] for g in groups) == pytest.approx(totals["carbon_g"], rel=1e-9)
    assert report["quality"]["n_rejected"] == 2
    assert {reject["line"] for reject in report["quality"]["rejects"]} == {5, 6}


def test_carbon_is_counted_hour_by_hour(run):
    run("ingest", "jobs.txt")
    report = document(run("report", *WEEK, "--json", "--by", "job"))
    by_id = {job["job_id"]: job for job in report["jobs"]}
    # 10:00 to 16:00 in Berlin is 09:00 to 15:00 UTC: three hours at 200 and three at 400.
    assert by_id["11"]["carbon_g"] == pytest.approx(by_id["11"]["energy_wh"] / 1000 * 300)
    assert by_id["12"]["carbon_g"] == pytest.approx(by_id["12"]["energy_wh"] / 1000 * 200)


def test_a_period_cuts_a_run_and_its_parts_add_up(run):
    run("ingest", "jobs.txt")
    edges = ("2026-11-16T00:00", "2026-11-16T13:17:23", "2026-11-17")
    parts = [
        document(run("report", "-S", start, "-E", end, "--json"))["totals"]
        for start, end in pairwise(edges)
    ]
    whole = document(run("report", "-S", edges[0], "-E", edges[-1], "--json"))["totals"]
    for key in ("energy_wh", "carbon_g", "gpu_s", "core_s"):
        assert sum(part[key] for part in parts) == pytest.approx(whole[key], rel=1e-12)


def test_filters_are_saccts(run):
    run("ingest", "jobs.txt")
    for option, value, n_jobs in (
        ("-u", "alice", 1),
        ("--project", "bio,ml", 2),
        ("-s", "F", 1),
        ("-j", "11", 1),
        ("-r", "gpu", 1),
        ("-M", "alpha", 2),
    ):
        assert document(run("report", *WEEK, "--json", option, value))["totals"]["n_jobs"] == n_jobs


def test_exports_can_be_read_without_a_ledger(run, site):
    once = document(run("report", "--from", "jobs.txt", "jobs.txt", *WEEK, "--json"))
    assert not (site / "ledger").exists()
    run("ingest", "jobs.txt")
    assert document(run("report", *WEEK, "--json"))["totals"] == once["totals"]


def test_every_form_is_written(run, site):
    run("ingest", "jobs.txt")
    table = run("report", *WEEK)
    assert "Test HPC" in table.out
    assert "alice" in table.out
    assert "\x1b" not in table.out
    lines = run("report", *WEEK, "--csv", "--by", "user").out.splitlines()
    assert len(lines) == 3
    assert run("report", *WEEK, "--html", "page.html", "-o", "table.txt").code == 0
    assert "default-src 'none'" in (site / "page.html").read_text()
    assert "Test HPC" in (site / "table.txt").read_text()


def test_the_week_is_published(run, site):
    run("ingest", "jobs.txt")
    answer = run("publish", "--out", "pages")
    assert answer.code == 0
    names = {path.name for path in (site / "pages").iterdir()}
    assert "index.html" in names
    assert len(names) == 1 + 1 + 1 + 1 + 2 + 2  # list, index, site, cluster, projects, users


def test_explain_gives_the_numbers_of_the_report_and_never_makes_up_a_reason(run, site):
    run("ingest", "jobs.txt")
    report = document(run("report", *WEEK, "--json", "--by", "job"))
    energy_wh = next(j["energy_wh"] for j in report["jobs"] if j["job_id"] == "11")
    explained = document(run("explain", "11", "--json"))
    assert len(explained) == 1
    assert explained[0]["steps"][-1]["value"] == pytest.approx(energy_wh, rel=1e-12)
    assert [piece["g_per_kwh"] for piece in explained[0]["grid"]] == [200, 400]
    text = run("explain", "11").out
    assert f"{energy_wh:.12g} Wh" in text
    assert "10800 s x 200 g/kWh" in text
    with sqlite3.connect(site / "ledger" / "desk.sqlite") as desk:
        desk.execute("PRAGMA foreign_keys = OFF")
        desk.execute("DELETE FROM factor_set_series")
    damaged = run("explain", "11")
    assert "It ran for no time" not in damaged.out
    assert "auditor check" in damaged.out + damaged.err


def test_recompute_follows_the_configuration_and_keeps_the_facts(run, site):
    run("ingest", "jobs.txt")
    before = document(run("report", *WEEK, "--json"))["totals"]
    config = site / "auditor.toml"
    config.write_text(config.read_text().replace("pue = 1.5", "pue = 3.0"))
    assert document(run("report", *WEEK, "--json"))["totals"] == before
    assert run("recompute").code == 0
    after = document(run("report", *WEEK, "--json"))["totals"]
    assert after["carbon_g"] == pytest.approx(2 * before["carbon_g"])
    assert after["core_s"] == before["core_s"]
    assert "no finding" in run("check").out


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        pytest.param(("report", "--week", "2020-W01"), 3, "no job matched", id="no job"),
        pytest.param(("report", "-u", "nobody", *WEEK), 3, "no job matched", id="no such user"),
        pytest.param(("report", "-s", "XX"), 2, "there is no state XX", id="no such state"),
        pytest.param(("report", "-S", "gestern"), 2, "is not a time", id="no time"),
        pytest.param(("report", *WEEK, "-S", "today"), 2, "a period is given by", id="two periods"),
        pytest.param(("report", *WEEK, "--strict"), 5, "2 rows refused", id="strict"),
        pytest.param(("report", "--config", "no.toml"), 6, "no configuration file", id="config"),
        pytest.param(("explain", "4242"), 3, "has no job 4242", id="unknown job"),
        pytest.param(("ingest", "absent.txt"), 2, "cannot be opened", id="absent export"),
        pytest.param(("nonsense",), 2, "No such command", id="no such verb"),
    ],
)
def test_every_expected_failure_is_a_sentence_and_an_exit_code(run, arguments, code, part):
    run("ingest", "jobs.txt")
    answer = run(*arguments)
    assert (answer.code, part in answer.err) == (code, True), answer
    assert "Traceback" not in answer.err


def test_without_a_ledger_the_code_is_75(run):
    answer = run("report", *WEEK)
    assert answer.code == 75
    assert "auditor ingest" in answer.err


def test_the_configuration_is_checked_with_all_it_names(run, site):
    assert run("config", "check").code == 0
    config = site / "auditor.toml"
    config.write_text(
        config.read_text()
        .replace('zone = "X"\npue', 'zone = "Atlantis"\npue')
        .replace("grid.csv", "absent.csv")
        .replace("A100-SXM4-80GB", "A1000000")
    )
    answer = run("config", "check")
    assert answer.code == 6
    assert "3 problems" in answer.err
    for part in ("Atlantis", "absent.csv", "A1000000"):
        assert part in answer.err


def test_a_refused_file_does_not_stop_the_others(run, site):
    Path(site / "human.txt").write_text(
        "JobID           JobName  Partition\n------------ ---------- ----------\n1 a b\n"
    )
    answer = run("ingest", "human.txt", "jobs.txt")
    assert answer.code == 2
    assert "1 of 2 files were refused" in answer.err
    assert document(run("report", *WEEK, "--json"))["totals"]["n_jobs"] == 2


NAMELESS = "\n".join(line for line in EXPORT.splitlines()[:4]) + "\n"  # no Cluster column


def test_an_export_that_names_no_cluster_is_never_guessed_in_silence(run, site):
    (site / "nameless.txt").write_text(NAMELESS)
    told = run("ingest", "nameless.txt")
    assert "counted as those of 'alpha'" in told.err
    config = site / "auditor.toml"
    config.write_text(config.read_text() + '\n[[clusters]]\nname = "beta"\nzone = "X"\n')
    refused = run("report", "--from", "nameless.txt", *WEEK)
    assert (refused.code, "the export names no cluster" in refused.err) == (2, True)
    named = document(run("report", "--from", "nameless.txt", "-M", "beta", *WEEK, "--json"))
    assert [group["key"] for group in named["by"]["cluster"]] == ["beta"]


def test_a_cluster_that_nobody_configured_takes_the_defaults(run, site):
    (site / "empty.toml").write_text("")
    lines = [
        "JobIDRaw|Cluster|" + line.split("|", 1)[1]
        if n == 0
        else line.split("|", 1)[0] + "|gamma|" + line.split("|", 1)[1]
        for n, line in enumerate(NAMELESS.splitlines())
    ]
    (site / "gamma.txt").write_text("\n".join(lines) + "\n")
    report = document(
        run("--config", "empty.toml", "report", "--from", "gamma.txt", *WEEK, "--json")
    )
    assert report["totals"]["n_jobs"] == 2
    assert report["provenance"]["intensity"][0]["zone"] == "WORLD"
    assert report["totals"]["energy_wh"] == pytest.approx(
        1.56 * report["totals"]["it_energy_wh"], rel=1e-12
    )


def test_an_export_without_one_readable_job_is_refused_and_leaves_nothing(run, site):
    (site / "bad.txt").write_text("\n".join(EXPORT.splitlines()[i] for i in (0, 4)) + "\n")
    answer = run("ingest", "bad.txt")
    assert answer.code == 2
    assert "none of its rows could be read as a job" in answer.err
    assert run("report", *WEEK).code == 3


def test_rejects_are_told_with_their_line_when_loading(run):
    told = run("ingest", "jobs.txt").err
    assert "jobs.txt: line 5 refused:" in told
    assert "jobs.txt: line 6 refused:" in told


def test_a_changed_configuration_is_said_until_it_is_applied(run, site):
    run("ingest", "jobs.txt")
    assert "auditor recompute" not in run("report", *WEEK).out
    (site / "grid.csv").write_text((site / "grid.csv").read_text().replace("400", "500"))
    assert "auditor recompute" in run("report", *WEEK).out
    run("recompute")
    assert "auditor recompute" not in run("report", *WEEK).out


def test_where_the_files_lie_makes_no_number(run, site, tmp_path_factory):
    def factor_set(folder):
        for name in ("auditor.toml", "grid.csv"):
            (folder / name).write_text((site / name).read_text())
        arguments = ("--config", str(folder / "auditor.toml"), "report", "--from", "jobs.txt")
        return document(run(*arguments, *WEEK, "--json"))["provenance"]["factor_set"]

    assert factor_set(tmp_path_factory.mktemp("a")) == factor_set(tmp_path_factory.mktemp("b"))


def test_config_check_tells_what_the_grid_covers_and_finds_rules_that_fit_nothing(run, site):
    assert "from 2026-11-16 00:00 to 2026-11-17 12:00 UTC" in run("config", "check").out
    (site / "nodes.txt").write_text("NODELIST GRES CPUS MEMORY AVAIL_FEATURES\nn1 (null) 8 1 a\n")
    config = site / "auditor.toml"
    config.write_text(
        config.read_text().replace('zone = "X"\npue', 'node_listing = "nodes.txt"\nzone = "X"\npue')
    )
    answer = run("config", "check")
    assert (answer.code, "fits none of the 1 nodes" in answer.err) == (6, True)


def test_config_check_finds_wrong_values_and_names_that_lead_nowhere_together(run, site):
    config = site / "auditor.toml"
    config.write_text(
        config.read_text()
        .replace("Europe/Berlin", "Mars/Olympus")
        .replace("grid.csv", "absent.csv")
    )
    answer = run("config", "check")
    assert answer.code == 6
    assert "Mars/Olympus" in answer.err
    assert "absent.csv" in answer.err


@pytest.mark.parametrize(
    "arguments",
    [("report", "-S", "2026-11-18", "-E", "2026-11-18"), ("report", *WEEK, "--columns", "JobID")],
    ids=["empty period", "columns without exports"],
)
def test_what_cannot_be_meant_is_a_usage_error(run, arguments):
    run("ingest", "jobs.txt")
    assert run(*arguments).code == 2


@pytest.mark.parametrize(
    ("options", "code"),
    [pytest.param((), 3, id="asked"), pytest.param(("--strict",), 5, id="strict")],
)
def test_no_job_in_a_period_that_was_not_collected_is_no_answer(site, run, options, code):
    run("ingest", "jobs.txt")
    file = site / "auditor.toml"
    file.write_text(file.read_text().replace('zone = "X"', 'zone = "X"\ncollect = "sacct"', 1))
    answer = run("report", "--week", "2026-W40", *options)
    assert answer.code == code
    assert "is not collected" in answer.err
