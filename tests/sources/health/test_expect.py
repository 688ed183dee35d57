"""What is expected of an answer: its code, a text, a pattern, a value at a path."""

from typing import Any

import pytest

from opsconsole.config.services import Expect
from opsconsole.sources.health.expect import (
    MISSING,
    SEARCHED,
    TOO_MANY,
    accepts_status,
    at_path,
    hold,
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b": [1, {"c": 2}], "d.e": 3}),
        ("a.b.0", 1),
        ("a.b.1.c", 2),
        ("a.d.e", 3),
        ("x.y", 4),
        ("x.y.z", 5),
        ("a.b.2", MISSING),
        ("a.b.-1", MISSING),
        ("a.b.c", MISSING),
        ("a.q", MISSING),
        ("n.more", MISSING),
        ("", MISSING),
    ],
)
def test_a_dotted_path(path: str, found: object) -> None:
    body: Any = {"a": {"b": [1, {"c": 2}], "d.e": 3}, "x.y": 4, "x": {"y": {"z": 5}}, "n": 1}
    assert at_path(body, path) == found


@pytest.mark.parametrize(
    ("named", "status", "good"),
    [
        ((), 200, True), ((), 299, True), ((), 199, False), ((), 300, False),
        ((404,), 404, True), ((404,), 200, False),
    ],
)  # fmt: skip
def test_the_codes_that_are_good(named: tuple[int, ...], status: int, good: bool) -> None:
    assert accepts_status(Expect(status=named), status) is good
    if not named:
        assert accepts_status(None, status) is good


def _value(wanted: object) -> dict[str, object]:
    return {"json_path": "up", "equals": wanted}


@pytest.mark.parametrize(
    ("expect", "body", "said"),
    [
        ({}, b"", "HTTP 200 OK"),
        ({"contains": "well"}, b"all is well", "HTTP 200 OK"),
        ({"contains": "well"}, b"no", "HTTP 200 OK, but expected text 'well' is missing"),
        ({"contains": "well"}, b" " * SEARCHED + b"well",
         "HTTP 200 OK, but expected text 'well' is missing"),
        ({"regex": "we+ll"}, b"all is weell", "HTTP 200 OK"),
        ({"regex": "we+ll"}, b"no", "HTTP 200 OK, but expected pattern 'we+ll' is missing"),
        (_value(1), b'{"up": 1}', "HTTP 200 OK"),
        (_value(1), b'{"up": 1.0}', "HTTP 200 OK"),
        (_value(1), b'{"up": true}', "HTTP 200 OK, but up is True, expected 1"),
        (_value(True), b'{"up": true}', "HTTP 200 OK"),
        (_value(True), b'{"up": 1}', "HTTP 200 OK, but up is 1, expected True"),
        (_value("yes"), b'{"up": "no"}', "HTTP 200 OK, but up is 'no', expected 'yes'"),
        (_value(1), b"{}", "HTTP 200 OK, but expected up is missing"),
    ],
)  # fmt: skip
def test_an_answer_is_held_to_what_is_expected(
    expect: dict[str, object], body: bytes, said: str
) -> None:
    held = hold(Expect.model_validate(expect), 200, body)
    assert (held.good, held.said) == (said == "HTTP 200 OK", said)


def test_an_answer_about_our_request_says_nothing_of_its_health() -> None:
    assert hold(Expect(), TOO_MANY, b"").good is None
    assert hold(Expect(), 503, b"").good is False
    assert hold(Expect(), 503, b"").said == "HTTP 503 Service Unavailable"
    assert hold(Expect(status=(TOO_MANY,)), TOO_MANY, b"").good is True
    assert hold(Expect(), 799, b"").said == "HTTP 799"
    broken = hold(Expect.model_validate(_value(1)), 200, b"{")
    assert broken.good is False
    assert broken.said.startswith("HTTP 200 OK, but its body is not JSON: ")
