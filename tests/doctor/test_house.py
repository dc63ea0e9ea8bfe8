import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor.doctor.check import Status
from auditor.doctor.house import visit_ledger
from auditor.doctor.inquiry import Inquiry
from auditor.ledger.ledger import Ledger
from auditor.settings.load import parse_settings
from tests.doctor.house import NOW

NOBODY = 65534


def visit(folder: Path):
    settings = parse_settings('[ledger]\npath = "ledger"', folder)
    return visit_ledger(settings, Inquiry(lambda: NOW, {}))


def not_ok(folder: Path) -> dict[str, Status]:
    return {check.code: check.status for check in visit(folder).checks if check.hint}


def test_an_empty_folder_is_ready_for_the_first_collection(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir(mode=0o700)
    assert not_ok(tmp_path)["ledger_books"] == Status.WARNING


def test_a_new_ledger_has_nothing_to_tell_yet(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir(mode=0o700)
    Ledger.open(tmp_path / "ledger", create=True).close()
    found = visit(tmp_path)
    assert found.facts is not None
    assert {check.code for check in found.checks} >= {"ledger_integrity", "week_overdue"}
    assert not {"ledger_integrity", "week_overdue", "ledger_clock"} & not_ok(tmp_path).keys()


@contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


if os.geteuid() == 0:

    def test_a_ledger_that_we_may_not_look_into() -> None:
        # Not below the folders of pytest, into which nobody else may look.
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o711)
            (folder / "ledger").mkdir(mode=0o700)
            Ledger.open(folder / "ledger", create=True).close()
            with as_nobody():
                (check,) = visit(folder).checks
        assert (check.code, check.status) == ("ledger_folder", Status.FAULT)
        assert check.hint == "`sudo -u root auditor doctor`"


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "not there"])
def test_a_folder_of_pages_is_looked_at_or_else_where_it_would_be(tmp_path, is_there) -> None:
    (tmp_path / "ledger").mkdir(mode=0o700)
    if is_there:
        (tmp_path / "pages").mkdir()
    settings = parse_settings('[ledger]\npath = "ledger"\n[week]\npages = "pages"', tmp_path)
    checks = visit_ledger(settings, Inquiry(lambda: NOW, {})).checks
    (pages,) = (check for check in checks if check.code == "pages_folder")
    assert pages.status == Status.OK
