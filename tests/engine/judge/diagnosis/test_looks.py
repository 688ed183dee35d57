"""What looks say beside failing: parts of what calls itself ok, and looks that told nothing."""

from dataclasses import replace

import pytest

from opsconsole.model.diagnosis import FactCode
from opsconsole.model.health import Component, HealthReport
from opsconsole.model.state import State
from tests.engine.judge.diagnosis.stage import copy, diagnosed, diagnosis, service, told


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
