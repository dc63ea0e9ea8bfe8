"""Whose ledger it is."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor.errors import LedgerError
from auditor.ledger.ledger import Ledger
from auditor.ledger.lock import writer_lock
from auditor.ledger.ownership import refuse_root_of_others

from .runs import View, load

NOBODY, NAMELESS = 65534, 54321


@contextmanager
def acting_as(uid: int) -> Iterator[None]:
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def site():
    """Return a folder that all may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def refused_code(caught) -> int:
    assert caught.value.hint
    return caught.value.exit_code


def test_a_folder_that_is_not_ours_to_look_into_is_a_sentence(site, monkeypatch):
    def closed(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    with pytest.raises(LedgerError, match="the auditor's own") as caught:
        Ledger.open(site / "ledger", create=False)
    assert refused_code(caught) == 4


def test_root_is_sent_away_from_a_folder_of_another_user(site, monkeypatch):
    owned = os.stat_result((0o40700, 1, 1, 2, NAMELESS, NAMELESS, 0, 0, 0, 0))
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: 0)
        patched.setattr(Path, "is_dir", lambda _path: True)
        patched.setattr(Path, "stat", lambda _path: owned)
        with pytest.raises(LedgerError, match=f"belongs to {NAMELESS}") as caught:
            refuse_root_of_others(site)
    assert refused_code(caught) == 4
    assert f"--reuid={NAMELESS}" in caught.value.hint


def test_a_lock_that_cannot_be_made_is_a_sentence(site):
    path = site / ("x" * 300)
    with pytest.raises(LedgerError, match="cannot be made") as caught, writer_lock(path, 0):
        pass
    assert refused_code(caught) == 75


if os.geteuid() == 0:

    @pytest.mark.parametrize(
        ("name", "mode"), [(".", 0o700), ("ledger", 0o700), ("ledger/desk.sqlite", 0o600)]
    )
    def test_another_user_is_told_whose_ledger_it_is(site, name, mode):
        Ledger.open(site / "ledger", create=True).close()
        (site / "ledger").chmod(0o755)
        (site / name).chmod(mode)
        with acting_as(NOBODY), pytest.raises(LedgerError, match="the auditor's own") as caught:
            Ledger.open(site / "ledger", create=False)
        assert refused_code(caught) == 4

    def test_a_ledger_that_cannot_be_made_is_none_of_anybodys(site):
        with acting_as(NOBODY), pytest.raises(LedgerError, match="cannot be opened") as caught:
            Ledger.open(site / "ledger", create=True)
        assert refused_code(caught) == 75

    def test_root_reads_but_does_not_write_what_belongs_to_another_user(site):
        os.chown(site, NOBODY, NOBODY)
        with acting_as(NOBODY), Ledger.open(site / "ledger", create=True) as ledger:
            load(ledger, View("1"))
        with Ledger.open(site / "ledger", create=False) as ledger:
            assert len(ledger.read()) == 1
            with pytest.raises(LedgerError, match="root does not write") as caught:
                load(ledger, View("2"), digest="d2")
        assert refused_code(caught) == 4
        assert "runuser -u nobody -- auditor" in caught.value.hint
        with acting_as(NOBODY), Ledger.open(site / "ledger", create=False) as ledger:
            load(ledger, View("2"), digest="d2")
            assert len(ledger.read()) == 2

    def test_root_makes_no_ledger_in_a_folder_of_another_user(site):
        os.chown(site, NOBODY, NOBODY)
        with pytest.raises(LedgerError, match="root does not write"):
            Ledger.open(site, create=True)
        assert list(site.iterdir()) == []

    def test_a_lock_that_root_left_behind_is_a_sentence_with_the_remedy(site):
        path = site / "publishing"
        path.touch(0o640)
        os.chown(site, NOBODY, NOBODY)
        with (
            acting_as(NOBODY),
            pytest.raises(LedgerError, match="belongs to root") as caught,
            writer_lock(path, 0),
        ):
            pass
        assert refused_code(caught) == 4
        assert f"chown -R nobody: {site}" in caught.value.hint
