import pytest

from auditor.normalize.layout import TextLayout, headerless_layout, needs_quotes, read_header


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"JobID",
        b"7|train|COMPLETED",
        b"Type|Name|ID",
        b"JobID|COMPLETED|2026-11-23",
        b"JobID|Start|12",
        b"the JobID and the Start of it",
    ],
)
def test_what_is_no_header(line):
    assert read_header(line) is None


def test_a_header_keeps_the_line_it_came_from():
    layout = read_header(b"JobID|Start\r")
    assert (layout.header_line, layout.ends_with_return) == (b"JobID|Start", True)


def test_stated_columns_fit_most_lines_and_not_all():
    lines = [b"1|5|6", b"2|5|6", b"3|5|6|7"]
    layout = headerless_layout(lines, ("JobID", "Start", "End"))
    assert (layout.delimiter, layout.columns) == (b"|", ("JobID", "Start", "End"))


def test_stated_columns_with_a_trailing_delimiter():
    layout = headerless_layout([b"1|5|6|", b"2|5|6|"], ("JobID", "Start", "End"))
    assert layout.ends_with_delimiter


def test_stated_columns_that_fit_nothing():
    assert headerless_layout([b"1|5", b"2|5"], ("JobID", "Start", "End")) is None


COMMA = TextLayout(b",", ("JobID", "AllocTRES"))


@pytest.mark.parametrize(
    ("layout", "lines", "expected"),
    [
        (COMMA, [b'1,"cpu=1,mem=2"'], True),
        (COMMA, [b'1,"cpu=1,', b'mem=2"'], True),
        (COMMA, [b"1,cpu=1,mem=2"], False),
        (COMMA, [b'1,"cpu=1"'], False),
        (COMMA, [b'1,"an open quote', b"2,cpu=1"], False),
        (TextLayout(b"|", COMMA.columns), [b'1|"cpu=1|mem=2"'], False),
    ],
    ids=["needed", "two lines", "no quotes", "fits as it is", "open quote", "not of sacct"],
)
def test_where_quotes_count(layout, lines, expected):
    assert needs_quotes(layout, lines) is expected
