"""Which folders can be opened."""

from dataclasses import replace

import pytest

from auditor.errors import LedgerError
from auditor.ledger.ledger import Ledger

from .runs import View, found, load

ONE = View("1")


def test_there_is_nothing_to_open(tmp_path):
    with pytest.raises(LedgerError, match="there is no ledger") as error:
        Ledger.open(tmp_path / "nowhere", create=False)
    assert error.value.exit_code == 75
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["user=zoe", "cluster=zoe", "a%20b"])
def test_a_folder_that_engines_would_misread_is_refused(tmp_path, name):
    with pytest.raises(LedgerError, match="cannot live"):
        Ledger.open(tmp_path / name, create=True)


@pytest.mark.parametrize("name", ["a b", "a[x]*?", "o'neil", "é"])
def test_any_other_folder_will_do(tmp_path, name):
    with Ledger.open(tmp_path / name, create=True) as ledger:
        load(ledger, ONE)
        load(ledger, replace(ONE, rank=2), digest="d2")
        assert found(ledger, "user", "rank") == [("alice", 2)]


@pytest.mark.parametrize("damaged", ["desk.sqlite", "book/_delta_log"])
def test_a_damaged_ledger_is_refused(tmp_path, damaged):
    with Ledger.open(tmp_path, create=True) as ledger:
        load(ledger, ONE)
    target = tmp_path / damaged
    for path in [target] if target.is_file() else target.glob("*.json"):
        path.write_bytes(b"not what it was" * 100)
    with (
        pytest.raises(LedgerError, match="cannot be read"),
        Ledger.open(tmp_path, create=False) as ledger,
    ):
        ledger.read()
