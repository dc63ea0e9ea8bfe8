import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from auditor.errors import ExportRefusedError
from tests.normalize.exports import SAFE, joined, pieces_of, read, table

HEADER = "JobID|User|State|Start|End|JobName"


def row(job_id: str, name: str = "train", user: str = "alice") -> str:
    return f"{job_id}|{user}|COMPLETED|2026-11-23T10:00:00|2026-11-23T11:00:00|{name}"


@pytest.mark.parametrize("delimiter", ["|", "\x1f", "\t", ";", "@#@", "¦", SAFE])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_cells_come_out_as_they_stand(delimiter, end):
    text = table(HEADER, row("007"), row("8.batch", "NA", user=""), delimiter=delimiter, end=end)
    frame, rejects = read(text)
    assert not rejects
    assert frame["JobID"].tolist() == ["007", "8.batch"]
    assert frame["JobName"].tolist() == ["train", "NA"]
    assert frame["User"].tolist() == ["alice", ""]
    assert frame["line"].tolist() == [2, 3]


def test_trailing_delimiter_adds_no_cell():
    frame, rejects = read(table(HEADER + "|", row("7") + "|", row("8")))
    assert frame["JobName"].tolist() == ["train"]
    assert [(r.line, r.reason) for r in rejects] == [(3, "5 cells instead of 6")]


def test_columns_that_are_not_used_are_not_read():
    frame, _ = read(b"JobID|WorkDir|Start|End\n7|/home/alice|Unknown|Unknown\n")
    assert list(frame.columns) == ["JobID", "Start", "End", "line"]


def test_lines_with_a_wrong_number_of_cells_are_rejects():
    text = table(HEADER, row("1"), "2|alice|COMPLETED", "", row("4", "a|b"), "   ", row("6"))
    frame, rejects = read(text)
    assert frame["line"].tolist() == [2, 7]
    assert [(r.line, r.reason, r.text) for r in rejects] == [
        (3, "3 cells instead of 6", "2|alice|COMPLETED"),
        (5, "7 cells instead of 6: a cell holds the delimiter", row("4", "a|b")),
    ]
    assert {r.source for r in rejects} == {"export.txt"}


def test_a_reject_shows_the_delimiter_of_the_file_and_200_characters():
    text = table(HEADER, "2|" + "x" * 500, delimiter="@#@")
    _, (reject,) = read(text)
    assert reject.text == "2@#@" + "x" * 196


def test_the_last_line_is_not_trusted_without_its_line_break():
    text = table(HEADER, row("1"), row("2"))[:-1]
    frame, (reject,) = read(text)
    assert frame["JobID"].tolist() == ["1"]
    assert (reject.line, reject.text) == (3, row("2"))
    assert "cut" in reject.reason


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["cut", "whole"])
def test_a_header_alone_gives_no_rows(end):
    pieces = pieces_of(HEADER.encode() + end)
    assert sum(len(piece.frame) + len(piece.rejects) for piece in pieces) == 0


def test_the_same_header_again_is_no_row():
    text = table(HEADER, row("1"), HEADER, row("2"))
    frame, rejects = read(text)
    assert not rejects
    assert frame["line"].tolist() == [2, 4]


def test_another_header_is_in_force_from_its_line_on():
    text = table(HEADER, row("1"), "2|x") + table("State;Start;End;JobID", "FAILED;1;2;3", "4;5")
    pieces = pieces_of(text)
    frame, rejects = joined(pieces)
    assert frame["JobID"].tolist() == ["1", "3"]
    assert frame["State"].tolist() == ["COMPLETED", "FAILED"]
    assert frame["line"].tolist() == [2, 5]
    assert [(r.line, r.reason) for r in rejects] == [
        (3, "2 cells instead of 6"),
        (6, "2 cells instead of 4"),
    ]
    (note,) = {note for piece in pieces for note in piece.notes}
    assert note.code == "another_header"
    assert "line 4" in note.text


