import pytest

from auditor.normalize.quoted_lines import LONGEST_RECORD, whole_quoted
from tests.normalize.exports import read


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b"a,b\nc,d\n", 8),
        (b"a,b\nc", 4),
        (b'a,b\n"c\nd', 4),
        (b'"a\nb"\n"c', 6),
        (b'"a\nb', 0),
        (b"", 0),
    ],
)
def test_a_line_break_within_quotes_ends_no_line(text, end):
    assert whole_quoted(text) == end


def test_csv_quotes_are_undone():
    text = (
        b"JobID,AllocTRES,Start,End,JobName\n"
        b'1,"cpu=4,mem=8G",5,6,"say ""hi""\nagain"\n'
        b'2,"cpu=1",5\n'
        b"\n"
        b'3,"cpu=2,mem=1G",5,6,plain\n'
    )
    frame, rejects = read(text)
    assert frame["AllocTRES"].tolist() == ["cpu=4,mem=8G", "cpu=2,mem=1G"]
    assert frame["JobName"].tolist() == ['say "hi"\nagain', "plain"]
    assert frame["line"].tolist() == [2, 6]
    assert [(r.line, r.reason) for r in rejects] == [(4, "3 cells instead of 5")]


def test_an_open_quote_is_carried_to_the_next_piece():
    text = b'JobID,AllocTRES,Start,End,JobName\n1,"cpu=4,mem=8G",5,6,"a\nb"\n2,x,5,6,c\n'
    for chunk_bytes in range(30, 60):
        frame, rejects = read(text, head_bytes=chunk_bytes, chunk_bytes=chunk_bytes)
        assert not rejects
        assert frame["JobName"].tolist() == ["a\nb", "c"]
        assert frame["line"].tolist() == [2, 4]


def test_a_stray_quote_holds_nothing_back():
    text = b"7,x\n" * 3 + b'8,"stray\n' + b"9,y\n" * LONGEST_RECORD
    assert whole_quoted(text) == len(text)


def test_a_stray_quote_costs_rows_but_no_traceback():
    lines = [f'{i},"cpu=1,mem=2",5,6,x' for i in range(9000)]
    lines[10] = '10,"cpu=1,mem=2,5,6,x'
    text = "\n".join(["JobID,AllocTRES,Start,End,JobName", *lines, ""]).encode()
    frame, rejects = read(text)
    assert len(rejects) >= 1
    assert frame["JobID"].tolist()[:10] == [str(i) for i in range(10)]
    assert frame["JobID"].tolist()[-1] == "8999"
