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
from opsconsole.operations.journal.records import Past
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
        *(
            ("locked", RESTART, replace(FINE, recent=(_operation(state=state),)))
            for state in (
                OperationState.INTENT, OperationState.DISPATCHED, OperationState.VERIFYING
            )
        ),
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


@pytest.mark.parametrize("state", [state for state in OperationState if not state.final])
def test_the_second_operator_hears_who_is_at_it_from_where_and_since_when(
    state: OperationState,
) -> None:
    running = replace(_operation(ago=72.0, state=state), who="kim", host="bastion-2")
    refusal = policy.refuse_plan(RESTART, replace(FINE, recent=(running,)))
    assert refusal is not None
    assert "restart of web" in refusal.message
    assert "kim@bastion-2, 01:17 ago" in refusal.message


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
    assert refusal.message == "ops@bastion-2 (pts/3) is restarting web (00:12)"


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


@pytest.mark.parametrize("effect", Effect)
def test_what_stops_a_service_is_confirmed_as_what_cannot_be_undone(effect: Effect) -> None:
    asked = [
        policy.confirm_level(ActionKind.CALL, danger, effect, interrupts=True)
        for danger in ("none", "low", "high")
    ]
    typed = ConfirmLevel.TYPED_NAME_AND_REASON
    assert asked == [ConfirmLevel.CHOICE, typed, typed]


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


def test_more_than_three_facts_that_moved_are_counted() -> None:
    planned = {f"web-{number} id": "aaa" for number in range(1, 6)}
    three = policy.refuse_stale(dict(list(planned.items())[:3]), {})
    assert three is not None
    assert three.message.endswith("web-3 id was aaa, is gone")
    five = policy.refuse_stale(planned, {})
    assert five is not None
    assert five.message.endswith("web-3 id was aaa, is gone and 2 more")
    assert "web-4" not in five.message


ROLLBACK = replace(
    _plan(kind=ActionKind.ROLLBACK), fingerprint={"image": "v2"}, goals={"image": "v1"}
)


def _past(
    reached: str,
    kind: ActionKind = ActionKind.ROLLBACK,
    state: OperationState = OperationState.VERIFIED,
) -> Past:
    return Past(replace(_plan(kind=kind), goals={"image": reached}), state)


@pytest.mark.parametrize(
    ("code", "plan", "past"),
    [
        (None, ROLLBACK, ()),
        (None, replace(ROLLBACK, goals={}), ()),
        ("already-running", replace(ROLLBACK, goals={"image": "v2"}), ()),
        (None, replace(ROLLBACK, goals={"image": "v2", "config": "c1"}), ()),
        (None, replace(ROLLBACK, kind=ActionKind.RESTART, goals={"image": "v2"}), ()),
        ("rollback-of-rollback", ROLLBACK, (_past("v2"),)),
        ("rollback-of-rollback", ROLLBACK, (_past("v9", ActionKind.SCALE), _past("v2"))),
        (None, replace(ROLLBACK, kind=ActionKind.RESTART), (_past("v2"),)),
        (None, ROLLBACK, (_past("v3"),)),
        (None, ROLLBACK, (_past("v3"), _past("v2"))),
        (None, ROLLBACK, (_past("v2", ActionKind.SCALE),)),
        (None, ROLLBACK, (_past("v2", state=OperationState.FAILED),)),
    ],
)
def test_a_rollback_goes_somewhere_and_never_back_from_one(
    code: str | None, plan: Plan, past: tuple[Past, ...]
) -> None:
    refusal = policy.refuse_rollback(plan, past)
    assert (refusal.code if refusal else None) == code


def test_each_limit_is_still_within() -> None:
    assert policy.refuse_reason("x" * policy.REASON_LIMIT) is None
    confirmation = Confirmation("web", "why")
    oldest = _plan(age=policy.PLAN_AGE_LIMIT)
    assert policy.refuse_perform(oldest, RESTART, confirmation, FINE) is None
    furthest = _plan(age=-policy.CLOCKS_APART)
    assert policy.refuse_perform(furthest, RESTART, confirmation, FINE) is None
    assert policy.refuse_plan(RESTART, replace(FINE, recent=(_operation(ago=60.0),))) is None


def test_a_plan_that_is_too_old_says_how_old() -> None:
    refusal = policy.refuse_perform(_plan(age=1200.0), RESTART, Confirmation("web", "why"), FINE)
    assert refusal is not None
    assert refusal.message == "the plan is 20 minutes old"


def test_a_plan_is_performed_once() -> None:
    other, used = _operation(ago=5000.0), replace(_operation(ago=5000.0), plan_id="plan")
    confirmation = Confirmation("web", "why")
    plan = replace(_plan(), id="another")
    seen = replace(FINE, recent=(other,))
    assert policy.refuse_perform(plan, RESTART, confirmation, seen) is None
    refusal = policy.refuse_perform(
        _plan(), RESTART, confirmation, replace(FINE, recent=(replace(other, plan_id="b"), used))
    )
    assert refusal is not None
    assert refusal.code == "plan-used"


@pytest.mark.parametrize(
    ("ended_ago", "wait"),
    [((40.0,), "wait 20 s,"), ((40.0, 55.5), "wait 20 s,"), ((59.5,), "1 s,")],
)
def test_the_wait_runs_from_the_latest_end(ended_ago: tuple[float, ...], wait: str) -> None:
    recent = tuple(_operation(ago=ago) for ago in ended_ago)
    seen = replace(FINE, recent=recent, restart_limit=100)
    refusal = policy.refuse_plan(RESTART, seen)
    assert refusal is not None
    assert wait in refusal.lifted_by


def test_only_restarts_within_the_window_make_a_loop() -> None:
    begun = [replace(_operation(ago=100.0), started_at=NOW - ago) for ago in (899.9, 500.0)]
    refusal = policy.refuse_plan(RESTART, replace(FINE, recent=tuple(begun)))
    assert refusal is not None
    assert refusal.message.startswith("web was restarted 2 times in 15 minutes: ")
    at_its_end = replace(begun[0], started_at=NOW - 900.0)
    assert policy.refuse_plan(RESTART, replace(FINE, recent=(at_its_end, begun[1]))) is None
    for other in (
        replace(begun[0], kind=ActionKind.SCALE),
        replace(begun[0], state=OperationState.REFUSED),
    ):
        assert policy.refuse_plan(RESTART, replace(FINE, recent=(other, begun[1]))) is None
    scale = replace(RESTART, kind=ActionKind.SCALE)
    assert policy.refuse_plan(scale, replace(FINE, recent=tuple(begun))) is None


def test_an_override_in_blanks_lifts_nothing() -> None:
    blank = replace(RESTART, reason="  ", parameters={"override": "yes"})
    refusal = policy.refuse_last_healthy(blank, 0)
    assert refusal is not None
    assert "restart would leave web" in refusal.message


def test_what_is_named_is_told_by_its_name() -> None:
    named = ActionRequest("web", ActionKind.CALL, "warm-up")
    refusal = policy.refuse_plan(named, replace(FINE, declared=False))
    assert refusal is not None
    assert refusal.message == "call warm-up is not declared for web"
    refusal = policy.refuse_plan(RESTART, replace(FINE, declared=False))
    assert refusal is not None
    assert refusal.message == "restart is not declared for web"
