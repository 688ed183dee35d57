"""One plan for several services: what cannot is named, it is confirmed once, and then followed."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import ConfirmLevel, Group, Operation, OperationState, Refusal
from opsconsole.ui.screens.changes.together import TogetherScreen
from opsconsole.ui.widgets.choice import Choice
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine, an_operation

BARE = Refusal("not-declared", "restart is not declared for ai-operations", "declare it")
S = OperationState


async def opened(stage: Stage, chosen: int = 2) -> TogetherScreen:
    """The dialog of a restart of the first services, past its dead time."""
    await stage.press(*["space"] * chosen, "R")
    await stage.pilot.pause()
    screen = stage.app.screen
    assert isinstance(screen, TogetherScreen)
    stage.let_read()
    await stage.pilot.pause()
    return screen


def allowed(screen: TogetherScreen) -> bool:
    return screen.query_one("#start", Choice).allowed


async def test_one_plan_for_all_that_were_chosen_is_confirmed_by_their_number_once(
    open_stage: OpenStage,
) -> None:
    engine = FakeEngine(fleet.calm(), ConfirmLevel.TYPED_NAME_AND_REASON)
    async with open_stage(None, engine=engine) as stage:
        screen = await opened(stage)
        assert [each.service for each in engine.requests] == ["ai-backend", "ai-operations"]
        assert "restart 2 services, 6 copies, one after the other" in stage.text
        assert screen.focused is screen.query_one("#typed")
        await stage.press(*"ai-backend")
        assert not allowed(screen)
        await stage.press("ctrl+u", "2")
        assert not allowed(screen), "the reason is missing"
        await stage.press("enter", *"load")
        assert allowed(screen)
        assert engine.performed == []
        await stage.press("enter", "space")
        ((plan, confirmation),) = engine.performed
        assert (plan.service, confirmation.typed, confirmation.reason) == (
            "ai-backend",
            "2",
            "load",
        )
        assert [[each.service for each in then] for then in engine.followed] == [["ai-operations"]]


async def test_what_cannot_is_named_with_why_and_the_others_can(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.calm(), ConfirmLevel.TYPED_NAME)
    engine.refusals = {"ai-operations": BARE}
    async with open_stage(None, engine=engine) as stage:
        screen = await opened(stage)
        assert "1 of 2 can: ai-operations: restart is not declared" in stage.text
        await stage.press(*"1")
        assert not allowed(screen), "one alone is confirmed by its name"
        await stage.press("ctrl+u", *"ai-backend")
        assert allowed(screen)
        await stage.press("enter", "space")
        assert engine.followed == [()]


async def test_none_that_can_leaves_nothing_to_start(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.calm())
    engine.refusal = replace(BARE, message="cooling down")
    async with open_stage(None, engine=engine) as stage:
        screen = await opened(stage)
        assert "0 of 2 can: ai-backend: cooling down" in stage.text
        assert not screen.query("#start")
        await stage.press("enter")
        await stage.pilot.pause()
        assert not isinstance(stage.app.screen, TogetherScreen)


async def test_the_plans_are_asked_for_one_after_the_other(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.calm(), ConfirmLevel.CHOICE)
    engine.slow = True
    async with open_stage(None, engine=engine) as stage:
        await stage.press("space", "space", "R")
        await stage.pilot.pause()
        assert "planning 1 of 2 …" in stage.text
        engine.settle()
        await stage.pilot.pause()
        assert "planning 2 of 2 …" in stage.text
        engine.settle()
        await stage.pilot.pause()
        assert "restart 2 services" in stage.text


SIZES = [(60, 15), (80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES)
async def test_the_choices_and_what_is_decided_by_are_in_sight_at_every_size(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    engine = FakeEngine(fleet.calm(), ConfirmLevel.TYPED_NAME_AND_REASON)
    engine.refusals = {"ai-operations": BARE}
    async with open_stage(None, engine=engine, size=size) as stage:
        screen = await opened(stage, 3)
        for part in ("#start", "#cancel"):
            assert screen.query_one(part).region.bottom <= size[1] - 1
        said = ["restart 2 services", "2 of 3 can", "Cancel"]
        if size[1] > 15:
            said += ["who is hit", "what is lost", "undone by", "good when", "it stops at"]
        for each in said:
            assert each in stage.text, each
        await stage.press("f2")
        assert "3f2a9c17b0de" in stage.text, "the calls of each, one key away"


def of_group(run: Operation, service: str, number: int, state: OperationState) -> Operation:
    group = Group("1a2b3c4d5e6f7a8b", number, 2, ("ai-operations",)[number - 1 :])
    ended = run.started_at + 5 if state.final else None
    return replace(
        run, id=f"op-{number}", service=service, state=state, group=group, ended_at=ended,
        summary="healthy for 10 s" if state is S.VERIFIED else "not begun: ai-backend before it",
    )  # fmt: skip


async def test_the_same_list_then_says_how_far_it_is(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.calm(), ConfirmLevel.CHOICE)
    async with open_stage(None, engine=engine) as stage:
        screen = await opened(stage)
        run = an_operation(engine.plan(engine.requests[0]))
        first = of_group(run, "ai-backend", 1, S.VERIFYING)
        engine.not_started = first
        screen.query_one("#start").focus()
        await stage.press("space")
        await stage.pilot.pause()
        assert "0 of 2 verified" in stage.text
        assert "2. ai-operations  waits for its turn" in stage.text
        assert screen.is_under_way
        failed = of_group(run, "ai-backend", 1, S.FAILED)
        refused = of_group(run, "ai-operations", 2, S.REFUSED)
        await stage.publish(replace(fleet.calm(2), operations=(refused, failed)))
        assert "0 of 2 verified; stopped at ai-backend: failed" in stage.text
        assert "2. ai-operations  refused" in stage.text
        assert not screen.is_under_way
