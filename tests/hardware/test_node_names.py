import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hardware.node_names import NodeSelector, expand_node_list


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("login1", ("login1",)),
        ("a,b", ("a", "b")),
        ("n[1-3]", ("n1", "n2", "n3")),
        ("n[08-11]", ("n08", "n09", "n10", "n11")),
        ("d13n[03,05,07-08]", ("d13n03", "d13n05", "d13n07", "d13n08")),
        ("x[1-2]y[3-4]", ("x1y3", "x1y4", "x2y3", "x2y4")),
        ("rack[1]-n[2]-gpu", ("rack1-n2-gpu",)),
        ("n[01-", ("n[01-",)),
        ("n[a-b]", ("n[a-b]",)),
        ("n[3-1]", ("n[3-1]",)),
        ("n[1-99999999]", ("n[1-99999999]",)),
        ("n[1-9999]m[1-9999]", ("n[1-9999]m[1-9999]",)),
        ("", ("",)),
    ],
)
def test_host_lists(text, nodes):
    assert expand_node_list(text) == nodes


def test_long_list():
    nodes = expand_node_list("a100-[1-2],rack[01-03]-n[001-128,200],login1,x[1-2]y[3-4]")
    assert len(nodes) == len(set(nodes)) == 394


@settings(deadline=None)
@given(st.integers(0, 999), st.integers(0, 50), st.integers(1, 4))
def test_a_range_has_all_its_nodes_in_order(first, n_more, width):
    start, end = str(first).zfill(width), str(first + n_more).zfill(width)
    nodes = expand_node_list(f"n[{start}-{end}]")
    assert len(nodes) == n_more + 1
    assert nodes[0] == f"n{start}"
    assert nodes[-1] == f"n{end}"
    assert [int(node[1:]) for node in nodes] == list(range(first, first + n_more + 1))


@pytest.mark.parametrize(
    ("match", "node", "matches"),
    [
        ("gpu[001-016]", "gpu016", True),
        ("gpu[001-016]", "gpu16", False),
        ("gpu[001-016]", "gpu017", False),
        ("gpu*", "gpu017", True),
        ("gpu*", "cpu017", False),
        ("gpu-?", "gpu-1", True),
        ("gpu-?", "gpu-10", False),
        ("gpu*,cpu[1-2]", "cpu2", True),
        ("gpu*,cpu[1-2]", "cpu3", False),
        ("login", "login1", False),
    ],
)
def test_selectors(match, node, matches):
    assert NodeSelector.read(match).matches(node) is matches
