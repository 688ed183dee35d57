"""A local rule's life, by script and by properties."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.judge.rules import CLEAR, INACTIVE, Phase, RuleState, step

LETTERS = {"t": True, "f": False, "?": None}
SHORT = {
    Phase.INACTIVE: ".",
    Phase.PENDING: "p",
    Phase.FIRING: "F",
    Phase.RESOLVED: "r",
}


def play(series: str, for_: float, keep: float) -> list[RuleState]:
    """One evaluation a second; what is resolved begins again, as in the engine."""
    state, seen = INACTIVE, []
    for now, letter in enumerate(series):
        state = step(state, LETTERS[letter], float(now), for_, keep)
        seen.append(state)
        if state.phase is Phase.RESOLVED:
            state = CLEAR
    return seen


@pytest.mark.parametrize(
    ("series", "for_", "keep", "phases"),
    [
        ("ft", 0, 0, ".F"),
        ("ttt", 2, 0, "ppF"),
        ("ttftt", 2, 0, "pp.pp"),
        ("tt?tt", 2, 0, "pp.pp"),
        ("ttf", 1, 0, "pFr"),
        ("tt?f", 1, 0, "pFFr"),
        ("ttfff", 1, 2, "pFFFr"),
        ("ttftfff", 1, 2, "pFFFFFr"),
        ("ttf?f", 1, 2, "pFFFr"),
        ("ttft", 1, 0, "pFrp"),
        ("???", 0, 0, "..."),
    ],
)
def test_phases(series: str, for_: float, keep: float, phases: str) -> None:
    assert "".join(SHORT[state.phase] for state in play(series, for_, keep)) == phases


def test_since_is_when_the_condition_began_to_hold() -> None:
    seen = play("ftttt", 2, 0)
    assert seen[-1].since == 1.0
    assert seen[-1].phase is Phase.FIRING


@given(st.text(alphabet="tf?", max_size=80), st.integers(0, 6), st.integers(0, 6))
def test_properties_of_every_series(series: str, for_: int, keep: int) -> None:
    seen = play(series, for_, keep)
    for number, state in enumerate(seen):
        fired_before = number > 0 and seen[number - 1].phase is Phase.FIRING
        if state.phase is Phase.FIRING and not fired_before:
            window = series[number - for_ : number + 1]
            assert set(window) == {"t"}, "fires only after for_ seconds without a break"
        if state.phase is Phase.RESOLVED:
            window = series[number - keep : number + 1]
            assert "t" not in window, "ends only after keep seconds of quiet"
            assert series[number] == "f", "what is not known ends nothing"
        assert state.since <= number
    for before, after in pairwise(seen):
        if before.phase is Phase.FIRING:
            assert after.phase in {Phase.FIRING, Phase.RESOLVED}, "no way back to pending"
            assert after.since == before.since
        if after.phase is Phase.RESOLVED:
            assert before.phase is Phase.FIRING


@given(st.text(alphabet="tf?", max_size=40), st.integers(0, 3))
def test_a_beginning_is_certain_only_after_a_look_at_its_absence(series: str, for_: int) -> None:
    for state in play(series, for_, 0):
        if state.phase in {Phase.PENDING, Phase.FIRING}:
            before = series[: int(state.since)][-1:]
            assert state.at_least is (before != "f")
