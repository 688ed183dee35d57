"""A container that ends again and again is in a loop, whether its ends were heard of or counted."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.state import State
from opsconsole.sources.docker.containers import Inspected, in_a_loop
from opsconsole.sources.docker.loops import CLOSE, LEAST_CALM, Loops
from tests.workloads import replica

T = 1_800_000_000.0


def heard(*ends: float) -> Loops:
    loops = Loops()
    for at in ends:
        loops.heard_end("web", at)
    return loops


@pytest.mark.parametrize(
    ("ends", "after", "count"),
    [
        ((), 1, 0),
        ((0,), 1, 0),
        ((0, 10), 1, 2),
        ((0, 10, 20), 1, 3),
        ((0, 10, 20), LEAST_CALM + 1, 0),
        ((0, 60, 120), 170, 3),
        ((0, 60, 120), 190, 0),
        ((0, CLOSE + 1), 1, 0),
        ((0, CLOSE + 1, CLOSE + 11), 1, 2),
        ((0, 1, 1.1), 1, 2),  # one of them was heard of and counted
    ],
)
def test_ends_that_are_close_are_a_loop_until_it_is_calm(
    ends: tuple[float, ...], after: float, count: int
) -> None:
    loops = heard(*(T + at for at in ends))
    assert loops.of("web", T + (ends[-1] if ends else 0) + after) == count
    assert loops.of("other", T + 1) == 0


def test_what_the_engine_counted_before_anybody_looked_is_a_loop_too() -> None:
    loops = Loops()
    facts = Inspected(restarts=5, created_at=T, finished_at=T + 50, started_at=T + 51)
    loops.read({"web": facts, "gone": None}, 0.0)
    assert loops.of("web", T + 55) == 2
    loops.read({"web": replace(facts, restarts=6, finished_at=T + 62)}, 0.0)
    assert loops.of("web", T + 65) == 3


def test_two_ends_in_a_year_are_no_loop() -> None:
    loops = Loops()
    year = 365 * 86400.0
    loops.read({"web": Inspected(restarts=2, created_at=T, finished_at=T + year)}, 0.0)
    assert loops.of("web", T + year + 1) == 0


def test_what_is_in_a_loop_is_never_green() -> None:
    running = replica("web")
    assert running.state is State.OK
    seen = in_a_loop(running, 3)
    assert (seen.state, seen.loop, seen.runs) == (State.DEGRADED, 3, True)
    assert in_a_loop(replace(running, state=State.DOWN), 3).state is State.DOWN


@given(st.lists(st.floats(0, 1000), max_size=20), st.floats(0, 5000))
def test_no_more_is_counted_than_happened(ends: list[float], after: float) -> None:
    loops = heard(*ends)
    assert 0 <= loops.of("web", max(ends, default=0.0) + after) <= len(ends)
    assert loops.of("web", max(ends, default=0.0) + 10_000) == 0
