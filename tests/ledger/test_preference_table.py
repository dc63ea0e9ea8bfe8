"""What users chose is remembered, and nothing else is taken."""

import pytest

from .mails import MONDAY, SECOND


def test_the_last_choice_counts(ledger, second):
    assert ledger.preferences.frequency("alice") is None
    ledger.preferences.set_frequency("bob", "weekly", MONDAY)
    for frequency in ("weekly", "never", "monthly"):
        ledger.preferences.set_frequency("alice", frequency, MONDAY + SECOND)
        assert second.preferences.frequency("alice") == frequency
    assert ledger.preferences.all() == {"alice": "monthly", "bob": "weekly"}


@pytest.mark.parametrize("frequency", ["", "daily", "Weekly", "weekly "])
def test_another_frequency_is_refused(ledger, frequency):
    with pytest.raises(ValueError, match="is not one of"):
        ledger.preferences.set_frequency("alice", frequency, MONDAY)
    assert ledger.preferences.all() == {}
