import pytest

from auditor.domain.week import Week, week_of
from auditor.errors import LedgerError
from auditor.ledger.extent import book_stamp, first_start_utc, is_untouched, spans_s
from auditor.ledger.ledger import Ledger
from tests.ledger.runs import HOUR_S, MONDAY_S, View, load

DAY_S = 24 * HOUR_S
WEEK = Week(2026, 47, "UTC")


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger", create=True) as opened:
        yield opened


def test_the_stamp_follows_the_book(ledger):
    empty = book_stamp(ledger)
    assert (empty.version, first_start_utc(empty)) == (ledger.version, None)
    load(ledger, View(), digest="a")
    full = book_stamp(ledger)
    assert full != empty
    assert full.version == ledger.version
    load(ledger, View(), digest="b")
    assert book_stamp(ledger) == full


def test_what_the_book_spans(ledger):
    load(
        ledger,
        View("1", wait_s=None, given_up_after_s=HOUR_S),
        View("2", submit_s=MONDAY_S + DAY_S),
        View("3", submit_s=MONDAY_S + 8 * DAY_S),
    )
    stamp = book_stamp(ledger)
    first_utc = first_start_utc(stamp)
    assert week_of(first_utc, "UTC") == WEEK
    assert first_utc.timestamp() <= MONDAY_S + HOUR_S
    starts, ends = spans_s(stamp, WEEK.period)
    assert starts.tolist() == [MONDAY_S + HOUR_S, MONDAY_S + DAY_S + 60]
    assert ends.tolist() == [MONDAY_S + HOUR_S, MONDAY_S + DAY_S + 60 + HOUR_S]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param(View("9", submit_s=MONDAY_S + 30 * DAY_S), True, id="of another month"),
        pytest.param(View("9", submit_s=MONDAY_S + DAY_S), False, id="in the week"),
        pytest.param(View("1", rank=2), False, id="a later view"),
    ],
)
def test_files_of_a_week_are_compared(ledger, later, expected):
    load(ledger, View("1"), digest="a")
    before = ledger.version
    load(ledger, later, digest="b")
    assert is_untouched(book_stamp(ledger), before, WEEK.period) is expected


def test_a_version_that_is_gone_is_said(ledger):
    load(ledger, View("1"))
    with pytest.raises(LedgerError):
        is_untouched(book_stamp(ledger), 99, WEEK.period)
