"""A reason is whole where it is asked for, on the smallest usual screen."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import ConfirmLevel, Refusal
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.service.why import sentence
from opsconsole.ui.screens.changes.plan import PlanScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage
from tests.ui.fake_engine import FakeEngine

SMALL = (80, 24)
ILL = ("ai-service", "elasticsearch", "oatie", "mailer")
LONG = (
    "a deploy of this service ended 12 minutes ago and is still being watched by the one who began "
    "it, as the change calendar of the platform asks"
)


def words_of(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def refused(snapshot: Snapshot) -> Snapshot:
    """Every action of every service is blocked, for a reason that takes several lines."""
    refusal = Refusal("cooling-down", LONG, "wait until 09:24Z, or override with a reason")
    return replace(
        snapshot,
        services=tuple(
            replace(each, actions=tuple(replace(view, refusal=refusal) for view in each.actions))
            for each in snapshot.services
        ),
    )


@pytest.mark.parametrize("name", ILL)
async def test_on_the_first_tab(open_stage: OpenStage, name: str) -> None:
    async with open_stage(fleet.on_fire(), size=SMALL) as stage:
        await stage.press("colon", *name, "enter")
        service = fleet.on_fire().service(name)
        assert service is not None
        said = words_of(stage.text)
        for explanation in service.diagnosis.explanations:
            whole = sentence(explanation.lead)
            assert whole.removeprefix("↳ ") in said, stage.text
        assert not service.reason or service.diagnosis.explanations or service.reason in said


async def test_what_blocks_an_action_is_whole(open_stage: OpenStage) -> None:
    async with open_stage(refused(fleet.on_fire()), size=SMALL) as stage:
        await stage.press("x")
        assert LONG in words_of(stage.text), stage.text


@pytest.mark.parametrize("size", [SMALL, (160, 45)])
async def test_a_key_whose_action_is_refused_is_faint_and_says_why(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(refused(fleet.on_fire()), size=size) as stage:
        footer = stage.text.splitlines()[-1]
        assert "R restart  " not in footer
        assert size == SMALL or "(cooling down)" in footer
        await stage.press("R")
        assert isinstance(stage.app.screen, PlanScreen)
    async with open_stage(fleet.on_fire(), size=size) as stage:
        assert "(cooling down)" not in stage.text.splitlines()[-1]


@pytest.mark.parametrize("more", [0, 1, 4])
async def test_what_a_plan_warns_of_is_whole(open_stage: OpenStage, more: int) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    engine.warnings = (LONG, *(f"another thing to know, {number}" for number in range(more)))
    async with open_stage(None, engine=engine, size=SMALL) as stage:
        await stage.press("R")
        assert LONG in words_of(stage.text), stage.text


async def test_why_there_is_no_plan_is_whole(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    engine.refusal = Refusal("cooling-down", LONG, LONG)
    async with open_stage(None, engine=engine, size=SMALL) as stage:
        await stage.press("R")
        assert words_of(stage.text).count(LONG) == 2, stage.text


async def test_the_selected_service_has_its_cause_whole(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(), size=SMALL) as stage:
        for _ in ILL:
            panel = stage.text.partition("2 Alerts")[2]
            lines = [line for line in panel.splitlines() if line.startswith("   ")]
            assert all("…" not in line for line in lines[:2]), panel
            await stage.press("j")
