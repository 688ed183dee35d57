"""An operation on the timeline: when it began, and what came of it."""

from dataclasses import replace

import pytest

from opsconsole.engine.judge.events import operation_missed, operation_moved
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words


def run(state: OperationState, name: str = "", summary: str = "") -> Operation:
    """One run of a restart."""
    return Operation(
        "20261121T101500-x1", "plan-1", "api", ActionKind.RESTART, name, state, "ann", "host",
        100.0, 104.0, summary=summary,
    )  # fmt: skip


def test_it_is_told_by_its_service_never_by_its_id() -> None:
    began = operation_moved(run(OperationState.DISPATCHED), None)
    assert began is not None
    assert (began.subject, began.service) == ("api", "api")
    assert words(began) == "restart: started, by ann"
    assert began.state is None


@pytest.mark.parametrize(
    ("state", "colour"),
    [
        (OperationState.VERIFIED, State.OK),
        (OperationState.FAILED, State.DOWN),
        (OperationState.INCONCLUSIVE, State.UNKNOWN),
        (OperationState.UNKNOWN, State.UNKNOWN),
    ],
)
def test_a_verdict_is_told_with_its_reason(state: OperationState, colour: State) -> None:
    event = operation_moved(run(state, "soft", "healthy for 10 s"), OperationState.VERIFYING)
    assert event is not None
    assert words(event) == f"restart soft: {state}, by ann: healthy for 10 s"
    assert event.state is colour


@pytest.mark.parametrize("state", [OperationState.DISPATCHED, OperationState.VERIFYING])
def test_the_steps_between_are_no_news(state: OperationState) -> None:
    assert operation_moved(run(state), OperationState.INTENT) is None


def test_what_ended_meanwhile_says_so() -> None:
    event = operation_missed(run(OperationState.VERIFIED))
    assert words(event) == "restart: verified while you were away, by ann"
    assert event.at == 104.0
    ended = replace(run(OperationState.VERIFIED), ended_at=103.0)
    assert operation_missed(ended).at == 103.0


def test_two_consoles_make_the_same_event_whatever_each_saw_before() -> None:
    seen = [None, OperationState.INTENT, OperationState.VERIFYING]
    ended = replace(run(OperationState.FAILED, "restart"), ended_at=103.0)
    (event,) = {operation_moved(ended, before) for before in seen}
    assert event is not None
    assert (event.at, event.before, event.after, event.name) == (103.0, "", "failed", "")
    under_way = (OperationState.DISPATCHED, OperationState.VERIFYING)
    (began,) = {operation_moved(replace(run(each), updated_at=101.0), None) for each in under_way}
    assert began is not None
    assert (began.at, began.after, began.detail) == (100.0, "intent", "")
