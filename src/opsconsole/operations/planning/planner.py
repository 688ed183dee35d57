"""Turning a request into a plan: what exactly would be done, on what was observed just now.

Invariant: planning changes nothing. A plan names every call and pins each to its target; what is
observed for it is what the runner compares with before it acts.
"""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from opsconsole.clock import Clock
from opsconsole.config.actions import DegradeAction
from opsconsole.config.settings import Settings
from opsconsole.hiding import without_query
from opsconsole.machines.machines import Machines
from opsconsole.model.alerting import silence_requests as silencing
from opsconsole.model.alerting.silences import OWN_RULES
from opsconsole.model.operation import (
    SILENCING,
    TAKES_AWAY,
    ActionKind,
    ActionRequest,
    Operation,
    Plan,
    Refusal,
    Step,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.operations.drivers import registry
from opsconsole.operations.driving import hearsay
from opsconsole.operations.driving.driver import Driver, DriverContext
from opsconsole.operations.journal.records import Past
from opsconsole.operations.planning import policy, rollback_rules
from opsconsole.operations.planning.declared import Declared, find, scale_bounds
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor

LONGEST_DEGRADE = 86400.0

_READ_BACK = "the backup is read back and every byte compared"
_IN_PLACE = "every restored path is in place"
_NOT_SEEN = "nothing: the console cannot see what was copied, so the verdict will be inconclusive"


def clean(request: ActionRequest, snapshot: Snapshot | None = None) -> ActionRequest:
    """``request`` with its free text made safe; a reason that is too long is left for policy.

    What would be planned on a replayed ``snapshot`` says so itself, so that policy refuses it.
    """
    if snapshot is not None and snapshot.replayed:
        request = replace(request, seen_at=snapshot.taken_at)
    if len(request.reason) > policy.REASON_LIMIT:
        return request
    parameters = {
        key: sanitize(value, limit=silencing.longest_of(key))
        for key, value in request.parameters.items()
    }
    return replace(request, reason=sanitize(request.reason).strip(), parameters=parameters)


def make_driver(
    settings: Settings,
    found: Declared,
    request: ActionRequest,
    base: Path,
    machines: Machines,
    threads: BoundedExecutor,
    past: tuple[Past, ...] = (),
    operation: str = "",
) -> Driver:
    """The driver that carries out ``found`` for ``request``, as ``operation`` if it is one."""
    context = DriverContext(
        found.service, found.kind, found.action, settings, base, machines, threads, request, past,
        operation=operation,
    )  # fmt: skip
    return registry.make(context)


async def make_plan(
    settings: Settings,
    found: Declared,
    request: ActionRequest,
    driver: Driver,
    past: tuple[Operation, ...],
    clock: Clock,
    performed: tuple[Past, ...] = (),
) -> Plan | Refusal:
    """Observe, and plan on what was observed. Raises ObserveError."""
    refusal = _bad_parameter(found, request) or _bad_instance(settings, found, request)
    if refusal is not None:
        return refusal
    facts = await driver.observe()
    environment = settings.environment_of(found.service)
    steps = driver.steps(facts)
    hearsay.refuse_by_itself(performed, request, driver.goals(facts))
    now = clock.now()
    countdown = _rollback_after(settings, found)
    return Plan(
        id=secrets.token_hex(8),
        service=found.service,
        kind=found.kind,
        name=found.name,
        created_at=now,
        environment=environment.name,
        danger=environment.danger,
        steps=steps,
        fingerprint=facts,
        confirm=policy.confirm_level(
            found.kind, environment.danger, found.effect, interrupts=found.interrupts
        ),
        verification=_verification(settings, found, request.instance, driver),
        undo=_undo(found, driver, countdown),
        reason=request.reason,
        warnings=(
            *hearsay.warnings_of(performed, found.kind, driver.goals(facts)),
            *_warnings(found, countdown),
            *_away(
                found, request, steps, facts.get("replicas", _declared(settings, found.service))
            ),
            *driver.warnings(),
        ),
        last_outcome=_last_outcome(past),
        usual_duration=_usual_duration(past),
        effect=found.effect,
        ends_at=_ends_at(found, request, now),
        parameters=dict(request.parameters),
        auto_rollback=countdown > 0,
        rollback_after=countdown,
        goals=driver.goals(facts),
        context=driver.differences(),
    )


def request_of(plan: Plan, reason: str) -> ActionRequest:
    """The request that ``plan`` answers, with the reason that was confirmed."""
    duration = None if plan.ends_at is None else plan.ends_at - plan.created_at
    return ActionRequest(plan.service, plan.kind, plan.name, reason, duration, plan.parameters)


def healthy_left(plan: Plan, healthy: frozenset[str], total: int) -> int | None:
    """How many instances stay healthy whatever the plan's steps do to theirs, one at a time.

    None when there is one instance, none is healthy, or the steps name none.
    """
    touched = {step.instance for step in plan.steps} - {""}
    if total < 2 or not healthy or not touched or plan.kind not in TAKES_AWAY:
        return None
    if touched - healthy:
        return None
    return len(healthy - touched) if len(plan.steps) == 1 else len(healthy) - 1


def _bad_parameter(found: Declared, request: ActionRequest) -> Refusal | None:
    if found.kind in SILENCING:
        return silencing.bad_parameter(request)
    bounds = scale_bounds(found.action)
    if found.kind is ActionKind.SCALE and bounds is not None:
        wanted = request.parameters.get("to", "")
        if not wanted.isascii() or not wanted.isdigit():
            return Refusal("bad-parameter", "scale needs a number of copies", "say --to N")
        if not bounds[0] <= int(wanted[:9]) <= bounds[1]:
            return Refusal(
                "bad-parameter",
                f"{wanted} copies are outside of {bounds[0]} to {bounds[1]}",
                "ask for a number in between, or change the action's bounds",
            )
    duration = request.duration
    asked = found.kind is ActionKind.DEGRADE and duration is not None
    if asked and not 0 < (duration or 0) <= LONGEST_DEGRADE:
        return Refusal("bad-parameter", "a degradation lasts at most 24 h", "ask for less")
    return None


def _bad_instance(settings: Settings, found: Declared, request: ActionRequest) -> Refusal | None:
    """Why what is asked for one instance alone cannot be."""
    if not request.instances:
        return None
    traits = registry.traits(found.action)
    one = traits.by_host and len(settings.hosts_of(found.service, found.action)) < 2
    if one or found.kind not in traits.by_instance:
        problem = f"{found.action.driver} cannot {found.kind} one instance of {found.service} alone"
        why = f"{problem}: {traits.as_a_whole}" if traits.as_a_whole else problem
        return Refusal("bad-parameter", why, traits.instead)
    if found.action.docker is not None:
        # Its copies have names that only the engine knows; the driver looks for the one asked for.
        return None
    names = settings.instance_names(found.service)
    unknown = sorted(request.instances - set(names))
    if not unknown:
        return None
    problem = f"{found.service} has no instance {', '.join(unknown)}"
    return Refusal(
        "bad-parameter", problem, f"name one of: {', '.join(names) or 'none is declared'}"
    )


def _ends_at(found: Declared, request: ActionRequest, now: float) -> float | None:
    if found.kind in SILENCING:
        return silencing.ends_at(request, now)
    if not isinstance(found.action, DegradeAction) or found.kind is not ActionKind.DEGRADE:
        return None
    return now + (request.duration or found.action.for_)


def _verification(
    settings: Settings, found: Declared, alone: str, driver: Driver
) -> tuple[str, ...]:
    action = found.action
    if found.kind in {ActionKind.TEST, ActionKind.CALL} and not driver.seen_well:
        return (driver.answer,)
    if found.kind in SILENCING:
        own = found.service == OWN_RULES
        return silencing.OWN_VERIFICATION if own else silencing.VERIFICATION
    if found.kind is ActionKind.BACKUP:
        return (_READ_BACK if registry.traits(action).keeps_backups else _NOT_SEEN,)
    return (*_put_back(found), _health(settings, found, alone))


def _put_back(found: Declared) -> tuple[str, ...]:
    return (_IN_PLACE,) if registry.traits(found.action).puts_back else ()


def _health(settings: Settings, found: Declared, alone: str) -> str:
    """What health has to do with the verdict."""
    action, service = found.action, settings.services[found.service]
    held = f"healthy for {action.min_healthy:g} s within {action.deadline:g} s of the change"
    path = without_query(service.health.path, service.http.plain_query) if service.health else ""
    if service.health is not None and service.instances:
        count = len(service.instances)
        if alone:
            return f"{alone.replace(',', ', ')}, and all that is healthy now, {held}, by {path}"
        return f"{count} {'copy' if count == 1 else 'copies'} {held}, by {path}"
    traits = registry.traits(action)
    if traits.sees:
        return f"what was changed is running and {held}"
    if traits.puts_back:
        return "not the service's health: it has no health probe"
    return "nothing: the service has no health probe, so the verdict will be inconclusive"


def _rollback_after(settings: Settings, found: Declared) -> float:
    """Seconds after a verdict other than verified; 0 where nothing is rolled back by itself."""
    wanted = found.action.auto_rollback and rollback_rules.can_follow(found.kind)
    if not wanted or find(settings, found.service, ActionKind.ROLLBACK, "") is None:
        return 0.0
    return settings.operations.rollback_countdown


def _undo(found: Declared, driver: Driver, countdown: float) -> str:
    if found.kind is ActionKind.DEGRADE:
        return "recover: by itself at the end, or on demand"
    undo = driver.undo()
    if not countdown:
        return undo
    return f"{undo}; unless verified, rolled back by itself {countdown:g} s after the verdict"


def _declared(settings: Settings, service: str) -> str:
    """How many copies are declared; '' where nobody says."""
    declared = settings.services.get(service)
    return str(len(declared.instances) or "") if declared is not None else ""


def _away(
    found: Declared, request: ActionRequest, steps: tuple[Step, ...], copies: str
) -> Iterator[str]:
    """Whether nothing serves during a restart; ``copies`` are as many as are known."""
    if request.kind is not ActionKind.RESTART or len(steps) != 1:
        return
    if registry.traits(found.action).rolls:
        return
    if copies in {"", "0", "1"}:
        if not request.instance or copies:
            yield "there is one target: the service is away while it restarts"
    elif not request.instance and not steps[0].instance:
        yield f"one step restarts every copy ({copies}): all may be away at once"


def _warnings(found: Declared, countdown: float) -> tuple[str, ...]:
    warnings = []
    if found.action.auto_rollback and not countdown:
        warnings.append(
            "auto_rollback does nothing here: "
            + (
                f"{found.service} declares no rollback"
                if rollback_rules.can_follow(found.kind)
                else f"nothing is rolled back after {found.kind}"
            )
        )
    if _kills_user_processes():
        warnings.append(
            "logind ends a user's processes at logout (KillUserProcesses=yes): "
            "stay logged in until the verdict, or enable lingering"
        )
    return tuple(warnings)


def _kills_user_processes() -> bool:
    try:
        lines = Path("/etc/systemd/logind.conf").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(line.strip().lower() == "killuserprocesses=yes" for line in lines)


def _last_outcome(past: tuple[Operation, ...]) -> str:
    if not past:
        return ""
    last = past[0]
    return f"{last.state} by {last.who}" + (f": {last.summary}" if last.summary else "")


def _usual_duration(past: tuple[Operation, ...]) -> float | None:
    """The mean of the verified runs, in seconds."""
    took = [
        each.ended_at - each.started_at
        for each in past
        if each.ended_at is not None and each.state.value == "verified"
    ]
    return sum(took) / len(took) if took else None


def refuse_last_healthy(
    plan: Plan, request: ActionRequest, snapshot: Snapshot | None
) -> Refusal | None:
    """Policy on how many instances would be left healthy, as the screen sees them."""
    service = snapshot.service(plan.service) if snapshot else None
    if service is None:
        return None
    serving = {State.OK, State.DEGRADED}
    healthy = frozenset(each.name for each in service.instances if each.state in serving)
    left = healthy_left(plan, healthy, len(service.instances))
    return policy.refuse_last_healthy(request, left)
