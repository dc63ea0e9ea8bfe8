import pytest

from auditor.normalize.json_spelling import (
    cpu_seconds,
    digits,
    instant,
    limit_minutes,
    requested_memory,
    state,
    task_ranges,
    tres,
    tres_count,
    wckey,
)


def as_object(number, *, is_set=True, infinite=False):
    return {"set": is_set, "infinite": infinite, "number": number}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, "7"),
        (0, "0"),
        (as_object(7), "7"),
        (as_object(0), "0"),
        (as_object(0, is_set=False), ""),
        ({"number": 7}, "7"),
        ("7", "7"),
        ("x", ""),
        (None, ""),
        (True, ""),
        ([], ""),
        (2**32 - 2, ""),
        (2**64 - 2, ""),
        (-2, ""),
        (as_object(2**32 - 2), ""),
        (as_object(0, infinite=True), ""),
    ],
)
def test_numbers_of_every_shape(value, expected):
    assert digits(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1440, "1440"),
        (as_object(1440), "1440"),
        (2**32 - 1, "UNLIMITED"),
        (as_object(0, infinite=True), "UNLIMITED"),
        (2**32 - 2, ""),
        (None, ""),
    ],
)
def test_time_limits(value, expected):
    assert limit_minutes(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1795450918, "1795450918"),
        (as_object(1795450918), "1795450918"),
        (0, "Unknown"),
        (None, "Unknown"),
        (2**32 - 2, "Unknown"),
        (as_object(0, is_set=False), "Unknown"),
    ],
)
def test_instants(value, expected):
    assert instant(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"current": "FAILED", "reason": "None"}, "FAILED"),
        ({"current": ["RUNNING", "COMPLETING"]}, "RUNNING"),
        ("CANCELLED", "CANCELLED"),
        (["COMPLETED"], "COMPLETED"),
        ({"current": []}, ""),
        (None, ""),
    ],
)
def test_states(value, expected):
    assert state(value) == expected


def entry(kind, name, count):
    return {"type": kind, "name": name, "id": 1, "count": count}


def test_resources_are_text_of_sacct():
    entries = [
        entry("cpu", None, 4),
        entry("mem", "", 8192),
        entry("energy", "", -2),
        entry("energy", None, None),
        entry("gres", "gpu", 2),
        entry("gres", "gpu:a100", 2),
        entry("license", "matlab", 1),
        "no entry",
    ]
    expected = "cpu=4,mem=8192M,gres/gpu=2,gres/gpu:a100=2,license/matlab=1"
    assert tres(entries, "M") == expected
    assert tres(entries, "") == expected.replace("8192M", "8192")
    assert tres(None, "M") == ""


def test_the_count_of_a_resource():
    entries = [entry("gres", "cpu", 9), entry("cpu", None, 4), entry("energy", "", -2)]
    assert [tres_count(entries, kind) for kind in ("cpu", "energy", "mem")] == ["4", "", ""]


MEMORY = {
    "resources say it": ({"memory": 1500}, [entry("mem", "", 3000)], "3000M"),
    "v0.0.37 per node": ({"memory": 48000}, [], "48000Mn"),
    "v0.0.37 per CPU flag": ({"memory": 2**63 + 3000}, [], "3000Mc"),
    "the same, signed": ({"memory": -(2**63) + 3000}, [], "3000Mc"),
    "per node": (
        {"memory_per_cpu": as_object(0, is_set=False), "memory_per_node": as_object(8192)},
        None,
        "8192Mn",
    ),
    "per CPU": ({"memory_per_cpu": as_object(3000), "memory": 3000}, None, "3000Mc"),
    "nothing": (None, None, ""),
    "not set": ({"memory": as_object(0, is_set=False)}, None, ""),
}


@pytest.mark.parametrize(("required", "requested", "expected"), MEMORY.values(), ids=MEMORY)
def test_requested_memory(required, requested, expected):
    assert requested_memory(required, requested) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10,20,30-31", "10,20,30-31"),
        ("0xC0100400", "10,20,30-31"),
        ("0x1", "0"),
        ("0x7", "0-2"),
        ("0x249", "0-9:3"),
        ("0x5", "0,2"),
        ("0x0", ""),
        ("0x12...", "0x12..."),
        ("", ""),
        (None, ""),
    ],
)
def test_pending_tasks(value, expected):
    assert task_ranges(value) == expected


def test_cpu_time_in_seconds():
    assert cpu_seconds({"seconds": 5, "microseconds": 250_000}) == pytest.approx(5.25)
    assert cpu_seconds(None) == 0


def test_the_default_key_has_a_star():
    assert wckey({"wckey": "urgent", "flags": []}) == "urgent"
    assert wckey({"wckey": "later", "flags": ["ASSIGNED_DEFAULT"]}) == "*later"
    assert wckey(None) == ""
