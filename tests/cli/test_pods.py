"""Pods on the command line: found by name, uid and owner, and explained in their own words."""

import json

import pytest

from tests.cli.conftest import CONFIG
from tests.integration.pod_site import ALICES, GPU_CLOUD, NODE, OTHERS, WHO, pod
from tests.pipeline.week_site import HOUR, START

WEEK = ("--week", "2026-W47")
HOSTILE = pod("evil", START + HOUR, 2, owner=("Job", "x\x1b[31m"), user="\x1b]0;owned\x07")


@pytest.fixture
def pods(run, site):
    """Return `run` on a site that has loaded a week of both clusters."""
    (site / "auditor.toml").write_text(CONFIG + GPU_CLOUD + WHO)
    items = {"kind": "List", "apiVersion": "v1", "items": [*ALICES, *OTHERS, HOSTILE, NODE]}
    (site / "pods.json").write_text(json.dumps(items))
    assert run("ingest", "jobs.txt", "--cluster", "alpha").code == 0
    loaded = run("ingest", "--cluster", "gpu-cloud", "pods.json")
    assert loaded.code == 0, loaded.err
    return run


SAYS = [
    pytest.param("user", "alice (alice@example.org in accounting, see [identity])", id="whose"),
    pytest.param("", "by the first it has of label:example.org/user, namespace:user-* "
                 "([clusters.kubernetes] user)", id="by which rule"),
    pytest.param("project", "ml (team-ml in accounting, see [identity])", id="its project"),
    pytest.param("", "by namespace ([clusters.kubernetes] project)", id="by which rule, too"),
    pytest.param("namespace", "team-ml", id="namespace"),
    pytest.param("owner", "team-ml/Job/train-0", id="owner"),
    pytest.param("cores requested", "8", id="cores"),
    pytest.param("memory", "64 GiB", id="memory"),
    pytest.param("bound", "2026-11-16 05:00:00 CET", id="bound"),
    pytest.param("ended", "2026-11-16 12:00:00 CET", id="ended"),
    pytest.param("held, s", "25200", id="how long"),
    pytest.param("uid", "uid-team-ml-train-0-1db20", id="uid"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "value"), SAYS)
def test_explain_uses_the_words_of_pods(pods, label, value):
    for job_id in ("team-ml/train-0-1db20", "uid-team-ml-train-0-1db20"):
        lines = pods("explain", job_id).out.splitlines()
        assert lines[0] == "Pod team-ml/train-0-1db20 on gpu-cloud"
        assert f"  {label:<17}{value}" in lines


def test_explain_keeps_the_words_of_slurm(pods):
    text = pods("explain", "11").out
    assert text.startswith("Job 11 on alpha\n  user          alice\n  project       ml\n")
    assert "partition     gpu" in text
    for word in ("cores requested", "bound", "[identity]", "uid"):
        assert word not in text


@pytest.mark.parametrize(
    ("job_id", "user", "why"),
    [
        pytest.param(
            "playground/scratch",
            "(unknown)",
            "no label:example.org/user, no namespace:user-* that names one",
            id="nobody",
        ),
        pytest.param("gpu-tools/plugin-x", "(platform)", "a platform namespace", id="platform"),
        pytest.param("team-ml/serve-6f9c-q2v4k", "robert (bob", "by the first", id="other bob"),
    ],
)
def test_whose_a_pod_is(pods, job_id, user, why):
    lines = pods("explain", job_id).out.splitlines()
    assert lines[1].startswith(f"  {'user':<17}{user}")
    assert lines[2].startswith(f"  {'':<17}{why}")


def test_explain_in_json_has_both_names(pods):
    (run,) = json.loads(pods("explain", "team-ml/train-0-1db20", "--json").out)
    assert (run["user"], run["facts"]["user"]) == ("alice", "alice@example.org")


@pytest.mark.parametrize(
    ("arguments", "n_jobs"),
    [
        pytest.param(("-u", "alice"), 4, id="a person on both"),
        pytest.param(("-u", "alice@example.org"), 4, id="under the other name"),
        pytest.param(("-u", "alice", "-M", "gpu-cloud"), 3, id="on one"),
        pytest.param(("-j", "team-ml/train-0-1db20"), 1, id="a pod"),
        pytest.param(("-j", "team-ml/Job/train-0"), 2, id="the pods of a Job"),
        pytest.param(("-j", "11,team-ml/notebook"), 2, id="a job and a pod"),
        pytest.param(("-s", "COMPLETED", "-M", "gpu-cloud"), 8, id="a state"),
    ],
)
def test_filters_find_pods(pods, arguments, n_jobs):
    answer = pods("report", *WEEK, *arguments, "--json")
    assert json.loads(answer.out)["totals"]["n_jobs"] == n_jobs


ON_ONE_CLUSTER = """
[identity.users]
alice = ["gpu-cloud:alice@example.org", "alpha:shared", "gpu-cloud:shared"]
robert = ["gpu-cloud:bob", "gpu-cloud:shared-2"]
carol = ["alpha:shared-2"]
[identity.projects]
ml = ["gpu-cloud:team-ml"]
"""
ASKED = [
    pytest.param(("-u", "alice@example.org"), 4, "alice@example.org is called alice", id="alias"),
    pytest.param(("-u", "gpu-cloud:alice@example.org"), 4, None, id="with its cluster"),
    pytest.param(("-A", "team-ml"), 6, "team-ml is called ml", id="project"),
    pytest.param(("-u", "bob"), 1, None, id="somebody else is called so"),
    pytest.param(("-u", "bob", "-M", "gpu-cloud"), 1, "bob is called robert", id="but not there"),
    pytest.param(("-u", "shared-2"), None, None, id="two may be meant"),
    pytest.param(("-u", "stranger"), None, None, id="nobody"),
]


