"""Metered accelerators through the line: loaded, explained, checked, estimated anew."""

import io
from dataclasses import replace

import pytest

from auditor.energy.step import Step
from auditor.ledger.interface import LoadSource
from auditor.normalize.export import read_export
from auditor.pipeline.explain import explain
from auditor.pipeline.line import load_batch, recompute
from auditor.wiring.parts import ExportOptions, build_factors, export_context
from auditor.wiring.store import open_ledger

from .site import settings_in

EXPORT = """\
JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End|Elapsed|AllocTRES|NNodes|NCPUS
1|1|alpha|alice|ml|gpu|COMPLETED|2026-11-16T00:00:00|2026-11-16T00:00:00|2026-11-16T10:00:00|\
10:00:00|billing=8,cpu=8,mem=16G,node=1,gres/gpu:a100=2|1|8
"""
# Energy that meters gave [Wh] over which share of 2 x 10 h, and what is believed of it.
CASES = [
    pytest.param({}, 4000.0, 1.0, 4000.0, id="metered whole"),
    pytest.param({}, 3000.0, 0.6, 3000.0, id="metered in part"),
    pytest.param({}, 200.0, 1.0, 200.0, id="idle as only one of the models can be"),
    pytest.param({}, 40_000.0, 1.0, 0.0, id="more than can be"),
    pytest.param({"n_gpu": 0.25, "n_cpus": 0.5}, 700.0, 0.9, 700.0, id="a share of a card"),
]


@pytest.mark.parametrize(("facts", "energy_wh", "ratio", "believed_wh"), CASES)
def test_the_book_its_explanation_and_a_new_estimate_agree(
    tmp_path, facts, energy_wh, ratio, believed_wh
):
    settings = settings_in(tmp_path)
    factors = build_factors(settings)
    context = export_context(settings, "meters", ExportOptions())
    (found,) = read_export(io.BytesIO(EXPORT.encode()), context)
    jobs = found.jobs.assign(gpu_energy_j=energy_wh * 3600, gpu_metered_ratio=ratio, **facts)
    source = LoadSource("meters", lambda: "digest", "2026-11-17T00:00:00Z")
    with open_ledger(settings, create=True) as ledger:
        ledger.record_factor_set(factors.factor_set)
        ledger.load([load_batch(replace(found, jobs=jobs), factors)], source)
        run = ledger.read().iloc[0]
        told = {step.label: step for step in explain(ledger, "1", ())[0].steps}
        recompute(ledger, factors, source)
        again = ledger.read().iloc[0]
        assert ledger.check() == ()
    assert run["gpu_measured_wh"] == pytest.approx(believed_wh)
    assert again["gpu_wh"] == run["gpu_wh"]
    assert _value(told, "gpu") == pytest.approx(run["gpu_wh"])
    assert _value(told, "energy") == pytest.approx(run["energy_wh"])
    assert told["gpu"].source.startswith(f"basis: {run['gpu_basis']}")
    assert _value(told, "gpu_measured") == pytest.approx(believed_wh)


def _value(told: dict[str, Step], label: str) -> float:
    return told[label].value if label in told else 0.0
