import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.report.clean import ascii_only, csv_cell, file_word, middle_cut, printable

ANY_TEXT = st.text(st.characters(codec=None, categories=None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("train-resnet 50", "train-resnet 50", id="plain"),
        pytest.param("\x1b[31mred", "?[31mred", id="escape"),
        pytest.param("\x9b31m", "?31m", id="one-byte escape"),
        pytest.param("\u202egnp.exe", "?gnp.exe", id="reversed"),
        pytest.param("a\nb\tc\r", "a?b?c?", id="lines"),
        pytest.param("a\u2028b\u200bc", "a?b?c", id="separators"),
        pytest.param("\ud800", "?", id="lone surrogate"),
        pytest.param("模型 🚀", "模型 🚀", id="other scripts"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_printable(text, expected):
    assert printable(text) == expected


@given(ANY_TEXT, st.integers(1, 50))
def test_printable_is_printable_short_and_stays(text, n_most):
    clean = printable(text, n_most)
    assert clean.isprintable()
    assert len(clean) <= n_most
    assert printable(clean) == clean
    clean.encode("utf-8")


@given(ANY_TEXT)
def test_ascii_is_ascii(text):
    assert ascii_only(printable(text)).isascii()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\uff1d", "\uff20"])
def test_a_formula_becomes_text(start):
    cell = csv_cell(f"{start}1+1")
    assert cell[0] not in "=+-@\t\r\uff1d\uff20"
    assert cell.startswith(("'", "?"))


def test_a_plain_cell_stays():
    assert csv_cell("alice@example") == "alice@example"


@given(ANY_TEXT)
def test_a_file_word_is_safe(text):
    word = file_word(text)
    assert all(char.isascii() and (char.isalnum() or char == "-") for char in word)
    assert not word.startswith("-")
    assert len(word) <= 40


@pytest.mark.parametrize(
    ("text", "n_most", "expected"),
    [
        ("team-vision/train-0-1db20", 40, "team-vision/train-0-1db20"),
        ("team-vision/train-0-1db20", 25, "team-vision/train-0-1db20"),
        ("team-vision/train-0-1db20", 22, "team-vision/tr…0-1db20"),
        ("a\x1b[31mb" + "c" * 40 + "\u202eend", 12, "a?[31mb…?end"),
    ],
)
def test_a_long_name_is_cut_in_its_middle(text, n_most, expected):
    assert middle_cut(text, n_most) == expected
    assert len(middle_cut(text, n_most)) <= n_most
