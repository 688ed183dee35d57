"""A reflector at a scripted server on the fake clock."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from opsconsole.sources.kubernetes.api.wire import JsonObject
from opsconsole.sources.kubernetes.reflector import Change, Key, Reflector
from tests.fakes import FakeClock
from tests.sources.kubernetes.scripted_api import ScriptedApi

PATH = "/api/v1/pods"
Value = tuple[str, str]


def keep(item: JsonObject) -> Value | None:
    about = item["metadata"]
    assert isinstance(about, dict)
    return (str(about["uid"]), str(item["value"])) if item["value"] != "left out" else None


class World:
    """A reflector at a scripted server, and what it said of changes applied one by one."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = FakeClock()
        self.api = ScriptedApi(self.clock)
        self.told: dict[Key, Value] = {}
        self.changes: list[Change[Value]] = []
        self.reflector = Reflector[Value](
            self.api,
            PATH,
            keep=keep,
            clock=self.clock,
            changed=self._changed,
            chance=random.Random(seed),
        )

    def _changed(self, change: Change[Value]) -> None:
        assert change.before != change.after
        self.changes.append(change)

    @property
    def seen(self) -> dict[str, str]:
        return {name: value for (_, name), (_, value) in self.reflector.objects.items()}

    @property
    def there(self) -> dict[str, str]:
        return {name: str(item["value"]) for (_, name), item in self.api.objects.items()}


@asynccontextmanager
async def running(
    seed: int = 1, *, first: Callable[[ScriptedApi], None] | None = None
) -> AsyncIterator[World]:
    world = World(seed)
    if first is not None:
        first(world.api)
    task = asyncio.create_task(world.reflector.run())
    try:
        await world.clock.advance(0.5)
        yield world
        assert not task.done() or task.exception() is None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def three(api: ScriptedApi) -> None:
    for name in "abc":
        api.put(name, "1")
