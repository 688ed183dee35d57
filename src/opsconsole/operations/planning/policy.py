"""Whether a change may happen: the one place that says yes or no, and why.

Invariant: default-deny. ``refuse_plan`` and ``refuse_perform`` return None only when every check
passed; each refusal has a stable code, says what stands in the way and what would lift it. Pure:
all that is known comes in as ``Circumstances``.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Effect,
    Operation,
    OperationState,
    Plan,
    Refusal,
    confirming_level,
    confirming_word,
)
from opsconsole.operations.journal.records import Past
from opsconsole.operations.locks.locks import Holder

REASON_LIMIT: Final = 1000
"""Characters of a reason."""

PLAN_AGE_LIMIT: Final = 600.0
"""Seconds after which a plan is too old to be confirmed."""

CLOCKS_APART: Final = 5.0
"""Seconds by which a time may lie ahead. One further ahead is of a clock that was set back since:
it says nothing of how long ago it was, and is ignored."""

_COOLING: Final = frozenset(
    {ActionKind.RESTART, ActionKind.ROLLBACK, ActionKind.SCALE, ActionKind.DEGRADE}
)
_ALWAYS_REASONED: Final = frozenset(
    {ActionKind.DEGRADE, ActionKind.ACKNOWLEDGE, ActionKind.SILENCE}
)
_LIGHT: Final = frozenset({ActionKind.ACKNOWLEDGE, ActionKind.EXPIRE_SILENCE})
"""Kinds that touch one alert or make alerts heard again: a choice is enough anywhere."""
_ALWAYS_TYPED: Final = frozenset({ActionKind.RESTORE, ActionKind.ROLLBACK})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What policy decides on. ``recent`` are the service's operations, newest first.

    ``declared``: the action is in the configuration; ``supported``: a driver carries it out;
    ``audit_fault`` is why nothing can be recorded. ``cooldown``, ``restart_window`` in seconds.
    """

    now: float
    read_only: bool
    declared: bool
    supported: bool = True
    effect: Effect = Effect.CHANGE
    only_reads: bool = False
    holder: Holder | None = None
    recent: tuple[Operation, ...] = ()
    audit_fault: str = ""
    cooldown: float = 60.0
    restart_limit: int = 2
    restart_window: float = 900.0


PASSING: Final = frozenset({"locked", "unknown-pending", "cooling-down", "restart-loop"})
"""The codes of what stands in the way for a while, in spite of which a plan may be looked at."""

Check = Callable[[ActionRequest, Circumstances], Refusal | None]


