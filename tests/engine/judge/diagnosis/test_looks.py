"""What looks say beside failing: parts of what calls itself ok, and looks that told nothing."""

from dataclasses import replace
from typing import Any

import pytest

from opsconsole.model.diagnosis import Confidence, FactCode
from opsconsole.model.health import Component, HealthReport, aged
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from tests.engine.judge.diagnosis.stage import (
    T,
    copy,
    diagnosed,
    diagnosis,
    image,
    service,
    told,
)


def test_a_part_that_is_down_of_a_service_that_says_ok_is_pointed_out() -> None:
    down = Component("cache", State.DOWN, "timeout")
    for part, said in (
        (down, "cache down: timeout"),
        (replace(down, critical=False), ""),
        (replace(down, used=False), ""),
        (replace(down, state=State.DEGRADED), ""),
    ):
        report = HealthReport(State.OK, "json", (part,), message="cache down: timeout")
        given = service("web", State.OK, copy(1, State.OK, report=report))
        assert told(given) == said
        assert diagnosed(given)["web"].counts_as is State.OK
    undecided = replace(report, state=State.DOWN, components=(down,))
    assert told(service("web", State.OK, copy(1, State.OK, report=undecided))) == ""


def test_what_flaps_is_told_once() -> None:
    given = copy(1, State.DOWN, flapping=True, fault=None, reason="4 changes in 10 looks: HTTP 500")
    found = diagnosis(service("web", State.DOWN, given, flapping=True)).explanations
    assert [each.lead.code for each in found] == [FactCode.FLAPPING]


@pytest.mark.parametrize("state", [State.UNKNOWN, State.DOWN])
def test_a_look_that_told_nothing_leads_only_where_nothing_is_known(state: State) -> None:
    refused = copy(1, State.UNKNOWN, reason="HTTP 401 Unauthorized")
    others = (copy(2),) if state is State.DOWN else ()
    found = diagnosis(service("web", state, refused, *others)).explanations
    codes = [each.lead.code for each in found]
    assert codes == [FactCode.PROBE_FAILS, FactCode.NOT_READ][-len(codes) :]
    assert len(codes) == 1 + len(others), "each look is told once"


def reporting(*parts: Component, state: State = State.DOWN) -> HealthReport:
    return HealthReport(state, "json", parts)


def database(
    state: State, message: str, at: float, before: HealthReport | None = None
) -> HealthReport:
    return aged(reporting(Component("database", state, message), state=state), before, at)


def with_report(report: HealthReport, **more: Any) -> ServiceView:
    given = copy(1, State.DOWN, report=report, fault=None, reason="HTTP 503")
    return service("web", State.DOWN, given, **more)


def test_a_part_that_was_degraded_before_it_was_down_began_with_that() -> None:
    busy = database(State.DEGRADED, "17 of 20 connections busy", T)
    still = database(State.DEGRADED, "20 of 20 connections busy", T + 3, busy)
    gone = database(State.DOWN, "connection pool exhausted", T + 6, still)
    (found,) = diagnosis(with_report(gone)).explanations
    assert (found.confidence, found.later) == (Confidence.LIKELY, None)
    assert [(each.at, each.state, each.after) for each in found.facts] == [
        (T, State.DEGRADED, "17 of 20 connections busy"),
        (T + 6, State.DOWN, "connection pool exhausted"),
    ]
    assert found.lead == found.facts[-1]


def test_a_change_between_the_first_sign_and_the_failure_is_not_its_cause() -> None:
    busy = database(State.DEGRADED, "busy", T)
    gone = database(State.DOWN, "gone", T + 30, busy)
    late, early = (diagnosis(with_report(gone), events=[image(at)]) for at in (T + 20, T - 20))
    assert late.lead is not None
    assert late.lead.because == ()
    assert early.lead is not None
    assert [each.code for each in early.lead.because] == [FactCode.IMAGE_CHANGED]
    assert [each.at for each in early.explanations[0].facts] == [T - 20, T, T + 30]


@pytest.mark.parametrize(
    ("part", "state", "confidence"),
    [
        (Component("db", State.DOWN), State.DOWN, Confidence.LIKELY),
        (Component("db", State.DOWN), State.DEGRADED, Confidence.LIKELY),
        (Component("db", State.DEGRADED), State.DEGRADED, Confidence.LIKELY),
        (Component("db", State.DEGRADED), State.DOWN, Confidence.UNLIKELY),
        (Component("db", State.DOWN, critical=False), State.DOWN, Confidence.UNLIKELY),
        (Component("db", State.DOWN, critical=False), State.DEGRADED, Confidence.LIKELY),
    ],
)
def test_what_makes_it_what_it_is_by_its_own_word_is_not_unlikely_for_being_later(
    part: Component, state: State, confidence: Confidence
) -> None:
    report = aged(reporting(part, state=state), None, T + 6)
    given = service("web", state, copy(1, state, report=report, fault=None, reason="HTTP 503"))
    (found,) = diagnosis(given).explanations
    assert found.confidence is confidence
    assert found.later == (6 if confidence is Confidence.UNLIKELY else None)


def test_of_several_copies_the_first_sign_of_all_counts() -> None:
    first = database(State.DOWN, "gone", T + 9, database(State.DEGRADED, "busy", T + 1))
    other = database(State.DOWN, "gone", T + 8, database(State.DEGRADED, "slow", T))
    copies = [copy(n, report=each, fault=None) for n, each in enumerate((first, other), 1)]
    (found,) = diagnosis(service("web", State.DOWN, *copies)).explanations
    assert [(each.at, each.after) for each in found.facts] == [(T, "slow"), (T + 8, "gone")]
