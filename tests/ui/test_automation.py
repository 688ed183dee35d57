"""What automation is about to do is on every screen, and one key stops it from each."""

from dataclasses import replace

import pytest

from opsconsole.model.asked.questions import (
    CloseBreaker,
    EndMaintenance,
    StartMaintenance,
    StopRemedy,
    SwitchAutomation,
)
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import ActionKind
from opsconsole.model.remedies.automation import Automation, RemedyView
from opsconsole.model.remedies.episodes import Ending, Episode, Hand
from opsconsole.model.remedies.rules import RemedyMode
from opsconsole.model.remedies.switch import Switch
from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.options import Options, WallOptions
from opsconsole.ui.screens.automation import AutomationScreen
from opsconsole.ui.screens.changes.plan import PlanScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage
from tests.ui.fleet import NOW

SIZES = [(80, 24), (120, 40)]
RULE = RemedyView("restart-oatie", "oatie", "restart", RemedyMode.AUTO, "state == down for 1m", "")
SEEN = Episode(
    "1-00000001", "restart-oatie", "oatie", ActionKind.RESTART, "restart", RemedyMode.AUTO,
    NOW - 70, NOW - 8, evidence=("state == down for 62 s, seen by 13 looks",),
)  # fmt: skip
COUNTING = replace(SEEN, counting_from=NOW - 6, counting_to=NOW + 24)
ASKED = replace(SEEN, mode=RemedyMode.ASK, asked_at=NOW - 6, summary="restart container oatie-1")


def with_automation(
    *episodes: Episode, switch: Switch | None = None, snapshot: Snapshot | None = None
) -> Snapshot:
    """A fleet on fire, and what automation does."""
    shown = snapshot or fleet.on_fire()
    known = Automation((RULE,), switch or Switch(), episodes)
    return replace(shown, automation=known)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", [(), ("enter",), ("t",), ("l",), ("u",), ("s",), ("?",)])
async def test_a_countdown_is_on_every_screen_and_one_key_stops_it(
    open_stage: OpenStage, size: tuple[int, int], way: tuple[str, ...]
) -> None:
    async with open_stage(with_automation(COUNTING), size=size) as stage:
        await stage.press(*way)
        head = " ".join(" ".join(stage.text.splitlines()[:5]).split())
        assert "restart of oatie by itself in 24s" in head, stage.text
        assert "K stops it" in head
        await stage.press("K")

        assert stage.engine.hands == [StopRemedy(COUNTING.id)]
        assert stage.engine.performed == []


async def test_it_is_stopped_from_a_console_that_may_change_nothing(open_stage: OpenStage) -> None:
    options = Options(read_only=True)
    async with open_stage(with_automation(COUNTING), options=options) as stage:
        await stage.press("K")
        assert stage.engine.hands == [StopRemedy(COUNTING.id)]


async def test_a_key_of_one_s_own_stops_it_and_is_what_is_named(open_stage: OpenStage) -> None:
    options = Options(keys={"stop-automation": "f9"})
    async with open_stage(with_automation(COUNTING), options=options) as stage:
        assert "f9 stops it" in stage.text
        assert "K stops it" not in stage.text
        await stage.press("f9")
        assert stage.engine.hands == [StopRemedy(COUNTING.id)]


async def test_nothing_counts_down_once_all_is_off(open_stage: OpenStage) -> None:
    off = Switch(off=Hand("kim", "b1", NOW, "deploying"))
    async with open_stage(with_automation(COUNTING, switch=off)) as stage:
        assert "by itself in" not in stage.text
        assert "automation is off" in stage.text


async def test_a_wall_shows_it(open_stage: OpenStage) -> None:
    options = Options(wall=WallOptions())
    async with open_stage(with_automation(COUNTING), size=(120, 40), options=options) as stage:
        assert "restart of oatie by itself in 24s" in stage.text


