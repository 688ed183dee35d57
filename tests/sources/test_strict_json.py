"""Strict JSON: what it refuses, and that it reads all else as the standard library does."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.strict_json import InvalidJsonError, parse
from tests.clean import is_clean

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**19), 10**19)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(VALUES, st.booleans())
def test_valid_json_is_read_as_it_was_written(value: object, escaped: bool) -> None:
    body = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(InvalidJsonError, match="not UTF-8"):
            parse(body)
    else:
        assert parse(body) == value


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_clean_refusal(body: bytes) -> None:
    message = ""
    try:
        parse(body)
    except InvalidJsonError as error:
        message = str(error)
    assert is_clean(message)


@given(st.text(alphabet='{}[]",:0123456789eE+-.truefalsn\\u ', max_size=200))
def test_near_json_gives_finite_numbers_or_a_refusal(text: str) -> None:
    try:
        value = parse(text.encode())
    except InvalidJsonError:
        return
    if isinstance(value, float):
        assert math.isfinite(value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"status":"down","status":"ok"}', "duplicate key 'status'"),
        (b'{"a":{"b":1,"c":2,"b":3}}', "duplicate key 'b'"),
        (b'{"\\u0061":1,"a":2}', "duplicate key 'a'"),
        (b"NaN", "invalid number NaN"),
        (b"[-Infinity]", "invalid number -Infinity"),
        (b"[1e999]", "invalid number 1e999"),
        (b"[-1E999]", "invalid number -1E999"),
        (b"1" * 21, "integer of more than 20 digits"),
        (b"1" * 400 + b".5", "invalid number"),
        (b"[" * 65 + b"]" * 65, "deeper than 64 levels"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "deeper than 64 levels"),
        (b"[" * 100_000, "deeper than 64 levels"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8 at byte 1"),
        (b"", "not JSON at line 1 column 1"),
        (b"{'a':1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b'{"a":1} x', "extra data"),
        (b'"\n"', "control character"),
        (b"[01]", "not JSON"),
    ],
)
def test_a_broken_rule_is_named(body: bytes, message: str) -> None:
    with pytest.raises(InvalidJsonError, match=message.replace("[", r"\[")):
        parse(body)


def test_more_keys_than_allowed_are_refused_across_objects() -> None:
    many = [{f"k{number}": 1 for number in range(100)} for _ in range(101)]
    with pytest.raises(InvalidJsonError, match="more than 10000 keys"):
        parse(json.dumps(many).encode())
    assert len(parse(json.dumps(many[:100]).encode())) == 100  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 64 + b"]" * 64,
        json.dumps(["[{" * 200, '\\"[', {"a": "}]"}]).encode(),
        b"[" + b",".join([b"[]"] * 500) + b"]",
        b'["' + b"9" * 60 + b'", "1e999", "NaN"]',
        b"[0.123456789012345678901234567890, 1e10, 12345678901234567890]",
        b'\xef\xbb\xbf{"status":"ok"}',
        b'"\\ud800"',
    ],
)
def test_what_only_looks_like_a_breach_is_read(body: bytes) -> None:
    assert parse(body) == json.loads(body.decode("utf-8-sig"))
