import numpy as np
import pytest

from auditor.normalize.layout import TextLayout
from auditor.normalize.line_guard import SEPARATORS, block_of, free_byte, guard

LAYOUT = TextLayout(b"|", ("JobID", "Start", "End"))


def block(text: bytes, layout: TextLayout = LAYOUT, first_line: int = 10):
    return block_of(text, layout, first_line, "export.txt")


def test_good_lines_pass_untouched():
    guarded = guard(block(b"1|2|3\n4||\n||\n"))
    assert guarded.text == b"1|2|3\n4||\n||\n"
    assert guarded.lines.tolist() == [10, 11, 12]
    assert (guarded.rejects, guarded.n_lines) == ([], 3)


def test_bad_lines_are_taken_out_with_their_numbers():
    guarded = guard(block(b"1|2\n1|2|3\n\n1|2|3|4\n5|6|7\n"))
    assert guarded.text == b"1|2|3\n5|6|7\n"
    assert guarded.lines.tolist() == [11, 14]
    assert [(r.line, r.text) for r in guarded.rejects] == [(10, "1|2"), (13, "1|2|3|4")]
    assert guarded.n_lines == 5


def test_counts_that_even_out_are_no_good_lines():
    guarded = guard(block(b"1|2|3|4\n1|2\n"))
    assert (guarded.text, len(guarded.rejects)) == (b"", 2)


def test_a_line_with_256_delimiters_too_many_is_bad():
    guarded = guard(block(b"|" * 258 + b"\n"))
    assert (guarded.text, len(guarded.rejects)) == (b"", 1)


@pytest.mark.parametrize(
    "delimiter", [b"@#@", "¦".encode(), b"\xa6"], ids=["long", "UTF-8", "Latin-1"]
)
def test_a_long_delimiter_becomes_one_byte(delimiter):
    text = delimiter.join([b"1", b"2", b"3"]) + b"\n"
    made = block(text, TextLayout(delimiter, LAYOUT.columns))
    assert made.text == made.separator.join([b"1", b"2", b"3"]) + b"\n"
    assert made.separator in SEPARATORS


def test_a_free_byte_is_not_in_the_text():
    assert free_byte(b"a" + SEPARATORS[0] + SEPARATORS[1]) == SEPARATORS[2]


def test_every_line_is_a_row_a_reject_or_blank():
    rng = np.random.default_rng(7)
    lines = [b"|".join([b"x"] * n) for n in rng.integers(0, 6, size=500)]
    guarded = guard(block(b"".join(line + b"\n" for line in lines)))
    n_blank = sum(not line for line in lines)
    assert len(guarded.lines) + len(guarded.rejects) + n_blank == len(lines)
    assert guarded.text.count(b"\n") == len(guarded.lines)
