"""Read-only: every key and every command of the palette, tried on recording servers.

The keys and commands are the program's own, so that one that is added is tried on the same day.
"""

import argparse
import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.engine import build_engine
from opsconsole.model.past.replay import Moment
from opsconsole.render.frame.keys import KEYS, Group, Key, Scope
from opsconsole.ui.app import Console
from opsconsole.ui.engine_like import EngineLike
from opsconsole.ui.options import Options
from opsconsole.ui.palette import ConsoleCommands
from opsconsole.ui.screens import dialog
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.operations.everything import outside, write
from tests.operations.place import Place, ended
from tests.operations.recording_server import RecordingServer

_LEAVES = {"quit"}
_INSIST = (
    ("tab", "space"),
    ("enter",),
    ("tab", "space"),
    (*"web", "tab", *"why", "tab", "space"),
)
"""What starts a change where one may be started: a choice, a menu's entry, a name and a reason."""

_CHANGING = {key.label for key in KEYS if key.scope is Scope.CHANGE}
_ROWS = 12
"""Entries of the menu of actions that are tried."""


@pytest.fixture
def servers() -> Iterator[tuple[RecordingServer, RecordingServer]]:
    """A service, and one that stands for every other server."""
    both = RecordingServer(), RecordingServer()
    yield both
    for server in both:
        server.stop()


@pytest.fixture
def place(
    tmp_path: Path,
    servers: tuple[RecordingServer, RecordingServer],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    """A fleet in which every kind of change is declared; dialogs listen at once."""
    monkeypatch.setattr(dialog, "DEAD_TIME", 0.0)
    monkeypatch.chdir(tmp_path)
    made = Place(tmp_path)
    write(made, *servers)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_wait_for_idleness(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a press wait until every widget has had its messages, not until the process idles.

    The engine lives in the same process, which idles seldom: that wait would run to its end.
    """

    if request.function is test_the_same_presses_change_things_where_they_may:
        # Where presses take effect, each needs what the one before has led to.
        return

    async def briefly(*_: float) -> None:
        for _turn in range(10):
            await asyncio.sleep(0)

    monkeypatch.setattr("textual.app.wait_for_idle", briefly)
    monkeypatch.setattr("textual.pilot.wait_for_idle", briefly)


@asynccontextmanager
async def _opened(
    place: Place, *, read_only: bool = True
) -> AsyncIterator[tuple[Console, Pilot[int]]]:
    arguments = argparse.Namespace(config=place.config, read_only=read_only)

    def make_engine() -> EngineLike:
        return cast(EngineLike, build_engine(from_arguments(arguments)))

    app = Console(make_engine, options=Options(read_only=read_only))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        for _ in range(200):
            await pilot.pause(0.02)
            if app.bridge.latest and any(each.actions for each in app.bridge.latest.services):
                break
        assert app.bridge.latest is not None
        assert app.bridge.latest.service("web") is not None
        yield app, pilot


async def _go_to(app: Console, pilot: Pilot[int], service: bool) -> None:
    """The overview, or the service's own screen, with nothing open above it."""
    depth = 2
    while len(app.screen_stack) > depth:
        app.pop_screen()
        await pilot.pause()
    if service:
        await app.push_screen(ServiceScreen("web"))
        await pilot.pause()


async def _insist(
    app: Console, pilot: Pilot[int], depth: int, waits: bool, looks: int = 25
) -> None:
    """Press what would start it in whatever opens; a plan takes its time to arrive."""
    for _ in range(looks if waits else 1):
        await pilot.pause(0.02)
        if len(app.screen_stack) > depth:
            break
    for keys in _INSIST:
        if len(app.screen_stack) > depth:
            await pilot.press(*keys)
            await pilot.pause(0.1 if waits else 0.0)


async def _try(
    app: Console,
    pilot: Pilot[int],
    key: Key,
    service: bool,
    looks: int = 25,
    settle: Callable[[], Awaitable[None]] | None = None,
) -> None:
    rows = _ROWS if key.id == "actions" and not service else 1
    for row in range(rows):
        await _go_to(app, pilot, service)
        depth = len(app.screen_stack)
        await pilot.press(key.keys.split(",")[0], *("j" * row))
        if key.id == "actions":
            await pilot.press("enter")
        await _insist(app, pilot, depth, waits=key.scope is Scope.CHANGE, looks=looks)
        if settle is not None:
            await settle()


def _check(
    place: Place,
    servers: tuple[RecordingServer, RecordingServer],
    before: dict[str, tuple[int, int, bytes]],
) -> None:
    assert [request for server in servers for request in server.changes] == []
    assert outside(place) == before
    assert {operation.name for operation in place.operator().operations()} <= {"look"}


@pytest.mark.parametrize("service", [False, True], ids=["overview", "service"])
async def test_every_key(
    service: bool, place: Place, servers: tuple[RecordingServer, RecordingServer]
) -> None:
    before = outside(place)
    async with _opened(place) as (app, pilot):
        for key in KEYS:
            if key.id not in _LEAVES:
                await _try(app, pilot, key, service)
    _check(place, servers, before)


@pytest.mark.parametrize("service", [False, True], ids=["overview", "service"])
async def test_every_changing_key_while_a_past_moment_is_shown(
    service: bool, place: Place, servers: tuple[RecordingServer, RecordingServer]
) -> None:
    before = outside(place)
    async with _opened(place, read_only=False) as (app, pilot):
        for key in KEYS:
            latest = app.bridge.latest
            if key.group is Group.CHANGE and latest is not None:
                past = latest.taken_at - 60.0
                app.time.replay.moment = Moment(past, past, replace(latest, replayed=True))
                await _go_to(app, pilot, service)
                depth = len(app.screen_stack)
                await pilot.press(key.keys.split(",")[0])
                await _insist(app, pilot, depth, waits=False)
    assert [request for server in servers for request in server.changes] == []
    assert outside(place) == before
    assert place.operator().operations() == ()


async def test_the_same_presses_change_things_where_they_may(
    place: Place, servers: tuple[RecordingServer, RecordingServer]
) -> None:
    operator = place.operator()

    async def settle() -> None:
        """One at a time: what runs has the service's lock."""
        for operation in operator.operations():
            await ended(operator, operation.id)

    async with _opened(place, read_only=False) as (app, pilot):
        for key in KEYS:
            if key.id in {"restart", "actions"}:
                # On a busy machine a plan may be long in coming.
                await _try(app, pilot, key, service=False, looks=100, settle=settle)
    assert servers[0].changes, "or the tests above would show nothing"
    assert len({operation.kind for operation in operator.operations()}) > 1


@pytest.mark.parametrize("service", [False, True], ids=["overview", "service"])
async def test_every_command_of_the_palette(
    service: bool, place: Place, servers: tuple[RecordingServer, RecordingServer]
) -> None:
    before = outside(place)
    async with _opened(place) as (app, pilot):
        await _go_to(app, pilot, service)
        names = [name for name, *_ in ConsoleCommands(app.screen)._commands()]
        assert "restart" in names
        for name in names:
            await _go_to(app, pilot, service)
            depth = len(app.screen_stack)
            offered = {each.name: each.run for each in ConsoleCommands(app.screen)._commands()}
            if name in _LEAVES:
                continue
            outcome = offered[name]()
            if inspect.isawaitable(outcome):
                await outcome
            await _insist(app, pilot, depth, waits=name in _CHANGING)
    _check(place, servers, before)
