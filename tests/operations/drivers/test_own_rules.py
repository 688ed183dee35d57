"""Acknowledging an alert that no Alertmanager reports: planned, recorded, seen by all, ended."""

import json
from dataclasses import replace

import pytest

from opsconsole.model.alerting import silence_requests as silencing
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, alert_key
from opsconsole.model.alerting.silences import OWN_RULES, SilenceView
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Operation,
    OperationState,
    Plan,
    Refusal,
)
from opsconsole.operations.operator import Operator
from opsconsole.render.alerts.silence_words import of_run
from tests.operations.place import Place

LABELS = {"alertname": "ApiDown", "service": "api", "severity": "critical"}
ALERT = Alert(
    alert_key("ApiDown", LABELS),
    "ApiDown",
    Severity.CRITICAL,
    AlertState.FIRING,
    1_800_000_000.0,
    service="api",
    labels=LABELS,
)
CONFIGURATION = "environment: {name: production, danger: high}\nservices: {api: {instances: []}}\n"


def asked(reason: str = "killed on purpose") -> ActionRequest:
    request = silencing.acknowledgement(ALERT, reason)
    assert request is not None
    return request


async def done(operator: Operator, request: ActionRequest) -> Operation | Refusal:
    plan = await operator.plan(request, None)
    if isinstance(plan, Refusal):
        return plan
    begun = await operator.perform(plan, Confirmation(reason=request.reason))
    if isinstance(begun, Refusal):
        return begun
    async for seen in operator.follow(begun, 0.05):
        begun = seen
    return begun


@pytest.fixture
def place(place: Place) -> Place:
    place.write(CONFIGURATION)
    return place


async def test_every_console_of_the_state_sees_it_until_it_is_ended(place: Place) -> None:
    mine, theirs = place.operator(), place.operator(read_only=True)
    run = await done(mine, asked())
    assert isinstance(run, Operation)
    assert run.state is OperationState.VERIFIED
    assert of_run(run, "kim") == "ApiDown acknowledged by kim: killed on purpose"
    (seen,) = theirs.acknowledgements()
    assert seen.acknowledges
    assert seen.suppression.comment == "killed on purpose"
    assert seen.by == run.who
    assert seen.ends_at is not None
    assert 0 < seen.ends_at - (seen.starts_at or 0.0) <= silencing.LONGEST_ACK
    ended = await done(mine, silencing.ending(seen, "it is up"))
    assert isinstance(ended, Operation)
    assert ended.state is OperationState.VERIFIED
    assert theirs.acknowledgements() == ()
    again = await done(mine, silencing.ending(seen, "once more"))
    assert isinstance(again, Refusal)
    assert "has ended" in str(again)
    events = [json.loads(row.record)["event"] for row in place.there.audit_rows()]
    assert events.count("intent") == 2


async def test_it_is_planned_as_every_change_and_needs_a_reason(place: Place) -> None:
    plan = await place.operator().plan(asked(""), None)
    assert isinstance(plan, Plan)
    assert plan.confirm is ConfirmLevel.CHOICE
    assert "ApiDown" in plan.steps[0].summary
    refused = await place.operator().perform(plan, Confirmation())
    assert isinstance(refused, Refusal)
    assert refused.code == "reason-missing"


@pytest.mark.parametrize("kind", [ActionKind.ACKNOWLEDGE, ActionKind.EXPIRE_SILENCE])
async def test_read_only_refuses_it_in_the_executor(place: Place, kind: ActionKind) -> None:
    request = replace(asked(), kind=kind, parameters={"silence": "x", **asked().parameters})
    refused = await place.operator(read_only=True).plan(request, None)
    assert isinstance(refused, Refusal)
    assert refused.code == "read-only"
    assert place.operator().acknowledgements() == ()


async def test_it_ends_by_itself(place: Place) -> None:
    operator = place.operator()
    await done(operator, replace(asked(), duration=0.01))
    assert operator.acknowledgements() == ()


async def test_longer_than_others_is_refused(place: Place) -> None:
    asked_for = replace(asked(), duration=silencing.LONGEST_ACK + 60)
    refused = await place.operator().plan(asked_for, None)
    assert isinstance(refused, Refusal)
    assert refused.code == "bad-parameter"


async def test_two_alerts_are_acknowledged_side_by_side(place: Place) -> None:
    other = replace(ALERT, name="DbDown", key="DbDown{}", labels={"alertname": "DbDown"})
    second = silencing.acknowledgement(other, "known")
    assert second is not None
    operator = place.operator()
    for request in (asked(), second):
        assert isinstance(await done(operator, request), Operation)
    found: tuple[SilenceView, ...] = operator.acknowledgements()
    assert {each.source for each in found} == {OWN_RULES}
    assert len(found) == 2


def test_what_does_not_fire_is_not_acknowledged() -> None:
    for state in (AlertState.PENDING, AlertState.RESOLVED):
        assert silencing.acknowledgement(replace(ALERT, state=state)) is None
