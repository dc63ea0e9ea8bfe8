"""The installed command on the shipped samples, judged by what their script drew."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.sample_runs import EXPORT_S, Run, draw_runs, instant
from tests.end_to_end.conftest import Demo, run_auditor

WEEK = "2026-W47"
WEEK_START_S, WEEK_END_S = instant("2026-11-15T23:00"), instant("2026-11-22T23:00")
RELATIVE_ERROR = 1e-9


def _overlap_s(run: Run) -> float:
    """Seconds of its elapsed time that fall into the week; a runaway ends at its time limit."""
    if run.start_s is None:
        return 0.0
    elapsed_s = min(run.elapsed_s, run.work.limit_h * 3600) if run.end_s is None else run.elapsed_s
    span_s = elapsed_s + run.suspended_s
    inside_s = min(run.start_s + span_s, WEEK_END_S) - max(run.start_s, WEEK_START_S)
    return elapsed_s * max(inside_s, 0) / span_s


def _counts(run: Run) -> bool:
    ended_s = run.end_s if run.end_s is not None else EXPORT_S
    return _overlap_s(run) > 0 or (run.start_s is None and WEEK_START_S <= ended_s < WEEK_END_S)


RUNS = [run for cluster in draw_runs().values() for run in cluster]


@pytest.fixture(scope="module")
def report(demo: Demo) -> dict:
    return json.loads(demo.ask("report", "--week", WEEK, "--json").out)


def test_the_demo_ends_well_and_says_where_the_pages_are(demo: Demo) -> None:
    assert demo.printed.code == 0, demo.printed.err
    page = re.search(r"(\d+) pages: (\S+)", demo.printed.out)
    assert page is not None
    assert (demo.folder / page[2]).is_file()
    assert len(list((demo.folder / page[2]).parent.glob("*.html"))) == int(page[1])


def test_the_totals_of_the_week_are_those_that_were_drawn(report: dict) -> None:
    totals = report["totals"]
    assert totals["n_jobs"] == sum(_counts(run) for run in RUNS)
    gpu_s = sum(_overlap_s(run) * run.n_gpu for run in RUNS)
    core_s = sum(_overlap_s(run) * run.n_cpus for run in RUNS)
    assert totals["gpu_s"] == pytest.approx(gpu_s, rel=RELATIVE_ERROR)
    assert totals["core_s"] == pytest.approx(core_s, rel=RELATIVE_ERROR)


def test_each_user_has_what_was_drawn(report: dict) -> None:
    for row in report["by"]["user"]:
        mine = [run for run in RUNS if run.work.user == row["key"]]
        gpu_s = sum(_overlap_s(run) * run.n_gpu for run in mine)
        assert row["gpu_s"] == pytest.approx(gpu_s, rel=RELATIVE_ERROR)
        assert row["n_jobs"] == sum(map(_counts, mine))


@pytest.mark.parametrize(
    "table", ["user", "account", "cluster", "partition", "gpu", "state", "day"]
)
def test_every_table_sums_to_the_totals(report: dict, table: str) -> None:
    for name in ("energy_wh", "carbon_g", "gpu_s", "core_s"):
        total = sum(row[name] for row in report["by"][table])
        assert total == pytest.approx(report["totals"][name], rel=RELATIVE_ERROR)


def test_components_sum_to_the_energy_and_bounds_lie_around_it(report: dict) -> None:
    totals, parts = report["totals"], report["components_wh"]
    assert sum(parts.values()) == pytest.approx(totals["energy_wh"], rel=RELATIVE_ERROR)
    assert totals["energy_low_wh"] < totals["energy_wh"] < totals["energy_high_wh"]
    assert totals["carbon_low_g"] < totals["carbon_g"] < totals["carbon_high_g"]


def test_the_damaged_row_is_refused_with_its_line(report: dict) -> None:
    quality = report["quality"]
    assert quality["n_rejected"] == 1
    (reject,) = quality["rejects"]
    assert reject["source"].startswith("alpha-sacct")
    assert reject["line"] > 1


def test_a_name_that_looks_like_markup_stays_text(demo: Demo) -> None:
    pages = [path.read_text(encoding="utf-8") for path in demo.folder.rglob("user-mallory*.html")]
    assert pages
    for page in pages:
        assert "<b>notebook</b>" not in page
        assert "&lt;b&gt;notebook&lt;/b&gt;" in page


def test_loading_the_samples_again_changes_nothing(demo: Demo, report: dict) -> None:
    samples = sorted(Path(__file__).parents[2].glob("data/samples/*-sacct.*"))
    again = demo.ask("ingest", *samples)
    assert again.code == 0, again.err
    after = json.loads(demo.ask("report", "--week", WEEK, "--json").out)
    assert after["totals"] == report["totals"]
    assert demo.ask("check").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("--version",), 0, id="version"),
        pytest.param(("report", "--week", "2026-W99"), 2, id="no such week"),
        pytest.param(("report", "--user", "nobody", "--week", WEEK), 3, id="no job matched"),
        pytest.param(("report", "--strict", "--week", WEEK), 5, id="incomplete and strict"),
        pytest.param(("explain", "999999999"), 3, id="no such job"),
    ],
)
def test_codes_say_how_it_ended(demo: Demo, words: tuple[str, ...], code: int) -> None:
    done = demo.ask(*words)
    assert done.code == code, done.err
    assert "Traceback" not in done.err


def test_a_missing_configuration_is_said_in_one_line(tmp_path: Path) -> None:
    done = run_auditor("--config", "nowhere.toml", "report", cwd=tmp_path)
    assert done.code == 6
    assert "nowhere.toml" in done.err
    assert "Traceback" not in done.err