async def test_with_nothing_to_stop_the_key_says_so(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        assert "K stop it" not in stage.text
        await stage.press("K")
        assert stage.engine.hands == []
        assert "automation is not about to do anything" in stage.text


async def test_what_is_asked_for_opens_its_plan_and_begins_nothing(open_stage: OpenStage) -> None:
    async with open_stage(with_automation(ASKED), size=(120, 40)) as stage:
        assert "restart of oatie is asked for" in stage.text
        await stage.press("colon", *"automation", "enter")
        assert isinstance(stage.app.screen, AutomationScreen)
        await stage.press("enter")
        assert isinstance(stage.app.screen, PlanScreen)
        (request,) = stage.engine.requests
        assert (request.service, request.kind) == ("oatie", ActionKind.RESTART)
        assert stage.engine.performed == []


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("auto off deploying", SwitchAutomation(False, "deploying")),
        ("auto off", SwitchAutomation(False)),
        ("auto on", SwitchAutomation(True)),
        ("auto close restart-oatie more memory", CloseBreaker("restart-oatie", "more memory")),
        ("maintenance oatie mailer 2h new disks",
         StartMaintenance(("oatie", "mailer"), 7200.0, "new disks")),
        ("maintenance start oatie 90s x", StartMaintenance(("oatie",), 90.0, "x")),
        ("maintenance 1h all of it", StartMaintenance((), 3600.0, "all of it")),
        ("maintenance end oatie", EndMaintenance("oatie")),
    ],
)  # fmt: skip
async def test_what_is_typed_is_asked_for(open_stage: OpenStage, typed: str, asked: object) -> None:
    keys = [{" ": "space", "-": "minus"}.get(each, each) for each in typed]
    async with open_stage(with_automation(), options=Options(read_only=True)) as stage:
        await stage.press("colon", *keys, "enter")
        assert stage.engine.hands == [asked]
        assert "refused: the state does not answer" in stage.text


@pytest.mark.parametrize("typed", ["auto later", "maintenance oatie", "maintenance end",
                                   "maintenance nothing 2h x"])  # fmt: skip
async def test_what_is_not_understood_says_how(open_stage: OpenStage, typed: str) -> None:
    keys = [{" ": "space"}.get(each, each) for each in typed]
    async with open_stage(with_automation()) as stage:
        await stage.press("colon", *keys, "enter")
        assert stage.engine.hands == []
        assert f"{typed.split()[0]} " in stage.text.splitlines()[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_the_page_says_what_each_remedy_does_and_did(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    over = replace(
        SEEN, id="1-00000002", suggested_at=NOW - 3500, at=NOW - 3500, ended_at=NOW - 3400,
        ending=Ending.ALONE,
    )  # fmt: skip
    work = Maintenance("1-00000003", ("mailer",), NOW - 60, NOW + 3600, "new disks", "kim", "b")
    off = Switch(off=Hand("ana", "b", NOW - 60, "deploying"))
    shown = replace(with_automation(over, switch=off), maintenances=(work,))
    async with open_stage(shown, size=size) as stage:
        await stage.press("colon", *"automation", "enter")
        said = " ".join(stage.text.split())
        for text in (
            "automation is off, by ana@b 1m00s ago: deploying",
            "restart-oatie auto: restart of oatie when state == down for 1m",
            "it came back alone after 2 min",
        ):
            assert text in said, stage.text
        await stage.press("end")
        assert "would have acted once" in stage.text
        await stage.press("esc")


async def test_maintenance_is_on_the_row_the_page_and_the_wall(open_stage: OpenStage) -> None:
    work = Maintenance("1-00000003", ("oatie",), NOW - 60, NOW + 4320, "new disks", "kim", "b")
    shown = replace(fleet.calm(), maintenances=(work,))
    async with open_stage(shown, size=(160, 45)) as stage:
        assert "⊘ maintenance, 1h12m more" in stage.text
        await stage.press("colon", *"oatie", "enter")
        assert "⊘ maintenance, 1h12m more, by kim: new disks" in stage.text
    options = Options(wall=WallOptions())
    ill = replace(fleet.on_fire(), maintenances=(replace(work, services=()),))
    async with open_stage(ill, size=(120, 40), options=options) as stage:
        assert "⊘ maintenance" in stage.text
