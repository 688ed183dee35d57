"""Records whose moments cannot be: of a clock that is ahead, or of who made them up."""

import pytest

from opsconsole.model.remedies.breaker import BreakerState, PastAct, breaker
from opsconsole.model.remedies.episodes import fold
from opsconsole.model.remedies.rules import Limits
from opsconsole.model.remedies.switch import PLAN_HOLDS
from opsconsole.model.remedies.switch import fold as fold_switch

AT = 1_700_000_000.0
YEARS = 40_000_000.0 * 10


def test_a_breaker_that_is_closed_in_the_future_opens_all_the_same() -> None:
    said = {"do": "close", "rule": "r", "reason": "x", "who": "eve"}
    closings = fold_switch([{**said, "at": AT + YEARS}]).closings
    acts = [PastAct(AT + each, verified=False, helped=False) for each in range(9)]
    assert closings
    assert breaker("r", acts, closings, Limits(), AT + 20).state is not BreakerState.CLOSED
    closings = fold_switch([{**said, "at": AT + 19}]).closings
    assert breaker("r", acts, closings, Limits(), AT + 20).state is BreakerState.CLOSED


@pytest.mark.parametrize("at", [AT + YEARS, AT - PLAN_HOLDS, AT + PLAN_HOLDS])
def test_a_plan_of_another_time_holds_nothing_back(at: float) -> None:
    planned = fold_switch([{"do": "plan", "service": "web", "who": "eve", "at": at}])
    assert planned.planned
    assert not planned.plans_open(AT)


@pytest.mark.parametrize("ended", [0.0, AT - 1, AT, AT + 5])
def test_no_episode_ends_before_it_began(ended: float) -> None:
    first = {
        "do": "begin", "at": AT, "since": AT - 9, "rule": "r", "service": "web",
        "kind": "restart", "mode": "auto",
    }  # fmt: skip
    found = fold("e", [first, {"do": "end", "at": ended, "how": "alone"}])
    assert found is not None
    assert found.ended_at == max(AT, ended)
