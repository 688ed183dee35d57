"""Running a console on a fake fleet without a terminal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from textual._context import active_app
from textual.pilot import Pilot

from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.app import Console
from opsconsole.ui.options import Options
from opsconsole.ui.screens.curtain import CurtainScreen
from opsconsole.ui.screens.dialog import DEAD_TIME, Dialog
from tests.patience import soon
from tests.ui.fake_engine import FakeEngine, FixedClock


class Stage:
    """A running console with its engine, its clock and its pilot."""

    def __init__(self, app: Console, engine: FakeEngine, clock: FixedClock, pilot: Pilot[int]):
        self.app = app
        self.engine = engine
        self.clock = clock
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys and wait until all is quiet."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def publish(self, snapshot: Snapshot) -> None:
        """Let a snapshot arrive."""
        self.engine.publish(snapshot)
        await self.pilot.pause()
        await self.pilot.pause()

    def let_read(self) -> None:
        """Let the half second be over in which the dialog on top takes no input."""
        dialog = self.app.screen
        assert isinstance(dialog, Dialog)
        dialog._opened_at -= DEAD_TIME

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())


@pytest.fixture
def in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a press wait until the loop has nothing left to do, not until the process idles.

    For consoles on a fake engine, which answers at once: nothing is on its way from elsewhere.
    """

    async def until_nothing_is_left(*_: float) -> None:
        loop = asyncio.get_running_loop()
        for frame in range(4):
            for screen in active_app.get().screen_stack[-1:] if frame else ():
                screen._on_timer_update()
            while loop._ready:  # type: ignore[attr-defined]  # noqa: ASYNC110  # it alone tells
                await asyncio.sleep(0)

    monkeypatch.setattr("textual.app.wait_for_idle", until_nothing_is_left)
    monkeypatch.setattr("textual.pilot.wait_for_idle", until_nothing_is_left)


OpenStage = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def open_stage(monkeypatch: pytest.MonkeyPatch, in_turns: None) -> OpenStage:
    """``async with open_stage(snapshot, size=…) as stage``; no key waits for a quiet time."""
    monkeypatch.setattr("opsconsole.ui.app.QUIET", 0.0)

    @asynccontextmanager
    async def opened(
        snapshot: Snapshot | None,
        *,
        size: tuple[int, int] = (120, 40),
        options: Options | None = None,
        engine: FakeEngine | None = None,
    ) -> AsyncIterator[Stage]:
        clock = FixedClock()
        engine = engine or FakeEngine(snapshot)
        app = Console(lambda: engine, options=options or Options(), clock=clock)
        async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
            await soon(lambda: not isinstance(app.screen, CurtainScreen))
            for _ in range(4):
                await pilot.pause(0.02)
            yield Stage(app, engine, clock, pilot)

    return opened
