"""One Prometheus for all tests of this folder, filled with a week of a made-up cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.prometheus.auditing import Audit, audit
from tests.integration.prometheus.generator import BEGIN_S, END_S, World, make_world, write
from tests.integration.prometheus.server import backfill, prometheus, require_prometheus


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


@pytest.fixture(scope="session")
def filled(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a Prometheus that holds the week."""
    require_prometheus()
    folder = tmp_path_factory.mktemp("prometheus")
    text = folder / "week.txt"
    write(world, text)
    backfill(folder, text)
    text.unlink()
    return folder


@pytest.fixture(scope="session")
def url(filled: Path) -> Iterator[str]:
    with prometheus(filled) as address:
        yield address


@pytest.fixture(scope="session")
def week(url: str) -> Audit:
    return audit(url, BEGIN_S, END_S)
