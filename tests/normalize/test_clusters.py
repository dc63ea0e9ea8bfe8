from dataclasses import replace

import pytest

from auditor.errors import UsageError
from auditor.normalize.clusters import name_clusters
from auditor.normalize.columns import Cells
from tests.normalize.raw_frames import CONTEXT, raw_frame

TWO = "JobID|Cluster\n1|beta\n2|gamma\n3|"


def test_rows_keep_their_cluster_and_its_zone():
    clusters = name_clusters(Cells.of(raw_frame(TWO)), CONTEXT)
    assert list(clusters.names) == ["beta", "gamma", "alpha"]
    assert clusters.zones.names == ["America/New_York", "Europe/Berlin"]
    assert clusters.zones.codes.tolist() == [0, 1, 1]
    assert not clusters.fault.rows.any()


def test_a_row_without_any_cluster_is_a_fault():
    clusters = name_clusters(Cells.of(raw_frame(TWO)), replace(CONTEXT, default_cluster=None))
    assert clusters.fault.rows.tolist() == [False, False, True]


@pytest.mark.parametrize("default", ["alpha", None])
def test_without_the_column_the_default_holds(default):
    context = replace(CONTEXT, default_cluster=default)
    clusters = name_clusters(Cells.of(raw_frame("JobID\n1")), context)
    assert clusters.fault.rows.tolist() == [default is None]
    assert clusters.zones.names == ["Europe/Berlin"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("JobID|Cluster\n1|beta\n2|", ["cluster_renamed"]),
        ("JobID|Cluster\n1|delta", []),
        ("JobID\n1", []),
    ],
)
def test_a_stated_cluster_holds_and_a_change_is_said(text, codes):
    clusters = name_clusters(Cells.of(raw_frame(text)), replace(CONTEXT, cluster="delta"))
    assert set(clusters.names) == {"delta"}
    assert [note.code for note in clusters.notes] == codes


def test_several_clusters_cannot_be_one():
    with pytest.raises(UsageError, match="beta, gamma"):
        name_clusters(Cells.of(raw_frame(TWO)), replace(CONTEXT, cluster="delta"))
