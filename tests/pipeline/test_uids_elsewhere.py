"""The same pods under two names of clusters."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.ledger.interface import LoadBatch, LoadReceipt, LoadSource
from auditor.ledger.ledger import Ledger
from auditor.normalize.export import read_export
from auditor.pipeline.line import load_batch
from auditor.pipeline.uids_elsewhere import CODE, tell_uids_elsewhere
from auditor.wiring.parts import ExportOptions, export_context
from tests.pipeline.pod_site import HOUR, NOW, Pod, PodSite

OPEN = Pod("open", NOW - 5 * HOUR)
ENDED = Pod("ended", NOW - 5 * HOUR, NOW - 2 * HOUR)
WAITING = Pod("late", NOW + HOUR)
OTHER = Pod("other", NOW - 4 * HOUR)


@pytest.fixture
def site(tmp_path: Path) -> PodSite:
    return PodSite(tmp_path)


def batches(site: PodSite, cluster: str, *pods: Pod) -> list[LoadBatch]:
    """Return one batch for each pod, as an export of them would have them in the end."""
    context = export_context(site.settings, "pods.json", ExportOptions(cluster=cluster))
    found = []
    for pod in pods:
        stream = io.BytesIO(site.listing([pod], site.now).encode())
        export = read_export(stream, replace(context, seen_utc=site.now))
        found += [load_batch(batch, site.factors) for batch in export]
    return found


def load(site: PodSite, cluster: str, *pods: Pod) -> tuple[LoadReceipt, list[LoadBatch]]:
    """Load pods; return the receipt and what was added to the load."""
    added: list[LoadBatch] = []
    source = LoadSource(cluster, lambda: f"{cluster} {pods} {site.now}", site.now.isoformat())
    with site.ledger() as ledger:
        ledger.record_factor_set(site.factors.factor_set)
        told = tell_uids_elsewhere(iter(batches(site, cluster, *pods)), ledger, added.append)
        return ledger.load(told, source), added


@pytest.mark.parametrize(
    ("pods", "n_told"),
    [
        pytest.param((OPEN,), 1, id="an open one"),
        pytest.param((ENDED,), 1, id="an ended one"),
        pytest.param((OPEN, ENDED, OTHER), 2, id="two of three, in several batches"),
        pytest.param((OTHER,), 0, id="none of them"),
    ],
)
@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=3)])
def test_pods_under_another_name_are_told(site, pods, n_told, later):
    load(site, "cloud", OPEN, ENDED)
    site.now += later
    receipt, added = load(site, "renamed", *pods)
    assert receipt.n_new == len(pods)
    notes = [note for batch in added for note in batch.notes]
    assert [note.code for note in notes] == [CODE] * bool(n_told)
    for note in notes:
        assert f"{n_told} pods of renamed" in note.text
        assert "as pods of cloud too" in note.text


def test_a_cluster_that_is_loaded_again_is_no_other(site):
    load(site, "cloud", OPEN, ENDED)
    site.now += HOUR
    assert load(site, "cloud", OPEN, ENDED)[1] == []


def test_every_other_name_is_told_of(site):
    load(site, "cloud", OPEN)
    load(site, "renamed", OPEN)
    _, added = load(site, "again", OPEN)
    texts = [note.text for batch in added for note in batch.notes]
    assert ["of cloud" in text for text in texts] == [True, False]


def test_pods_that_never_ran_ask_the_book_for_nothing(site, monkeypatch):
    load(site, "cloud", OPEN)
    pieces = batches(site, "renamed", WAITING)
    asked: list[object] = []
    monkeypatch.setattr(Ledger, "read", lambda *given: asked.append(given))
    with site.ledger() as ledger:
        assert list(tell_uids_elsewhere(iter(pieces), ledger)) == pieces
    assert asked == []


def test_the_batches_go_on_as_they_come(site):
    pieces = batches(site, "cloud", OPEN, ENDED)

    def told() -> Iterator[LoadBatch]:
        yield from pieces

    with site.ledger() as ledger:
        assert list(tell_uids_elsewhere(told(), ledger)) == pieces
