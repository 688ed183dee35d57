"""The wall on the screen: what is visible, the lock, and how it heals."""

import asyncio
import itertools
from dataclasses import replace

import pytest
from textual import events

from opsconsole.model.choices import SavedView
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.wall.scene import View
from opsconsole.ui.app import Console
from opsconsole.ui.messages import EngineFailed
from opsconsole.ui.options import Options, WallOptions
from opsconsole.ui.screens.wall.screen import LOCKED, WallScreen
from tests.patience import soon
from tests.ui import fleet, fleets
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine, FixedClock

WALL = Options(environment="production", wall=WallOptions(20.0), read_only=True)
KEYS = (
    *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    *("enter", "escape", "space", "tab", "shift+tab", "slash", "question_mark", "f1", "up", "down"),
    *("ctrl+p", "ctrl+l", "ctrl+r", "ctrl+d", "ctrl+z", "ctrl+q", "left", "right", "backspace"),
    *("left_square_bracket", "right_square_bracket", "pageup", "pagedown", "home", "end", "delete"),
)


async def passed(stage: Stage, seconds: float) -> None:
    """Let time pass on the wall's clock, a second at a time."""
    for _ in range(int(seconds)):
        stage.clock.at += 1.0
        stage.app.show()
    await stage.pilot.pause()


def footer(stage: Stage) -> str:
    return next(line for line in reversed(stage.text.splitlines()) if line.strip())


async def test_all_is_well_and_said_so(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm(), options=WALL) as stage:
        assert isinstance(stage.app.screen, WallScreen)
        assert "ai-backend" in stage.text
        assert "● OK" in stage.text
        assert "PRODUCTION" in stage.text
        assert footer(stage).split() == ["overview", "services", "resources", "timeline"]


async def test_views_take_turns(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm(), options=WALL) as stage:
        await passed(stage, 20)
        assert "req/s" in stage.text
        await passed(stage, 20)
        assert "/var/lib/docker" in stage.text
        await passed(stage, 20)
        assert "handover from kim" in stage.text
        await passed(stage, 20)
        assert "req/s" not in stage.text


async def test_what_is_red_stays_until_it_is_over(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(), options=WALL, size=(120, 40)) as stage:
        for _ in range(10):
            assert "the rotation waits" in stage.text
            assert "3 copies killed, out of memory" in stage.text
            assert "ServiceDown" in stage.text
            assert "alertmanager" in stage.text
            await passed(stage, 60)
        await stage.publish(fleet.calm(2))
        assert "the rotation waits" not in stage.text
        await passed(stage, 20)
        assert "req/s" in stage.text


async def test_only_the_views_that_are_named_take_turns(open_stage: OpenStage) -> None:
    options = replace(WALL, wall=WallOptions(5.0, ("timeline", "services")))
    async with open_stage(fleet.calm(), options=options) as stage:
        assert footer(stage).split() == ["timeline", "services"]
        assert "handover from kim" in stage.text


async def test_no_key_does_anything(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(), options=WALL) as stage:
        for key in KEYS:
            stage.app.post_message(events.Key(key, key if len(key) == 1 else None))
            await asyncio.sleep(0)
            assert len(stage.app.screen_stack) == 2
            assert isinstance(stage.app.screen, WallScreen)
        await stage.pilot.pause()
        assert len(stage.app.screen_stack) == 2
        assert LOCKED in stage.text
        assert not stage.engine.requests
        assert not stage.engine.refreshed
        assert stage.app.is_running


