import io
from dataclasses import replace

import pytest

from auditor.errors import UsageError
from auditor.normalize.clusters import name_clusters
from auditor.normalize.columns import Cells
from auditor.normalize.export import read_export
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


def test_without_the_column_the_default_holds_and_is_said():
    clusters = name_clusters(Cells.of(raw_frame("JobID\n1")), CONTEXT)
    assert list(clusters.names) == ["alpha"]
    assert clusters.zones.names == ["Europe/Berlin"]
    assert [note.code for note in clusters.notes] == ["cluster_by_default"]


def test_without_the_column_and_a_default_the_export_is_refused():
    with pytest.raises(UsageError, match="names no cluster"):
        name_clusters(Cells.of(raw_frame("JobID\n1")), replace(CONTEXT, default_cluster=None))


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


@pytest.mark.parametrize("chunk_bytes", [1, 1 << 20], ids=["piece by piece", "at once"])
def test_several_clusters_cannot_be_one(chunk_bytes):
    text = "JobIDRaw|Cluster|State|Submit|Start|End|ElapsedRaw\n" + "".join(
        f"7|{name}|COMPLETED|1795450900|1795450918|1795451018|100\n" for name in ("x", "y")
    )
    context = replace(CONTEXT, cluster="delta")
    with pytest.raises(UsageError, match=r"2 clusters \(x, y\)"):
        list(read_export(io.BytesIO(text.encode()), context, chunk_bytes=chunk_bytes))
