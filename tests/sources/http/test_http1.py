"""The wire parser: how the bytes are cut changes nothing, and no bytes get past the bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.head import HttpAnswer
from opsconsole.sources.http.http1 import ResponseParser
from opsconsole.sources.http.transport_fault import TransportFaultError
from tests.clean import is_clean

BODIES = st.binary(max_size=300)


def read(data: bytes, cuts: list[int], method: str = "GET", limit: int = 1000) -> object:
    """The answer or message for ``data`` cut at ``cuts``, then closed by the peer."""
    parser = ResponseParser(method, limit)
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {len(data)})
    start = 0
    try:
        for place in places:
            if place > start:
                found = parser.feed(data[start:place])
                if found is not None:
                    return found.status, found.headers, found.body
            start = place
        found = parser.feed_eof()
    except TransportFaultError as error:
        kind, message = error.fault.kind, str(error)
    else:
        return found.status, found.headers, found.body
    assert is_clean(message)
    return kind, message


def whole(data: bytes, method: str = "GET", limit: int = 1000) -> HttpAnswer:
    answer = ResponseParser(method, limit).feed(data)
    assert answer is not None
    return answer


def chunked(pieces: list[bytes]) -> bytes:
    body = b"".join(b"%x;x=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + body + b"0\r\nT: 1\r\n\r\n"


@given(BODIES, st.lists(st.integers(0, 500), max_size=30))
def test_a_sized_answer_is_the_same_however_it_is_cut(body: bytes, cuts: list[int]) -> None:
    data = b"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    length = b"%d" % len(body)
    assert read(data, cuts) == (200, [(b"A", b"1"), (b"Content-Length", length)], body)


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(1, 50))
def test_what_is_taken_of_a_body_as_it_comes_is_the_whole_of_it(
    pieces: list[bytes], step: int
) -> None:
    data = chunked(pieces)
    # No more may wait than the largest chunk.
    parser = ResponseParser("GET", max(map(len, pieces), default=0))
    taken = b""
    for start in range(0, len(data), step):
        parser.feed(data[start : start + 1])
        for place in range(start + 1, min(start + step, len(data))):
            taken += parser.take()
            parser.feed(data[place : place + 1])
        taken += parser.take()
        assert parser.held == 0
    assert taken == b"".join(pieces)


@given(st.lists(st.binary(max_size=60), max_size=8), st.lists(st.integers(0, 999), max_size=40))
def test_a_chunked_answer_is_the_same_however_it_is_cut(
    pieces: list[bytes], cuts: list[int]
) -> None:
    result = read(chunked(pieces), cuts)
    assert isinstance(result, tuple)
    assert result[2] == b"".join(pieces)


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=20))
def test_any_bytes_after_a_status_line_are_read_or_refused(rest: bytes, cuts: list[int]) -> None:
    data = b"HTTP/1.1 200 OK\r\n" + rest
    assert isinstance(read(data, cuts), tuple)


@given(
    st.lists(
        st.sampled_from(
            [
                b"HTTP/1.1 200 OK",
                b"HTTP/1.1 100 C",
                b"\r\n",
                b"\n",
                b"Content-Length: 3",
                b"Transfer-Encoding: chunked",
                b"3",
                b"abc",
                b"0",
                b"X: y",
                b" ",
                b"\0",
            ]
        ),
        max_size=20,
    ),
    st.lists(st.integers(0, 400), max_size=20),
)
def test_cutting_never_changes_what_near_http_means(tokens: list[bytes], cuts: list[int]) -> None:
    data = b"HTTP/1.1 200 OK\r\n" + b"".join(tokens)
    uncut, cut = read(data, []), read(data, cuts)
    assert isinstance(uncut, tuple)
    assert isinstance(cut, tuple)
    assert uncut[0] == cut[0]
    if isinstance(uncut[0], int):
        assert uncut == cut


def test_what_ends_a_connection() -> None:
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert whole(good).reusable
    assert not whole(good + b"HTTP/1.1 500 Evil\r\n\r\n").reusable
    assert not whole(good.replace(b"Content", b"Connection: Close\r\nContent")).reusable
    assert not whole(good.replace(b"1.1", b"1.0")).reusable
    assert not whole(good.replace(b"\r\n", b"\n")).reusable


@pytest.mark.parametrize("head", [b"204 No Content", b"304 Not Modified"])
def test_answers_without_a_body(head: bytes) -> None:
    assert whole(b"HTTP/1.1 " + head + b"\r\nContent-Length: 10\r\n\r\n").body == b""


def test_head_answers_have_no_body() -> None:
    answer = whole(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", method="HEAD")
    assert (answer.body, answer.reusable) == (b"", True)


def test_the_body_limit_is_exact() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    assert len(whole(head % 1000 + b"x" * 1000).body) == 1000
    for data in (
        head % 1001,
        chunked([b"x" * 600, b"x" * 401]),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
    ):
        with pytest.raises(TransportFaultError) as caught:
            ResponseParser("GET", 1000).feed(data)
        assert caught.value.fault.kind is FaultKind.TOO_LARGE
        assert caught.value.fault.status == 200


def test_many_spaces_in_a_header_cost_nothing() -> None:
    value = b" " * 15_000 + b"x" + b" " * 15_000
    data = b"HTTP/1.1 200 OK\r\nA:" + value + b"\r\nContent-Length: 0\r\n\r\n"
    assert whole(data).headers[0] == (b"A", b"x")


def test_the_phase_tells_where_a_timeout_fell() -> None:
    parser = ResponseParser("GET", 1000)
    assert (parser.phase, parser.status) == ("headers", None)
    parser.feed(b"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n")
    assert (parser.phase, parser.status) == ("body", 503)
