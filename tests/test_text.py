"""The one door for outside text: what comes out does nothing to a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.text import LINE_LIMIT, sanitize, sanitize_bytes
from tests.clean import is_clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain ~text!", "plain ~text!"),
        ("grün → ok ✖ 好", "grün → ok ✖ 好"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("a\x00b\x1fc", "a␀b␟c"),
        ("a\x7fb", "a␡b"),
        ("\x9b31m", "<009B>31m"),
        ("a\tb", "a    b"),
        ("one\ntwo\r\nthree", "one␊two␍␊three"),
        ("user\u202etxt.exe", "user<202E>txt.exe"),
        ("a\u2066b\u2069", "a<2066>b<2069>"),
        ("a\u200bb\ufeffc", "a<200B>b<FEFF>c"),
        ("a\u2028b\u2029c", "a<2028>b<2029>c"),
        ("a\ue000b", "a<E000>b"),
        ("a\U000e0041b", "a<E0041>b"),
        ("a\ud800b", "a<D800>b"),
        ("a\u0378b", "a<0378>b"),
        ("a\u3164b\u2800c", "a<3164>b<2800>c"),
        ("a\u00a0b\u3000c", "a b c"),
        ("❤\ufe0f", "❤"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 3),
        ("e" + "\u0301" * 3 + "x" + "\u0301" * 3, "e" + "\u0301" * 3 + "x" + "\u0301" * 3),
        ("é" + "\u0489" * 5, "é" + "\u0489" * 3),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc… +1"),
        ("a" * 10, 4, "aaaa… +6"),
        ("\x1b" * 4, 2, "␛␛… +2"),
        ("abc", 0, "… +3"),
    ],
)
def test_what_is_too_long_is_counted(text: str, limit: int, shown: str) -> None:
    assert sanitize(text, limit=limit) == shown


def test_a_line_is_cut_at_the_usual_limit() -> None:
    assert sanitize("x" * LINE_LIMIT) == "x" * LINE_LIMIT
    assert sanitize("x" * (LINE_LIMIT + 7)) == "x" * LINE_LIMIT + "… +7"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ntwo", "one\ntwo"),
        ("one\r\ntwo", "one\ntwo"),
        ("one\rtwo", "one␍two"),
        ("one\n\x1b[2Jtwo\n", "one\n␛[2Jtwo\n"),
        ("abcdef\nab", "abc… +3\nab"),
        ("abcdef", "abc… +3"),
    ],
)
def test_lines_stay_lines_where_they_may(text: str, shown: str) -> None:
    assert sanitize(text, multiline=True, limit=len(text) if "def" not in text else 3) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"ok", "ok"),
        ("grün".encode(), "grün"),
        (b"gr\xfcn", "gr\\xfcn"),
        (b"\x1b[0m", "␛[0m"),
        (b"a\nb", "a␊b"),
    ],
)
def test_bytes_that_are_no_text_are_shown(raw: bytes, shown: str) -> None:
    assert sanitize_bytes(raw) == shown


def test_bytes_keep_their_lines_and_limits() -> None:
    assert sanitize_bytes(b"abcd\nxy", multiline=True, limit=2) == "ab… +2\nxy"


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "é", "x" * (LINE_LIMIT + 1)])
def test_clean_text_is_known(text: str) -> None:
    assert is_clean(text)


@pytest.mark.parametrize("text", ["\x1b", "a\tb", "a\r\nb", "\u202e", "\u00a0", "e" + "\u0301" * 4])
def test_text_that_would_change_is_known(text: str) -> None:
    assert not is_clean(text)


@given(st.text(st.characters(), max_size=60), st.booleans())
def test_nothing_hidden_comes_out(text: str, multiline: bool) -> None:
    shown = sanitize(text, multiline=multiline)
    for char in shown.replace("\n", "") if multiline else shown:
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters(), max_size=60), st.booleans())
def test_what_came_through_once_comes_through_again(text: str, multiline: bool) -> None:
    shown = sanitize(text, multiline=multiline)
    assert sanitize(shown, multiline=multiline) == shown


@given(st.binary(max_size=60))
def test_any_bytes_come_through(raw: bytes) -> None:
    assert is_clean(sanitize_bytes(raw))
