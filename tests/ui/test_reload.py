"""A configuration that is read again: the banner, the command, and what follows it at once."""

from dataclasses import replace

import pytest

from opsconsole.model.snapshot import Appearance
from tests.ui import fleet
from tests.ui.conftest import OpenStage
from tests.ui.test_command_line import ENTER, at_once, typed

TROUBLE = (
    "configuration not taken over since 09:14:07Z: /etc/opsconsole/config.yaml:9: "
    "services.api.instanzes: unknown key, did you mean 'instances'?"
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_notice_stands_below_the_sources_until_its_cause_is_gone(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(fleet.on_fire(), size=size) as stage:
        before = stage.text
        await stage.publish(replace(fleet.on_fire(), notices=(TROUBLE,)))
        lines = stage.text.splitlines()
        said = " ".join(" ".join(lines[2:4]).split())
        assert said.startswith("▲ configuration not taken over since 09:14:07Z: /etc/")
        assert "unknown key, did you mean 'instances'?" in said
        # Nothing is covered: the first panel and the keys are where they belong.
        rows = 1 if size[0] >= 160 else 2
        assert "Services" in lines[2 + rows]
        assert "help" in lines[-1]
        await stage.publish(fleet.on_fire())
        assert stage.text == before


async def test_of_several_notices_the_first_is_told_and_the_others_counted(
    open_stage: OpenStage,
) -> None:
    async with open_stage(replace(fleet.calm(), notices=("first", "second"))) as stage:
        assert "▲ first (and 1 more)" in stage.text


async def test_reload_asks_the_engine_and_says_so(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        at_once(stage, *typed(":reload"), ENTER)
        await stage.pilot.pause(0.2)
        assert stage.engine.reloaded == 1
        assert "reading the configuration again" in stage.text


async def test_keys_and_theme_of_the_file_are_taken_over_when_they_change(
    open_stage: OpenStage,
) -> None:
    first = replace(fleet.calm(), appearance=Appearance())
    async with open_stage(first) as stage:
        assert stage.app.keymap == {}
        theme = stage.app.theme
        await stage.publish(replace(first, appearance=Appearance("light", (("help", "f1"),))))
        await stage.pilot.pause(0.5)
        assert stage.app.keymap == {"help": "f1"}
        assert "f1 help" in stage.text
        assert stage.app.theme != theme
        chosen = stage.app.theme
        await stage.publish(replace(first, appearance=Appearance("light")))
        await stage.pilot.pause(0.1)
        assert stage.app.keymap == {}
        assert stage.app.theme == chosen


async def test_a_theme_that_was_asked_for_at_the_start_outlives_a_reload(
    open_stage: OpenStage,
) -> None:
    async with open_stage(replace(fleet.calm(), appearance=Appearance("dark"))) as stage:
        theme = stage.app.theme
        await stage.publish(replace(fleet.calm(), appearance=Appearance("dark")))
        await stage.pilot.pause(0.2)
        assert stage.app.theme == theme
