from pathlib import Path

import pytest

from auditor.collect.slurm_rights import Caller
from tests.collect.fake_slurm import FakeSlurm
from tests.pipeline.collect_site import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A cluster of fake commands, asked as an ordinary user; nobody waits for its queue."""
    monkeypatch.setattr("auditor.pipeline.collect_parts._sleep", lambda _: None)
    monkeypatch.setattr("auditor.wiring.collecting.caller", lambda: Caller("alice", 1001))
    return Site(tmp_path, FakeSlurm(tmp_path / "slurm"))
