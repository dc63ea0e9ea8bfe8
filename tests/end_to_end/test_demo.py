"""The installed command on the shipped samples, judged by what their script drew."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.sample_kubectl import seen_utc
from benchmarks.sample_pods import Pod, draw_cluster
from benchmarks.sample_runs import EXPORT_S, Run, draw_runs, instant
from tests.end_to_end.conftest import Demo, run_auditor

WEEK = "2026-W47"
WEEK_START_S, WEEK_END_S = instant("2026-11-15T23:00"), instant("2026-11-22T23:00")
RELATIVE_ERROR = 1e-9
SAMPLES = Path(__file__).parents[2] / "data" / "samples"
PODS_FILE = SAMPLES / "gpu-cloud-pods.json.xz"
SEEN_S = seen_utc().timestamp()
PLATFORM_NAMESPACES = {"kube-system", "gpu-operator", "monitoring"}


@dataclass(frozen=True)
class Drawn:
    """What a job or a pod must add to the week."""

    cluster: str
    user: str
    inside_s: float
    n_gpu: float
    n_cpus: float
    counts: bool


def _overlap_s(run: Run) -> float:
    """Seconds of its elapsed time that fall into the week; a runaway ends at its time limit."""
    if run.start_s is None:
        return 0.0
    elapsed_s = min(run.elapsed_s, run.work.limit_h * 3600) if run.end_s is None else run.elapsed_s
    span_s = elapsed_s + run.suspended_s
    inside_s = min(run.start_s + span_s, WEEK_END_S) - max(run.start_s, WEEK_START_S)
    return elapsed_s * max(inside_s, 0) / span_s


def _of_run(run: Run) -> Drawn:
    inside_s = _overlap_s(run)
    ended_s = run.end_s if run.end_s is not None else EXPORT_S
    ended_unstarted = run.start_s is None and WEEK_START_S <= ended_s < WEEK_END_S
    return Drawn(
        run.kind.cluster, run.work.user, inside_s, run.n_gpu, run.n_cpus,
        inside_s > 0 or ended_unstarted,
    )  # fmt: skip


def _of_pod(pod: Pod) -> Drawn:
    user = pod.work.user or "(unknown)"
    if pod.work.namespace in PLATFORM_NAMESPACES:
        user = "(platform)"
    inside_s = 0.0
    if pod.bound_s is not None:
        last_s = SEEN_S if pod.end_s is None else pod.end_s
        inside_s = max(min(last_s, WEEK_END_S) - max(pod.bound_s, WEEK_START_S), 0.0)
    return Drawn(
        "gpu-cloud", user.removesuffix("@example.org"), inside_s, pod.n_gpu, pod.work.n_cpus,
        inside_s > 0,
    )  # fmt: skip


ALL = [_of_run(run) for cluster in draw_runs().values() for run in cluster]
ALL += [_of_pod(pod) for pod in draw_cluster().pods]


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
    assert totals["n_jobs"] == sum(one.counts for one in ALL)
    gpu_s = sum(one.inside_s * one.n_gpu for one in ALL)
    core_s = sum(one.inside_s * one.n_cpus for one in ALL)
    assert totals["gpu_s"] == pytest.approx(gpu_s, rel=RELATIVE_ERROR)
    assert totals["core_s"] == pytest.approx(core_s, rel=RELATIVE_ERROR)


@pytest.mark.parametrize("table", ["user", "cluster"])
def test_each_user_and_each_cluster_has_what_was_drawn(report: dict, table: str) -> None:
    keys = {getattr(one, table) for one in ALL if one.counts}
    assert {row["key"] for row in report["by"][table]} == keys
    for row in report["by"][table]:
        mine = [one for one in ALL if getattr(one, table) == row["key"]]
        gpu_s = sum(one.inside_s * one.n_gpu for one in mine)
        assert row["gpu_s"] == pytest.approx(gpu_s, rel=RELATIVE_ERROR)
        assert row["n_jobs"] == sum(one.counts for one in mine)


def test_one_person_is_one_on_both_schedulers(demo: Demo) -> None:
    asked = json.loads(demo.ask("report", "--user", "alice", "--week", WEEK, "--json").out)
    assert {row["key"] for row in asked["by"]["cluster"]} == {"alpha", "gpu-cloud"}
    (page,) = demo.folder.rglob("user-alice*.html")
    text = page.read_text(encoding="utf-8")
    assert "train_vit_large" in text
    assert "vit-pretrain" in text


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
    again = demo.ask("ingest", *sorted(SAMPLES.glob("*-sacct.*")))
    assert again.code == 0, again.err
    again = demo.ask("ingest", "--cluster", "gpu-cloud", PODS_FILE)
    assert again.code == 0, again.err
    after = json.loads(demo.ask("report", "--week", WEEK, "--json").out)
    assert after["totals"] == report["totals"]
    assert demo.ask("check").code == 0


def test_a_list_of_pods_needs_a_name_where_several_clusters_are_configured(demo: Demo) -> None:
    refused = demo.ask("ingest", PODS_FILE)
    assert refused.code == 2
    assert "--cluster NAME" in refused.err


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
