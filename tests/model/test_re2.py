"""Patterns match what ``re`` matches, refuse what RE2 refuses, and never take long."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.re2 import re2_pattern
from opsconsole.model.re2_syntax import PatternError
from opsconsole.model.silences import Matcher, parse_matcher

SAMPLES = (
    "",
    "a",
    "b",
    "ab",
    "aab",
    "abab",
    "A",
    "a-b",
    "web-1",
    "web-12",
    "10.0.0.1",
    "a\nb",
    "é",
)


@pytest.mark.parametrize(
    "pattern",
    [
        "", "a", "a|b", "(a|b)*", "a*b+", "a?b?", "(ab){2}", "a{1,2}b", "a{2,}b", "(?:a|b)+?",
        "[ab]+", "[^a]+", "[a-c]*", "[]a]+", "[a-]+", r"web-\d+", r"\w+-\w", r"\W", r"[\w.]+",
        r"10\.0\.0\.\d{1,3}", ".", ".*", "(?i)a", "(?i:A)b", "(?s)a.b", "a.b", "^a$", "^$",
        r"\Aab\Z", "a{", "a{x}", "(?P<name>a)b", "()*", "(a*)*", "(a|)+b", r"\x61", "[^\\W\\d]+",
        "$",
        "a$b",
    ],
)  # fmt: skip
def test_the_same_texts_match_as_with_re(pattern: str) -> None:
    ours = re2_pattern(pattern.replace(r"\Z", r"\z"))
    theirs = re.compile(pattern, re.ASCII)
    for text in SAMPLES:
        # In ``re`` a $ stands before a last line feed too, in RE2 it does not.
        wanted = theirs.fullmatch(text) is not None
        assert ours.matches(text) is wanted, text


parts = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", "^", "$"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    ),
    max_leaves=8,
)


@given(parts, st.text("ab", max_size=6))
def test_any_pattern_matches_what_re_matches(pattern: str, text: str) -> None:
    assert re2_pattern(pattern).matches(text) is (re.fullmatch(pattern, text) is not None)


@given(st.text("ab(|)*+?[]{}^$\\.-:,1xdwsP<>i", max_size=30), st.text("ab1", max_size=5))
def test_any_text_is_a_pattern_or_says_what_is_wrong(pattern: str, text: str) -> None:
    try:
        re2_pattern(pattern).matches(text)
    except PatternError:
        # Anything else would be a defect.
        return


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "a)", "[a", "*", "a**", r"(a)\1", "(?=a)", "(?<!a)b", "a{2,1}", "a{1001}", r"\b",
     "[z-a]", "[[:none:]]", "(?x)a", "\\"],
)  # fmt: skip
def test_what_re2_refuses_or_is_not_known_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        re2_pattern(pattern)
    with pytest.raises(ValueError, match="not a regular expression"):
        parse_matcher(f'job=~"{pattern}"'.replace("\\", "\\\\"))
    assert not Matcher("job", pattern, is_regex=True).matches({"job": "a"})


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*b",
        "(.*a){20}",
        ".*.*.*.*.*.*x",
        "(a|aa)+b",
        "((a*)*)*b",
        "(a|b)*a(a|b){60}",
    ],
)
def test_a_pattern_that_holds_up_re_takes_no_time(pattern: str) -> None:
    value = "ab" * 500 + "!" if "b){60}" in pattern else "a" * 1000 + "!"
    began = time.process_time()
    assert re2_pattern(pattern).matches(value) is False
    # Python's re would take longer than the age of the universe.
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "((){1000}){1000}", "(" * 200 + ")" * 200])
def test_a_pattern_that_is_too_much_is_refused_at_once(pattern: str) -> None:
    with pytest.raises(PatternError):
        re2_pattern(pattern)


def test_five_thousand_alerts_are_matched_as_fast_as_they_are_typed() -> None:
    matcher = Matcher("instance", r"(web|api)-\d+\.(eu|us)\.example\.org:\d+", is_regex=True)
    names = [f"web-{n}.eu.example.org:9100" for n in range(5000)]
    began = time.process_time()
    assert sum(matcher.matches({"instance": name}) for name in names) == 5000
    assert time.process_time() - began < 2.0
