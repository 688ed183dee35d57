"""Each line of a log is taken once, however it is asked for."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.logs.position import Position
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.sources.logs.stamped_lines import NANO, StampedLine

times = st.lists(st.integers(1, 12), max_size=30).map(sorted)


def line(at: int, number: int) -> StampedLine:
    """A quarter of a second a unit, so that several lines share a second and some a moment."""
    return StampedLine(RawLine(str(number).encode()), NANO + at * NANO // 4)


@given(times, st.lists(st.integers(0, 30), max_size=6).map(sorted))
def test_every_line_is_fresh_once_however_often_the_log_is_asked_for(
    written: list[int], breaks: list[int]
) -> None:
    log = [line(at, number) for number, at in enumerate(written)]
    position, taken = Position(), list[StampedLine]()
    for end in (*breaks, len(log)):
        since = position.last
        position.ask_again(since)
        taken += position.fresh(each for each in log[:end] if _second(each) >= int(since))
    assert taken == log


@given(times, times)
def test_a_run_that_is_read_after_the_one_that_followed_it_is_read_whole(
    first: list[int], then: list[int]
) -> None:
    before = [line(at, number) for number, at in enumerate(first)]
    after = [line(at + 13, number) for number, at in enumerate(then)]
    position = Position()
    assert position.fresh(after) == after
    position.ask_again(0.0)
    assert position.fresh(before) == before


def _second(each: StampedLine) -> int:
    return each.nanoseconds // NANO


def test_what_comes_late_by_its_own_clock_is_not_lost() -> None:
    position = Position()
    lines = [line(5, 0), line(4, 1), line(5, 2)]
    assert position.fresh(lines) == lines
