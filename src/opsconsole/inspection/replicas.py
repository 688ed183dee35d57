"""Whether each name that a service runs as stands for exactly one thing.

Invariant: engines are asked once, and only where a service names what it runs as. An engine that
does not answer gives no finding here; the inspection of the engine itself reports that.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from opsconsole.clock import Clock
from opsconsole.config.drivers import DockerTarget, OnEngine, VolumeTarget
from opsconsole.config.files.problems import KeyPath
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.config.types import Model
from opsconsole.engine.assemble import places
from opsconsole.engine.records.replica_book import ReplicaBook, Wanted
from opsconsole.inspection.finding import Finding, Weight
from opsconsole.machines.machines import Machines
from opsconsole.model.running.workloads import Inventory
from opsconsole.model.state import State


async def check_replicas(settings: Settings, clock: Clock) -> list[Finding]:
    """A finding for each name that means nothing or several things, and for each open engine."""
    names = [
        (path, wanted)
        for name, service in settings.services.items()
        for path, wanted in _names(("services", name), service, settings)
    ]
    found = list(_without_engine(settings))
    if not names:
        return found
    book = ReplicaBook(settings)
    for inventory in await _inventories(settings, clock):
        book.note(inventory, clock.now())
    for path, wanted in names:
        meant = book.find(wanted)
        if not meant.nothing and not meant.several:
            continue
        lack = book.lack(wanted)
        if lack.ambiguous:
            remedy = "name its project or container in full, or its engine by engine:"
            found.append(Finding(path, Weight.ERROR, lack.judgement.reason, remedy))
        elif lack.unread:
            remedy = "give one: docker: {host: …}, or take the name away"
            found.append(Finding(path, Weight.WARNING, lack.judgement.reason, remedy))
        elif lack.judgement.state is State.DOWN:
            remedy = "start it, or write the name that its engine shows"
            found.append(Finding(path, Weight.WARNING, lack.judgement.reason, remedy))
    return found


async def _inventories(settings: Settings, clock: Clock) -> Iterable[Inventory]:
    """What each engine that answers runs."""
    machines = Machines()
    made = places(settings, clock, lambda _: None, machines)
    sources = [make() for who, make in made if who.kind.tells_replicas]
    try:
        readings = await asyncio.gather(*(source.collect() for source in sources))
    finally:
        await asyncio.gather(*(source.close() for source in sources))
        machines.close()
    return [each.value for each in readings if isinstance(each.value, Inventory)]


def _names(path: KeyPath, service: Service, settings: Settings) -> Iterator[tuple[KeyPath, Wanted]]:
    """What the service, its instances, its actions and its logs name on engines, each with the
    engine that the configuration names for it."""
    for index, name in enumerate(service.containers):
        yield (*path, "containers", index), (name, service.engine or "")
    for index, workload in enumerate(service.kubernetes):
        cluster = settings.cluster_of(workload)
        if cluster is not None:
            yield (*path, "kubernetes", index), (workload.full_name(cluster), cluster.name)
    for index, instance in enumerate(service.instances):
        if instance.container:
            engine = instance.engine or service.engine or ""
            yield (*path, "instances", index, "container"), (instance.container, engine)
    for index, log in enumerate(service.logs):
        if log.docker is not None:
            yield (*path, "logs", index, "docker"), (log.docker, log.engine or service.engine or "")
    for where, target in _targets((*path, "actions"), service.actions):
        for name in _containers(target):
            yield where, (name, target.engine or service.engine or "")


def _containers(target: OnEngine) -> tuple[str, ...]:
    """The containers that an action names itself."""
    if isinstance(target, DockerTarget):
        return target.containers
    named = target.container if isinstance(target, VolumeTarget) else None
    return (named,) if named else ()


def _without_engine(settings: Settings) -> Iterator[Finding]:
    """Actions that would have to choose among several engines."""
    clusters = {each.name for each in settings.kubernetes}
    engines = [each for each in settings.engines if each not in clusters]
    if len(engines) < 2:
        return
    for name, service in settings.services.items():
        for path, target in _targets(("services", name, "actions"), service.actions):
            if target.engine is None and service.engine is None:
                message = f"does not say which of the engines {', '.join(engines)} it is about"
                remedy = "add engine: to the service or to the action"
                yield Finding(path, Weight.ERROR, message, remedy)


def _targets(
    path: KeyPath, part: Model | Mapping[str, Model]
) -> Iterator[tuple[KeyPath, OnEngine]]:
    """What actions, and the actions within them, name on an engine."""
    for name, value in part.items() if isinstance(part, Mapping) else part:
        if isinstance(value, OnEngine):
            yield (*path, name), value
        elif isinstance(value, (Model, Mapping)):
            yield from _targets((*path, name), value)
