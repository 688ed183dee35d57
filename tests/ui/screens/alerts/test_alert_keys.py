"""Alerts on the screen: folded, acknowledged, silenced, described, and their silences."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.alerting.silences import OWN_RULES, parse_matcher
from opsconsole.model.operation import ActionKind, Refusal
from opsconsole.ui.screens.alerts.alert import AlertScreen
from opsconsole.ui.screens.alerts.silences import SilencesScreen
from opsconsole.ui.screens.alerts.silencing import SilencingScreen
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.overview.screen import OverviewScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.ui import fleet, ringing
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine
from tests.ui.screens.changes.test_operations import line_of
from tests.ui.screens.changes.test_requests import SIZES, shown, typed
from tests.ui.tabs import key_of

pytestmark = pytest.mark.usefixtures("in_turns")


@pytest.mark.parametrize("size", SIZES)
async def test_symptoms_fold_under_their_cause_and_open(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(ringing.ringing(), size=size) as stage:
        await stage.press("2", "z")
        assert "+2" in line_of(stage, "ServiceDown")
        assert "HighLatency" not in stage.text
        await stage.press("enter")
        assert shown(stage) is OverviewScreen
        assert "└ HighLatency" in stage.text
        assert "└ ErrorRate" in stage.text
        assert "+2" not in line_of(stage, "ServiceDown")
        await stage.press("j", "left")
        assert "HighLatency" not in stage.text
        await stage.press("right")
        assert "└ HighLatency" in stage.text


async def test_folding_hides_no_resolution(open_stage: OpenStage) -> None:
    snapshot = ringing.ringing()
    ended = tuple(
        replace(each, state=AlertState.RESOLVED) if each.name == "HighLatency" else each
        for each in snapshot.alerts
    )
    async with open_stage(snapshot) as stage:
        await stage.press("2", "z")
        assert "HighLatency" not in stage.text
        await stage.publish(replace(snapshot, alerts=ended, seq=2))
        assert "lasted" in line_of(stage, "HighLatency")
        assert "+1" in line_of(stage, "ServiceDown")


@pytest.mark.parametrize("size", SIZES)
async def test_a_row_says_who_acknowledged_it_and_until_when(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(ringing.ringing(), size=size) as stage:
        await stage.press("2", "z")
        wide = size[0] >= 120
        who = "kim@bastion-1 15m00s ago" if wide else "kim"
        assert f"acked by {who} until 11:14Z · ai-backend" in line_of(stage, "LowCacheHit")


@pytest.mark.parametrize("size", SIZES)
async def test_acknowledging_asks_for_a_reason_and_then_a_plan(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(ringing.ringing(), size=size) as stage:
        await stage.press("2", "A")
        assert shown(stage) is SilencingScreen
        assert "matches 1 of 5 alerts now" in stage.text
        await stage.press("enter", "enter")
        assert "a reason is needed" in stage.text
        assert stage.engine.requests == []
        await stage.press(*"on", "space", *"it", "enter", "enter")
        assert shown(stage) is PlanScreen
        [request] = stage.engine.requests
        assert (request.service, request.kind) == ("main", ActionKind.ACKNOWLEDGE)
        assert (request.reason, dict(request.parameters)) == ("on it", {"alert": "f0001"})
        assert stage.engine.performed == []


@pytest.mark.parametrize("size", SIZES)
async def test_a_silence_begins_as_the_alert_and_shows_what_it_matches(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(ringing.ringing(), size=size) as stage:
        await stage.press("2", "S")
        assert "matches 1 of 5 alerts now" in stage.text
        await stage.press("ctrl+u", *'severity="warning"')
        assert "matches 3 of 5 alerts now" in stage.text
        assert "LowCacheHit" in stage.text
        await stage.press("ctrl+u", *"severity=~")
        assert "matches 5 of 5" not in stage.text
        await stage.press("ctrl+u", *"service=~", '"', *"ai-.*", '"', "enter")
        assert "matches 2 of 5 alerts now" in stage.text
        await stage.press("enter", *"disks", "enter", "enter")
        assert shown(stage) is PlanScreen
        [request] = stage.engine.requests
        assert (request.kind, request.duration) == (ActionKind.SILENCE, 7200.0)
        assert request.reason == "disks"
        [matcher] = request.parameters.values()
        assert parse_matcher(matcher) == parse_matcher('service=~"ai-.*"')


async def test_what_is_wrong_with_a_silence_is_said_and_asks_for_nothing(
    open_stage: OpenStage,
) -> None:
    async with open_stage(ringing.ringing()) as stage:
        await stage.press("2", "S", "ctrl+u", *"nonsense here")
        assert "is not a matcher" in stage.text
        await stage.press("ctrl+u", *"x=~", '"', *".*", '"', "enter", "enter", *"c", "enter")
        await stage.press("enter")
        assert "one matcher must select" in stage.text
        assert stage.engine.requests == []


@pytest.mark.parametrize("key", ["A", "S"])
async def test_read_only_refuses_at_once_and_says_why(open_stage: OpenStage, key: str) -> None:
    async with open_stage(ringing.ringing(read_only=True)) as stage:
        await stage.press("2", key)
        assert shown(stage) is OverviewScreen
        assert "refused: this console is read-only" in stage.text
        assert stage.engine.requests == []


async def test_an_alert_that_no_alertmanager_reports_is_acknowledged_in_the_console_s_own_state(
    open_stage: OpenStage,
) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("2", "A")
        assert "every console of this state will see it" in stage.text
        await stage.press(*"on it", "enter", "enter")
        (request,) = stage.engine.requests
        assert (request.service, request.reason) == (OWN_RULES, "on it")
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("1", "A")
        assert "no alert is under the cursor" in stage.text


@pytest.mark.parametrize("size", SIZES)
async def test_enter_opens_the_service_with_the_start_marked(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(ringing.ringing(), size=size) as stage:
        await stage.press("2", "enter", "enter")
        assert shown(stage) is ServiceScreen
        assert re.search(r"ServiceDown +began at 09:10:55Z, 3m12s ago", stage.text)
        assert "no instance answers" in stage.text
        assert "A acknowledge" in stage.text
        assert "What can be done" in stage.text, "an alert leads to why"
        await stage.press("2")
        assert stage.text.count("▶") == 3, "said, on the axis, and below it"


async def test_the_alert_that_led_to_its_service_is_acknowledged_there(
    open_stage: OpenStage,
) -> None:
    async with open_stage(ringing.ringing()) as stage:
        await stage.press("2", "enter", "enter", "A")
        assert shown(stage) is SilencingScreen
        await stage.press("escape", "escape", "1", "enter", "A")
        assert "no alert is under the cursor" in stage.text


@pytest.mark.parametrize("size", SIZES)
async def test_describe_shows_everything_known(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(ringing.ringing(), size=size) as stage:
        await stage.press("2", "d")
        assert shown(stage) is AlertScreen
        for said in (
            "no instance answers", "every instance of ai-service", "https://runbooks.example",
            "alertmanager:main", "severity=", "value",
        ):  # fmt: skip
            assert said in stage.text
        await stage.press("A")
        assert shown(stage) is SilencingScreen
        await stage.press("escape")
        await stage.publish(replace(ringing.ringing(), alerts=(), seq=2))
        assert "no source reports this alert any more" in stage.text


@pytest.mark.parametrize("size", SIZES)
async def test_silences_are_listed_ended_edited_and_renewed(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(ringing.ringing(), size=size) as stage:
        await stage.press("s")
        assert shown(stage) is SilencesScreen
        assert "2 in force, 1 ended recently" in stage.text
        assert "hides 2" in line_of(stage, 'job=~"batch.*"')
        await stage.press("T")
        assert "still in force" in stage.text
        await stage.press("E", *"done", "enter", "enter")
        assert shown(stage) is PlanScreen
        await stage.app.pop_screen()
        await stage.press("C")
        assert 'job=~"batch.*"' in stage.text
        await stage.press("enter", "enter", "enter", "enter")
        await stage.app.pop_screen()
        await stage.press("end", "C")
        assert "it has ended already" in stage.text
        await stage.press("T", "enter", "enter", "enter")
        ending, edited, again = stage.engine.requests
        assert (ending.kind, ending.reason) == (ActionKind.EXPIRE_SILENCE, "done")
        assert dict(ending.parameters) == {"silence": "s-1"}
        assert (edited.kind, edited.duration) == (ActionKind.SILENCE, 3600.0)
        assert edited.parameters["replaces"] == "s-1"
        assert (again.kind, again.duration, again.reason) == (
            ActionKind.SILENCE, 7200.0, "was noisy",
        )  # fmt: skip
        assert 'alertname="OldOne"' in again.parameters.values()
        assert stage.engine.performed == []


@pytest.mark.parametrize("size", SIZES)
async def test_objectives_say_what_is_left_and_what_to_do(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(ringing.ringing(), size=size) as stage:
        await stage.press("enter", key_of("metrics"))
        page = " ".join(stage.text.split())
        for said in (
            "△ missed availability 99.9% over 30d 99.834%", "too fast: 6× over 6h/30m",
            "at 166% of its limit; budget left 38%, or 16m25s of complete failure; burns 9.2×",
            "seen over 3d", "at 63% of its limit; rising", "? unknown rate(requests) > 100/s",
            "scale up from 3 to 5: cpu is 81% of 50% a copy",
        ):  # fmt: skip
            assert said in page


async def looked_at(stage: Stage, *way: str) -> None:
    """Go a way from the overview and back: at no step is a hostile text more than text."""
    for key in way:
        await stage.press(key)
        assert shown(stage) is not OverviewScreen
        assert "\x1b" not in stage.text
        assert "\r" not in stage.text
        assert stage.app._exception is None
    while shown(stage) is not OverviewScreen:
        await stage.press("escape")


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_labels_are_only_text(open_stage: OpenStage, size: tuple[int, int]) -> None:
    snapshot = fleet.hostile()
    evil = tuple(
        ringing.reported(each, number, runbook=each.name, value=each.name,
                         labels={**each.labels, each.name[:30]: each.name})
        for number, each in enumerate(snapshot.alerts)
    )  # fmt: skip
    kept = tuple(
        replace(each, by=text, comment=text, id=text)
        for each in ringing.silences()
        for text in fleet.EVIL[:6]
    )
    async with open_stage(replace(snapshot, alerts=evil, silences=kept), size=size) as stage:
        for _ in evil:
            for way in ("A", "S", "dS"):
                await stage.press("2")
                await looked_at(stage, *way)
            await stage.press("2", "j")
        await looked_at(stage, "s")
    assert stage.engine.performed == []


async def test_the_word_of_a_plan_is_still_asked(open_stage: OpenStage) -> None:
    async with open_stage(ringing.ringing()) as stage:
        await stage.press("2", "A", *"x", "enter", "enter")
        stage.let_read()
        await stage.press("enter")
        assert stage.engine.performed == []


async def fill_acknowledgement(stage: Stage) -> None:
    await stage.press("2", "A", *"on it", "enter")


async def fill_silence(stage: Stage) -> None:
    await stage.press("2", "S", "ctrl+u", *'job=~"x.*"', "enter", "ctrl+u", *"90m", "enter")
    await stage.press(*"disks", "enter")


async def fill_end(stage: Stage) -> None:
    await stage.press("s", "E", *"done", "enter")


async def fill_edit(stage: Stage) -> None:
    await stage.press("s", "C", "enter", "enter", *" more", "enter")


@pytest.mark.parametrize("fill", [fill_acknowledgement, fill_silence, fill_end, fill_edit])
async def test_a_refusal_leads_back_to_the_form_as_it_was_filled_in(
    open_stage: OpenStage, fill: Callable[[Stage], Awaitable[None]]
) -> None:
    engine = FakeEngine(ringing.ringing())
    engine.refusal = Refusal("locked", "ann@here is at it (00:03)", "wait until it has ended")
    async with open_stage(None, engine=engine) as stage:
        await fill(stage)
        was = typed(stage)
        assert all(was.values())
        await stage.press("enter")
        assert shown(stage) is PlanScreen
        stage.let_read()
        await stage.press("escape")
        assert shown(stage) is SilencingScreen
        assert typed(stage) == was
        assert "refused: ann@here is at it" in stage.text
        engine.refusal = None
        await stage.press(*["enter"] * (len(was) + 1))
        assert engine.requests[-1] == engine.requests[0], "the same is asked for again"
