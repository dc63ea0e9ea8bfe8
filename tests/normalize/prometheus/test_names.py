import numpy as np
import pandas as pd
import pytest

from auditor.normalize.prometheus.names import (
    NOBODY,
    UNKNOWN,
    NamedPods,
    sanitised,
    workload_label,
)
from tests.normalize.kubernetes.pod_runs import runs

EXPORTER = {"namespace": "gpu-operator", "pod": "dcgm-exporter-x"}


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ([{"pod": "a"}, {"pod": ""}], ["a", ""]),
        ([{**EXPORTER, "exported_pod": "a"}, EXPORTER], ["a", ""]),
        ([{"job": "one", **EXPORTER, "exported_pod": "a"}, {"job": "two", "pod": "b"}],
         ["a", "b"]),
        ([{"job": "one", "pod": "a"}, {"job": "one", "pod": "b"}], ["a", "b"]),
        ([{"node": "n"}], [""]),
    ],
    ids=["plain", "exported-and-idle", "two-jobs", "honoured", "no-pod"],
)  # fmt: skip
def test_the_workload_goes_before_the_exporter(series, expected):
    labels = pd.DataFrame(series, dtype="str")
    assert workload_label(labels, "pod").tolist() == expected


def test_keys_are_spelt_as_kube_state_metrics_spells_them():
    assert sanitised(["example.org/user", "a-b"], "label") == {
        "example.org/user": "label_example_org_user",
        "a-b": "label_a_b",
    }


@pytest.mark.parametrize(
    ("name", "time_s", "expected"),
    [
        ("web-0", 150, "first"),
        ("web-0", 200, "second"),
        ("web-0", 900, "second"),
        ("web-0", 50, "first"),
        ("", 150, NOBODY),
        ("other", 150, UNKNOWN),
    ],
    ids=["first", "back-to-back", "after-all", "before-all", "nobody", "unknown"],
)
def test_a_name_is_the_pod_that_had_it_then(name, time_s, expected):
    pods = NamedPods(runs(("second", "a", "web-0", 200, 300), ("first", "a", "web-0", 100, 200)))
    labels = pd.DataFrame({"namespace": ["a"], "pod": [name]}, dtype="str")
    found = pods.places(labels, np.array([0]), np.array([time_s * 1000]))[0]
    assert (pods.runs["uid"].iloc[found] if found >= 0 else found) == expected


def test_nobody_is_known_where_there_are_no_pods():
    labels = pd.DataFrame({"namespace": ["a"], "pod": ["x"]}, dtype="str")
    found = NamedPods(runs()).places(labels, np.array([0]), np.array([1]))
    assert found.tolist() == [UNKNOWN]
