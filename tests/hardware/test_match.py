"""Which watts a job gets, from which evidence."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.domain.frames import HARDWARE, check
from auditor.hardware.inventory import read_node_listing
from auditor.hardware.match import UnmatchedHardware, match_hardware
from tests.hardware.sample_jobs import A100, LISTING, V100, job, jobs_of, rule


def test_frame_has_the_columns_of_the_domain_on_the_jobs_index(match):
    matched = match(job("a100=1"), job(), index=[42, 7])
    check(matched.frame, HARDWARE)
    assert list(matched.frame.index) == [42, 7]
    assert [column.name for column in HARDWARE] == list(matched.frame.columns)


def test_no_jobs(match):
    matched = match()
    check(matched.frame, HARDWARE)
    assert len(matched.frame) == 0
    assert matched.unmatched == ()


def test_job_without_accelerator(only):
    row = only("")
    assert row.gpu_model == ""
    assert row.gpu_known
    assert math.isnan(row.gpu_max_w)
    assert row.hardware_rule.startswith("gpu: none; cpu: default")


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({"match": "gpu[1-4]"}, True),
        ({"match": "gpu[2-4]"}, False),
        ({"match": "gpu*"}, True),
        ({"partition": "gpu"}, True),
        ({"partition": "g*"}, True),
        ({"partition": "cpu*"}, False),
        ({"match": "gpu1", "partition": "cpu"}, False),
        ({"match": "gpu1", "partition": "gpu"}, True),
        ({"cluster": "beta"}, False),
        ({}, True),
    ],
)
def test_all_selectors_must_match(only, selector, fits):
    row = only("=1", rules=[rule(**selector, gpu=V100)])
    assert (row.gpu_model == V100) == fits


def test_first_rule_wins(only):
    rules = [rule(match="gpu2", gpu="l4"), rule(match="gpu*", gpu=V100), rule(gpu="h100")]
    assert only("=1", rules=rules).gpu_model == V100
    assert only("=1", node_list="gpu2", rules=rules).gpu_model == "NVIDIA L4"
    assert only("=1", node_list="x1", rules=rules).gpu_model == "NVIDIA H100 SXM5 80GB"


def test_job_without_nodes_meets_rules_on_partitions_only(only):
    rules = [rule(match="gpu*", gpu="l4"), rule(partition="gpu*", gpu=V100)]
    assert only("=1", node_list=None, rules=rules).gpu_model == V100
    pending = only("=1", node_list=None, partition="debug,gpu", rules=rules)
    assert pending.gpu_model == V100


def test_rules_over_unlike_nodes_are_weighted_by_nodes(only):
    rules = [rule(match="gpu1", gpu=V100), rule(match="gpu[2-4]", gpu="NVIDIA A100 80GB PCIe")]
    untyped = only("=8", node_list="gpu[1-4]", rules=rules)
    assert untyped.gpu_model == f"NVIDIA A100 80GB PCIe + {V100}"
    typed = only("v100=8", node_list="gpu[1-4]", rules=rules)
    assert typed.gpu_model == V100


@pytest.mark.parametrize(
    ("n_cpus", "n_nodes", "profile", "watts"),
    [
        (16, 1, {"node_base_w": 200.0, "n_cores": 64}, 50.0),
        (64, 1, {"node_base_w": 200.0, "n_cores": 64}, 200.0),
        (128, 2, {"node_base_w": 200.0, "n_cores": 64}, 400.0),
        (96, 2, {"node_base_w": 200.0, "n_cores": 64}, 300.0),
        (256, 2, {"node_base_w": 200.0, "n_cores": 64}, 400.0),
        (0.5, 1, {"node_base_w": 200.0, "n_cores": 64}, 1.5625),
        (0, 1, {"node_base_w": 200.0, "n_cores": 64}, 0.0),
        (16, 1, {"node_base_w": 200.0}, math.nan),
        (16, 1, {"n_cores": 64}, math.nan),
        (math.nan, 1, {"node_base_w": 200.0, "n_cores": 64}, math.nan),
    ],
)
def test_share_of_the_nodes_base_load(only, n_cpus, n_nodes, profile, watts):
    row = only(n_cpus=n_cpus, n_nodes=n_nodes, rules=[rule(**profile)])
    assert row.node_base_w == pytest.approx(watts, nan_ok=True)


def test_a_part_of_an_accelerator_has_the_watts_of_the_whole(only):
    """The energy counts the part; watts are those of one."""
    row = only("NVIDIA-A100-SXM4-80GB-SHARED=0.25")
    assert (row.gpu_model, row.gpu_max_w) == (A100, 400.0)


def test_unknown_parts_of_accelerators_are_counted_as_parts(match):
    (unmatched,) = match(job("rtx30=0.25", elapsed_s=1000)).unmatched
    assert (unmatched.n_jobs, unmatched.gpu_s) == (1, 250.0)


def test_base_load_of_some_nodes_is_not_charged_to_the_others(only):
    stated = {"node_base_w": 100.0, "n_cores": 4}
    rules = [rule(match="b1", **stated), rule(match="b2", node_base_w=300.0, n_cores=8)]
    both = only(n_cpus=12, n_nodes=2, node_list="b1,b2", rules=rules)
    assert both.node_base_w == pytest.approx(400.0)
    partly = only(n_cpus=8, n_nodes=2, node_list="b1,c1", rules=rules)
    assert math.isnan(partly.node_base_w)


def test_base_load_takes_the_cores_from_the_listing(only):
    row = only(n_cpus=32, rules=[rule(node_base_w=200.0)], listing=LISTING)
    assert row.node_base_w == pytest.approx(200 * 32 / 128)


def test_unmatched_hardware_is_listed_by_partition_and_word(match):
    matched = match(
        job("rtx30=2", node_list="n1", elapsed_s=100),
        job("rtx30=2", node_list="n2", elapsed_s=900),
        job("rtx30=1,a100=3", node_list="n2", elapsed_s=100),
        job("=1", node_list="n3", partition="debug", elapsed_s=50),
        job("=1", node_list=None, partition="debug", elapsed_s=0),
        job("a100=1", elapsed_s=9999),
        job(),
    )
    assert matched.unmatched == (
        UnmatchedHardware("alpha", "gpu", "rtx30", ("n2", "n1"), 3, 2100.0),
        UnmatchedHardware("alpha", "debug", "", ("n3",), 2, 50.0),
    )
    assert list(matched.frame["gpu_known"]) == [False, False, False, False, False, True, True]


def test_missing_text_is_not_a_word(match):
    jobs = jobs_of(job("a100=1", node_list=None, partition=None))
    assert jobs["partition"].isna().all()
    assert match(job("a100=1", node_list=None, partition=None)).frame.gpu_known.all()


ROWS = st.lists(
    st.builds(
        job,
        st.sampled_from(["", "=2", "a100=1", "a100=1,v100=3", "a100_1g.10gb=2", "rtx30=1"]),
        node_list=st.sampled_from([None, "gpu1", "gpu[1-4]", "cpu1", "gpu5,gpu3"]),
        partition=st.sampled_from([None, "gpu", "cpu"]),
        n_cpus=st.integers(1, 256),
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, max_examples=40)
@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_each_job_is_matched_by_itself_and_bounds_are_in_order(catalogue, defaults, rows, order):
    rules = [rule(match="gpu[1-2]", gpu=A100), rule(partition="cpu", cpu="milan", gpu_w=90.0)]
    inventory = read_node_listing(LISTING)

    def frame(chosen):
        return match_hardware(jobs_of(*chosen), rules, inventory, catalogue, defaults).frame

    together = frame(rows)
    shuffled = list(range(len(rows)))
    order.shuffle(shuffled)
    again = frame([rows[n] for n in shuffled])
    for column in together.columns:
        expected = together[column].to_numpy(dtype=object)[shuffled]
        pd.testing.assert_series_equal(
            pd.Series(expected), pd.Series(again[column].to_numpy(dtype=object))
        )
    with_gpu = together[together["gpu_model"] != ""]
    for low, central, high in (
        ("gpu_max_low_w", "gpu_max_w", "gpu_max_high_w"),
        ("gpu_idle_low_w", "gpu_idle_w", "gpu_idle_high_w"),
        ("gpu_idle_w", "gpu_max_w", "gpu_max_w"),
    ):
        values = with_gpu[[low, central, high]].to_numpy()
        assert np.isfinite(values).all()
        assert (np.diff(values, axis=1) >= -1e-9).all()


@pytest.mark.parametrize(
    ("types", "profile", "is_ambiguous"),
    [
        pytest.param("a100=1", {}, True, id="a word for several models"),
        pytest.param("a100=1,h100_nvl=1", {}, True, id="one of two words"),
        pytest.param("=1", {"gpu": "a100"}, True, id="the rule's own word"),
        pytest.param("a100=1", {"gpu": A100}, False, id="settled by a rule"),
        pytest.param("a100=1", {"gpu_w": 350.0}, False, id="watts stated"),
        pytest.param("l4=1", {}, False, id="a word for one model"),
        pytest.param("quantum=1", {}, False, id="a word that nobody knows"),
        pytest.param("", {}, False, id="no accelerator"),
    ],
)
def test_a_word_for_several_models_is_flagged(only, types, profile, is_ambiguous):
    rules = [rule(**profile)] if profile else []
    assert only(types, rules=rules).gpu_ambiguous == is_ambiguous
