"""Whether a restart will last, by the deaths before it; and how long a verdict is watched on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.operations.driving.lasting import LEAST, MOST, RECENT, Deaths, deaths_in

NOW = 10_000.0
KILLED = Fact(FactCode.OUT_OF_MEMORY, NOW - 150, "web-2", 2, until=NOW - 30)


def diagnosis(*facts: Fact) -> Diagnosis:
    return Diagnosis(tuple(Explanation(each, (each,), Confidence.LIKELY) for each in facts))


def test_a_copy_that_was_killed_for_memory_twice_will_not_last() -> None:
    (found,) = deaths_in(diagnosis(KILLED), NOW)
    assert found.warning == "web-2 killed for memory 2× in 2 min: a restart will not last"
    assert found.watch == 240.0


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (replace(KILLED, code=FactCode.CRASH_LOOP, count=5, until=NOW), "died 5× in 2 min"),
        (replace(KILLED, code=FactCode.EXITED, at=NOW - 40), "died 2× in 10 s"),
        (replace(KILLED, at=None, until=None), "killed for memory 2×: a restart"),
    ],
)
def test_deaths_are_told_as_they_are_known(fact: Fact, said: str) -> None:
    (found,) = deaths_in(diagnosis(fact), NOW)
    assert said in found.warning


@pytest.mark.parametrize(
    "fact",
    [
        replace(KILLED, count=1),
        replace(KILLED, at=NOW - 3 * RECENT, until=NOW - 2 * RECENT),
        replace(KILLED, code=FactCode.IMAGE_CHANGED),
    ],
)
def test_one_death_or_old_ones_say_nothing(fact: Fact) -> None:
    assert deaths_in(diagnosis(fact), NOW) == ()


@given(st.integers(2, 10_000), st.none() | st.floats(0, 1e9))
def test_the_watch_is_bounded(count: int, span: float | None) -> None:
    assert LEAST <= Deaths("web", count, span, memory=False).watch <= MOST


def test_the_one_that_died_most_comes_first() -> None:
    other = replace(KILLED, subject="web-1", count=7)
    assert [each.name for each in deaths_in(diagnosis(KILLED, other), NOW)] == ["web-1", "web-2"]
