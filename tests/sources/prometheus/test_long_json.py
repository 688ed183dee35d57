"""What is read item by item is what the library reads at once."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.sources.prometheus import long_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
PIECES = [*'{}[]:,"\\ \n', "1", "-", "1e9", "NaN", "null", '"a"', '"a":', "\ufeff", "é", "\x00"]


@pytest.fixture(autouse=True)
def _everything_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_json, "LONG", 0)


def outcome(read: Any, body: bytes) -> object:
    try:
        return repr(read(body))
    except ValueError as error:
        return type(error), str(error)


@settings(max_examples=50)
@given(
    value=VALUES, indent=st.sampled_from([None, 1]), encoding=st.sampled_from(["utf-8", "utf-16"])
)
def test_any_document(value: object, indent: int | None, encoding: str) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=False).encode(encoding, "surrogatepass")

    assert long_json.loads(body) == value


@settings(max_examples=200)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=12))
def test_whatever_is_no_document_is_refused_in_the_same_words(pieces: list[str]) -> None:
    body = "".join(pieces).encode()

    assert outcome(long_json.loads, body) == outcome(json.loads, body)


def test_what_is_nested_without_end_is_refused() -> None:
    with pytest.raises(RecursionError):
        long_json.loads(b"[" * 100_000)


def test_items_of_a_list_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    read = json.JSONDecoder().raw_decode

    def noted(text: str, at: int) -> tuple[Any, int]:
        value, end = read(text, at)
        lengths.append(end - at)
        return value, end

    monkeypatch.setattr(long_json, "_read", noted)
    listed = [{"health": "up", "labels": {"job": str(number)}} for number in range(100)]
    long_json.loads(json.dumps({"status": "success", "data": {"activeTargets": listed}}).encode())

    assert max(lengths) < 60