@pytest.mark.parametrize(("arguments", "n_jobs", "said"), ASKED)
def test_a_name_of_one_cluster_stands_for_the_person_where_nobody_else_has_it(
    pods, site, arguments, n_jobs, said
):
    (site / "auditor.toml").write_text(CONFIG + GPU_CLOUD + ON_ONE_CLUSTER)
    answer = pods("report", *WEEK, *arguments, "--json")
    assert answer.code == (3 if n_jobs is None else 0), answer.err
    assert n_jobs is None or json.loads(answer.out)["totals"]["n_jobs"] == n_jobs
    assert ("is called" in answer.err) == (said is not None)
    assert said is None or f"auditor: {said} in reports ([identity])" in answer.err


def test_an_owner_below_the_topmost_is_told_of(pods):
    answer = pods("report", *WEEK, "-j", "team-ml/Job/nightly-1")
    assert answer.code == 3
    assert "NAMESPACE/CronJob/NAME for the Jobs of a CronJob" in answer.err
    assert "its CronJob, not the Job between" in " ".join(pods("report", "--help").out.split())


ENDLESS = {"phase": "Succeeded", "startTime": "2026-11-16T05:00:00Z"}


def test_a_refused_pod_is_told_by_object_and_name(pods, site):
    bad = {**pod("lost-1", START + HOUR, 2), "status": ENDLESS}
    bad["status"]["conditions"] = []
    worse = {**pod("lost-2", START + HOUR, 2), "metadata": {"namespace": "n", "name": "w\x1b[31m"}}
    items = {"kind": "List", "apiVersion": "v1", "items": [*ALICES, NODE, bad, worse]}
    (site / "bad.json").write_text(json.dumps(items))
    answer = pods("ingest", "--cluster", "gpu-cloud", "bad.json")
    place = len(ALICES) + 2
    assert f"bad.json: object {place} (team-ml/lost-1) refused: " in answer.err
    assert f"bad.json: object {place + 1} (n/w" in answer.err
    assert "\x1b" not in answer.err
    assert "line" not in answer.err
    report = json.loads(pods("report", *WEEK, "--json").out)
    reasons = [one["reason"] for one in report["quality"]["rejects"]]
    assert any(reason.startswith("team-ml/lost-1: ") for reason in reasons)


METRICS = (
    "# HELP kube_pod_info [STABLE] Information about pod.\n# TYPE kube_pod_info gauge\n"
    'kube_pod_info{namespace="ml",pod="a"} 1\n'
)
PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
WRONG = [
    pytest.param(METRICS, "exporter of metrics", "[clusters.prometheus]", id="metrics"),
    pytest.param(METRICS.splitlines()[2] + "\n", "exporter of metrics", "[clusters.prometheus]",
                 id="metrics without their heads"),
    pytest.param(PAGE, "it is a web page", "kubectl get pods", id="a web page"),
    pytest.param("", "it is empty", "kubectl failed", id="nothing"),
    pytest.param("some words\nof something\n", "no list of pods", "kubectl get pods", id="words"),
    pytest.param('{"jobs": 1}', "", "", id="other JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason", "hint"), WRONG)
def test_a_wrong_file_is_told_in_the_words_of_its_cluster(pods, site, text, reason, hint):
    (site / "wrong").write_text(text)
    answer = pods("ingest", "--cluster", "gpu-cloud", "wrong")
    assert answer.code == 2
    assert reason in answer.err
    assert hint in answer.err
    if reason:
        assert "sacct" not in answer.err


@pytest.mark.parametrize("text", ["", PAGE, "some words\nof something\n"])
def test_a_wrong_file_of_slurm_is_told_in_its_words(pods, site, text):
    (site / "wrong").write_text(text)
    assert "sacct" in pods("ingest", "--cluster", "alpha", "wrong").err


def test_states_of_pods_can_be_asked_for(pods):
    assert pods("report", *WEEK, "-s", "EVICTED").code == 3


@pytest.mark.parametrize("form", [(), ("--by", "job"), ("--csv",), ("--by", "user")])
def test_no_name_of_a_pod_drives_a_terminal(pods, form):
    answer = pods("report", *WEEK, "-M", "gpu-cloud", *form)
    assert "\x1b" not in answer.out
    explained = pods("explain", "team-ml/evil")
    assert explained.code == 0
    assert "\x1b" not in explained.out + explained.err


@pytest.mark.parametrize(
    ("file", "told"),
    [
        pytest.param("jobs.txt", "2 jobs + 1 steps + 2 rejects", id="Slurm"),
        pytest.param("pods.json", "8 jobs + 1 other objects + 0 rejects", id="Kubernetes"),
    ],
)
def test_what_is_no_job_is_called_what_it_is(pods, file, told):
    cluster = "alpha" if file == "jobs.txt" else "gpu-cloud"
    assert told in pods("ingest", "--cluster", cluster, file).out


def test_the_same_file_under_another_cluster_is_read_twice(pods):
    before = json.loads(pods("report", *WEEK, "--json").out)["quality"]["n_rows"]
    for _ in range(2):
        assert pods("ingest", "--cluster", "alpha", "pods.json").code == 0
        found = json.loads(pods("report", *WEEK, "--json").out)["quality"]
        assert found["n_rows"] == before + 9
    pods_alone = json.loads(pods("report", *WEEK, "-M", "gpu-cloud", "--json").out)
    assert pods_alone["quality"]["n_rows"] == 9
