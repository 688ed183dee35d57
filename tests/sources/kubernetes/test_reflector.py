import asyncio

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError, refused
from opsconsole.sources.kubernetes.api.wire import JsonObject
from opsconsole.sources.kubernetes.reflector import (
    GRACE,
    LINE_LIMIT,
    LIST_GAP,
    LONGEST_PAUSE,
    PROOF,
    SILENCE,
    WATCHED,
)
from tests.sources.kubernetes.reflecting import World, running, three
from tests.sources.kubernetes.scripted_api import ScriptedApi


async def test_it_lists_and_then_follows() -> None:
    async with running(first=three) as world:
        assert world.seen == {"a": "1", "b": "1", "c": "1"}
        assert world.changes == []
        world.api.put("a", "2")
        world.api.delete("b")
        world.api.put("d", "1")
        await world.clock.advance(0.1)
        assert world.seen == world.there == {"a": "2", "c": "1", "d": "1"}
        assert [
            (each.key[1], each.before is None, each.after is None) for each in world.changes
        ] == [
            ("a", False, False),
            ("b", False, True),
            ("d", True, False),
        ]
        assert len(world.api.lists) == 1


async def test_a_watch_asks_for_bookmarks_and_to_be_ended_soon() -> None:
    async with running(first=three) as world:
        for _ in range(50):
            world.api.restart()
            await world.clock.advance(3)
        watches = [params for _, params in world.api.asked if "watch" in params]
        seconds = [int(each["timeoutSeconds"]) for each in watches]
        assert len(watches) > 40
        assert all(each["allowWatchBookmarks"] == "true" for each in watches)
        assert (min(seconds), max(seconds)) == WATCHED
        assert len(set(seconds)) > 3
        assert len(world.api.lists) == 1


async def test_a_new_watch_goes_on_from_the_last_event_or_bookmark() -> None:
    async with running(first=three) as world:
        world.api.put("a", "2")
        world.api.restart()
        await world.clock.advance(3)
        after_event = world.api.version
        world.api.version += 100
        world.api.bookmark()
        world.api.restart()
        await world.clock.advance(3)
        begun = [params["resourceVersion"] for _, params in world.api.asked if "watch" in params]
        # What else changed at the version of an event may not have come.
        assert begun == ["13", str(after_event - 1), str(after_event + 100)]


@pytest.mark.parametrize("cut_after", [None, 1, 2])
async def test_what_goes_at_one_version_goes_wholly(cut_after: int | None) -> None:
    async with running(first=three) as world:
        world.api.put("d", "1")
        world.api.expire(["a", "b", "c"], cut_after)
        await world.clock.advance(3)
        assert world.seen == world.there == {"d": "1"}
        assert [each.key[1] for each in world.changes if each.after is None] == ["a", "b", "c"]
        assert len(world.api.lists) == 1


async def test_an_event_may_come_in_pieces() -> None:
    async with running(first=three) as world:
        (watch,) = world.api.watches
        world.api.put("a", "2")
        world.api.put("b", "2")
        whole = b"".join(piece for piece in watch.pieces if isinstance(piece, bytes))
        watch.pieces[:] = [whole[start : start + 7] for start in range(0, len(whole), 7)]
        await world.clock.advance(0.1)
        assert world.seen == world.there
        assert len(world.api.asked) == 2


async def test_many_objects_come_in_pages() -> None:
    def many(api: ScriptedApi) -> None:
        for number in range(1201):
            api.put(f"p{number}", "1")

    async with running(first=many) as world:
        await world.clock.advance(1)
        assert len(world.seen) == 1201
        gets = [params for _, params in world.api.asked if "limit" in params]
        assert [each["limit"] for each in gets] == ["250"] * 5
        assert len(world.api.lists) == 1


