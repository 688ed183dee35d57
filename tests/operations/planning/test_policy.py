"""Policy: each refusal has its code and says what lifts it; everything else is allowed."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Effect,
    Operation,
    OperationState,
    Plan,
)
from opsconsole.operations.locks.locks import Holder
from opsconsole.operations.planning import policy
from opsconsole.operations.planning.policy import Circumstances

NOW = 1_000_000.0
RESTART = ActionRequest("web", ActionKind.RESTART)
FINE = Circumstances(now=NOW, read_only=False, declared=True)
UNKNOWN = OperationState.UNKNOWN
HOLDER = Holder("op", "restart", "web", "ops", 1000, "bastion-2", "pts/3", NOW - 12)


def _operation(
    kind: ActionKind = ActionKind.RESTART,
    state: OperationState = OperationState.VERIFIED,
    ago: float = 100.0,
) -> Operation:
    ended = NOW - ago if state.final else None
    return Operation(
        "op", "plan", "web", kind, "", state, "ops", "host", NOW - ago - 5, NOW - ago,
        ended_at=ended,
    )  # fmt: skip


def _plan(
    kind: ActionKind = ActionKind.RESTART,
    confirm: ConfirmLevel = ConfirmLevel.CHOICE,
    age: float = 1.0,
) -> Plan:
    return Plan(
        "plan", "web", kind, "", NOW - age, "production", "high", (), {}, confirm, (), ""
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "request_", "seen"),
    [
        ("not-declared", RESTART, replace(FINE, declared=False)),
        ("read-only", RESTART, replace(FINE, read_only=True)),
        ("read-only", RESTART, replace(FINE, read_only=True, effect=Effect.READ)),
        ("replayed", replace(RESTART, seen_at=NOW - 60.0), FINE),
        ("replayed", replace(RESTART, seen_at=NOW), replace(FINE, effect=Effect.READ)),
        ("not-supported", RESTART, replace(FINE, supported=False)),
        ("reason-too-long", replace(RESTART, reason="x" * 1001), FINE),
        ("reason-missing", replace(RESTART, parameters={"override": "yes"}), FINE),
        ("audit-not-writable", RESTART, replace(FINE, audit_fault="disk full")),
        ("locked", RESTART, replace(FINE, holder=HOLDER)),
        ("unknown-pending", RESTART, replace(FINE, recent=(_operation(state=UNKNOWN),))),
        ("restart-loop", RESTART, replace(FINE, recent=(_operation(), _operation(ago=500)))),
        ("cooling-down", RESTART, replace(FINE, recent=(_operation(ago=59.0),))),
    ],
)  # fmt: skip
def test_each_refusal(code: str, request_: ActionRequest, seen: Circumstances) -> None:
    refusal = policy.refuse_plan(request_, seen)
    assert refusal is not None
    assert refusal.code == code
    assert refusal.message
    assert refusal.lifted_by


@pytest.mark.parametrize(
    ("request_", "seen"),
    [
        (RESTART, FINE),
        (RESTART, replace(FINE, read_only=True, effect=Effect.READ, only_reads=True)),
        (RESTART, replace(FINE, recent=(_operation(ago=61.0),))),
        (RESTART, replace(FINE, recent=(_operation(ago=1.0, kind=ActionKind.BACKUP),))),
        (RESTART, replace(FINE, recent=(_operation(ago=1.0, state=OperationState.REFUSED),))),
        (RESTART, replace(FINE, recent=(_operation(ago=899), _operation(ago=1000)))),
        (replace(RESTART, kind=ActionKind.RECOVER), replace(FINE, recent=(_operation(ago=1),))),
    ],
)
def test_what_is_allowed(request_: ActionRequest, seen: Circumstances) -> None:
    assert policy.refuse_plan(request_, seen) is None


def test_an_override_with_a_reason_lifts_the_brakes_and_nothing_else() -> None:
    request = replace(RESTART, reason="customer is on the phone", parameters={"override": "yes"})
    busy = replace(FINE, recent=(_operation(ago=1), _operation(ago=70), _operation(ago=500)))
    assert policy.refuse_plan(request, busy) is None
    assert policy.refuse_plan(replace(request, seen_at=NOW), busy) is not None
    for seen in (
        replace(FINE, read_only=True),
        replace(FINE, declared=False),
        replace(FINE, holder=HOLDER),
        replace(FINE, audit_fault="disk full"),
    ):
        assert policy.refuse_plan(request, seen) is not None


@pytest.mark.parametrize("ahead", [6.0, 3600.0, 86400.0 * 365])
def test_a_time_in_the_future_is_not_believed(ahead: float) -> None:
    ended = tuple(_operation(ago=-ahead) for _ in range(3))
    begun = tuple(replace(each, started_at=NOW + ahead) for each in ended)
    assert policy.refuse_plan(RESTART, replace(FINE, recent=begun)) is None
    confirmation = Confirmation("web", "why")
    refusal = policy.refuse_perform(_plan(age=-ahead), RESTART, confirmation, FINE)
    assert refusal is not None
    assert (refusal.code, "has not come" in refusal.message) == ("plan-stale", True)


def test_clocks_that_are_a_moment_apart_are_believed() -> None:
    just_now = replace(FINE, recent=(_operation(ago=-1.0),))
    refusal = policy.refuse_plan(RESTART, just_now)
    assert refusal is not None
    assert refusal.code == "cooling-down"
    confirmation = Confirmation("web", "why")
    assert policy.refuse_perform(_plan(age=-1.0), RESTART, confirmation, FINE) is None


def test_a_lock_is_told_with_who_where_what_and_since_when() -> None:
    refusal = policy.refuse_plan(RESTART, replace(FINE, holder=HOLDER))
    assert refusal is not None
    assert refusal.message == "ops@bastion-2 (pts/3) is at restart of web (00:12)"


@pytest.mark.parametrize(
    ("kind", "danger", "level"),
    [
        (ActionKind.RESTART, "none", ConfirmLevel.CHOICE),
        (ActionKind.RESTART, "low", ConfirmLevel.CHOICE),
        (ActionKind.RESTART, "high", ConfirmLevel.TYPED_NAME_AND_REASON),
        (ActionKind.ROLLBACK, "none", ConfirmLevel.CHOICE),
        (ActionKind.ROLLBACK, "low", ConfirmLevel.TYPED_NAME_AND_REASON),
        (ActionKind.RESTORE, "low", ConfirmLevel.TYPED_NAME_AND_REASON),
        (ActionKind.RESTORE, "high", ConfirmLevel.TYPED_NAME_AND_REASON),
    ],
)
def test_confirmation_by_environment(kind: ActionKind, danger: str, level: ConfirmLevel) -> None:
    assert policy.confirm_level(kind, danger, Effect.CHANGE) is level
    assert policy.confirm_level(kind, danger, Effect.READ) is ConfirmLevel.CHOICE


@pytest.mark.parametrize(
    ("code", "plan", "confirmation"),
    [
        (None, _plan(), Confirmation()),
        ("plan-stale", _plan(age=601), Confirmation()),
        ("reason-too-long", _plan(), Confirmation(reason="x" * 1_000_000)),
        ("wrong-confirmation", _plan(confirm=ConfirmLevel.TYPED_NAME), Confirmation("wed")),
        (None, _plan(confirm=ConfirmLevel.TYPED_NAME), Confirmation("web")),
        ("reason-missing", _plan(confirm=ConfirmLevel.TYPED_NAME_AND_REASON), Confirmation("web")),
        ("reason-missing", _plan(kind=ActionKind.DEGRADE), Confirmation(reason="  ")),
        (None, _plan(kind=ActionKind.DEGRADE), Confirmation(reason="load")),
    ],
)
def test_confirmations(code: str | None, plan: Plan, confirmation: Confirmation) -> None:
    request = ActionRequest(plan.service, plan.kind)
    refusal = policy.refuse_perform(plan, request, confirmation, FINE)
    assert (refusal.code if refusal else None) == code


def test_a_stale_plan_names_what_moved() -> None:
    planned = {"web-1 id": "aaa", "web-1 image": "v1", "web-2 id": "bbb"}
    assert policy.refuse_stale(planned, {**planned, "web-1 started": "later"}) is None
    refusal = policy.refuse_stale(planned, {"web-1 id": "ccc", "web-1 image": "v1"})
    assert refusal is not None
    assert refusal.code == "plan-stale"
    assert "web-1 id was aaa, is ccc" in refusal.message
    assert "web-2 id was bbb, is gone" in refusal.message


@pytest.mark.parametrize(("left", "refused"), [(None, False), (1, False), (0, True)])
def test_the_last_healthy_instance_is_kept(left: int | None, refused: bool) -> None:
    assert (policy.refuse_last_healthy(RESTART, left) is not None) is refused
    override = replace(RESTART, reason="known", parameters={"override": "yes"})
    assert policy.refuse_last_healthy(override, left) is None
