"""The plan dialog: nothing starts that a person did not mean to start."""

import re
from dataclasses import replace

import pytest

from opsconsole.model.operation import ConfirmLevel, OperationState, Refusal
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.ink.cells import wrap
from opsconsole.ui.screens import dialog
from opsconsole.ui.screens.changes.actions import ActionsScreen
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.changes.request import RequestScreen
from opsconsole.ui.widgets.choice import Choice
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine, an_operation


async def opened(stage: Stage) -> PlanScreen:
    """The dialog of a restart, past its dead time."""
    await stage.press("R")
    screen = stage.app.screen
    assert isinstance(screen, PlanScreen)
    stage.let_read()
    return screen


async def test_the_key_opens_the_plan_and_starts_nothing(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        screen = await opened(stage)
        assert [request.service for request in stage.engine.requests] == ["ai-service"]
        assert stage.engine.performed == []
        assert "restart 3 of 3 copies of ai-service, one after the other, about 42 s." in stage.text
        for said in ("healthy for 10 s", "undone by", "PRODUCTION", "who is hit", "what is lost"):
            assert said in stage.text
        assert "3f2a9c17b0de" not in stage.text, "calls are folded"
        assert screen.focused is screen.query_one("#typed"), "what is to be filled in"
        await stage.press("f2")
        for said in ("3f2a9c17b0de", "exited 137", "restart container ai-service-3"):
            assert said in stage.text
        assert "3f2a9c17b0de5f" not in stage.text, "twelve digits of an id"


WORDY = (
    "killed for memory 4 times in 8 min: a restart will not last",
    "compose.yaml in git still says v1.5.0, so that the next deploy puts the old image back",
    "logind ends a user's processes at logout: stay logged in until the verdict",
)


@pytest.mark.parametrize("confirm", list(ConfirmLevel))
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)])
async def test_the_choices_and_what_is_decided_by_are_in_sight_at_every_size(
    open_stage: OpenStage, size: tuple[int, int], confirm: ConfirmLevel
) -> None:
    engine = FakeEngine(fleet.on_fire(), confirm)
    engine.warnings = WORDY
    async with open_stage(None, engine=engine, size=size) as stage:
        await stage.press("R")
        await stage.pilot.pause()
        choices = "restart 3 copies", "Cancel"
        for said in (
            WORDY[0][:30],
            "who is hit",
            "what is lost",
            "undone by",
            "good when",
            *choices,
        ):
            assert said in stage.text, said
        for part in ("#start", "#cancel"):
            assert stage.app.screen.query_one(part).region.bottom <= size[1] - 1
        assert stage.app.screen.query_one("#box").region.height <= size[1]