def test_columns_without_header_are_said():
    pieces = pieces_of(table("1|5|6", "2|5|6"), columns=("JobID", "Start", "End"))
    (note,) = {note for piece in pieces for note in piece.notes}
    assert (note.code, joined(pieces)[0]["JobID"].tolist()) == ("no_header", ["1", "2"])
    assert "JobID, Start, End" in note.text


def test_another_header_of_the_same_width_moves_the_columns():
    text = table("JobID|User|Start|End", "1|alice|5|6", "User|JobID|Start|End", "bob|2|7|8")
    frame, _ = read(text)
    assert frame["User"].tolist() == ["alice", "bob"]


def test_another_header_without_job_ids_ends_the_reading():
    with pytest.raises(ExportRefusedError, match="how long"):
        read(table(HEADER, row("1"), "JobID|State|Start", "1|FAILED|5"))


def test_forgeability_is_that_of_the_header_in_force():
    text = table("JobID|State|Start|End", "1|FAILED|5|6", HEADER, row("2"))
    pieces = pieces_of(text)
    assert [p.is_forgeable for p in pieces if len(p.frame)] == [False, True]


def test_bytes_that_are_no_text_are_replaced():
    text = table(HEADER, row("1", "zo\0e"), row("2", "é")) + row("3", "x").encode() + b"\xff\n"
    frame, rejects = read(text)
    assert not rejects
    assert frame["JobName"].tolist() == ["zo\ufffde", "é", "x\ufffd"]


def test_quotes_and_hashes_are_plain_characters():
    names = ['"open', "#comment", "\\", "a\rb", "'", " spaced "]
    frame, rejects = read(table(HEADER, *[row(str(i), name) for i, name in enumerate(names)]))
    assert not rejects
    assert frame["JobName"].tolist() == names


def test_every_separator_byte_in_the_text_leaves_the_rows_apart():
    name = "".join(map(chr, (0x1E, 0x1D, 0x1C, 1, 2, 3, 4, 5)))
    frame, rejects = read(table(HEADER, row("1", name), delimiter="@#@"))
    assert not rejects
    assert frame["JobName"].tolist() == ["?" + name[1:]]


def test_a_run_and_its_steps_are_in_one_piece():
    ids = ["1", "1.batch", "1.extern", "2", "3", "3.batch", "3.0", "3.1", "3.2", "4"]
    text = table(HEADER, *[row(i) for i in ids])
    pieces = pieces_of(text, head_bytes=len(HEADER) + 1, chunk_bytes=70)
    runs = [[i.partition(".")[0] for i in p.frame["JobID"]] for p in pieces if len(p.frame)]
    assert len(runs) > 1
    assert sum(len(set(run)) for run in runs) == 4
    assert joined(pieces)[0]["JobID"].tolist() == ids


def test_all_bytes_are_told_to_the_progress():
    text = table(HEADER, *[row(str(i)) for i in range(50)])
    pieces = pieces_of(text, head_bytes=100, chunk_bytes=64)
    assert sum(piece.n_bytes for piece in pieces) == len(text)


CELL = st.text(alphabet="aé|;\n\r\x1f \"'0", max_size=6)
LINES = st.lists(
    st.one_of(
        CELL.map(lambda name: row("17", name)),
        st.integers(1, 99).map(lambda i: row(str(i))),
        st.sampled_from([HEADER, "", "1|2", row("3.batch")]),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(lines=LINES, chunk_bytes=st.integers(1, 300), ends=st.sampled_from(["", "\n"]))
def test_no_line_is_lost_and_the_size_of_the_pieces_does_not_matter(lines, chunk_bytes, ends):
    text = "\n".join([HEADER, *lines]).encode() + ends.encode()
    frame, rejects = read(text)
    stepwise, stepwise_rejects = read(text, head_bytes=chunk_bytes, chunk_bytes=chunk_bytes)
    assert frame.astype(str).to_dict("list") == stepwise.astype(str).to_dict("list")
    assert rejects == stepwise_rejects
    rows = [
        line
        for line in text.replace(b"\r\n", b"\n").split(b"\n")
        if line.strip() and line.strip() != HEADER.encode()
    ]
    assert len(frame) + len(rejects) == len(rows)
