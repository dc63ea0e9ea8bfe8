"""What pods used: counters of containers, memory, activity of accelerators."""

import numpy as np
import pandas as pd
import pytest

from auditor.domain.frames import METERS, check
from auditor.domain.series import PodFacts, UseFacts, no_samples
from auditor.normalize.prometheus.boards import boards_of
from auditor.normalize.prometheus.meters import Measured, meters_of, named_pods
from auditor.normalize.prometheus.models import typed_by_boards
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.pods import empty_pods
from auditor.normalize.prometheus.steps import power_steps
from auditor.normalize.prometheus.use import accelerator_use, cpu_seconds, peak_memory
from tests.normalize.kubernetes.pod_runs import runs, samples

UID = "0a1b2c3d-0000-4000-8000-00000000000a"
NAMES = {"namespace": "a", "pod": "web-0"}
MAIN = {**NAMES, "container": "main", "id": "/x/1"}
SPAN = (1000.0, 2000.0)
OLD, NEW = (UID, "a", "web-0", 0, None), (UID, "a", "web-0", 1200, 1700)


def used(now, before=(), first=None, reset=None, run=OLD, extents=()):
    def frame(series):
        return pd.DataFrame([{**MAIN, **one} for one in series])

    lowest = now if first is None else first
    use = UseFacts(
        frame(now), frame(lowest), frame(before), reset or no_samples(), pd.DataFrame(),
        frame(extents), pd.DataFrame(), 30.0,
    )  # fmt: skip
    return cpu_seconds(use, NamedPods(runs(*([run] if isinstance(run[0], str) else run))), SPAN)


@pytest.mark.parametrize(
    ("given", "cpu_s"),
    [
        ({"now": [{"value": 50.0}], "before": [{"value": 20.0}]}, 30),
        ({"now": [{"value": 50.0}], "run": NEW}, 50),
        ({"now": [{"value": 50.0}], "first": [{"value": 45.0}]}, 5),
        ({"now": [{"value": 8.0}], "before": [{"value": 20.0}]}, 8),
        ({"now": [{"value": 50.0}, {"value": 60.0, "container": ""},
                  {"value": 1.0, "container": "POD"}], "run": NEW}, 50),
        ({"now": [{"value": 50.0, "job": "one"}, {"value": 50.0, "job": "two"}], "run": NEW}, 50),
        ({"now": [{"value": 50.0}, {"value": 9.0, "id": "/x/2"}], "run": NEW}, 59),
        ({"now": [{"value": 20.0, "cpu": "cpu00"}, {"value": 9.0, "cpu": "cpu01"}],
          "run": NEW}, 29),
        ({"now": [{"value": 29.0, "cpu": "total"}, {"value": 9.0, "cpu": "cpu01"}],
          "run": NEW}, 29),
        ({"now": [{"value": 30.0}], "before": [{"value": 10.0}],
          "reset": samples((MAIN, {1100: 20.0, 1200: 5.0, 1300: 30.0}))}, 10 + 5 + 25),
    ],
    ids=["plain", "new", "older-than-the-meters", "began-anew-at-the-edge", "sum-and-sandbox",
         "two-jobs", "restarted-container", "single-processors", "total", "began-anew"],
)  # fmt: skip
def test_processor_time(given, cpu_s):
    assert used(**given)["cpu_s"].tolist() == [cpu_s]


@pytest.mark.parametrize(("run", "covered_s"), [(OLD, 1000), (NEW, 500)])
def test_it_covers_the_part_of_the_run_that_lies_in_the_span(run, covered_s):
    assert used([{"value": 1.0}], run=run)["cpu_metered_s"].tolist() == [covered_s]


def test_a_pod_is_known_by_its_control_group_else_by_its_name_then():
    two = [("u1", "a", "web-0", 0, 1500), (UID, "a", "web-0", 1500, None)]
    group = f"/kubepods-pod{UID.replace('-', '_').upper()}.slice/x"
    now = [{"value": 7.0, "id": group}, {"value": 5.0, "id": "/x/1"}]
    first = [{"value": 7.0, "id": group}, {"value": 0.0, "id": "/x/1"}]
    found = used(now, first=first, run=two, extents=[{"first_s": 1000.0, "last_s": 1400.0}])
    assert found.set_index("run")["cpu_s"].to_dict() == {0: 5.0, 1: 7.0}


