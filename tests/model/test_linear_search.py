"""Searching in linear time: the same answers as ``re``, and no pattern that takes long."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.linear_search import LinearPattern, UnsupportedPatternError
from opsconsole.model.quick_search import quick_search, repeats, required

PIECES = (
    "a", "b", "ab", ".", "\\d", "\\w", "\\s", "\\b", "\\B", "^", "$", "[ab]", "[^a]", "[a-c1]",
    "s", "i", "k", "[h-l]", "ß", "(a|b)", "(?:ab|a)", "(?P<n>a)", " ", "x{2}", "(?:)",
    "\\W", "\\A", "\\Z", "\\n", "é",
)  # fmt: skip
REPEATS = ("", "", "*", "+", "?", "*?", "{2}", "{1,3}", "{2,}")

pieces = st.tuples(st.sampled_from(PIECES), st.sampled_from(REPEATS)).map("".join)
patterns = st.lists(pieces, min_size=1, max_size=5).map("".join)
nested = st.tuples(patterns, st.sampled_from(("*", "+", "?", "{1,2}"))).map(
    lambda pair: f"(?:{pair[0]}){pair[1]}"
)


def ordinary(pattern: str) -> bool:
    """Neither possessive nor atomic: no automaton can do that."""
    return not re.search(r"[+*?}]\+", pattern)


whole = (patterns | nested | st.tuples(patterns, nested).map("".join)).filter(ordinary)
texts = st.text("ab1 xé\nÉAX_sSſiİıkKßẞ", max_size=12)


@given(whole, texts, st.booleans())
def test_it_finds_exactly_what_re_finds(pattern: str, text: str, folds: bool) -> None:
    try:
        expected = re.compile(pattern, re.IGNORECASE if folds else 0).search(text) is not None
    except re.error:
        with pytest.raises(re.error):
            LinearPattern(pattern, folds=folds)
        return
    found = LinearPattern(pattern, folds=folds)
    for _ in range(2):
        assert (found.search(text) is True) is expected


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "((a|a))*$", "(a?){30}a{30}c", "a*a*a*a*b", "(a|b|ab)*c", ".*.*.*x", "(.+)+y",
     "(a|b)*a(a|b){8}c"],
)  # fmt: skip
def test_what_backtracks_for_ever_elsewhere_is_quick(pattern: str) -> None:
    found = LinearPattern(pattern)
    began = time.process_time()
    found.search("ab" * 2000 + "a" * 96)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "pattern",
    ["(a)\\1", "(?P<x>a)(?P=x)", "a(?=b)", "a(?!b)", "(?<=a)b", "(?i)a", "a{600}", "(){4000000}",
     "((a{50}){50}){50}", "(?>a+)b", "(?i:a)b"],
)  # fmt: skip
def test_what_is_more_than_an_automaton_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedPatternError):
        LinearPattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("abc", 0), ("a?b", 0), ("ab+", 1), (".*a.*", 2), ("(a+)+", 3), ("(a?b?)*", 5), ("a|b", 0)],
)
def test_repeats_are_counted(pattern: str, count: int) -> None:
    assert repeats(pattern) == count


def test_states_are_made_anew_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsconsole.model.linear_search.STATES", 4)
    pattern = "(a|b)*a(a|b){5}c"
    found = LinearPattern(pattern)
    for text in ("abbabaabbabaababbaabc", "bbbbbbbbbbbc", "aabbbbbc"):
        assert (found.search(text) is True) is (re.search(pattern, text) is not None)


@given(patterns.filter(ordinary), texts, st.booleans())
def test_the_quick_search_finds_what_re_finds(pattern: str, text: str, folds: bool) -> None:
    try:
        expected = re.compile(pattern, re.IGNORECASE if folds else 0).search(text) is not None
    except re.error:
        return
    assert (quick_search(pattern, folds=folds).search(text) is not None) is expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("took (?P<s>[0-9.]+) s", "took "), ("a|took", ""), (".*x+end", "end"), ("(?:took)", "took")],
)
def test_what_every_match_holds_is_known(pattern: str, text: str) -> None:
    assert required(pattern) == text
