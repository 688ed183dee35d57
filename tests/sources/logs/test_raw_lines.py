"""However bytes are cut into chunks, the lines are the same."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.logs.raw_lines import LINE_BYTES, LineSplitter, RawLine


@given(st.lists(st.binary(max_size=40)))
def test_chunks_make_no_difference(chunks: list[bytes]) -> None:
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    lines += splitter.flush()
    whole = b"".join(chunks)
    wanted = whole.split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    assert [line.data for line in lines] == wanted


@given(st.integers(1, 5), st.integers(0, 300_000))
def test_an_endless_line_is_bounded_and_counted(parts: int, size: int) -> None:
    splitter = LineSplitter()
    for _ in range(parts):
        assert splitter.feed(b"x" * size) == []
    [line] = splitter.feed(b"\n")
    total = parts * size
    assert line == RawLine(b"x" * min(total, LINE_BYTES), max(0, total - LINE_BYTES))
