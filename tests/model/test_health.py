"""Since when components are in their state, and their circuit breakers."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.services import Health
from opsconsole.model.health import Component, HealthReport, Sign, aged
from opsconsole.model.state import State
from opsconsole.sources.health.body import read_health


def report(**states: State) -> HealthReport:
    parts = tuple(Component(name, state) for name, state in states.items())
    whole = Component("all", State.OK, children=parts)
    return HealthReport(State.OK, "json", (whole,))


def ages(found: HealthReport) -> dict[str, float | None]:
    return {part.name: part.since for part in found.components[0].children}


def test_a_component_is_so_since_it_became_so() -> None:
    first = aged(report(db=State.OK, cache=State.OK), None, 10.0)
    second = aged(report(db=State.DOWN, cache=State.OK), first, 20.0)
    third = aged(report(db=State.DOWN, new=State.OK), second, 30.0)
    assert ages(first) == {"db": 10.0, "cache": 10.0}
    assert ages(second) == {"db": 20.0, "cache": 10.0}
    assert ages(third) == {"db": 20.0, "new": 30.0}


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(State)), max_size=8))
def test_no_age_is_later_than_the_look_nor_goes_back(looks: list[dict[str, State]]) -> None:
    before: HealthReport | None = None
    for number, states in enumerate(looks):
        now = aged(report(**states), before, float(number))
        for name, since in ages(now).items():
            assert since is not None
            assert since <= number
            earlier = ages(before).get(name) if before is not None else None
            assert earlier is None or since >= earlier
        before = now


@given(st.lists(st.sampled_from(State), max_size=8))
def test_the_first_sign_is_the_first_trouble_since_it_was_ok(looks: list[State]) -> None:
    before: HealthReport | None = None
    expected: Sign | None = None
    for number, state in enumerate(looks):
        now = aged(report(db=state), before, float(number))
        if state is State.OK:
            expected = None
        elif expected is None and state is not State.UNKNOWN:
            expected = Sign(float(number), state)
        assert now.components[0].children[0].first == expected
        before = now


def breaker(**body: Any) -> str:
    raw = json.dumps({"status": "healthy", "components": {"db": body}}).encode()
    found = read_health(
        raw, status=200, accepted=True, content_type="application/json", health=Health()
    )
    assert isinstance(found, HealthReport)
    return found.components[0].breaker


def test_the_position_of_a_circuit_breaker_is_kept() -> None:
    assert breaker(status="healthy", circuit_breaker={"state": "closed"}) == "closed"
    assert breaker(status="healthy", circuit_breaker={"state": "half_open"}) == "half open"
    assert breaker(status="down", circuitBreaker="OPEN") == "open"
    assert breaker(state="open", failure_threshold=5) == "open"
    assert breaker(status="healthy") == ""
