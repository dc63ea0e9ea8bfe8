"""Listings of nodes, and when a snapshot of one is kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.collect.errors import CollectError
from auditor.collect.slurm_nodes import ask_nodes, has_gpus, keep_snapshot, latest_snapshot
from auditor.hardware.inventory import read_node_listing
from tests.collect.fake_slurm import NODES, FakeSlurm

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_listing_is_read_by_the_matching(slurm: FakeSlurm) -> None:
    listing = ask_nodes(slurm.host())
    assert listing == NODES + "gpu1|gpu:a100:4|64|2:32:1|512000|a100\n"
    profile = read_node_listing(listing, cluster="alpha").nodes("alpha")["gpu1"]
    assert (profile.n_gpus, profile.gpu_types, profile.n_cores) == (4, ("a100",), 64)
    assert has_gpus(listing)
    assert not has_gpus(NODES + "cpu1|(null)|8|8:1:1|16000|epyc\n")


def test_no_node_is_no_listing(slurm: FakeSlurm) -> None:
    slurm.change(nodes=NODES)
    with pytest.raises(CollectError, match="lists no node"):
        ask_nodes(slurm.host())


def test_a_snapshot_is_kept_when_it_says_something_new(tmp_path: Path) -> None:
    folder = tmp_path / "nodes"
    assert latest_snapshot(folder, "alpha") is None
    first = keep_snapshot(folder, "alpha", "one\n", NOW)
    assert first.name == "alpha-2026-11-23.txt"
    assert keep_snapshot(folder, "alpha", "one\n", NOW + timedelta(days=1)) == first
    keep_snapshot(folder, "alpha-2", "other\n", NOW + timedelta(days=9))
    second = keep_snapshot(folder, "alpha", "two\n", NOW + timedelta(days=2))
    assert second.name == "alpha-2026-11-25.txt"
    assert latest_snapshot(folder, "alpha") == second
    assert keep_snapshot(folder, "alpha", "three\n", NOW + timedelta(days=2)) == second
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "alpha-2026-11-23.txt": "one\n",
        "alpha-2026-11-25.txt": "three\n",
        "alpha-2-2026-12-02.txt": "other\n",
    }


def test_a_cluster_cannot_choose_the_folder(tmp_path: Path) -> None:
    file = keep_snapshot(tmp_path / "nodes", "../../x", "one\n", NOW)
    assert file.parent == tmp_path / "nodes"
    assert latest_snapshot(tmp_path / "nodes", "../../x") == file
