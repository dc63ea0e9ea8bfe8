"""What a page says that its numbers rest on: the accounting and the factors of its own runs."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from auditor.ledger.interface import Filters
from auditor.pipeline.reports import Edition, Question, pages, report
from auditor.report.page import Subject
from auditor.wiring.house import house
from auditor.wiring.store import open_ledger
from tests.integration.pod_site import GPU_CLOUD, WHO, load_pods, pod
from tests.pipeline.site import factors_of, load, settings_in
from tests.pipeline.week_site import ALICE, BOB, END, HOUR, START, WEEK

ELSEWHERE = GPU_CLOUD.replace('zone = "X"', 'zone = "N"') + WHO + (
    '[[intensity]]\nzone = "N"\nsource = "constant"\ng_per_kwh = 30\n'
)  # fmt: skip
PODS = (
    pod("train", START + 5 * HOUR, 7, user="alice@example.org"),
    pod("serve", START + 5 * HOUR, 9, user="dave"),
)


@dataclass(frozen=True)
class Cut:
    """A row of accounting that ends too soon."""

    def line(self, _seen_utc: datetime) -> str:
        return "7|7|alpha|bob"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """Yield the ledger of a site and what is said on it: one bad row on alpha, pods elsewhere."""
    settings = settings_in(tmp_path_factory.mktemp("site"), more=ELSEWHERE)
    load(settings, factors_of(settings), (ALICE, BOB, Cut()), END)
    still = pod("open", START + 50 * HOUR, 1, user="dave")
    still["status"]["phase"] = "Running"
    still["status"]["containerStatuses"][0]["state"] = {
        "running": {"startedAt": still["status"]["startTime"]}
    }
    load_pods(settings, (*PODS, still))
    with open_ledger(settings, create=False) as ledger:
        yield ledger, house(settings)


@pytest.fixture(scope="module")
def drawn(ledger):
    also = Edition(also=(Subject("user", "nobody-now"),))
    return {
        (page.subject.kind, page.subject.name): page.report
        for page in pages(ledger[0], WEEK.period, ledger[1], also)
    }


BOTH = {"alpha", "gpu-cloud"}


@pytest.mark.parametrize(
    ("kind", "name", "n_rejected", "clusters"),
    [
        pytest.param("site", "Example HPC", 1, BOTH, id="all of it"),
        pytest.param("cluster", "alpha", 1, {"alpha"}, id="one cluster"),
        pytest.param("cluster", "gpu-cloud", 0, {"gpu-cloud"}, id="another cluster"),
        pytest.param("user", "alice", 1, BOTH, id="who ran on both"),
        pytest.param("user", "bob", 1, {"alpha"}, id="who ran on the one"),
        pytest.param("user", "dave", 0, {"gpu-cloud"}, id="who ran on the other"),
        pytest.param("user", "nobody-now", 0, set(), id="who ran nowhere any more"),
    ],
)
def test_a_page_rests_on_what_its_runs_rest_on(drawn, kind, name, n_rejected, clusters):
    found = drawn[kind, name]
    assert found.quality.facts.n_rejected == n_rejected
    assert bool(found.quality.facts.n_rows) == bool(clusters)
    pues = {one.name for one in found.provenance.factors if one.name.startswith("PUE of ")}
    assert pues == {f"PUE of {cluster}" for cluster in clusters}
    zone_of = {"alpha": "X", "gpu-cloud": "N"}
    zones = {one.zone for one in found.provenance.intensity}
    assert zones == {zone_of[cluster] for cluster in clusters}


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param(Filters(cluster=("gpu-cloud",)), id="a cluster"),
        pytest.param(Filters(user=("dave",)), id="a user of it"),
        pytest.param(Filters(user=("alice",), cluster=("gpu-cloud",)), id="what a user ran there"),
    ],
)
def test_a_question_tells_of_the_accounting_of_its_runs(ledger, filters):
    found = report(ledger[0], Question(WEEK.period, filters), ledger[1])
    assert (found.quality.facts.n_rejected, found.quality.facts.rejects) == (0, ())
    everything = report(ledger[0], Question(WEEK.period), ledger[1])
    assert found.quality.facts.n_rows < everything.quality.facts.n_rows


@pytest.mark.parametrize(
    ("filters", "is_said"),
    [
        pytest.param(Filters(), True, id="everything"),
        pytest.param(Filters(cluster=("gpu-cloud",)), True, id="the cluster"),
        pytest.param(Filters(user=("alice",)), False, id="who has none of them"),
        pytest.param(Filters(user=("dave",)), False, id="who has some, and is told of those"),
    ],
)
def test_open_pods_of_everybody_are_told_to_who_asks_for_everybody(ledger, filters, is_said):
    found = report(ledger[0], Question(WEEK.period, filters), ledger[1])
    notes = [one.text for one in found.quality.facts.notes if one.code == "seen_inferred"]
    assert bool(notes) == is_said
    assert found.quality.n_open == (filters.user != ("alice",))