def refuse_plan(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    """The first thing that stands in the way of ``request``, or None."""
    return _first(check(request, seen) for check in _CHECKS)


def refuse_perform(
    plan: Plan, request: ActionRequest, confirmation: Confirmation, seen: Circumstances
) -> Refusal | None:
    """Why a confirmed ``plan`` may not start now, or None."""
    return (
        _used(plan, seen)
        or refuse_plan(request, seen)
        or _too_old(plan, seen)
        or _not_confirmed(plan, confirmation)
        or refuse_reason(confirmation.reason or plan.reason)
    )


def refuse_together(
    plans: tuple[Plan, ...], confirmation: Confirmation, now: float
) -> Refusal | None:
    """Why several plans may not be confirmed at once, or None; one alone is asked for its name."""
    if len(plans) < 2:
        return None
    if len({plan.service for plan in plans}) < len(plans):
        return Refusal("bad-parameter", "a service is named twice", "name each of them once")
    word = confirming_word(plans)
    if confirming_level(plans) is not ConfirmLevel.CHOICE and confirmation.typed != word:
        return Refusal(
            "wrong-confirmation",
            f"{plans[0].kind} of {len(plans)} services is confirmed by their number",
            f"type {word}",
        )
    seen = Circumstances(now, read_only=False, declared=True)
    named = (replace(confirmation, typed=plan.service) for plan in plans)
    return _first(
        _too_old(plan, seen) or _not_confirmed(plan, each)
        for plan, each in zip(plans, named, strict=True)
    )


def refuse_reason(reason: str) -> Refusal | None:
    """Why ``reason`` cannot be kept, or None."""
    if len(reason) > REASON_LIMIT:
        return Refusal(
            "reason-too-long",
            f"the reason has {len(reason)} characters",
            f"keep it under {REASON_LIMIT}",
        )
    return None


def refuse_stale(planned: Mapping[str, str], observed: Mapping[str, str]) -> Refusal | None:
    """Why a plan no longer fits the world: the first facts that moved, named; or None."""
    moved = [
        f"{fact} was {value}, is {observed.get(fact, 'gone')}"
        for fact, value in planned.items()
        if observed.get(fact) != value
    ]
    if not moved:
        return None
    more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
    return Refusal(
        "plan-stale",
        f"the plan is stale: {'; '.join(moved[:3])}{more}",
        "look, then plan again",
    )


def refuse_rollback(plan: Plan, past: tuple[Past, ...]) -> Refusal | None:
    """Why ``plan``, if it is a rollback, may not be: it would go nowhere, or back from one.

    There is no override: going back twice leads to a version that nobody has looked at.
    """
    if plan.kind is not ActionKind.ROLLBACK:
        return None
    runs, goals = plan.fingerprint, plan.goals
    if goals and all(runs.get(fact) == goal for fact, goal in goals.items()):
        return Refusal(
            "already-running",
            f"{plan.service} runs already what the rollback would go to",
            "name another version, or deploy one",
        )
    last = next((each for each in past if each.plan.kind is ActionKind.ROLLBACK), None)
    reached = last.plan.goals if last and last.state is OperationState.VERIFIED else {}
    if not any(runs.get(fact) == goal for fact, goal in reached.items()):
        return None
    return Refusal(
        "rollback-of-rollback",
        f"{plan.service} runs what its last rollback went back to",
        "a rollback is never rolled back: deploy the version that is wanted",
    )


def refuse_last_healthy(request: ActionRequest, left: int | None) -> Refusal | None:
    """Why a plan that leaves ``left`` healthy instances may not be; None when that is not known."""
    if left is None or left > 0 or _overridden(request):
        return None
    return Refusal(
        "last-healthy-instance",
        f"{request.kind} would leave {request.service} without a healthy instance",
        "bring another instance up first, or override with a reason",
    )


def confirm_level(
    kind: ActionKind, danger: str, effect: Effect, *, interrupts: bool = False
) -> ConfirmLevel:
    """What a person must do to confirm, by the environment's ``danger``: none, low or high.

    ``interrupts``: what serves is gone afterwards, whatever ``effect`` was declared.
    """
    if not interrupts and (effect is Effect.READ or kind in _LIGHT):
        return ConfirmLevel.CHOICE
    if danger == "high" or (danger != "none" and (interrupts or kind in _ALWAYS_TYPED)):
        return ConfirmLevel.TYPED_NAME_AND_REASON
    return ConfirmLevel.CHOICE


def _first(refusals: Iterable[Refusal | None]) -> Refusal | None:
    return next((refusal for refusal in refusals if refusal is not None), None)


def _read_only(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if not seen.read_only or seen.only_reads:
        return None
    return Refusal(
        "read-only",
        f"this console is read-only, and {request.kind} of {request.service} is not a plain look",
        "start a console without --read-only, --wall or read_only: true",
    )


def _not_declared(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if seen.declared:
        return None
    name = f" {request.name}" if request.name else ""
    return Refusal(
        "not-declared",
        f"{request.kind}{name} is not declared for {request.service}",
        f"declare it under services.{request.service}.actions",
    )


def _replayed(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if request.seen_at is None:
        return None
    return Refusal(
        "replayed",
        f"{request.kind} of {request.service} was asked for on a moment that has passed",
        "return to now, look again, and ask there",
    )


def _not_supported(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if seen.supported:
        return None
    return Refusal(
        "not-supported",
        f"the driver declared for {request.kind} of {request.service} cannot do it",
        "declare it with another driver",
    )


def _audit(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if not seen.audit_fault:
        return None
    return Refusal(
        "audit-not-writable",
        f"nothing can be recorded: {seen.audit_fault}",
        "make the state folder and the audit file writable",
    )


def _locked(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if seen.holder is None:
        return None
    return Refusal("locked", seen.holder.sentence(seen.now), "wait until it has ended")


def _pending(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    unknown = next((each for each in seen.recent if not each.state.final), None)
    if unknown is None:
        return None
    since = f"{unknown.who}@{unknown.host}, {_clock(seen.now - unknown.started_at)} ago"
    if unknown.state is not OperationState.UNKNOWN:
        # It is simply being carried out: its lock was not looked at, or is not seen from here.
        said = f"{unknown.kind} of {request.service} is under way, begun by {since}"
        return Refusal(
            "locked", said, f"wait until it has ended; opsconsole operations {unknown.id}"
        )
    return Refusal(
        "unknown-pending",
        f"{unknown.kind} of {request.service} has no verdict yet, begun by {since}",
        "wait until its outcome has been looked up; see opsconsole operations",
    )


def _clock(seconds: float) -> str:
    """``00:12``, minutes and seconds."""
    minutes, left = divmod(max(0, int(seconds)), 60)
    return f"{minutes:02d}:{left:02d}"


def _restart_loop(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if request.kind is not ActionKind.RESTART or _overridden(request):
        return None
    begun = [
        each
        for each in seen.recent
        if each.kind is ActionKind.RESTART
        and each.state is not OperationState.REFUSED
        and -CLOCKS_APART <= seen.now - each.started_at < seen.restart_window
    ]
    if len(begun) < seen.restart_limit:
        return None
    minutes = seen.restart_window / 60
    return Refusal(
        "restart-loop",
        f"{request.service} was restarted {len(begun)} times in {minutes:g} minutes: "
        "restarting is not what it needs",
        "escalate or roll back; to restart all the same, override with a reason",
    )


def _cooling_down(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if request.kind not in _COOLING or _overridden(request):
        return None
    ended = (
        each.ended_at
        for each in seen.recent
        if each.kind is request.kind
        and each.ended_at is not None
        and each.ended_at <= seen.now + CLOCKS_APART
        and each.state is not OperationState.REFUSED
    )
    left = seen.cooldown - (seen.now - max(ended, default=0.0))
    if left <= 0:
        return None
    return Refusal(
        "cooling-down",
        f"the last {request.kind} of {request.service} has just ended",
        f"wait {math.ceil(left)} s, or override with a reason",
    )


def _override_without_reason(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    if request.override and not request.reason.strip():
        return Refusal("reason-missing", "an override needs a reason", "say why")
    return None


def _reason(request: ActionRequest, seen: Circumstances) -> Refusal | None:
    return refuse_reason(request.reason)


_CHECKS: Final[tuple[Check, ...]] = (
    _not_declared,
    _read_only,
    _replayed,
    _not_supported,
    _reason,
    _override_without_reason,
    _audit,
    _locked,
    _pending,
    _restart_loop,
    _cooling_down,
)


def _overridden(request: ActionRequest) -> bool:
    return request.override and bool(request.reason.strip())


def _used(plan: Plan, seen: Circumstances) -> Refusal | None:
    if all(each.plan_id != plan.id for each in seen.recent):
        return None
    return Refusal("plan-used", "this plan was performed already", "make a new plan")


def _too_old(plan: Plan, seen: Circumstances) -> Refusal | None:
    age = seen.now - plan.created_at
    if -CLOCKS_APART <= age <= PLAN_AGE_LIMIT:
        return None
    old = f"is {age / 60:.0f} minutes old" if age > 0 else "is of a time that has not come"
    return Refusal("plan-stale", f"the plan {old}", "plan again")


def _not_confirmed(plan: Plan, confirmation: Confirmation) -> Refusal | None:
    reason = (confirmation.reason or plan.reason).strip()
    if plan.confirm is not ConfirmLevel.CHOICE and confirmation.typed != plan.service:
        return Refusal(
            "wrong-confirmation",
            f"{plan.kind} in {plan.environment} is confirmed by the service's name",
            f"type {plan.service}",
        )
    wants_reason = plan.confirm is ConfirmLevel.TYPED_NAME_AND_REASON
    if (wants_reason or plan.kind in _ALWAYS_REASONED) and not reason:
        return Refusal("reason-missing", f"{plan.kind} needs a reason", "say why")
    return None
