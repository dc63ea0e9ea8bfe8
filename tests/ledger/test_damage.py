"""Whoever reads a damaged ledger is told so in one sentence, never in a traceback."""

import pytest

from auditor.errors import LedgerError
from auditor.ledger.ledger import Ledger

from .runs import View, batch, load, source

QUESTIONS = {
    "read": lambda ledger: ledger.read(),
    "quality": lambda ledger: ledger.quality(),
    "factors": lambda ledger: ledger.factor_set("base"),
    "check": lambda ledger: ledger.check(),
    "load": lambda ledger: load(ledger, View("1", rank=5), digest="d5"),
}


def scratched(path, places):
    content = bytearray(path.read_bytes())
    for place in places:
        first = int(place * (len(content) - 64))
        content[first : first + 64] = bytes(range(200, 264 - 8)) + bytes(8)
    path.write_bytes(bytes(content))


@pytest.fixture
def damaged(ledger, request):
    """Return a ledger with scratches over the files of a pattern."""
    ledger.load([batch(*(View(str(n)) for n in range(500)))], source())
    folder, (pattern, places) = ledger.folder, request.param
    ledger.close()
    for path in folder.glob(pattern):
        scratched(path, places)
    return folder


SCRATCHES = [
    pytest.param((pattern, places), id=f"{pattern.rsplit('/', 1)[-1]} {where}")
    for pattern in ("book/*/*/*.parquet", "book/_delta_log/*.json", "desk.sqlite")
    for where, places in {
        "throughout": [n / 40 for n in range(41)],
        "in the middle": [0.3, 0.5, 0.6],
        "at the end": [1.0],
    }.items()
]


def refusal_of(folder, question):
    """Return how the question was refused, None if it was answered."""
    try:
        with Ledger.open(folder, create=False) as ledger:
            QUESTIONS[question](ledger)
    except LedgerError as error:
        return error
    return None


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("damaged", SCRATCHES, indirect=True)
def test_damage_is_one_sentence(damaged, question):
    refusal = refusal_of(damaged, question)
    if refusal is not None:
        assert refusal.exit_code == 75
        assert "auditor check" in refusal.hint


@pytest.mark.parametrize("question", ["read", "load"])
@pytest.mark.parametrize("damaged", SCRATCHES[:1], indirect=True)
def test_a_book_that_is_scratched_all_over_answers_nothing(damaged, question):
    assert "cannot be read" in str(refusal_of(damaged, question))


@pytest.mark.parametrize("question", ["quality", "factors", "check"])
@pytest.mark.parametrize("damaged", [("desk.sqlite", [n / 40 for n in range(41)])], indirect=True)
def test_a_desk_that_is_scratched_all_over_answers_nothing(damaged, question):
    assert "cannot be read" in str(refusal_of(damaged, question))


@pytest.mark.parametrize("damaged", SCRATCHES[:3], indirect=True)
def test_every_scratch_on_the_book_is_found(damaged):
    with Ledger.open(damaged, create=False) as ledger:
        assert [finding.code for finding in ledger.check()] == ["files"]
