"""All rules together: nothing counted twice, the largest saving first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.recommend.advise import recommend
from auditor.recommend.interface import AdviceSettings
from tests.recommend.samples import GIB, slices
from tests.recommend.test_right_size import GPU_RUN, LOW_CPU_RUN

ALL_WRONG = GPU_RUN | {"total_cpu_s": 57_600.0, "max_rss_bytes": GIB}
FREE = AdviceSettings(least_saving_g=0.0, least_saving_ratio=0.0)


def rules_of(rows, **changes):
    advice = recommend(rows, AdviceSettings(**({"least_saving_g": 0.0} | changes)))
    return [piece.rule for piece in advice]


def test_a_lost_run_is_claimed_whole_and_only_once():
    assert rules_of(slices(ALL_WRONG | {"state": "FAILED"})) == ["lost_work"]
    assert rules_of(slices(ALL_WRONG | {"state": "TIMEOUT"})) == ["timed_out"]


def test_the_largest_saving_comes_first():
    rows = slices(ALL_WRONG | {"carbon_g": 10.0}, {"job_name": "test", "state": "FAILED"})
    assert rules_of(rows, least_saving_ratio=0.0) == [
        "lost_work",
        "idle_gpu",
        "over_asked_memory",
        "low_use_cpu",
    ]


def test_open_runs_get_no_advice():
    assert rules_of(slices(ALL_WRONG | {"is_open": True, "state": "RUNNING"})) == []


def test_a_node_failure_is_still_right_sized():
    assert "idle_gpu" in rules_of(slices(ALL_WRONG | {"state": "NODE_FAIL"}))


def test_small_savings_beside_a_large_total_are_not_mentioned():
    rows = slices(LOW_CPU_RUN, {"job_name": "test", "carbon_g": 1e6})
    assert rules_of(rows) == []
    assert rules_of(rows, least_saving_ratio=0.0) == ["low_use_cpu"]


def test_names_that_users_choose_reach_no_command():
    hostile = ALL_WRONG | {"job_name": "x; rm -rf ~ #", "user": "$(id)"}
    advice = recommend(slices(hostile, hostile | {"state": "FAILED"}), FREE)
    assert {piece.rule for piece in advice} >= {"idle_gpu", "lost_work", "low_use_cpu"}
    for piece in advice:
        assert "rm -rf" not in piece.command
        assert "$(id)" not in piece.command


def test_a_long_name_is_cut_in_the_text_and_whole_in_the_evidence():
    advice = recommend(slices(LOW_CPU_RUN | {"job_name": "x" * 300}), FREE)
    assert f"for job {'x' * 59}… of alice" in advice[0].text
    assert advice[0].evidence["job_name"] == "x" * 300


def test_no_rows_no_advice():
    assert recommend(slices({}).iloc[:0], AdviceSettings()) == []


share = st.floats(0, 1)
some_slice = st.builds(
    lambda state, whose, n_gpu, parts, use, peak, g: {
        "state": state,
        "user": whose[0],
        "job_name": whose[1],
        "n_gpu": float(n_gpu),
        "gpu_s": n_gpu * 36_000.0,
        "gpu_utilisation_ratio": use[0],
        "total_cpu_s": use[1] * 360_000,
        "max_rss_bytes": peak * 200 * GIB,
        "gpu_wh": parts[0] if n_gpu else 0.0,
        "cpu_wh": parts[1],
        "memory_wh": parts[2],
        "it_energy_wh": (parts[0] if n_gpu else 0.0) + sum(parts[1:]) + 1.0,
        "carbon_low_g": g / 2,
        "carbon_g": g,
        "carbon_high_g": g * 2,
    },
    st.sampled_from(["COMPLETED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "CANCELLED"]),
    st.tuples(st.sampled_from(["alice", "bob"]), st.sampled_from(["train", "test", None])),
    st.integers(0, 8),
    st.tuples(*[st.integers(0, 10**6).map(float)] * 3),
    st.tuples(st.one_of(st.just(np.nan), share), st.one_of(st.just(np.nan), share)),
    st.one_of(st.just(np.nan), share),
    st.integers(0, 10**6).map(float),
)


@settings(deadline=None)
@given(runs=st.lists(some_slice, min_size=1, max_size=8))
def test_savings_add_up_to_no_more_than_was_emitted(runs):
    rows = slices(*runs)
    advice = recommend(rows, AdviceSettings(least_saving_g=0.0, least_saving_ratio=0.0))
    for column, field in (
        ("carbon_low_g", "saving_low_g"),
        ("carbon_g", "saving_g"),
        ("carbon_high_g", "saving_high_g"),
        ("energy_wh", "saving_wh"),
    ):
        total = sum(getattr(piece, field) for piece in advice)
        assert total <= rows[column].sum() * (1 + 1e-9)
    for piece in advice:
        assert 0 <= piece.saving_low_g <= piece.saving_g <= piece.saving_high_g
        assert piece.text.count(". ") <= 2
        assert all(type(value) in (str, int, float) for value in piece.evidence.values())
    assert [p.saving_g for p in advice] == sorted((p.saving_g for p in advice), reverse=True)


@pytest.mark.parametrize("missing", ["carbon_g", "carbon_low_g"])
def test_a_run_without_carbon_adds_nothing(missing):
    rows = slices({"state": "FAILED"}, {"state": "FAILED", missing: np.nan})
    advice = recommend(rows, AdviceSettings())
    assert getattr(advice[0], missing.replace("carbon", "saving")) in (100.0, 150.0)
