"""The containers that an action is about, and the instances that run in them.

Invariant: a container that is named and not there is an error, never left out.
"""

from opsconsole.operations.drivers.docker.engine import EngineCalls, Seen
from opsconsole.operations.planning.driver import DriverContext, ObserveError, declared


async def containers_of(context: DriverContext, calls: EngineCalls) -> tuple[Seen, ...]:
    """The containers that the action names or labels, else the service's. Raises ObserveError."""
    target = declared(context.action.docker)
    if target.label:
        found = await calls.labelled(target.label)
    else:
        found = await _named(context, calls, target.containers)
    if not found:
        raise ObserveError(
            f"no container of {context.service} is there",
            remedy="look at the names or the label that the action declares",
        )
    return found


def instance_of(context: DriverContext, seen: Seen) -> str:
    """The instance that runs in the container, by declaration or by the same name; or ''."""
    names = context.settings.instance_names(context.service)
    instances = context.settings.services[context.service].instances
    for name, instance in zip(names, instances, strict=True):
        if seen.name in {instance.container, name}:
            return name
    return ""


async def _named(
    context: DriverContext, calls: EngineCalls, containers: tuple[str, ...]
) -> tuple[Seen, ...]:
    names = containers or context.settings.services[context.service].containers
    found = [await calls.inspect(name) for name in names]
    missing = [name for name, seen in zip(names, found, strict=True) if seen is None]
    if missing:
        raise ObserveError(
            f"there is no container {', '.join(missing)}",
            remedy="create it, or take it out of the action",
        )
    return tuple(seen for seen in found if seen is not None)
