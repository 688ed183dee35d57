"""Whatever is cut, delayed, repeated or forgotten: the store is right, and never was wrong."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.sources.kubernetes.api.cluster_error import refused
from opsconsole.sources.kubernetes.reflector import LIST_GAP, SILENCE, Key
from tests.sources.kubernetes.reflecting import Value, World, running, three
from tests.sources.kubernetes.scripted_api import CUT

NAMES = st.sampled_from("abc")
PUT = st.tuples(st.just("put"), NAMES, st.integers(0, 3))
DELETE = st.tuples(st.just("delete"), NAMES)
STEPS = st.one_of(
    *(PUT, PUT, PUT, PUT, DELETE, DELETE),
    st.tuples(st.just("advance"), st.sampled_from([0.0, 0.3, 5.0, 31.0, 130.0, 700.0])),
    st.tuples(st.just("compact")),
    st.tuples(st.just("expire"), st.lists(NAMES, unique=True), st.integers(0, 3)),
    st.tuples(st.just("cut")),
    st.tuples(st.just("half_a_line")),
    st.tuples(st.just("garbage")),
    st.tuples(st.just("repeat"), st.integers(1, 3)),
    st.tuples(st.just("hold"), st.booleans()),
    st.tuples(st.just("bookmark")),
    st.tuples(st.just("down"), st.booleans()),
    st.tuples(st.just("deaf"), st.booleans()),
    st.tuples(st.just("fail"), st.sampled_from([403, 410, 429, 500, 503])),
    st.tuples(st.just("hasten")),
    st.tuples(st.just("gone_in_event"), st.booleans()),
)


class Script:
    """Plays steps at a world, and checks after each what always holds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[Key, Value] | None = None
        self._counted = 0

    async def play(self, step: tuple[Any, ...]) -> None:
        name, *values = step
        await getattr(self, f"_{name}")(*values)
        await self._world.clock.advance(0)
        self.check()

    async def _put(self, name: str, value: int) -> None:
        self._world.api.put(name, str(value))

    async def _delete(self, name: str) -> None:
        self._world.api.delete(name)

    async def _advance(self, seconds: float) -> None:
        await self._world.clock.advance(seconds)

    async def _compact(self) -> None:
        self._world.api.compact()

    async def _expire(self, names: list[str], cut_after: int) -> None:
        self._world.api.expire(names, cut_after or None)

    async def _cut(self) -> None:
        self._world.api.restart()

    async def _half_a_line(self) -> None:
        for watch in self._world.api.watches:
            watch.send(b'{"type":"ADDED","object":{"metadata":{"name":"never"')
            watch.send(CUT)

    async def _garbage(self) -> None:
        for watch in self._world.api.watches:
            watch.send(b'{"type":"ADDED","object":{"metadata":{"name":"never"}}}\n')

    async def _repeat(self, back: int) -> None:
        self._world.api.repeat(back)

    async def _hold(self, held: bool) -> None:
        for watch in self._world.api.watches:
            watch.hold(held)

    async def _bookmark(self) -> None:
        self._world.api.bookmark()

    async def _down(self, down: bool) -> None:
        self._world.api.down = down

    async def _deaf(self, deaf: bool) -> None:
        self._world.api.deaf = deaf

    async def _fail(self, code: int) -> None:
        self._world.api.failing.append(refused(code, {}, "3"))

    async def _hasten(self) -> None:
        self._world.reflector.hasten()

    async def _gone_in_event(self, in_event: bool) -> None:
        self._world.api.gone_in_event = in_event

    def check(self) -> None:
        world = self._world
        objects = world.reflector.objects
        for key, (_, value) in objects.items():
            assert value in world.api.was.get(key, set()), "an object that never was"
        gaps = [
            later - one for one, later in zip(world.api.lists, world.api.lists[1:], strict=False)
        ]
        assert all(gap >= LIST_GAP for gap in gaps)
        if world.reflector.standing.right_at is None:
            return
        if self._known is None:
            self._known, self._counted = dict(objects), len(world.changes)
        for change in world.changes[self._counted :]:
            assert self._known.get(change.key) == change.before
            if change.after is None:
                del self._known[change.key]
            else:
                self._known[change.key] = change.after
        self._counted = len(world.changes)
        assert self._known == objects, "the changes that were reported do not add up"


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), st.integers(0, 1000))
def test_whatever_happens_the_store_is_right_once_it_is_quiet(
    steps: list[tuple[Any, ...]], seed: int
) -> None:
    async def play() -> None:
        async with running(seed, first=three) as world:
            script = Script(world)
            script.check()
            for step in steps:
                await script.play(step)
            world.api.down = world.api.deaf = False
            world.api.failing.clear()
            for _ in range(int(SILENCE) // 5 + 40):
                await world.clock.advance(5)
                world.reflector.hasten()
                script.check()
            assert world.seen == world.there
            standing = world.reflector.standing
            assert standing.fault is None
            assert standing.right_at == world.clock.now()

    asyncio.run(play())
