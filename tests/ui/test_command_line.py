"""Lines that are typed: no key is lost, and nothing is run that was not named."""

import asyncio

import pytest
from textual import events

from opsconsole.render.frame.command_line import (
    TypedLine,
    completions,
    meant,
    not_meant,
    prompt_line,
)
from opsconsole.render.ink.cells import line_width
from opsconsole.ui.options import Options
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.help import HelpScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage

NAMES = ("quit", "refresh", "restart", "rollback", "ai-backend", "ai-service", "oatie")


def at_once(stage: Stage, *keys: tuple[str, str | None]) -> None:
    """Keys in one read of the terminal, before anything can be painted."""
    for key, character in keys:
        stage.app.post_message(events.Key(key, character))


def typed(text: str) -> list[tuple[str, str | None]]:
    """The keys of ``text``."""
    names = {":": "colon", "/": "slash", "-": "minus", "!": "exclamation_mark"}
    return [(names.get(char, char), char) for char in text]


ENTER = ("enter", "\r")


@pytest.mark.parametrize("word", ["q", "quit", "q!", "qui"])
async def test_quit_in_one_go(open_stage: OpenStage, word: str) -> None:
    async with open_stage(fleet.calm()) as stage:
        at_once(stage, *typed(f":{word}"), ENTER)
        for _ in range(20):
            await asyncio.sleep(0.05)
            if stage.app.return_code is not None or not stage.app.is_running:
                break
        assert stage.app.return_value == 0


async def test_keys_after_the_line_go_where_they_went_before(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        at_once(stage, *typed("/ai-"), ENTER, ("j", "j"), ("f", "f"))
        await stage.pilot.pause(0.2)
        assert "filter ai-" in stage.text
        assert "failing only" in stage.text
        assert not stage.app.screen.query("Prompt")


async def test_a_filter_typed_at_once_loses_no_key(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        at_once(stage, *typed("/oatie"))
        await stage.pilot.pause(0.2)
        assert "filter oatie" in stage.text
        at_once(stage, ("escape", None))
        await stage.pilot.pause(0.2)
        assert "filter oatie" not in stage.text


async def test_a_service_opens_by_its_name_or_its_beginning(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        at_once(stage, *typed(":oat"), ENTER)
        await stage.pilot.pause(0.3)
        assert isinstance(stage.app.screen, ServiceScreen)
        assert stage.app.screen.target is not None
        assert stage.app.screen.target.name == "oatie"


async def test_tab_completes_and_the_names_are_shown(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        at_once(stage, *typed(":re"))
        await stage.pilot.pause(0.2)
        assert "refresh" in stage.text
        assert "restart" in stage.text
        at_once(stage, *typed("s"), ("tab", "\t"), ENTER)
        await stage.pilot.pause(0.3)
        assert isinstance(stage.app.screen, PlanScreen)
        assert stage.engine.performed == []


async def test_an_unknown_word_is_said_and_runs_nothing(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        at_once(stage, *typed(":restrat"), ENTER)
        await stage.pilot.pause(0.2)
        assert "nothing is called restrat, did you mean restart?" in stage.text
        assert stage.engine.requests == []


async def test_the_line_opens_on_a_persons_own_key(open_stage: OpenStage) -> None:
    options = Options(keys={"commands": "semicolon"})
    async with open_stage(fleet.calm(), options=options) as stage:
        at_once(stage, ("semicolon", ";"), *typed("help"), ENTER)
        await stage.pilot.pause(0.3)
        top: object = stage.app.screen
        assert isinstance(top, HelpScreen)


async def test_a_paste_goes_into_the_line_as_text(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        at_once(stage, *typed("/"))
        stage.app.post_message(events.Paste("oa\x1b[2Jtie\nR"))
        await stage.pilot.pause(0.2)
        assert "filter oa" in stage.text
        assert stage.engine.requests == []


def test_what_is_meant_is_named() -> None:
    assert meant("restart", NAMES) == "restart"
    assert meant("rol", NAMES) == "rollback"
    assert meant("re", NAMES) is None
    assert meant("", NAMES) is None
    assert not_meant("re", NAMES) == "re could be refresh, restart"
    assert not_meant("zzz", NAMES) == "nothing is called zzz; ctrl-p lists them all"
    assert completions("ai", NAMES) == ["ai-backend", "ai-service"]
    assert completions("backend", NAMES) == ["ai-backend"]


def test_editing_a_line() -> None:
    line = TypedLine().with_text("restart oatie", 80)
    assert line.moved("ctrl+w").text == "restart"
    assert line.moved("ctrl+u").text == ""
    assert line.moved("backspace").text == "restart oati"
    assert line.moved("home").moved("delete").text == "estart oatie"
    assert line.moved("left").with_text("X", 80).text == "restart oatiXe"
    assert line.moved("home").moved("ctrl+k").text == ""
    assert line.moved("f7") == line
    assert len(line.with_text("x" * 200, 20).text) == 20


@pytest.mark.parametrize("width", [10, 60, 120])
def test_a_line_fills_its_width(width: int) -> None:
    line = TypedLine().with_text("x" * 100, 120)
    assert line_width(prompt_line("/", line, width, hint="filter")) == width
