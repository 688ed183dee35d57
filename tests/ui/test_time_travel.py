"""The whole console at a moment that has passed: what it says, and what it refuses."""

import subprocess
import sys
from dataclasses import replace
from itertools import count
from unittest.mock import patch

import pytest

from opsconsole.model.operation import ActionRequest, Refusal
from opsconsole.model.past.replay import Moment, Origin, Span
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.routes import PlanDialog
from opsconsole.ui.screens.alerts.alert import AlertScreen
from opsconsole.ui.screens.changes.operations import OperationsScreen
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.overview.screen import OverviewScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine, FixedClock
from tests.ui.fleet import NOW
from tests.ui.tabs import key_of

BACK, FORTH = "left_square_bracket", "right_square_bracket"
SIZES = [(80, 24), (120, 40), (200, 60)]
CHANGES = ("R", "D", "B", "U", "x")


def recorded(*, down_before: float = NOW - 30.0) -> FakeEngine:
    """Calm now; everything was on fire until ``down_before``; an hour is recorded."""
    engine = FakeEngine(fleet.calm())
    engine.recorded = Span(NOW - 3600.0, NOW)

    def answer(at: float) -> Moment | Refusal:
        if at < NOW - 3600.0:
            return Refusal("before-recording", "nothing is recorded so early")
        made = fleet.on_fire(2) if at < down_before else fleet.calm()
        return Moment(at, at, replace(made, taken_at=at, replayed=True))

    engine.answer_moment = answer
    return engine


def top(stage: Stage) -> str:
    """The two lines of the header."""
    return "\n".join(stage.text.splitlines()[:2])


