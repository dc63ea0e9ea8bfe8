"""What the configuration says of how exports are read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.table.column_map import TableColumn
from auditor.settings.kubernetes import PLATFORM_NAMESPACES
from auditor.settings.load import parse_settings
from auditor.settings.models import Settings
from auditor.wiring.parts import ExportOptions, export_context

TABLE = """
[[clusters]]
name = "{name}"
scheduler = "other"
dialect = "table"
[clusters.table]
times = "s"
epoch = "2023-01-01T02:00:00+02:00"
states = {{ Succeeded = "COMPLETED" }}
[clusters.table.columns]
job_id = "name"
start = "begin"
end = "finish"
n_cpus = {{ column = "cpu_milli", unit = "m" }}
"""
CLOUD = """
[[clusters]]
name = "gpu-cloud"
scheduler = "kubernetes"
[clusters.kubernetes]
user = ["label:example.org/user"]
project = ["annotation:project", "namespace:team-*"]
platform_namespaces = ["kube-*"]
"""


def settings_of(*parts: str) -> Settings:
    return parse_settings("\n".join(parts), Path("/etc/auditor"))


PAI, OTHER = TABLE.format(name="pai"), TABLE.format(name="other")


@pytest.mark.parametrize(
    ("parts", "cluster", "expected"),
    [
        pytest.param((PAI, CLOUD), None, "pai", id="the only table"),
        pytest.param((PAI, CLOUD), "pai", "pai", id="named"),
        pytest.param((PAI, CLOUD), "gpu-cloud", None, id="another cluster named"),
        pytest.param((PAI, OTHER), None, None, id="two tables"),
        pytest.param((PAI, OTHER), "other", "other", id="one of two named"),
        pytest.param((CLOUD,), None, None, id="no table"),
    ],
)
def test_which_table_is_meant(parts, cluster, expected):
    context = export_context(settings_of(*parts), "file", ExportOptions(cluster))
    assert (context.table.cluster if context.table else None) == expected


def test_a_table_is_as_the_configuration_says():
    table = export_context(settings_of(PAI), "file", ExportOptions()).table
    assert table is not None
    assert table.columns["job_id"] == TableColumn("name", 1.0)
    assert table.columns["n_cpus"] == TableColumn("cpu_milli", 0.001)
    assert table.epoch_utc == datetime(2023, 1, 1, tzinfo=UTC)
    assert (table.times, table.delimiter) == ("s", ",")
    assert table.states == {"Succeeded": "COMPLETED"}


def test_whose_pods_are_is_as_the_configuration_says():
    context = export_context(settings_of(PAI, CLOUD), "file", ExportOptions())
    assert context.pod_rules_of["gpu-cloud"] == PodRules(
        ("label:example.org/user",), ("annotation:project", "namespace:team-*"), ("kube-*",)
    )
    assert context.default_pod_rules == PodRules((), ("namespace",), PLATFORM_NAMESPACES)
