import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.normalize import hostlist


@pytest.mark.parametrize(
    ("text", "n_hosts"),
    [
        ("a100-[1-2],rack[01-03]-n[001-128,200],login1,x[1-2]y[3-4]", 394),
        ("d09n04s[01-02],d09n05s02,d13n[03,05,07-08,16]", 8),
        ("cpn-f11-31", 1),
        ("", 0),
        (" a , b ", 2),
    ],
)
def test_hosts_are_counted(text, n_hosts):
    assert hostlist.count_hosts(text) == n_hosts
    assert len(hostlist.expand_hosts(text)) == n_hosts


def test_hosts_are_written_out_in_order_with_their_zeros():
    assert hostlist.expand_hosts("n[08-10],x[1-2]y[3,5]z") == [
        *("n08", "n09", "n10"),
        *("x1y3z", "x1y5z", "x2y3z", "x2y5z"),
    ]


@pytest.mark.parametrize("text", ["a[1-2", "a]1[", "a[[1]]", "a[x]", "a[]", "a[3-1]", "a[1-2],b["])
def test_what_is_no_host_list_is_an_error(text):
    with pytest.raises(ValueError, match=r"match|range"):
        hostlist.expand_hosts(text)


def test_a_list_without_end_is_not_written_out():
    assert hostlist.count_hosts("n[1-999999999]") == 999999999
    with pytest.raises(ValueError, match="more than"):
        hostlist.expand_hosts("n[1-999999999]")


@st.composite
def folded_hosts(draw):
    """Draw a host list and the hosts it stands for."""
    texts, hosts = [], []
    for _ in range(draw(st.integers(1, 4))):
        pieces, choices = [], []
        for _ in range(draw(st.integers(1, 3))):
            stem = draw(st.text("abcxyz-", min_size=1, max_size=4))
            low, length = draw(st.integers(0, 30)), draw(st.integers(0, 5))
            width = draw(st.integers(1, 3))
            numbers = [f"{number:0{width}d}" for number in range(low, low + length + 1)]
            pieces.append(f"{stem}[{numbers[0]}-{low + length}]")
            choices.append([f"{stem}{number}" for number in numbers])
        texts.append("".join(pieces))
        hosts += ["".join(words) for words in itertools.product(*choices)]
    return ",".join(texts), hosts


@settings(deadline=None)
@given(folded_hosts())
def test_folding_and_expanding_is_a_round_trip(folded):
    text, hosts = folded
    assert hostlist.expand_hosts(text) == hosts
    assert hostlist.count_hosts(text) == len(hosts)
