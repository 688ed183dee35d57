"""The containers that an action is about, and the instances that run in them.

Invariant: a container that is named and not there is an error, never left out.
"""

from opsconsole.model.running.workloads import Place, PlaceKind
from opsconsole.operations.drivers.docker.engine import EngineCalls, Seen
from opsconsole.operations.driving.driver import DriverContext, ObserveError, declared
from opsconsole.sources.docker.workloads import COMPOSE_SERVICE, copy_of


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


def instance_of(context: DriverContext, calls: EngineCalls, seen: Seen) -> str:
    """The instance that runs in the container, by declaration or by the same name; or ''.

    An instance may name a Compose service. Where none is declared, the containers themselves are
    the instances, as on the screens.
    """
    names = context.settings.instance_names(context.service)
    service = context.settings.services[context.service]
    if not service.instances:
        return seen.name
    for name, instance in zip(names, service.instances, strict=True):
        engine = instance.engine or service.engine
        own = seen.name == name or is_called(seen, instance.container or "", calls)
        if own and engine in {None, calls.name}:
            return name
    return ""


def is_called(seen: Seen, name: str, calls: EngineCalls) -> bool:
    """Whether ``name`` is that of the container, or of the Compose service that it is a copy of."""
    place = Place(PlaceKind.ENGINE, calls.name)
    workload = copy_of(seen.labels, place, runs=True)[0]
    names = {seen.name, workload, workload.rpartition("/")[2]} - {""}
    return name in names


async def _named(
    context: DriverContext, calls: EngineCalls, containers: tuple[str, ...]
) -> tuple[Seen, ...]:
    service = context.settings.services[context.service]
    run_in = (each.container for each in service.instances if each.container)
    names = containers or service.containers or tuple(dict.fromkeys(run_in))
    found = {name: await _called(calls, name) for name in names}
    missing = [name for name, seen in found.items() if not seen]
    if missing:
        raise ObserveError(
            f"there is no container {', '.join(missing)}",
            remedy="create it, or take it out of the action",
        )
    each_once = {seen.id: seen for several in found.values() for seen in several}
    return tuple(each_once.values())


async def _called(calls: EngineCalls, name: str) -> tuple[Seen, ...]:
    """The container of that name, else those of the Compose service. Raises ObserveError."""
    alone = await calls.inspect(name)
    if alone is not None:
        return (alone,)
    listed = await calls.labelled(f"{COMPOSE_SERVICE}={name.rpartition('/')[2]}")
    place = Place(PlaceKind.ENGINE, calls.name)
    workloads = [(copy_of(seen.labels, place, runs=True)[0], seen) for seen in listed]
    meant = [each for each in workloads if each[0] and ("/" not in name or each[0] == name)]
    projects = sorted({workload for workload, _ in meant})
    if len(projects) > 1:
        raise ObserveError(
            f"{name} may be {' or '.join(projects)}", remedy="write the project before it"
        )
    return tuple(seen for _, seen in meant)