async def test_what_is_said_of_the_lock_goes_away_by_itself(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.ui.screens.wall.screen.NOTICE_SECONDS", 0.05)
    async with open_stage(fleet.calm(), options=WALL) as stage:
        await stage.pilot.press("x")
        await stage.pilot.pause(0.2)
        assert LOCKED not in stage.text
        await stage.pilot.press("colon", "q")
        await stage.pilot.pause(0.2)
        assert ":q" not in stage.text


@pytest.mark.parametrize("word", ["q", "quit", "q!"])
async def test_the_documented_way_out(open_stage: OpenStage, word: str) -> None:
    async with open_stage(fleet.on_fire(), options=WALL) as stage:
        await stage.pilot.press("colon", *("exclamation_mark" if c == "!" else c for c in word))
        assert f":{word}" in stage.text
        await stage.pilot.press("enter")
        await stage.pilot.pause()
    assert stage.app.return_code == 0


@pytest.mark.parametrize(
    "keys",
    ["q enter", "colon x enter", "colon enter", "colon q escape enter", "colon backspace q"],
)
async def test_anything_else_stays(open_stage: OpenStage, keys: str) -> None:
    async with open_stage(fleet.calm(), options=WALL) as stage:
        await stage.pilot.press(*keys.split())
        await stage.pilot.pause()
        assert stage.app.is_running
        assert LOCKED in stage.text


async def test_ctrl_c_twice_leaves(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm(), options=WALL) as stage:
        await stage.pilot.press("ctrl+c")
        assert "ctrl-c again leaves" in stage.text
        await stage.pilot.press("ctrl+c")
        await stage.pilot.pause()
    assert stage.app.return_code == 0


async def test_the_mouse_and_what_is_pasted_do_nothing(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(), options=WALL) as stage:
        before = stage.text
        await stage.pilot.click(offset=(5, 20))
        await stage.pilot.double_click(offset=(30, 22))
        stage.app.post_message(events.Paste("q\n:q\n"))
        await stage.pilot.pause()
        assert stage.text == before
        assert stage.app.is_running


async def test_the_picture_moves_and_nothing_of_it_is_lost(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(), options=WALL, size=(120, 40)) as stage:
        places = set()
        for _ in range(16):
            lines = stage.text.splitlines()
            at = next(y for y, line in enumerate(lines) if "3 copies killed" in line)
            places.add((lines[at].index("3 copies"), at))
            assert lines[at].rstrip().endswith("since v1.4.2→v1.5.0")
            assert "within 5 s" in stage.text
            assert footer(stage).strip() == "what is red · the rotation waits"
            stage.clock.at += 60.0
            stage.app.show()
            await stage.pilot.pause()
        assert len(places) > 4


@pytest.mark.parametrize(
    "size", [(1, 1), (20, 5), (59, 14), (60, 15), (80, 24), (500, 3), (3, 200)]
)
@pytest.mark.parametrize(
    "scene", [fleet.calm, fleet.on_fire, fleet.hostile, fleet.empty, fleet.stale]
)
async def test_any_size_is_survived(
    open_stage: OpenStage, size: tuple[int, int], scene: object
) -> None:
    snapshot: Snapshot = scene()  # type: ignore[operator]
    async with open_stage(snapshot, options=WALL, size=size) as stage:
        for _ in range(4):
            await passed(stage, 21)
        assert stage.app.is_running
        assert "\x1b" not in stage.text


# ---- what dies ----


class Engines:
    """Makes engines one after the other; ``refuse`` many of them cannot be made."""

    def __init__(self, refuse: int = 0) -> None:
        self.made: list[FakeEngine] = []
        self.refuse = refuse
        self.asked = 0

    def __call__(self) -> FakeEngine:
        self.asked += 1
        if self.asked <= self.refuse:
            raise RuntimeError("the state folder is not writable")
        engine = FakeEngine(fleet.calm(self.asked))
        engine.pulse = float(self.asked)
        self.made.append(engine)
        return engine


LONG = 6000
"""Seconds on the wall's clock, which passes while a thread is at work."""


async def eventually(stage: Stage, seconds: int, text: str) -> int:
    """Seconds on the wall's clock until ``text`` is visible."""
    for second in range(seconds):
        if text in stage.text:
            return second
        await passed(stage, 1)
        await stage.pilot.pause(0.01)
    raise AssertionError(f"{text!r} was not seen within {seconds} s:\n{stage.text}")


async def appears(stage: Stage, text: str) -> None:
    """Wait for what a thread makes, while no time passes on the wall's clock."""

    def is_there() -> bool:
        stage.app.show()
        return text in stage.text

    await soon(is_there)


def staged(engines: Engines) -> tuple[Console, FixedClock]:
    clock = FixedClock()
    return Console(engines, options=WALL, clock=clock), clock


async def test_an_engine_that_cannot_be_made_is_made_again() -> None:
    engines = Engines(refuse=3)
    app, clock = staged(engines)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.1)
        stage = Stage(app, FakeEngine(), clock, pilot)
        await appears(stage, "the state folder is not writable")
        assert "reading is started again in" in stage.text
        assert "NO DATA" in stage.text
        await eventually(stage, LONG, "ai-backend")
        assert engines.asked == 4
        assert "reading is started again" not in stage.text


async def test_an_engine_that_stands_still_is_replaced() -> None:
    engines = Engines()
    app, clock = staged(engines)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.1)
        stage = Stage(app, FakeEngine(), clock, pilot)
        await appears(stage, "ai-backend")
        ticking = itertools.count(100.0)
        for _ in range(60):
            engines.made[0].pulse = next(ticking)
            await passed(stage, 1)
        assert engines.asked == 1
        waited = await eventually(stage, 60, "no sign of life")
        assert 25 <= waited <= 35
        assert "last seen" in stage.text
        await eventually(stage, LONG, "ai-backend")
        assert engines.asked == 2
        assert engines.made[0].stopped
        engines.made[0].publish(fleet.on_fire(99))
        await pilot.pause()
        assert "the rotation waits" not in stage.text


async def test_a_configuration_that_was_spoilt_meanwhile_does_not_end_it(
    open_stage: OpenStage,
) -> None:
    async with open_stage(fleet.calm(), options=WALL) as stage:
        stage.app.post_message(EngineFailed("opsconsole.yaml:3:1: not a key", 78))
        await stage.pilot.pause()
        assert stage.app.is_running
        assert "not a key" in stage.text


def test_every_view_of_the_configuration_is_a_view() -> None:
    assert [View(name) for name in WallOptions().views]


async def test_a_saved_view_is_all_that_is_on_the_wall(open_stage: OpenStage) -> None:
    mail = WallOptions(20.0, saved=SavedView("mail", "group:mail"))
    async with open_stage(fleets.large(), options=replace(WALL, wall=mail)) as stage:
        assert "mailer" in stage.text
        assert "ai-service" not in stage.text