async def test_a_page_that_is_too_large_is_asked_for_in_parts() -> None:
    world = World()
    three(world.api)
    too_large = refused(200, {}).fault
    world.api.failing = [
        ClusterError(type(too_large)(FaultKind.TOO_LARGE, "body over 32768 KiB"))
    ] * 2
    task = asyncio.create_task(world.reflector.run())
    await world.clock.advance(0.5)
    task.cancel()
    assert world.seen == world.there
    assert [each["limit"] for _, each in world.api.asked if "limit" in each] == ["250", "62", "15"]


async def test_pages_that_expire_are_begun_again_no_sooner_than_a_list_may_be() -> None:
    def many(api: ScriptedApi) -> None:
        for number in range(600):
            api.put(f"p{number}", "1")

    world = World()
    many(world.api)
    get = world.api.get

    async def compacting(path: str, params: dict[str, str]) -> JsonObject:
        page = await get(path, params)
        if len(world.api.lists) == 1:
            world.api.put("p1", "2")
            world.api.compact()
        return page

    world.api.get = compacting  # type: ignore[method-assign,assignment]
    task = asyncio.create_task(world.reflector.run())
    await world.clock.advance(LIST_GAP - 1)
    assert world.seen == {}
    assert world.reflector.standing.right_at is None
    await world.clock.advance(2)
    task.cancel()
    assert world.seen == world.there
    assert world.api.lists[1] - world.api.lists[0] >= LIST_GAP


@pytest.mark.parametrize("in_event", [True, False], ids=["as an event", "as a code"])
async def test_a_version_that_is_gone_leads_to_one_list(in_event: bool) -> None:
    async with running(first=three) as world:
        world.api.gone_in_event = in_event
        await world.clock.advance(100)
        world.api.down = True
        world.api.restart()
        await world.clock.advance(5)
        world.api.put("a", "2")
        world.api.delete("b")
        world.api.compact()
        world.api.put("c", "2")
        world.api.down = False
        world.reflector.hasten()
        await world.clock.advance(10)
        assert world.seen == world.there == {"a": "2", "c": "2"}
        assert len(world.api.lists) == 2
        assert {each.key[1] for each in world.changes} == {"a", "b", "c"}


async def test_what_was_replaced_while_nobody_looked_went_and_came() -> None:
    async with running(first=three) as world:
        world.api.down = True
        world.api.restart()
        await world.clock.advance(40)
        world.api.delete("a")
        world.api.put("a", "1")
        world.api.compact()
        world.api.down = False
        await world.clock.advance(120)
        assert [(each.before is None, each.after is None) for each in world.changes] == [
            (False, True),
            (True, False),
        ]


async def test_pauses_grow_to_half_a_minute_and_end_at_once_when_hastened() -> None:
    async with running(first=three) as world:
        world.api.down = True
        world.api.restart()
        tried = len(world.api.asked)
        await world.clock.advance(600)
        tries = len(world.api.asked) - tried
        # With full jitter the mean pause is 15 s in the end, and none is longer than 30 s.
        assert 600 / LONGEST_PAUSE <= tries <= 600 / 6
        assert world.reflector.waits
        world.api.put("d", "1")
        world.api.down = False
        world.reflector.hasten()
        await world.clock.advance(0.1)
        assert world.seen == world.there
        assert not world.reflector.waits


@pytest.mark.parametrize(
    ("error", "least"),
    [
        (refused(403, {"reason": "Forbidden"}), LIST_GAP),
        (refused(404, {"reason": "NotFound"}), LIST_GAP),
        (refused(429, {}, "17"), 17.0),
        (refused(429, {"details": {"retryAfterSeconds": 13}}), 13.0),
        (refused(503, {}, "8"), 8.0),
    ],
)
async def test_what_the_server_answers_is_waited_for_whatever_hastens(
    error: ClusterError, least: float
) -> None:
    async with running(first=lambda api: api.failing.append(error)) as world:
        for _ in range(int(least) - 1):
            assert not world.reflector.waits
            world.reflector.hasten()
            await world.clock.advance(1)
        assert len(world.api.asked) == 1
        assert world.reflector.standing.fault == error.fault
        three(world.api)
        await world.clock.advance(LONGEST_PAUSE + 5)
        assert world.seen == world.there
        assert world.reflector.standing.fault is None


