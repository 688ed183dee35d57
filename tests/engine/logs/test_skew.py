"""Lines of hosts whose clocks differ stand in the order in which they were written."""

from functools import partial

from opsconsole.engine.logs.intake import LogIntake
from opsconsole.engine.logs.query import merge
from opsconsole.engine.logs.ring import LogRing
from opsconsole.sources.logs.line import parse, parse_by
from opsconsole.sources.logs.raw_lines import RawLine
from tests.fakes import FakeClock

NOON = 1_796_126_400.0
"""2026-12-01 12:00:00 UTC"""


def test_the_difference_of_a_clock_is_taken_out_of_what_it_wrote() -> None:
    line = RawLine(b"2026-12-01T12:01:00Z said")
    assert parse(line, "auto", NOON).at == NOON + 60
    assert parse_by(line, "auto", NOON, 60.0).at == NOON
    assert parse_by(RawLine(b"no time"), "auto", NOON, 60.0).at is None
    assert parse_by(RawLine(b"of a journal", at=NOON - 60), "auto", NOON, -60.0).at == NOON


def test_logs_of_three_hosts_are_merged_by_one_clock() -> None:
    written = [("a", 0.0, "12:00:01"), ("b", 60.0, "12:01:02"), ("c", -60.0, "11:59:03")]
    rings = []
    for name, ahead, at in written:
        ring = LogRing(name)
        intake = LogIntake(ring, FakeClock(), "auto", ahead=partial(float, ahead))
        lines = [RawLine(f"2026-12-01T{at}Z one of {name}".encode())]
        intake.lines(lines, live=True)
        rings.append(ring.lines())
    assert [line.text[-1] for line in merge(rings)] == ["a", "b", "c"]