@pytest.mark.parametrize("size", SIZES)
async def test_a_step_back_shows_what_was_and_says_so(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(None, engine=recorded(), size=size) as stage:
        assert "REPLAY" not in stage.text
        await stage.press(BACK)
        assert "REPLAY 09:13:07Z, 1m00s ago" in top(stage)
        assert "✖ 1 down" in top(stage)
        assert "p returns to now" in top(stage)
        assert "now ● " in top(stage), "what is so at present stands beside it"
        assert "09:13:07Z" in stage.text.splitlines()[0], "the clock is of the moment"
        await stage.press(FORTH)
        assert "REPLAY" not in stage.text
        assert "09:14:07Z" in stage.text.splitlines()[0]


async def test_ten_minutes_and_a_typed_time(open_stage: OpenStage) -> None:
    engine = recorded()
    async with open_stage(None, engine=engine) as stage:
        await stage.press("left_curly_bracket", "left_curly_bracket", "right_curly_bracket")
        assert "REPLAY 09:04:07Z, 10m00s ago" in top(stage)
        await stage.press("colon", *"at 08:30", "enter")
        assert "REPLAY 08:30:00Z" in top(stage)
        await stage.press("at", *"-5m", "enter")
        assert "REPLAY 09:09:07Z" in top(stage)
        await stage.press("at", *"half nine", "enter")
        assert "half nine is no time" in stage.text
        assert "REPLAY 09:09:07Z" in top(stage)
        passing = patch.object(stage.clock, "now", side_effect=count(NOW, 0.001).__next__)
        with passing:
            await stage.press("at", *"now", "enter")
        assert "REPLAY" not in stage.text


async def test_before_the_first_moment_it_says_so_and_stays(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=recorded()) as stage:
        await stage.press("at", *"-50m", "enter")
        await stage.press("left_curly_bracket")
        assert "REPLAY 08:14:07Z" in top(stage), "it stops at the first moment"
        await stage.press("left_curly_bracket")
        assert "REPLAY 08:14:07Z" in top(stage)
        assert "nothing is recorded before 08:14:07Z" in stage.text


async def test_without_a_recording_it_says_so(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press(BACK)
        assert "nothing is recorded yet" in stage.text
        assert "REPLAY" not in stage.text


async def test_the_moment_asked_for_is_said_while_it_is_read(open_stage: OpenStage) -> None:
    engine = recorded()
    engine.slow = True
    async with open_stage(None, engine=engine) as stage:
        await stage.press(BACK, BACK, BACK)
        assert "REPLAY · reading 09:11:07Z" in top(stage)
        assert engine.moments == [NOW - 60.0]
        engine.settle()
        await stage.pilot.pause()
        await stage.pilot.pause()
        assert engine.moments == [NOW - 60.0, NOW - 180.0]
        engine.settle()
        await stage.pilot.pause()
        await stage.pilot.pause()
        assert "REPLAY 09:11:07Z, 3m00s ago" in top(stage)


async def test_escape_returns_on_the_overview_and_goes_back_elsewhere(
    open_stage: OpenStage,
) -> None:
    async with open_stage(None, engine=recorded()) as stage:
        await stage.press("slash", *"ai", "enter")
        await stage.press(BACK, "enter")
        assert isinstance(stage.app.screen, ServiceScreen)
        assert "REPLAY 09:13:07Z" in top(stage)
        await stage.press("escape")
        assert isinstance(stage.app.screen, OverviewScreen)
        assert "REPLAY 09:13:07Z" in top(stage)
        await stage.press("escape")
        assert "REPLAY" not in stage.text
        assert "filter ai" in stage.text, "one level at a time"


async def test_p_returns_from_everywhere(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=recorded()) as stage:
        await stage.press(BACK, "enter", "p")
        assert isinstance(stage.app.screen, ServiceScreen)
        assert "REPLAY" not in stage.text


@pytest.mark.parametrize("screen", ["overview", "service", "operations"])
@pytest.mark.parametrize("held", [False, True], ids=["replayed", "held"])
async def test_every_change_is_refused(open_stage: OpenStage, screen: str, held: bool) -> None:
    engine = recorded()
    async with open_stage(None, engine=engine) as stage:
        if screen == "service":
            await stage.press("enter")
        elif screen == "operations":
            await stage.press("u")
            assert isinstance(stage.app.screen, OperationsScreen)
        await stage.press("p" if held else BACK)
        depth = len(stage.app.screen_stack)
        assert screen == "operations" or f"({'held' if held else 'replay'})" in stage.text
        for key in CHANGES:
            await stage.press(key)
            assert len(stage.app.screen_stack) == depth, key
            assert "not now; p returns to now" in stage.text, key
    assert engine.requests == []


async def test_nothing_is_done_to_alerts_either(open_stage: OpenStage) -> None:
    engine = recorded()
    async with open_stage(None, engine=engine) as stage:
        await stage.press(BACK, "2")
        for key in ("A", "S"):
            await stage.press(key)
            assert isinstance(stage.app.screen, OverviewScreen)
            assert "not now; p returns to now" in stage.text
        await stage.press("d")
        assert isinstance(stage.app.screen, AlertScreen)
        await stage.press("A")
        assert isinstance(stage.app.screen, AlertScreen)
    assert engine.requests == []


async def test_a_request_that_slips_by_the_keys_says_what_it_was_made_on(
    open_stage: OpenStage,
) -> None:
    """Policy refuses what was asked for on a moment that has passed; the request tells it."""
    engine = recorded()
    async with open_stage(None, engine=engine) as stage:
        await stage.press(BACK)
        request = ActionRequest("ai-service", fleet.ACTIONS[0].kind, "restart")
        stage.app.changes.request_all([request])
        assert engine.requests == []
        stage.app.open(PlanDialog(request))
        await stage.pilot.pause()
        assert [each.seen_at for each in engine.requests] == [NOW - 60.0]


async def test_keys_go_to_the_plan_while_it_is_worked_out(open_stage: OpenStage) -> None:
    engine = recorded()
    engine.slow = True
    async with open_stage(None, engine=engine) as stage:
        await stage.press("R")
        plan = stage.app.screen
        assert isinstance(plan, PlanScreen)
        await stage.press(BACK, "j", "enter", "space", "q")
        assert stage.app.screen is plan
        assert engine.moments == []
        engine.settle()
        for _ in range(3):
            await stage.pilot.pause()
        assert "restart 3 of 3 copies" in stage.text
    assert engine.performed == []


async def test_to_the_start_of_an_alert(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire())
    engine.answer_moment = recorded(down_before=0.0).answer_moment
    async with open_stage(None, engine=engine) as stage:
        await stage.press("r")
        assert "no alert is under the cursor" in stage.text
        await stage.press("2")
        overview = stage.app.screen
        assert isinstance(overview, OverviewScreen)
        assert overview.alert is not None
        since = overview.alert.since
        await stage.press("r")
        assert engine.moments == [since]
        assert stage.app.time.now == since
        assert "REPLAY" in top(stage)


async def test_what_is_live_says_so(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=recorded()) as stage:
        await stage.press(BACK, "l")
        assert "live: not of the moment" in stage.text
        await stage.press("p")
        assert "live: not of the moment" not in stage.text


async def test_figures_of_prometheus_alone_are_said_to_be(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.calm())
    past = Snapshot(1, NOW - 7200.0, services=fleet.calm().services, replayed=True)
    engine.answer_moment = lambda at: Moment(at, at, past, Origin.PROMETHEUS)
    async with open_stage(None, engine=engine, size=(160, 40)) as stage:
        await stage.press("at", *"-2h", "enter")
        assert "figures from Prometheus alone" in top(stage)


async def test_a_moment_of_another_day_is_told_with_its_date(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.calm())
    engine.answer_moment = recorded(down_before=0.0).answer_moment
    engine.answer_moment = lambda at: Moment(at, at, replace(fleet.calm(), taken_at=at))
    async with open_stage(None, engine=engine) as stage:
        await stage.press("at", *"2025-11-19T09:14", "enter")
        assert "REPLAY 2025-11-19 09:14:00Z, 2d0h ago" in top(stage)


async def test_reading_goes_on(open_stage: OpenStage) -> None:
    engine = recorded()
    async with open_stage(None, engine=engine) as stage:
        await stage.press(BACK)
        await stage.publish(replace(fleet.on_fire(3), taken_at=NOW + 1.0))
        assert "now ✖ 1" in top(stage)
        assert "REPLAY 09:13:07Z" in top(stage)
        clock: FixedClock = stage.clock
        clock.at += 60.0
        stage.app.show()
        await stage.pilot.pause()
        assert "REPLAY 09:13:07Z, 2m00s ago" in top(stage)


@pytest.mark.parametrize("tab", ["backups", "pages", "logs"])
async def test_tabs_that_are_live_say_so(open_stage: OpenStage, tab: str) -> None:
    async with open_stage(None, engine=recorded()) as stage:
        await stage.press(BACK, "enter", key_of(tab))
        assert "live: not of the moment" in stage.text
        await stage.press("p")
        assert "live: not of the moment" not in stage.text


async def test_what_is_down_now_is_said_in_its_own_role(open_stage: OpenStage) -> None:
    engine = FakeEngine(fleet.on_fire())
    engine.answer_moment = lambda at: Moment(at, at, replace(fleet.calm(), taken_at=at))
    async with open_stage(None, engine=engine) as stage:
        await stage.press(BACK)
        assert "now ✖ 1  ▲ 2" in top(stage)


async def test_a_figure_of_prometheus_says_that_it_is(open_stage: OpenStage) -> None:
    views = tuple(
        replace(
            each,
            metrics=(MetricValue(each.name, "queue", 7.0, at=NOW - 60, origin="from Prometheus"),),
        )
        for each in fleet.calm().services
    )
    engine = FakeEngine(fleet.calm())
    engine.answer_moment = lambda at: Moment(at, at, Snapshot(1, at, services=views))
    async with open_stage(None, engine=engine) as stage:
        await stage.press(BACK, "enter", key_of("metrics"))
        assert "from Prometheus" in stage.text


def test_nothing_of_it_is_imported_before_the_first_paint() -> None:
    """What snapshots are made of takes as long to import as all of the screen."""
    asked = "import sys, opsconsole.ui.app; print('opsconsole.model.snapshot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
