"""A word that stands in every match of a pattern, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.logs.needle import needle_of
from opsconsole.patterns import PatternError, pattern


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("OutOfMemory", b"outofmemory"),
        ("status=500", b"status"),
        (r"took \d+ ms", b"took"),
        ("panic: .* nil", b"panic"),
        ("timeouts?", b"timeout"),
        ("colou?rs", b"colo"),
        (r"\bretry\b", b"retry"),
        ("one|two", b""),
        ("(?:abc)?def", b""),
        ("(abc)*def", b""),
        ("[abc]def", b""),
        (r"\x41BCD", b""),
        ("ab", b""),
        ("", b""),
        ("x{3}yes", b"yes"),
    ],
)
def test_the_longest_plain_word_is_taken(text: str, needle: bytes) -> None:
    assert needle_of(text) == needle


PIECES = st.sampled_from(
    ["abc", "x", "12", ".", ".*", "?", "*", "+", "{2}", "(", ")", "^", "$", r"\d", r"\.", r"\b",
     "-", "|", "[a-c]", "(?:", "_q"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map("".join), st.text("abcx12-._q \n", max_size=24))
def test_no_match_is_without_it(text: str, line: str) -> None:
    try:
        made = pattern(text)
    except PatternError:
        return
    if made.search(line):
        assert needle_of(text) in line.lower().encode()
