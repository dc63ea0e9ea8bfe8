import math

import pytest

from auditor.normalize import slurm_values

MIB, GIB = 2.0**20, 2.0**30
NAN = math.nan


@pytest.mark.parametrize(
    ("text", "bare_unit", "size_bytes"),
    [
        ("3188K", "", 3188 * 1024.0),
        ("62.50G", "M", 62.5 * GIB),
        ("8G", "M", 8 * GIB),
        ("1000", "M", 1000 * MIB),
        ("3264512", "", 3264512.0),
        ("1.5t", "", 1.5 * 2**40),
        ("2GB", "", 2 * GIB),
        ("0", "", 0.0),
        ("", "", NAN),
        ("Unknown", "M", NAN),
        ("18446744073709551614", "", NAN),
        ("-2", "", NAN),
    ],
)
def test_a_size_is_read_in_binary_multiples(text, bare_unit, size_bytes):
    assert slurm_values.parse_size_bytes(text, bare_unit) == pytest.approx(size_bytes, nan_ok=True)


@pytest.mark.parametrize("text", ["abc", "12X", "1.2.3G", "G", "-5M"])
def test_what_is_no_size_is_an_error(text):
    with pytest.raises(ValueError, match="no size"):
        slurm_values.parse_size_bytes(text)


@pytest.mark.parametrize(
    ("text", "count"), [("4", 4.0), ("1.50K", 1536.0), ("4294967294", NAN), ("", NAN)]
)
def test_a_count_is_read(text, count):
    assert slurm_values.parse_count(text) == pytest.approx(count, nan_ok=True)


def test_what_is_no_count_is_an_error():
    with pytest.raises(ValueError, match="no count"):
        slurm_values.parse_count("four")


@pytest.mark.parametrize(
    ("text", "amount_bytes", "amount_decimal_gb", "per"),
    [
        ("64G", 64 * GIB, 64.0, "job"),
        ("128000M", 128000 * MIB, 128.0, "job"),
        ("1536", 1536 * MIB, 1.536, "job"),
        ("3000Mc", 3000 * MIB, 3.0, "cpu"),
        ("48000Mn", 48000 * MIB, 48.0, "node"),
        ("1.50T", 1.5 * 2**40, 1500.0, "job"),
        ("62.5M", 62.5 * MIB, 0.0625, "job"),
        ("500K", 500 * 1024, 0.0005, "job"),
        pytest.param("2147486648Mn", 3000 * MIB, NAN, "cpu", id="2^31 leaks into the number"),
        pytest.param("9223372036854778808M", 3000 * MIB, NAN, "cpu", id="2^63 leaks in"),
        pytest.param("0n", NAN, NAN, "job", id="whole node"),
        pytest.param("0", NAN, NAN, "job", id="mem=0"),
        pytest.param("", NAN, NAN, "job", id="empty"),
        pytest.param("18446744073709551614M", NAN, NAN, "job", id="2^64-2"),
        pytest.param("4294967294Mn", NAN, NAN, "job", id="2^32-2"),
        pytest.param("lots", NAN, NAN, "job", id="a word"),
    ],
)
def test_requested_memory_is_read_with_what_it_is_per(text, amount_bytes, amount_decimal_gb, per):
    asked = slurm_values.parse_requested_memory(text)
    assert asked.amount_bytes == pytest.approx(amount_bytes, nan_ok=True)
    assert asked.amount_decimal_gb == pytest.approx(amount_decimal_gb, nan_ok=True)
    assert asked.per == per


@pytest.mark.parametrize(
    ("text", "amount_gb"),
    [("8G", 8.0), ("748000M", 748.0), ("62.50G", 62.5), ("500", 0.5), ("", NAN), ("x", NAN)],
)
def test_memory_in_decimal_gigabytes(text, amount_gb):
    assert slurm_values.parse_size_decimal_gb(text) == pytest.approx(amount_gb, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "energy_j"),
    [
        ("1440000", 1.44e6),
        ("0", NAN),
        ("", NAN),
        ("18446744073709551614", NAN),
        ("1e16", NAN),
        ("4294967294", NAN),
        ("1.44M", NAN),
    ],
)
def test_energy_counts_only_if_it_can_be_a_measurement(text, energy_j):
    assert slurm_values.parse_energy_j(text) == pytest.approx(energy_j, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("COMPLETED", "COMPLETED"),
        ("CANCELLED by 1001", "CANCELLED"),
        ("CANCELLED+", "CANCELLED"),
        ("OUT_OF_ME+", "OUT_OF_MEMORY"),
        ("RE+", "RE+"),
        ("FOO", "FOO"),
        ("running", "RUNNING"),
        ("", None),
    ],
)
def test_a_state_is_told(text, state):
    assert slurm_values.parse_state(text) == state


@pytest.mark.parametrize(
    ("text", "node_list"), [("a[1-2]", "a[1-2]"), ("None assigned", None), ("(null)", None)]
)
def test_no_node_is_no_node_list(text, node_list):
    assert slurm_values.node_list_or_none(text) == node_list


def test_a_user_may_be_called_unknown():
    assert slurm_values.word_or_none("Unknown") == "Unknown"
    assert slurm_values.word_or_none("") is None
