"""Patterns that people write: what RE2 knows, quick on any text, said when they are none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.alerting.silences import Matcher, parse_matcher
from opsconsole.patterns import PatternError, literal, pattern

PIECES = ("a", "b", "ab", ".", r"\d", r"\w", "[ab]", "[^a]", "[a-c1]", "(a|b)", "(?:ab|a)", " ",
          r"\W", "é")  # fmt: skip
pieces = st.tuples(st.sampled_from(PIECES), st.sampled_from(("", "*", "+", "?", "*?", "{1,3}")))
expressions = st.lists(pieces.map("".join), min_size=1, max_size=5).map("".join)
texts = st.text("ab1 xÉ\nA", max_size=12)


@given(expressions, texts)
def test_it_finds_what_re_finds(text: str, subject: str) -> None:
    made, plain = pattern(text), re.compile(text, re.ASCII)

    assert made.search(subject) is (plain.search(subject) is not None)
    assert made.matches(subject) is (plain.fullmatch(subject) is not None)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_literal_is_found_as_it_stands(text: str, around: str) -> None:
    assert literal(text).search(around + text + around)


@pytest.mark.parametrize(
    "text",
    ["(", "[a", "*", "a**", r"(a)\1", "(?=a)", "(?<!a)b", "a{2,1}", "a{1001}", "[z-a]", "\\"],
)
def test_what_is_no_pattern_is_said_and_never_guessed(text: str) -> None:
    with pytest.raises(PatternError):
        pattern(text)
    with pytest.raises(ValueError, match="not a regular expression"):
        parse_matcher(f'job=~"{text}"'.replace("\\", "\\\\"))
    assert not Matcher("job", text, is_regex=True).matches({"job": "a"})


@given(st.text("ab(|)*+?[]{}^$\\.-:,1xdwsP<>i", max_size=30), st.text(max_size=5))
def test_any_text_is_a_pattern_or_an_error_of_its_own(text: str, subject: str) -> None:
    try:
        made = pattern(text)
    except PatternError:
        return
    assert made.search(subject) in (True, False)


@pytest.mark.parametrize(
    "text", ["(a+)+$", "((a|a))*c$", "(a?){30}a{30}c", ".*.*.*.*.*.*x", "(a|b)*a(a|b){60}c"]
)
def test_what_holds_up_re_for_ever_is_quick(text: str) -> None:
    subject = "ab" * 2000 + "!"

    assert not pattern(text).search(subject)


def test_bytes_that_are_no_text_are_searched_too() -> None:
    assert pattern("b$").search("a\ud800\0b")


def test_numbers_are_taken_out_by_the_names_of_their_groups() -> None:
    made = pattern(r"took (?P<ms>\d+)ms(?: of (?P<most>\d+))?")

    assert made.groups == ("ms", "most")
    assert made.named("é took 12ms") == {"ms": "12", "most": None}
    assert made.named("took none") == {}


def test_lower_case_finds_both_where_it_is_asked_to() -> None:
    assert pattern("érror", folds=True).search("ÉRROR")
    assert not pattern("error").search("ERROR")
