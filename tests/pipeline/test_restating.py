from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.domain.week import Week
from auditor.ledger.interface import LoadSource
from auditor.pipeline.line import recompute
from auditor.pipeline.reports import House
from auditor.pipeline.restating import change_between
from auditor.report.page import Subject
from auditor.wiring.parts import build_factors
from auditor.wiring.store import open_ledger
from tests.pipeline.site import Run, factors_of, load, settings_in

HOUR = timedelta(hours=1)
HOUSE = House("Example HPC")
PERIOD = Week(2026, 47, "Europe/Berlin").period
START, END = PERIOD.start_utc, PERIOD.end_utc
ALICE = Run(1, "alice", START + 10 * HOUR, START + 20 * HOUR)
BOB = Run(2, "bob", START + 30 * HOUR, START + 60 * HOUR, "bio")
OPEN = Run(3, "carol", END - 10 * HOUR, None)
OVER_THE_EDGE = Run(4, "carol", END - 5 * HOUR, END + 5 * HOUR)
SITE, A, B, C = (
    Subject("site", "Example HPC"),
    *(Subject("user", name) for name in ("alice", "bob", "carol")),
)


def changed(folder, *later: Run):
    """Load runs, then others, and compare the two versions of the book."""
    settings = settings_in(folder, more="")
    factors = factors_of(settings)
    load(settings, factors, [ALICE, BOB, OPEN, OVER_THE_EDGE], END + HOUR)
    with open_ledger(settings, create=False) as ledger:
        first = ledger.version
    load(settings, factors, later, END + 30 * HOUR)
    with open_ledger(settings, create=False) as ledger:
        return change_between(ledger, PERIOD, (first, ledger.version), HOUSE)


def counts(change, subject: Subject) -> tuple[int, int, int, int] | None:
    found = change.restated(subject, 2)
    if found is None:
        return None
    return (found.n_late, found.n_changed, found.n_gone, found.n_reestimated)


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(ALICE, id="the same again"),
        pytest.param(OPEN, id="still open"),
        pytest.param(Run(9, "dave", END + HOUR, END + 2 * HOUR), id="a run of another week"),
    ],
)
def test_nothing_changed(tmp_path, later):
    assert changed(tmp_path, later) is None


@pytest.mark.parametrize(
    ("later", "of_whom", "expected", "can_wait"),
    [
        pytest.param(Run(9, "alice", START, END), A, (1, 0, 0, 0), False, id="late"),
        pytest.param(replace(OPEN, end_utc=END), C, (0, 1, 0, 0), True, id="ended"),
        pytest.param(
            replace(BOB, end_utc=START + 70 * HOUR), B, (0, 1, 0, 0), False, id="longer than said"
        ),
    ],
)
def test_what_changed_is_told_by_kind(tmp_path, later, of_whom, expected, can_wait):
    change = changed(tmp_path, later)
    assert counts(change, SITE) == counts(change, of_whom) == expected
    assert change.can_wait is can_wait
    others = {A, B, C} - {of_whom}
    assert [counts(change, other) for other in others] == [None, None]
    assert len(change.restated(SITE, 2).reasons) == 1


def test_a_run_that_is_gone_is_told_of(tmp_path):
    settings = settings_in(tmp_path, more="")
    factors = factors_of(settings)
    load(settings, factors, [ALICE], END)
    with open_ledger(settings, create=False) as ledger:
        first = ledger.version
    load(settings, factors, [BOB], END + HOUR)
    with open_ledger(settings, create=False) as ledger:
        change = change_between(ledger, PERIOD, (ledger.version, first), HOUSE)
    assert counts(change, SITE) == counts(change, B) == (0, 0, 1, 0)
    assert change.restated(B, 2).previous.n_jobs == 1
    assert change.restated(B, 2).reasons == ("1 run is not of this week any more.",)


def test_totals_of_before_are_those_of_the_subject(tmp_path):
    change = changed(tmp_path, Run(9, "alice", START, END))
    site, alice = change.restated(SITE, 2).previous, change.restated(A, 2).previous
    assert (site.n_jobs, alice.n_jobs) == (4, 1)
    assert 0 < alice.carbon_g < site.carbon_g
    assert alice.core_s == 10 * 3600 * 8


def test_new_factors_are_told_apart_from_new_facts(tmp_path):
    settings = settings_in(tmp_path, more="")
    load(settings, factors_of(settings), [ALICE, BOB, OVER_THE_EDGE], END + HOUR)
    clusters = tuple(one.model_copy(update={"pue": 1.5}) for one in settings.clusters)
    other = settings.model_copy(update={"clusters": clusters})
    with open_ledger(settings, create=False) as ledger:
        first = ledger.version
        recompute(ledger, build_factors(other), LoadSource("recompute", lambda: "r", "2026-11-24"))
        change = change_between(ledger, PERIOD, (first, ledger.version), HOUSE)
    assert counts(change, SITE) == (0, 0, 0, 3)
    assert change.restated(SITE, 3).reasons == ("3 runs were estimated anew.",)
    assert change.restated(SITE, 3).revision == 3


def test_an_open_run_that_was_accounted_in_part_is_told_of(tmp_path):
    settings = settings_in(tmp_path, more="")
    factors = factors_of(settings)
    versions = []
    for seen_utc in (END - 6 * HOUR, END + 30 * HOUR, END + 40 * HOUR):
        load(settings, factors, [OPEN], seen_utc)
        with open_ledger(settings, create=False) as ledger:
            versions.append(ledger.version)
    with open_ledger(settings, create=False) as ledger:
        grown = change_between(ledger, PERIOD, (versions[0], versions[1]), HOUSE)
        same = change_between(ledger, PERIOD, (versions[1], versions[2]), HOUSE)
    assert same is None
    assert counts(grown, C) == (0, 1, 0, 0)
    assert not grown.can_wait
    assert "accounted in part" in grown.restated(C, 2).reasons[0]