def test_the_highest_working_set_is_the_pods():
    memory = pd.DataFrame([{**NAMES, "pod_uid": "", "value": 5e9}])
    use = UseFacts(*[pd.DataFrame()] * 3, no_samples(), memory, *[pd.DataFrame()] * 2, None)
    assert peak_memory(use, NamedPods(runs(OLD)), 2000.0).to_dict() == {0: 5e9}
    assert cpu_seconds(use, NamedPods(runs(OLD)), SPAN).empty


def test_activity_is_of_each_slice_and_what_is_no_ratio_is_no_measurement():
    board = {**NAMES, "UUID": "GPU-1", "modelName": "NVIDIA A100-SXM4-80GB"}
    line = {1000: 0.5, 1060: 0.5, 1120: 1.5, 1180: 1.0}
    named = NamedPods(runs(OLD))
    boards = boards_of(samples((board, line)), named)
    steps = power_steps(boards, np.array([np.inf]))
    found = accelerator_use(steps, boards, named.runs)
    assert found.to_dict("records") == [{"run": 0, "busy_s": 120.0, "observed_s": 180.0}]


def test_meters_have_a_row_for_each_pod_that_something_was_measured_of():
    measured = Measured(
        pd.DataFrame({"run": [0], "energy_j": [7.0], "covered_s": [5.0]}),
        pd.DataFrame(columns=["run", "busy_s", "observed_s"], dtype="float64"),
        pd.DataFrame({"run": [1], "cpu_s": [3.0], "cpu_metered_s": [4.0]}),
        pd.Series({1: 9e9}),
    )
    named = NamedPods(runs(("u1", "a", "x", 0, 1), ("u2", "a", "y", 0, 1)))
    found = check(meters_of(measured, named, pd.Timestamp("2026-11-15", tz="UTC")), METERS)
    rows = found.drop(columns="slot_utc").set_index("uid").T.to_dict()
    assert rows["u1"]["gpu_energy_j"] == 7
    assert rows["u1"]["cpu_s"] == 0
    assert np.isnan(rows["u1"]["max_memory_bytes"])
    assert (rows["u2"]["gpu_energy_j"], rows["u2"]["max_memory_bytes"]) == (0, 9e9)


NO_FACTS = PodFacts({}, pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), None)


def test_the_series_know_a_pod_better_than_the_book():
    known = pd.DataFrame(
        {
            "uid": ["u1", "u2"],
            "namespace": "a",
            "name": ["x", "y"],
            "start_utc": pd.to_datetime([100, 200], unit="s", utc=True),
            "end_utc": pd.to_datetime([None, 300], unit="s", utc=True),
        }
    )
    named = named_pods(empty_pods(), known, NO_FACTS)
    assert named.runs["uid"].tolist() == ["u1", "u2"]
    assert named.runs["begin_ms"].tolist() == [100_000, 200_000]
    assert np.isnan(named.runs["end_ms"].iloc[0])


def test_boards_name_the_model_where_no_node_label_does():
    named = NamedPods(runs(OLD, ("u2", "a", "other", 0, None)))
    board = {**NAMES, "UUID": "GPU-1", "modelName": "NVIDIA A100 SXM4 80GB"}
    boards = boards_of(samples((board, {1000: 1.0, 1060: 2.0})), named)
    pods = pd.DataFrame(
        {"uid": [UID, "u2", "u3"], "gpu_types": pd.Categorical(["=2", "=1", "Tesla-T4=1"])}
    )
    typed = typed_by_boards(pods, boards, named)["gpu_types"].astype("str").tolist()
    assert typed == ["NVIDIA-A100-SXM4-80GB=2", "=1", "Tesla-T4=1"]
