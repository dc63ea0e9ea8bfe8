import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity as clients_parse_quantity

from auditor.normalize.kubernetes.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100m", 0.1),
        ("1.5", 1.5),
        ("2", 2.0),
        (2, 2.0),
        (0.5, 0.5),
        ("0", 0.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("+1", 1.0),
        ("2Gi", 2 * 2**30),
        ("0.5Ki", 512.0),
        ("5M", 5e6),
        ("128974848", 128974848.0),
        ("129e6", 129e6),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("1E", 1e18),
        ("2Ei", 2.0**61),
        ("129M", 129e6),
        ("1k", 1000.0),
        ("12e-1", 1.2),
        ("750u", 0.00075),
        ("5n", 5e-9),
        (" 3 ", 3.0),
    ],
)
def test_amounts(text, amount):
    assert parse_quantity(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1K", "1ki", "1 Gi", "-1", "-100m", "1e999", "0x10", "NaN", "Inf", "1,5", "1mm",
     None, True, [1], {"set": 1}, float("nan"), float("inf"), "9" * 65, "1e", "m", "\uff11"],
)  # fmt: skip
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match="no amount"):
        parse_quantity(text)


@given(
    number=st.decimals(0, 10**6, places=3),
    suffix=st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"]),
)
def test_the_official_client_reads_the_same(number, suffix):
    text = f"{number}{suffix}"
    assert parse_quantity(text) == pytest.approx(float(clients_parse_quantity(text)), rel=1e-12)
