"""What a Prometheus that scrapes makes of labels and of exporters that go away."""

import time

import pytest
import urllib3

from auditor.collect.prometheus import PrometheusHost, connected
from auditor.collect.prometheus_look import ENERGY
from auditor.collect.prometheus_queries import Questions, Span
from auditor.normalize.prometheus.boards import boards_of
from auditor.normalize.prometheus.names import NamedPods, workload_label
from tests.fakes.exporter import exporting
from tests.integration.prometheus.server import prometheus
from tests.normalize.kubernetes.pod_runs import runs

PATIENCE_S = 30.0
BOARD = (
    ENERGY
    + '{{gpu="0",UUID="GPU-1",modelName="NVIDIA A100-SXM4-80GB",'
    + 'namespace="{namespace}",pod="{pod}",container="{container}"}} {value}\n'
)
IDLE = f'{ENERGY}{{gpu="1",UUID="GPU-2",modelName="NVIDIA A100-SXM4-80GB"}} 1000\n'
SHOWN = BOARD.format(namespace="team-a", pod="train-1", container="main", value=1000) + IDLE
TARGET = "labels: {{namespace: gpu-operator, pod: dcgm-exporter-x, container: exporter}}"


def scraped(job, target, labels="", honour="false"):
    statics = f"[{{targets: ['{target}'], {labels}}}]"
    return f"{{job_name: {job}, honor_labels: {honour}, static_configs: {statics}}}"


def wait_until(test):
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        found = test()
        if found is not None:
            return found
        time.sleep(0.1)
    pytest.fail("it did not come about in time")


def last_minute():
    now_s = time.time()
    return Span(now_s - 60, now_s + 1)


def test_the_workload_is_found_however_it_was_scraped(tmp_path):
    pods = NamedPods(runs(("train", "team-a", "train-1", 0, None)))
    with exporting(SHOWN) as exporter:
        labels = TARGET.format()
        targets = [
            scraped("labelled", exporter.target, labels),
            scraped("honoured", exporter.target, labels, "true"),
            scraped("plain", exporter.target),
        ]
        with (
            prometheus(tmp_path, targets, interval="1s") as url,
            connected(PrometheusHost("c", url, 5.0)) as open_one,
        ):
            questions = Questions(open_one)
            found = wait_until(
                lambda: one if len(one := questions.last(ENERGY, last_minute())) == 6 else None
            )
            assert set(found.loc[found["UUID"] == "GPU-1", "job"]) == {
                "labelled", "honoured", "plain",
            }  # fmt: skip
            named = found.assign(name=workload_label(found, "pod"))
            of_job = named.set_index(["job", "UUID"])["name"]
            assert set(of_job.xs("GPU-1", level="UUID")) == {"train-1"}
            assert of_job["labelled", "GPU-2"] == of_job["plain", "GPU-2"] == ""
            # What the exporter's own labels cover cannot be told from them alone.
            assert of_job["honoured", "GPU-2"] == "dcgm-exporter-x"

            samples = questions.raw(ENERGY, last_minute())
            boards = boards_of(samples, pods)
            # Three jobs tell of each board; one counts.
            assert len(boards.readings) <= len(samples) / 3 + 2
            assert set(boards.holders["run"]) == {0}


def test_a_value_that_comes_back_after_a_restart_is_no_sample(tmp_path):
    """The exporter dies, then Prometheus is started anew: an instant query tells the old value."""
    with exporting(SHOWN) as exporter:
        targets = [scraped("plain", exporter.target)]
        with prometheus(tmp_path, targets, interval="1s"):
            wait_until(lambda: True if exporter.n_scrapes >= 3 else None)
    with (
        prometheus(tmp_path, [scraped("plain", "127.0.0.1:1")], interval="1h") as url,
        connected(PrometheusHost("c", url, 5.0)) as open_one,
    ):
        questions = Questions(open_one)
        first = questions.raw(ENERGY, last_minute())
        end_s = first.time_ms.max() / 1000
        later_s = end_s + 120
        old = urllib3.request(
            "POST", f"{url}/api/v1/query", fields={"query": ENERGY, "time": str(later_s)}
        )
        assert len(old.json()["data"]["result"]) == 2
        assert len(questions.raw(ENERGY, Span(end_s + 1, later_s))) == 0
        assert questions.last(ENERGY, Span(end_s + 1, later_s)).empty
        assert questions.extents(ENERGY, Span(end_s + 1, later_s), 10).empty
        seen = questions.extents(ENERGY, Span(end_s - 60, later_s), 1)
        assert seen["last_s"].max() == pytest.approx(end_s, abs=0.01)