async def test_copies_are_chosen_in_place(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    async with open_stage(None, engine=engine) as stage:
        screen = await opened(stage)
        assert "[x] ai-service-2" in stage.text
        screen.query_one("#copies").focus()
        await stage.press("space")
        await stage.pilot.pause()
        assert "[ ] ai-service-1" in stage.text
        assert "restart 2 of 3 copies" in stage.text
        stage.let_read()
        await stage.press("down", "space")
        await stage.pilot.pause()
        wanted = ["", "ai-service-2,ai-service-3", "ai-service-3"]
        assert [each.instance for each in engine.requests] == wanted
        assert engine.requests[0].parameters == {"copies": "usual"}
        assert "restart 1 of 3 copies" in stage.text
        assert "restart 1 copy" in stage.text
        stage.let_read()
        screen.query_one("#start").focus()
        await stage.press("space")
        assert engine.performed[0][0].instance == "ai-service-3"


async def test_the_mark_is_where_space_acts(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    async with open_stage(None, engine=engine) as stage:
        await opened(stage)
        stage.let_read()
        for marked in ("▸restart", "▸[x]", "▸Cancel", "▸restart"):
            await stage.press("tab")
            await stage.pilot.pause()
            marks = re.findall(r"▸(?! \d)\S+", stage.text)
            assert marks == [marked], stage.text


async def test_input_of_the_first_half_second_is_dropped(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialog, "DEAD_TIME", 60.0)  # a slow machine must not make it pass
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    async with open_stage(None, engine=engine) as stage:
        await stage.press("R")
        screen = stage.app.screen
        await stage.press("tab", "space", "space", "enter", "escape")
        assert stage.app.screen is screen
        assert engine.performed == []


@pytest.mark.parametrize("confirm", list(ConfirmLevel))
async def test_enter_never_confirms(open_stage: OpenStage, confirm: ConfirmLevel) -> None:
    engine = FakeEngine(fleet.on_fire(), confirm)
    async with open_stage(None, engine=engine) as stage:
        await opened(stage)
        if confirm is ConfirmLevel.CHOICE:
            await stage.press("tab")
        else:
            await stage.press(*"ai-service", "enter")
        if confirm is ConfirmLevel.TYPED_NAME_AND_REASON:
            await stage.press(*"broken", "enter")
        await stage.press("enter", "enter", "enter")
        assert engine.performed == []


async def test_typed_name_then_space_starts_it(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        screen = await opened(stage)
        await stage.press(*"ai-servic")
        assert not screen.query_one("#start", Choice).allowed
        await stage.press("e")
        assert screen.query_one("#start", Choice).allowed
        await stage.press("tab", "space")
        ((plan, confirmation),) = stage.engine.performed
        assert plan.service == "ai-service"
        assert confirmation.typed == "ai-service"


async def test_another_word_starts_nothing(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await opened(stage)
        await stage.press(*"oatie")
        assert "✖ that is oatie" in stage.text
        await stage.press("tab", "space")
        assert stage.engine.performed == []


async def test_a_reason_is_asked_for_where_policy_wants_one(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.TYPED_NAME_AND_REASON)
    async with open_stage(None, engine=engine) as stage:
        screen = await opened(stage)
        screen.query_one("#typed").focus()
        await stage.press(*"ai-service", "tab", "tab", "space")
        assert engine.performed == []
        screen.query_one("#reason").focus()
        await stage.press(*"oom", "tab", "space")
        assert engine.performed[0][1].reason == "oom"


async def test_the_run_is_followed_to_its_verdict(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    async with open_stage(None, engine=engine) as stage:
        await opened(stage)
        await stage.press("tab", "space")
        await stage.pilot.pause(0.1)
        plan = engine.performed[0][0]
        assert "verifying" in stage.text
        assert "esc closes this; the operation goes on" in stage.text
        assert "Cancel" not in stage.text
        assert "Close" in stage.text
        done = an_operation(plan, OperationState.VERIFIED)
        await stage.publish(replace(fleet.on_fire(2), operations=(done,)))
        assert "● verified" in stage.text
        await stage.press("escape")
        assert not isinstance(stage.app.screen, PlanScreen)
        assert len(engine.performed) == 1


async def test_a_refusal_says_what_would_lift_it(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire())
    engine.refusal = Refusal("read-only", "[/x] this console is read-only", "start without it")
    async with open_stage(None, engine=engine) as stage:
        screen = await opened(stage)
        assert "[/x] this console is read-only" in stage.text
        assert "start without it" in stage.text
        assert not screen.query("#start")
        await stage.press("enter")
        assert not isinstance(stage.app.screen, PlanScreen)


async def test_the_dialog_keeps_its_target_while_the_table_sorts(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    async with open_stage(None, engine=engine) as stage:
        await opened(stage)
        await stage.publish(fleet.calm(2))
        await stage.press("tab", "space")
        assert engine.performed[0][0].service == "ai-service"


async def test_the_menu_lists_what_is_blocked_and_why(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("x")
        assert isinstance(stage.app.screen, ActionsScreen)
        assert "a deploy ended 12 min ago" in stage.text
        stage.let_read()
        await stage.press("j", "enter")
        assert isinstance(stage.app.screen, RequestScreen)
        assert stage.engine.requests == []
        assert stage.engine.performed == []


async def test_the_menu_says_what_blocks_an_action_now(open_stage: OpenStage) -> None:
    fire = fleet.on_fire()
    async with open_stage(fire) as stage:
        await stage.press("x")
        assert "a deploy ended 12 min ago" in stage.text
        lifted = tuple(
            replace(each, actions=tuple(replace(view, refusal=None) for view in each.actions))
            for each in fire.services
        )
        await stage.publish(replace(fire, services=lifted))
        assert "a deploy ended 12 min ago" not in stage.text
        await stage.publish(replace(fire, services=()))
        assert "restart" in stage.text, "what is gone is not taken from under the cursor"
        await stage.publish(fire)
        assert "a deploy ended 12 min ago" in stage.text


async def test_no_key_of_the_overview_starts_a_change(open_stage: OpenStage) -> None:
    from opsconsole.render.frame.keys import KEYS

    async with open_stage(fleet.on_fire()) as stage:
        for key in KEYS:
            if key.id in {"quit", "palette"}:
                continue
            for name in key.keys.split(","):
                await stage.press(name)
                while len(stage.app.screen_stack) > 2:
                    await stage.app.pop_screen()
                for prompt in stage.app.screen.query("Prompt"):
                    await prompt.remove()
        assert stage.engine.performed == []


async def test_a_change_without_an_action_is_explained(open_stage: OpenStage) -> None:
    bare = replace(
        fleet.calm(), services=tuple(replace(s, actions=()) for s in fleet.calm_services())
    )
    async with open_stage(bare) as stage:
        await stage.press("R")
        assert "ai-backend has no restart in its configuration" in stage.text
        assert stage.engine.requests == []


async def test_a_slow_plan_is_said_to_be_worked_out(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire())
    engine.slow = True
    async with open_stage(None, engine=engine) as stage:
        await stage.press("R")
        assert isinstance(stage.app.screen, PlanScreen)
        assert "planning …" in stage.text
        engine.settle()
        await stage.pilot.pause()
        await stage.pilot.pause()
        assert "planning …" not in stage.text
        assert "restart 3 of 3 copies" in stage.text


async def test_long_words_break_where_paths_do() -> None:
    argv = "ssh host /opt/platform/bin/restart --config=/etc/platform/services/ai-backend.yaml"
    assert all(len(line) <= 40 for line in wrap(argv, 40))
    assert "--config=/etc/platform/services/" in wrap(argv, 36)


def healed(service: ServiceView) -> ServiceView:
    """``service`` with its first copy ok again, if it is the one that is restarted."""
    if service.name != "ai-service":
        return service
    first = replace(service.instances[0], state=State.OK, reason="", fault=None)
    return replace(service, instances=(first, *service.instances[1:]))


async def test_while_it_runs_each_copy_that_is_touched_shows_its_state(
    open_stage: OpenStage,
) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    async with open_stage(None, engine=engine) as stage:
        screen = await opened(stage)
        screen.query_one("#start").focus()
        await stage.press("space")
        await stage.pilot.pause()
        fire = fleet.on_fire(2)
        run = an_operation(engine.plan(engine.requests[0]))
        services = tuple(map(healed, fire.services))
        await stage.publish(replace(fire, services=services, operations=(run,)))
        lines = [line for line in stage.text.splitlines() if "ai-service-1  " in line]
        assert any("● ai-service-1  ok" in line for line in lines), stage.text
        assert "✖ ai-service-2" in stage.text
        assert "copies" in stage.text


async def test_the_keys_below_say_what_they_do_to_what_has_the_focus(
    open_stage: OpenStage,
) -> None:
    engine = FakeEngine(fleet.on_fire(), ConfirmLevel.CHOICE)
    async with open_stage(None, engine=engine, size=(80, 24)) as stage:
        screen = await opened(stage)
        seen = set()
        for _ in range(len(screen.focus_chain) + 1):
            last, part = stage.text.splitlines()[-1], screen.focused
            assert part is not None
            seen.add(part.id)
            wanted = {"cancel": "space enter cancel", "start": "space start",
                      "copies": "space this copy"}  # fmt: skip
            for name, words in wanted.items():
                assert (words in last) == (part.id == name), (part.id, last)
            assert "tab next" in last
            assert "esc go away" in last
            await stage.press("tab")
        assert {"cancel", "start"} <= seen
