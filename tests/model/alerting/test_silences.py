"""Matchers are read and written without loss, and match as Alertmanager's do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.alerting.silences import Matcher, hides, parse_matcher, shown

NAMES = st.from_regex(re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,8}", re.ASCII), fullmatch=True)


@given(NAMES, st.text(max_size=30), st.booleans(), st.booleans())
def test_what_is_written_is_read_again(name: str, value: str, regex: bool, equal: bool) -> None:
    matcher = Matcher(name, re.escape(value) if regex else value, regex, equal)
    assert parse_matcher(str(matcher)) == matcher


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("job=api", {"job": "api"}, True),
        ('job="api"', {"job": "api2"}, False),
        ("job!=api", {}, True),
        ("job=", {}, True),
        ('job=~"api|web"', {"job": "web"}, True),
        ('job=~"api"', {"job": "api2"}, False),
        ('job!~"api.*"', {"job": "api2"}, False),
    ],
)
def test_matching(text: str, labels: dict[str, str], matches: bool) -> None:
    assert parse_matcher(text).matches(labels) is matches


@pytest.mark.parametrize(
    "text", ["", "job", "=x", "1a=b", 'job="a', "job=a b", 'job=~"("', "job==x y", 'a="b" c="d"']
)
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a"):
        parse_matcher(text)


def test_a_silence_without_matchers_hides_nothing() -> None:
    assert not hides((), {"job": "api"})


def test_the_same_matchers_read_the_same() -> None:
    one, two = parse_matcher("b=1"), parse_matcher("a!=2")
    assert shown((one, two)) == shown((two, one)) == 'a!="2" b="1"'