async def test_a_watch_without_a_whole_line_is_dropped() -> None:
    async with running(first=three) as world:
        (watch,) = world.api.watches
        begun = world.clock.now()
        watch.hold(True)
        world.api.put("a", "2")
        await world.clock.advance(WATCHED[0] + GRACE - 1)
        assert world.seen["a"] == "1"
        await world.clock.advance(SILENCE - WATCHED[0] - GRACE + 3)
        assert world.seen == world.there
        assert len(world.api.lists) == 1
        assert world.clock.now() - begun < 30


async def test_a_line_that_was_dead_is_not_believed_until_the_next_one_stands() -> None:
    async with running(first=three) as world:
        begun = world.clock.now()
        (watch,) = world.api.watches
        watch.hold(True)
        world.api.deaf = True
        for _ in range(120):
            await world.clock.advance(1)
            standing = world.reflector.standing
            if world.clock.now() - begun > SILENCE + 2:
                assert standing.fault is not None
                assert standing.right_at is not None
                assert standing.right_at - begun < 1
        watches = [params for _, params in world.api.asked if "watch" in params]
        assert {int(each["timeoutSeconds"]) for each in watches[1:]} == {PROOF}
        world.api.deaf = False
        await world.clock.advance(PROOF + GRACE + 5)
        standing = world.reflector.standing
        assert (standing.right_at, standing.fault) == (world.clock.now(), None)
        assert len(world.api.lists) == 1


async def test_a_line_that_never_ends_is_dropped() -> None:
    async with running(first=three) as world:
        (first,) = world.api.watches
        while first in world.api.watches:
            first.send(b'{"type":')
            await world.clock.advance(1.1)
        assert world.seen == world.there


@pytest.mark.parametrize(
    "line",
    [
        b"no JSON\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b'{"type":"ADDED"}\n',
        b'{"type":"ADDED","object":{"metadata":{"name":"x"},"value":"1"}}\n',
        b'{"type":"GARBAGE","object":{"metadata":{"name":"x","resourceVersion":"99"}}}\n',
        b'{"type":"ERROR","object":{"code":500,"message":"no"}}\n',
        b'{"type":"ERROR","object":[]}\n',
        b"x" * (LINE_LIMIT + 1),
        b'{"type":"ADDED","object":{"metadata":{"name":"x","uid":"9","resourceVersion":"1"},"value":"1"}}\n',
    ],
    ids=lambda line: line[:40].decode(),
)
async def test_what_is_no_event_changes_nothing_and_is_followed_by_a_new_watch(
    line: bytes,
) -> None:
    async with running(first=three) as world:
        await world.clock.advance(LIST_GAP)
        world.api.watches[0].send(line)
        await world.clock.advance(0.0)
        assert world.seen == world.there
        world.api.put("a", "2")
        await world.clock.advance(2)
        assert world.seen == world.there


async def test_how_long_it_was_right_is_known() -> None:
    async with running() as world:
        assert world.reflector.standing.right_at == world.clock.now()
        await world.clock.advance(100)
        assert world.reflector.standing.right_at == world.clock.now()
        world.api.down = True
        world.api.restart()
        cut = world.clock.now()
        await world.clock.advance(50)
        standing = world.reflector.standing
        assert standing.right_at == cut
        assert standing.fault is not None
        assert standing.fault.kind is FaultKind.CONNECT


async def test_an_item_that_cannot_be_read_costs_itself() -> None:
    def without_a_value(api: ScriptedApi) -> None:
        three(api)
        del api.objects["ns", "b"]["value"]  # type: ignore[attr-defined]

    async with running(first=without_a_value) as world:
        assert world.seen == {"a": "1", "c": "1"}


async def test_what_is_no_longer_kept_goes() -> None:
    async with running(first=three) as world:
        world.api.put("a", "left out")
        await world.clock.advance(0.1)
        assert set(world.seen) == {"b", "c"}
        assert world.changes[-1].after is None
