"""From a request that policy allows to its plan, by looking at what it is about.

Invariant: nothing is changed, and every driver that was made is closed. What could not be looked at
is a refusal.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, Plan, Refusal
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Driver, ObserveError
from opsconsole.operations.driving.lasting import with_deaths
from opsconsole.operations.journal.records import Past
from opsconsole.operations.planning import copies, planner, policy
from opsconsole.operations.planning.declared import Declared
from opsconsole.operations.planning.plan_context import with_context
from opsconsole.threads import BoundedExecutor


@dataclass(frozen=True, slots=True)
class BeforeIt:
    """What was done before: ``runs`` of the same action, and ``performed`` plans of the service."""

    runs: tuple[Operation, ...] = ()
    performed: tuple[Past, ...] = ()


async def plan_of(
    request: ActionRequest,
    found: Declared,
    settings: Settings,
    base: Path,
    snapshot: Snapshot | None,
    machines: Machines,
    threads: BoundedExecutor,
    clock: Clock,
    before: BeforeIt,
    states: Callable[[], Awaitable[Mapping[str, State]]],
) -> tuple[Plan | None, Refusal | None]:
    """What would be done, and why it may not be; ``states`` says how its instances are.

    No plan where it could not be looked at."""

    def make(asked: ActionRequest) -> Driver:
        performed = before.performed
        return planner.make_driver(settings, found, asked, base, machines, threads, performed)

    driver = None
    try:
        request, there = await copies.choose(request, found, make, states)
        driver = make(request)
        plan = await planner.make_plan(
            settings, found, request, driver, before.runs, clock, before.performed
        )
    except ObserveError as error:
        return None, Refusal(error.code, error.what, error.remedy)
    except StateError as error:
        return None, Refusal("cannot-look", error.what, error.remedy)
    finally:
        if driver is not None:
            await driver.close()
    if isinstance(plan, Refusal):
        return None, plan
    refusal = policy.refuse_rollback(plan, before.performed) or planner.refuse_last_healthy(
        plan, request, snapshot
    )
    plan = replace(plan, copies=there)
    if plan.kind is ActionKind.RESTART:
        plan = with_deaths(plan, driver.deaths(), snapshot, clock.now())
    return await with_context(plan, settings, base, snapshot, threads), refusal
