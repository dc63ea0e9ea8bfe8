"""Which watts an accelerator gets, from which evidence."""

import pytest

from tests.hardware.sample_jobs import A100, A100_40, LISTING, V100, rule

# Case, gpu_types, the rule's profile, model, watts; None stands for the defaults' 250 W, unknown.
EVIDENCE = [
    ("accounting's type", "a100_80gb_pcie=2", None, "NVIDIA A100 80GB PCIe", 300),
    ("rule beats ambiguous type", "a100=4", {"gpu": A100_40}, A100_40, 400),
    ("rule for an untyped count", "=2", {"gpu": "h100_pcie"}, "NVIDIA H100 PCIe 80GB", 350),
    ("rule for a site's own word", "high_perf=2", {"gpu": "l40s"}, "NVIDIA L40S", 350),
    ("another known type beats the rule", "v100_32gb=1", {"gpu": A100}, V100, 300),
    ("and its stated watts", "v100_32gb=1", {"gpu": A100, "gpu_w": 350.0}, V100, 300),
    ("stated watts beat the table", "a100=1", {"gpu": A100, "gpu_w": 350.0}, A100, 350),
    ("stated watts without a model", "a100=1", {"gpu_w": 350.0}, A100, 350),
    ("stated watts, unknown model", "x1=1", {"gpu": "X1", "gpu_w": 90.0}, "X1", 90),
    ("stated watts, no name anywhere", "=1", {"gpu_w": 90.0}, "unknown accelerator", 90),
    ("rule without gpu", "a30=1", {"cpu": "AMD EPYC 7763"}, "NVIDIA A30", 165),
    ("rule names what nobody knows", "=1", {"gpu": "X1"}, "X1", None),
    ("unknown word", "rtx30=1", None, "rtx30", None),
    ("no type", "=1", None, "unknown accelerator", None),
    ("slice", "nvidia_a100_1g.10gb=3", None, f"{A100} MIG 1g.10gb", 400 / 7),
    ("slice of the rule's", "a100_1g.10gb=1", {"gpu": A100}, f"{A100} MIG 1g.10gb", 400 / 7),
    ("slice, watts", "a100_2g.20gb=1", {"gpu": A100, "gpu_w": 350.0}, f"{A100} MIG 2g.20gb", 100),
    ("slice without parent", "1g.10gb=1", {"gpu": A100}, f"{A100} MIG 1g.10gb", 400 / 7),
    (
        "rule is a slice",
        "=1",
        {"gpu": "A100-SXM4-80GB-MIG-1g.10gb"},
        f"{A100} MIG 1g.10gb",
        400 / 7,
    ),
]


@pytest.mark.parametrize(
    ("gpu_types", "profile", "model", "watts"),
    [case[1:] for case in EVIDENCE],
    ids=[case[0] for case in EVIDENCE],
)
def test_rule_type_and_default(only, gpu_types, profile, model, watts):
    row = only(gpu_types, rules=[] if profile is None else [rule(**profile)])
    assert row.gpu_model == model
    assert row.gpu_max_w == pytest.approx(250 if watts is None else watts)
    assert row.gpu_known == (watts is not None)


@pytest.mark.parametrize(
    ("gpu_types", "profile", "model"),
    [
        ("a100=1", {}, A100),
        ("=1", {}, A100),
        ("site_word=1", {}, A100),
        ("=1", {"gpu": V100}, V100),
        ("=1", {"gpu": "a100"}, A100),
        ("v100s=1", {}, "NVIDIA V100S-PCIE-32GB"),
    ],
    ids=["narrows the type", "types a count", "explains a word", "rule first",
         "narrows the rule", "type first"],
)  # fmt: skip
def test_node_listing(only, gpu_types, profile, model):
    row = only(gpu_types, rules=[rule(**profile)], listing=LISTING)
    assert row.gpu_model == model
    assert row.gpu_max_low_w == row.gpu_max_w == row.gpu_max_high_w
    assert row.gpu_known


@pytest.mark.parametrize(
    ("node_list", "model", "watts"),
    [
        ("gpu1", A100, 400.0),
        ("gpu[1-2]", A100, 400.0),
        ("gpu3", "NVIDIA A100-PCIE-40GB", 250.0),
        ("gpu4", V100, 300.0),
        ("gpu5", "unknown accelerator", 250.0),
        ("gpu9", "unknown accelerator", 250.0),
        ("gpu[1,3]", f"NVIDIA A100-PCIE-40GB + {A100}", 325.0),
        ("gpu[1-3]", f"NVIDIA A100-PCIE-40GB + {A100}", 350.0),
        ("gpu1,cpu1", A100, 400.0),
    ],
)
def test_untyped_gpus_by_the_node_listing_are_weighted_by_nodes(only, node_list, model, watts):
    row = only("=4", node_list=node_list, listing=LISTING)
    assert row.gpu_model == model
    assert row.gpu_max_w == pytest.approx(watts)


