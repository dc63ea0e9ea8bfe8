"""Questions whose answers stay bounded: a fake server counts, refuses and answers."""

import re

import pytest

from auditor.collect import prometheus_queries as module
from auditor.collect.prometheus import PrometheusHost, TooMuchError
from auditor.collect.prometheus_answer import Asked
from auditor.collect.prometheus_queries import Questions, Span, any_of, quoted

RANGE = re.compile(r"\[(\d+)ms\]")


class Server:
    """Has a sample of one series at each second; refuses more than `most` at once."""

    def __init__(self, match=None, most=10**9, edge=True, early_s=0.0):
        self.host = PrometheusHost("c", "http://prometheus", 5.0, match=match)
        self.most, self.edge, self.early_s, self.asked = most, edge, early_s, []

    def ask(self, query, at_s):
        self.asked.append(query)
        length_s = int(RANGE.search(query)[1]) / 1000
        begin_s = at_s - length_s
        # Before version 3 a range holds its left edge.
        every = [round(s - self.early_s, 3) for s in range(3000)]
        times = [s for s in every if begin_s < s <= at_s or (self.edge and s == round(begin_s, 3))]
        if len(times) > self.most:
            msg = "too many samples"
            raise TooMuchError(msg, code="prometheus_refused")
        if query.startswith("sum(count_over_time("):
            return Asked([{}], [[[at_s, str(len(times))]]] if times else [[]])
        return Asked([{"__name__": "m", "a": "b"}], [[[s, str(s)] for s in times]])


@pytest.mark.parametrize("most", [10**9, 500], ids=["plain", "refuses"])
@pytest.mark.parametrize("edge", [True, False], ids=["closed", "open"])
def test_every_sample_comes_once_however_it_is_cut(monkeypatch, most, edge):
    monkeypatch.setattr(module, "MOST_SAMPLES", 300)
    server = Server(most=most, edge=edge)
    samples = Questions(server).raw("m", Span(100, 1300))
    assert sorted(samples.time_ms.tolist()) == [s * 1000 for s in range(100, 1300)]
    assert samples.value.sum() == sum(range(100, 1300))
    assert sum(not one.startswith("sum(") for one in server.asked) >= 4


@pytest.mark.parametrize(("early_s", "first_s"), [(0.0, 101), (0.001, 101.999)])
def test_the_sample_at_the_left_edge_of_a_range_is_the_span_befores(early_s, first_s):
    """Ranges end a millisecond before a span does, so that they begin one before it does."""
    samples = Questions(Server(early_s=early_s)).raw("m", Span(101, 110))
    assert samples.time_ms.min() == first_s * 1000
    assert len(samples) == 9


def test_nothing_is_asked_for_where_nothing_is():
    server = Server()
    assert len(Questions(server).raw("m", Span(5000, 6000))) == 0
    assert len(server.asked) == 1


def test_what_cannot_be_cut_further_is_refused():
    with pytest.raises(TooMuchError):
        Questions(Server(most=10)).raw("m", Span(100, 160))


@pytest.mark.parametrize(
    ("match", "matchers", "expected"),
    [
        (None, (), "m"),
        (None, ('a="b"',), 'm{a="b"}'),
        ('cluster="x"', (), 'm{cluster="x"}'),
        ('cluster="x"', ('a="b"',), 'm{cluster="x",a="b"}'),
    ],
)
def test_the_clusters_matchers_are_in_every_selector(match, matchers, expected):
    assert Questions(Server(match)).selector("m", *matchers) == expected


def test_names_are_quoted_for_a_regular_expression_within_a_string():
    assert quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'
    assert list(any_of("pod", ["a.b", 'c"d'])) == ['pod=~"a\\\\.b|c\\"d"']
    assert len(list(any_of("pod", [str(n) for n in range(301)]))) == 3


def test_a_span_is_cut_without_a_seam():
    parts = Span(0.0, 10.001).cut(3)
    assert [part.start_s for part in parts][1:] == [part.end_s for part in parts][:-1]
    assert (parts[0].start_s, parts[-1].end_s) == (0.0, 10.001)
