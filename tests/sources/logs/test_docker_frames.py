"""Frames of a container's log, cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.logs.docker_frames import FrameReader, NotFramesError
from opsconsole.sources.logs.raw_lines import LINE_BYTES

STAMP = b"2026-11-21T10:00:00.000000001Z "
AT = 1_795_255_200_000_000_001


def frame(payload: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


@given(
    st.lists(st.tuples(st.integers(1, 2), st.binary(max_size=30).filter(lambda b: b"\n" not in b))),
    st.lists(st.integers(1, 50), max_size=30),
)
def test_cuts_make_no_difference(lines: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(frame(STAMP + text + b"\n", stream) for stream, text in lines)
    reader, found = FrameReader(terminal=False), []
    for size in cuts:
        found += reader.feed(data[:size])
        data = data[size:]
    found += reader.feed(data)
    assert [each.line.data for each in found] == [text for _, text in lines]
    assert all(each.nanoseconds == AT for each in found)


def test_a_line_that_the_engine_split_is_one_line() -> None:
    reader = FrameReader(terminal=False)
    data = frame(STAMP + b"a" * 16384) + frame(STAMP + b"err\n", 2) + frame(STAMP + b"bc\n")
    found = reader.feed(data)
    assert [each.line.data for each in found] == [b"err", b"a" * 16384 + b"bc"]


def test_a_frame_that_claims_four_gigabytes_takes_no_more_than_a_line() -> None:
    reader = FrameReader(terminal=False)
    reader.feed(b"\1\0\0\0\xff\xff\xff\xff")
    for _ in range(100):
        assert reader.feed(b"x" * 65536) == []
    assert len(reader._frame) == LINE_BYTES


def test_a_terminals_log_is_bare_lines() -> None:
    found = FrameReader(terminal=True).feed(STAMP + b"hello\r\n" + STAMP + b"there\r\n")
    assert [each.line.data for each in found] == [b"hello", b"there"]


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(NotFramesError):
        FrameReader(terminal=False).feed(b"HTTP/1.1 200 OK\r\n\r\n")