MIXED_LISTING = """\
NODELIST|GRES|CPUS|AVAIL_FEATURES
a100-1|gpu:a100:4|64|a100,sxm4,80gb
v100-1|gpu:v100:4|64|v100,pcie,32gb
old-1|gpu:4|64|v100,pcie
any-1|gpu:4|64|pcie,40gb
"""


@pytest.mark.parametrize(
    ("gpu_types", "node_list", "rules", "model", "is_settled"),
    [
        pytest.param("a100=1", "a100-1,v100-1", [], A100, True, id="other type beside it"),
        pytest.param("a100=1", "a100-1,old-1", [], A100, True, id="other feature beside it"),
        pytest.param("a100=1", "v100-1", [], A100, False, id="only a node without it"),
        pytest.param("a100=1", "any-1", [], "NVIDIA A100-PCIE-40GB", True, id="nothing named"),
        pytest.param(
            "a100=1", "v100-1", [rule(gpu="a100")], A100, False, id="rule and listing differ"
        ),
        pytest.param(
            "a100=1,v100=1",
            "a100-1,v100-1",
            [],
            f"{A100} + NVIDIA V100-PCIE-32GB",
            True,
            id="both, each by its own nodes",
        ),
    ],
)
def test_features_of_nodes_with_another_model_say_nothing(
    only, gpu_types, node_list, rules, model, is_settled
):
    row = only(gpu_types, node_list=node_list, rules=rules, listing=MIXED_LISTING)
    assert row.gpu_model == model
    assert row.gpu_ambiguous == (not is_settled)


def test_idle_watts_stated_for_nodes_with_another_model_are_not_taken(only):
    rules = [rule(match="v100*", gpu_idle_w=5.0)]
    row = only("a100=1", node_list="a100-1,v100-1", rules=rules, listing=MIXED_LISTING)
    assert (row.gpu_model, row.gpu_idle_w) == (A100, 58.0)


def test_several_models_are_weighted_by_count(only):
    row = only("a100_80gb_pcie=3,v100_32gb=1")
    assert row.gpu_model == f"NVIDIA A100 80GB PCIe + {V100}"
    assert row.gpu_max_w == pytest.approx((3 * 300 + 300) / 4)
    assert row.gpu_idle_w == pytest.approx((3 * 39 + 39) / 4)
    mixed = only("a30=1,rtx30=3")
    assert mixed.gpu_model == "NVIDIA A30 + rtx30"
    assert mixed.gpu_max_w == pytest.approx((165 + 3 * 250) / 4)
    assert not mixed.gpu_known


def test_ambiguous_word_takes_the_commonest_and_spans_the_rest(only):
    row = only("a100=1")
    assert (row.gpu_max_low_w, row.gpu_max_w, row.gpu_max_high_w) == (250.0, 400.0, 400.0)
    assert row.gpu_idle_w == 58.0
    assert row.gpu_idle_low_w < row.gpu_idle_w < row.gpu_idle_high_w
    assert "a100 fits 4 models of 250 to 400 W" in row.hardware_rule


@pytest.mark.parametrize(
    ("gpu_types", "profile", "idle"),
    [
        ("a100_sxm4_80=1", {}, (58 * 0.85, 58.0, 58 * 1.15)),
        ("a30=1", {}, (19.8 / 2, 19.8, 19.8 * 2)),
        ("a30=1", {"gpu_idle_w": 30.0}, (30.0, 30.0, 30.0)),
        ("a30=1", {"gpu_w": 15.0}, (9.9, 15.0, 15.0)),
        ("x1=1", {"gpu": "x1", "gpu_w": 100.0}, (5.0, 10.0, 20.0)),
        ("x1=1", {"gpu": "x1", "gpu_w": 100.0, "gpu_idle_w": 11.0}, (11.0, 11.0, 11.0)),
        ("a100_1g.10gb=1", {"gpu": A100, "gpu_idle_w": 70.0}, (10.0, 10.0, 10.0)),
        ("rtx30=1", {}, (8.0, 40.0, 100.0)),
        ("rtx30=1", {"gpu_idle_w": 60.0}, (60.0, 60.0, 60.0)),
        ("rtx30=1", {"gpu_idle_w": 90.0}, (70.0, 90.0, 90.0)),
    ],
    ids=[
        "measured", "assumed takes the ratio's spread", "stated", "never above the maximum",
        "unknown by ratio", "unknown stated", "slice of a stated", "default",
        "stated for what nobody knows", "at most the maximum's lower bound",
    ],
)  # fmt: skip
def test_idle_power(only, gpu_types, profile, idle):
    row = only(gpu_types, rules=[rule(**profile)])
    found = (row.gpu_idle_low_w, row.gpu_idle_w, row.gpu_idle_high_w)
    assert found == pytest.approx(idle)


def test_features_alone_tell_the_model_where_a_listing_has_no_gres(only):
    listing = "NODELIST AVAIL_FEATURES\ngpu1 a100,sxm4,80gb\n"
    assert only("=1", listing=listing).gpu_model == A100
    assert not only("=1", listing=listing.replace("a100,sxm4,80gb", "ssd,ib")).gpu_known
