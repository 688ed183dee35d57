"""An objective that turns is said once, when that has held; what nobody saw turn is not."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.state.objective_turns import HELD, ObjectiveTurns
from opsconsole.model.events import Event, EventCode
from opsconsole.model.objectives import Attainment
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words

MET = Attainment("web", "p95(latency) < 1s", 0.5, 1.0, "s", met=True)
MISSED = replace(MET, actual=2.0, met=False)
EARLY = replace(MET, met=None)
UNKNOWN = replace(MET, actual=None, met=None)
BURNING = replace(MET, burn_rate=20.0, burning="1h")
CALM = replace(BURNING, burn_rate=0.5, burning="")


def over(*seen: tuple[float, Attainment | None]) -> list[Event]:
    """The events of one service whose objective was so at these moments; None: it was stale."""
    turns, made = ObjectiveTurns(), []
    for at, item in seen:
        known = (MET,) if item is None else (item,)
        service = ServiceView("web", State.OK, 0.0, (), objectives=known, stale=item is None)
        made += turns.events((service,), at)
    return made


def said(*seen: tuple[float, Attainment | None]) -> list[tuple[float, EventCode]]:
    return [(each.at, each.code) for each in over(*seen)]


def test_missed_and_met_again_are_dated_when_they_began() -> None:
    turned = [(0, MET), (10, MISSED), (39, MISSED), (40, MISSED), (70, MET), (200, MET)]
    missed, met = over(*turned)
    assert (missed.at, missed.state, words(missed)) == (
        10, State.DEGRADED, "misses p95(latency) < 1s",
    )  # fmt: skip
    assert (met.at, met.state, words(met)) == (70, State.OK, "meets p95(latency) < 1s again")


def test_what_was_missed_when_it_was_first_known_is_no_change() -> None:
    assert said((0, UNKNOWN), (10, MISSED), (100, MISSED)) == []
    assert said((0, MISSED), (100, MISSED), (110, MET), (150, MET)) == [
        (110, EventCode.OBJECTIVE_MET)
    ]


def test_from_early_it_is_seen_to_be_missed() -> None:
    assert said((0, EARLY), (20, MISSED), (50, MISSED)) == [(20, EventCode.OBJECTIVE_MISSED)]
    assert said((0, EARLY), (20, MET), (50, MET)) == []


def test_a_budget_that_is_spent_too_fast_is_said_once() -> None:
    (burns,) = over((0, CALM), (10, BURNING), (40, BURNING), (90, BURNING), (99, CALM), (140, CALM))
    assert (burns.at, words(burns)) == (
        10, "burns the budget of p95(latency) < 1s too fast: 1h",
    )  # fmt: skip


def test_an_objective_that_is_gone_begins_as_a_new_one() -> None:
    turns = ObjectiveTurns()
    web = ServiceView("web", State.OK, 0.0, (), objectives=(MET,))
    turns.events((web,), 0)
    turns.events((), 10)
    again = replace(web, objectives=(MISSED,))
    assert [*turns.events((again,), 20), *turns.events((again,), 90)] == []


@given(st.lists(st.tuples(st.floats(0, 90), st.sampled_from([MET, MISSED, EARLY, UNKNOWN, None]))))
def test_events_alternate_and_nothing_short_is_said(steps: list[tuple[float, Attainment]]) -> None:
    at, seen = 0.0, []
    for pause, item in steps:
        at += pause
        seen.append((at, item))
    made = said(*seen)
    codes = [code for _, code in made]
    assert all(one is not other for one, other in pairwise(codes))
    moments = [moment for moment, _ in made]
    assert all(later - earlier >= HELD for earlier, later in pairwise(moments))
