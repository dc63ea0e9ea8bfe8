"""Which watts a core gets, from which evidence."""

import pytest

from tests.hardware.sample_jobs import LISTING, rule

EPYC = "AMD EPYC 7763"
# Case, the rule's profile, with a listing, model, watts of one CPU; None for the default.
CPU = [
    ("rule", {"cpu": EPYC}, False, EPYC, 4.375),
    ("stated", {"cpu_w_per_core": 4.4}, False, "", 4.4),
    ("stated beats looked up", {"cpu": EPYC, "cpu_w_per_core": 4.4}, False, EPYC, 4.4),
    ("features, threads counted", {}, True, EPYC, 4.375 / 2),
    ("rule, threads counted", {"cpu": "xeon6148"}, True, "Intel Xeon Gold 6148", 7.5 / 2),
    ("stated is per CPU as counted", {"cpu_w_per_core": 4.4}, True, EPYC, 4.4),
    ("rule says how CPUs are counted", {"cpu": EPYC, "n_cpus_per_core": 1.0}, True, EPYC, 4.375),
    ("default", {}, False, "", None),
    ("rule names what nobody knows", {"cpu": "X"}, False, "", None),
]


@pytest.mark.parametrize(
    ("profile", "is_listed", "model", "watts"),
    [case[1:] for case in CPU],
    ids=[case[0] for case in CPU],
)
def test_processor(only, profile, is_listed, model, watts):
    row = only(rules=[rule(**profile)], listing=LISTING if is_listed else None)
    assert row.cpu_model == model
    assert row.cpu_max_w_per_core == pytest.approx(5.0 if watts is None else watts)
    assert row.cpu_idle_w_per_core == pytest.approx(0.3 * row.cpu_max_w_per_core)
    assert row.cpu_known == (watts is not None)


def test_default_per_core_is_halved_where_threads_are_counted(only):
    assert only(node_list="gpu4", listing=LISTING).cpu_max_w_per_core == 5.0
    twice = LISTING.replace("64|2:32:1", "128|2:32:2")
    assert only(node_list="gpu4", listing=twice).cpu_max_w_per_core == 2.5


def test_processor_bounds(only):
    default = only()
    assert (default.cpu_max_low_w_per_core, default.cpu_max_high_w_per_core) == (2.0, 12.0)
    genoa = only(node_list="cpu1", listing=LISTING)
    assert genoa.cpu_max_low_w_per_core < 3.75 < genoa.cpu_max_high_w_per_core
    assert "genoa fits 1" in genoa.hardware_rule
    stated = only(rules=[rule(cpu_w_per_core=4.0, cpu_idle_w_per_core=1.5)])
    assert (stated.cpu_max_low_w_per_core, stated.cpu_idle_w_per_core) == (4.0, 1.5)
