from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.ledger.interface import FactorSet
from auditor.ledger.ledger import Ledger

from .runs import FACTORS


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger", create=True) as opened:
        opened.record_factor_set(FactorSet(FACTORS, "{}"))
        yield opened


@pytest.fixture
def second(ledger: Ledger) -> Iterator[Ledger]:
    """Open the same ledger once more, as another process would."""
    with Ledger.open(ledger.folder, create=False) as opened:
        yield opened
