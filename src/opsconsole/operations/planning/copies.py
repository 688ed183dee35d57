"""Which copies of a service a restart is for: one, those that are not healthy, or all.

Invariant: what is chosen is pinned in the request by name, so that the runner restarts the copies
that were shown and no others. A copy whose health is not known is not healthy.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.model.operation import COPIES, ActionKind, ActionRequest, Copy, Meant
from opsconsole.model.state import State, worst
from opsconsole.operations.drivers import registry
from opsconsole.operations.driving.driver import Driver, ObserveError
from opsconsole.operations.planning.declared import Declared

_INSTANCE: Final = "instance"


async def choose(
    request: ActionRequest,
    found: Declared,
    make: Callable[[ActionRequest], Driver],
    states: Callable[[], Awaitable[Mapping[str, State]]],
) -> tuple[ActionRequest, tuple[Copy, ...]]:
    """``request`` for the copies that it means, and all that could be chosen.

    No copies where nothing was said of them, or there is only one. ``make`` makes the driver for a
    request, ``states`` says how instances are, by name. Raises ObserveError.
    """
    wanted = request.parameters.get(COPIES, "")
    named = request.instances
    everything = {
        key: value for key, value in request.parameters.items() if key not in {COPIES, _INSTANCE}
    }
    if not wanted and not named:
        return request, ()
    if found.kind not in registry.traits(found.action).by_instance & {ActionKind.RESTART}:
        if wanted == Meant.UNHEALTHY:
            raise ObserveError(
                f"{found.action.driver} cannot {found.kind} some copies of {found.service} alone",
                remedy="leave it out, to mean all of them",
                code="bad-parameter",
            )
        kept = {key: value for key, value in request.parameters.items() if key != COPIES}
        return replace(request, parameters=kept), ()
    whole = replace(request, parameters=everything)
    there = await _there(make(whole), states)
    if named or len(there) < 2:
        alone = replace(request, parameters={**everything, _INSTANCE: request.instance})
        marked = tuple(replace(each, chosen=each.name in named) for each in there)
        return alone if named else whole, marked if len(there) > 1 else ()
    ill = frozenset(each.name for each in there if each.state is not State.OK)
    if not ill and wanted == Meant.UNHEALTHY:
        raise ObserveError(
            f"every copy of {found.service} is healthy",
            remedy="name one, or say that all of them are meant",
            code="nothing-to-do",
        )
    if wanted == Meant.ALL or len(ill) in {0, len(there)}:
        return whole, tuple(replace(each, chosen=True) for each in there)
    chosen = ",".join(each.name for each in there if each.name in ill)
    alone = replace(request, parameters={**everything, _INSTANCE: chosen})
    return alone, tuple(replace(each, chosen=each.name in ill) for each in there)


async def _there(
    driver: Driver, states: Callable[[], Awaitable[Mapping[str, State]]]
) -> list[Copy]:
    try:
        found = await driver.copies()
    finally:
        await driver.close()
    if len(found) < 2:
        return list(found)
    known = await states()
    return [_with(each, known) for each in found]


def _with(copy: Copy, states: Mapping[str, State]) -> Copy:
    """``copy`` in the worse of what its driver and its probe, if it has one, say."""
    probed = states.get(copy.name)
    if probed is None:
        return copy
    return replace(
        copy, state=probed if copy.state is State.UNKNOWN else worst((copy.state, probed))
    )
