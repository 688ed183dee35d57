"""Bursts of every key at every dialog: before it opens, while it opens, and after.

Nothing may be lost behind the dialog, nothing may be started that was not chosen, and what is typed
into a dialog never becomes a command of what is behind it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from string import ascii_letters, digits, punctuation

import pytest
from textual import events
from textual.keys import _character_to_key

from opsconsole.model.operation import ActionKind, ActionRequest, ConfirmLevel, Refusal
from opsconsole.render.forms.silencing import SilencingForm, acknowledge_form
from opsconsole.ui.routes import (
    ActionsDialog,
    PlanDialog,
    RequestDialog,
    Route,
    SilencingDialog,
    ThemeDialog,
    TogetherDialog,
)
from opsconsole.ui.screens import dialog
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.overview.screen import OverviewScreen
from tests.ui import fleet, ringing, working
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine

pytestmark = pytest.mark.usefixtures("in_turns")

NAMED = (
    "enter", "space", "escape", "tab", "shift+tab", "backspace", "delete", "up", "down", "left",
    "right", "home", "end", "pageup", "pagedown", "ctrl+d", "ctrl+u", "ctrl+f", "ctrl+b", "f1",
)  # fmt: skip
CLOSING = ("enter", "space", "escape", "q")
SIZE = (80, 24)
"""What is painted matters to no key: the smaller, the more keys in a second."""
WHOLE = os.environ.get("OPSCONSOLE_TEST_BURSTS") == "all"
EVERY = (*NAMED, *ascii_letters, *digits, *punctuation)
RESTART = ActionRequest("ai-service", ActionKind.RESTART, "")
BOTH = (RESTART, ActionRequest("web", ActionKind.RESTART, ""))
SERVICE = fleet.on_fire().services[0]


def acknowledgement() -> SilencingForm:
    made = acknowledge_form(ringing.ringing().alerts[0])
    assert made is not None
    return made


@dataclass(frozen=True)
class Case:
    """A dialog and how the engine answers to it."""

    route: Callable[[], Route]
    confirm: ConfirmLevel = ConfirmLevel.TYPED_NAME
    refusal: Refusal | None = None
    slow: bool = False

    def engine(self) -> FakeEngine:
        made = FakeEngine(fleet.on_fire(), self.confirm)
        made.kept = working.backups()
        made.refusal, made.slow = self.refusal, self.slow
        return made


def action(kind: ActionKind) -> RequestDialog:
    view = next(each for each in working.EVERY_ACTION if each.kind is kind)
    return RequestDialog((replace(SERVICE, actions=working.EVERY_ACTION),), view)


CASES = {
    "plan": Case(lambda: PlanDialog(RESTART), ConfirmLevel.CHOICE),
    "plan with a name": Case(lambda: PlanDialog(RESTART)),
    "plan with a reason": Case(lambda: PlanDialog(RESTART), ConfirmLevel.TYPED_NAME_AND_REASON),
    "plan that is worked out": Case(lambda: PlanDialog(RESTART), slow=True),
    "refusal": Case(lambda: PlanDialog(RESTART), refusal=Refusal("cooling-down", "just restarted")),
    "plan of several": Case(lambda: TogetherDialog(BOTH), ConfirmLevel.CHOICE),
    "plan of several with a number": Case(
        lambda: TogetherDialog(BOTH), ConfirmLevel.TYPED_NAME_AND_REASON
    ),
    "plan of several that is worked out": Case(lambda: TogetherDialog(BOTH), slow=True),
    "degrade": Case(lambda: action(ActionKind.DEGRADE)),
    "restore": Case(lambda: action(ActionKind.RESTORE)),
    "scale": Case(lambda: action(ActionKind.SCALE)),
    "acknowledge": Case(lambda: SilencingDialog(acknowledgement())),
    "actions": Case(lambda: ActionsDialog((SERVICE,), working.EVERY_ACTION)),
    "theme": Case(ThemeDialog),
}


def keys_of(name: str) -> tuple[str, ...]:
    """An eighth of the keys, another one for each dialog; all when the whole is asked for."""
    return EVERY if WHOLE else EVERY[list(CASES).index(name) % 8 :: 8]


def burst(stage: Stage, key: str, count: int) -> None:
    """``key`` so many times at once, as a held or bouncing key comes."""
    name = _character_to_key(key) if len(key) == 1 else key
    character = key if len(key) == 1 else {"space": " ", "enter": "\r", "tab": "\t"}.get(key)
    for _ in range(count):
        stage.app.post_message(events.Key(name, character))


async def settled(stage: Stage) -> None:
    """Wait until every key was handled, and what came of it."""
    for _ in range(3):
        await stage.pilot.pause()


def left_behind(stage: Stage) -> tuple[object, ...]:
    """What a key that leaks would change on the overview."""
    overview = stage.app.screen_stack[1]
    assert isinstance(overview, OverviewScreen), "the base is there"
    rows = overview._services.choice
    table = overview.query_one("#services")
    return (
        rows.sort, rows.failing_only, rows.filter, overview._zoomed,
        stage.app.time.is_live, overview.table(overview.focused_panel).cursor_key,
        overview.table(overview.focused_panel).chosen, overview.focused_panel, table.has_focus,
        bool(overview.query("Prompt")), stage.engine.refreshed,
    )  # fmt: skip


async def cleared(stage: Stage) -> None:
    """Close what a burst opened, down to the overview."""
    while len(stage.app.screen_stack) > 2:
        await stage.app.pop_screen()
    await settled(stage)


@pytest.mark.parametrize("name", CASES)
async def test_a_burst_after_it_opened(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = CASES[name]
    monkeypatch.setattr(dialog, "DEAD_TIME", 0.0)
    engine = case.engine()
    async with open_stage(None, engine=engine, size=SIZE) as stage:
        before = left_behind(stage)
        presses = [
            *((key, 5) for key in keys_of(name)),
            *product(CLOSING, (1, 2, 3, 4) if WHOLE else (1, 2)),
        ]
        for key, count in presses:
            stage.app.open(case.route())
            await settled(stage)
            burst(stage, key, count)
            await settled(stage)
            assert engine.performed == [], f"{key} × {count} started it"
            await cleared(stage)
            assert left_behind(stage) == before, f"{key} × {count} leaked"


@pytest.mark.parametrize("name", CASES)
async def test_a_burst_as_it_opens(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = CASES[name]
    engine = case.engine()
    said: list[str] = []
    async with open_stage(None, engine=engine) as stage:
        monkeypatch.setattr(stage.app, "say", said.append)
        before = left_behind(stage)
        for key in (*CLOSING, "tab", "R", "x", ":", "/"):
            stage.app.open(case.route())
            opened = stage.app.screen
            said.clear()
            burst(stage, key, 5)
            await settled(stage)
            assert engine.performed == [], f"{key} started it"
            if isinstance(opened, dialog.Dialog) and opened.CAREFUL:
                assert stage.app.screen is opened, f"{key} closed it before it could be read"
                assert said.count("typed before it could be read: not used") == 5, key
            await cleared(stage)
            assert left_behind(stage) == before, f"{key} leaked"


async def test_a_sentence_typed_into_a_dialog_that_closes_goes_nowhere(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialog, "DEAD_TIME", 0.0)
    engine = FakeEngine(fleet.on_fire())
    async with open_stage(None, engine=engine) as stage:
        before = left_behind(stage)
        stage.app.open(PlanDialog(RESTART))
        await settled(stage)
        burst(stage, "escape", 1)
        await settled(stage)
        monkeypatch.setattr("opsconsole.ui.app.QUIET", 60.0)  # a slow machine must not make it pass
        await stage.press(*"fRzs", "colon", *"quit", "enter")
        assert left_behind(stage) == before
        assert "typed as the dialog closed: not used" in stage.text


async def test_the_first_screen_cannot_be_closed(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        overview = stage.app.screen
        for _ in range(3):
            stage.app.pop_screen()
            stage.app.screen.dismiss()
        await settled(stage)
        assert stage.app.screen is overview


async def test_a_key_that_does_nothing_is_answered(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        for key in ("Y", "f8", "f9"):
            await stage.press(key)
            assert f"{key} does nothing here" in stage.text


async def test_closing_a_plan_says_that_nothing_was_started(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        stage.app.open(PlanDialog(RESTART))
        await settled(stage)
        assert isinstance(stage.app.screen, PlanScreen)
        stage.app.screen.action_close()
        await settled(stage)
        assert "nothing was started" in stage.text
