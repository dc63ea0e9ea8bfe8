import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hardware.words import cpu_key_of, key_of, without_makers


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("A100", "a100"),
        ("nvidia_a100-sxm4-80gb", "nvidiaa100sxm480gb"),
        ("NVIDIA-A100-SXM4-80GB", "nvidiaa100sxm480gb"),
        ("NVIDIA A100-SXM4-80GB", "nvidiaa100sxm480gb"),
        ("NVIDIA-A100-SXM4-80GB-SHARED", "nvidiaa100sxm480gb"),
        (" Titan  RTX ", "titanrtx"),
    ],
)
def test_one_spelling(word, key):
    assert key_of(word) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", "intelxeongold6148"),
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "intelxeone52680v4"),
        ("AMD EPYC 7763 64-Core Processor", "amdepyc7763"),
        ("Intel Xeon Platinum 8592+", "intelxeonplatinum8592+"),
    ],
)
def test_processor_as_the_kernel_spells_it(name, key):
    assert cpu_key_of(name) == key


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        ("nvidiateslav100", ("nvidiateslav100", "teslav100", "v100")),
        ("intelxeongold6148", ("intelxeongold6148", "xeongold6148", "gold6148")),
        ("intel6148", ("intel6148",)),
        ("4090", ("4090",)),
        ("nvidia", ("nvidia",)),
        ("a1000", ("a1000",)),
    ],
)
def test_makers_fall_off_but_no_bare_number_is_left(key, keys):
    assert without_makers(key) == keys


@settings(deadline=None)
@given(st.text(alphabet="aA1-_ xX", max_size=12))
def test_case_and_separators_never_matter(word):
    assert key_of(word) == key_of(word.upper()) == key_of(word.replace("-", "_"))
