"""The sample with known answers beside the checkout, in a real Prometheus and as recorded."""

import csv
import json
import lzma
from pathlib import Path

import pytest

from auditor.collect.prometheus_answer import check_answer
from tests.integration.prometheus.auditing import audit
from tests.integration.prometheus.server import backfill, prometheus, require_prometheus

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "prometheus"
BEGIN_S, END_S, STEP_S = 1_794_700_800, 1_795_305_600, 300

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SAMPLE.is_dir(), reason="no sample beside the checkout"),
]


@pytest.fixture(scope="module")
def truth():
    with (SAMPLE / "pods-truth-300s.csv").open(newline="") as lines:
        return {row["uid"]: row for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    require_prometheus()
    folder = tmp_path_factory.mktemp("sample")
    text = folder / "sample.txt"
    text.write_bytes(lzma.decompress((SAMPLE / "openmetrics-300s.txt.xz").read_bytes()))
    backfill(folder, text)
    text.unlink()
    with prometheus(folder) as url:
        yield audit(url, BEGIN_S, END_S)


def test_each_pod_has_its_energy(week, truth):
    assert week.energy_wh.sum() / 1000 == pytest.approx(561.527, abs=5e-4)
    assert set(week.energy_wh.index) == set(truth)
    for uid, row in truth.items():
        assert week.energy_wh[uid] == pytest.approx(float(row["energy_wh"]), abs=1e-3)
    assert week.unattributed_wh == 0
    # The first sample of a board has none before it: its step is not told.
    assert 683.575 - 80 * 0.07 * STEP_S / 3600 * 1.1 < week.idle_wh / 1000 < 683.575


def test_facts_of_pods_are_told(week, truth):
    told = week.pods
    assert len(told) == 216
    for uid, row in truth.items():
        assert told.loc[uid, "gpu_types"] == f"{row['gpu_product']}={row['gpus']}"
        assert told.loc[uid, "owner_kind"] == row["owner_kind"]
        # Nobody recorded the times: samples tell them to within a step.
        begin_s = told.loc[uid, "start_utc"].timestamp()
        assert abs(begin_s - int(row["start_epoch"])) <= STEP_S


def test_recorded_answers_are_read():
    def read(name):
        return check_answer(json.loads((SAMPLE / name).read_text())).samples()

    power = read("power-matrix-1day.json")
    assert power.value.sum() * STEP_S / 3.6e6 == pytest.approx(31.726, abs=5e-4)
    assert read("special-values.json").n_unusable == 3
    notes = read("pod-labels-7d.json").labels["label_app_kubernetes_io_name"]
    assert {'quote"q', "back\\slash", "new\nline", "<script>alert(1)</script>"} <= set(notes)
