"""Which node listing counts, for those who may look into the ledger and those who may not."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor.settings.load import parse_settings
from auditor.settings.models import Settings
from auditor.wiring.nodes import node_inventory
from tests.collect.fake_slurm import NODES

NOBODY = 65534
CONFIG = """
[ledger]
path = "ledger"
[[clusters]]
name = "alpha"
collect = "sacct"
"""


@pytest.fixture
def settings() -> Iterator[Settings]:
    # Not below the folders of pytest, into which nobody else may look.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        snapshots = folder / "ledger" / "nodes"
        snapshots.mkdir(parents=True)
        (snapshots / "alpha-2026-11-20.txt").write_text(f"{NODES}gpu1|gpu:a100:4|64|2:32:1|1|a\n")
        yield parse_settings(CONFIG, folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_the_listing_that_collection_kept_counts(settings: Settings) -> None:
    found = node_inventory(settings)
    assert found is not None
    assert list(found.nodes("alpha")) == ["gpu1"]


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        pytest.param(".", 0o700, id="ledger"),
        pytest.param("nodes", 0o700, id="folder"),
        pytest.param("nodes", 0o711, id="folder that cannot be listed"),
        pytest.param("nodes/alpha-2026-11-20.txt", 0o600, id="file"),
    ],
)
def test_who_may_not_read_it_goes_without(settings: Settings, place: str, mode: int) -> None:
    (settings.ledger.path / place).chmod(mode)
    with as_nobody():
        assert node_inventory(settings) is None


def test_a_cluster_that_was_never_collected_has_none(tmp_path: Path) -> None:
    assert node_inventory(parse_settings(CONFIG, tmp_path)) is None
