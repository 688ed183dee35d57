"""Grouping, saved views, filters and columns on the overview, and that they stay."""

import threading
from dataclasses import replace

import pytest

from opsconsole.model.alerting.alerts import Severity
from opsconsole.model.choices import Choices, SavedView
from opsconsole.model.snapshot import Appearance
from opsconsole.render.overview import Panel
from opsconsole.render.service.columns import columns_for
from opsconsole.ui.options import Options
from opsconsole.ui.screens.overview.screen import OverviewScreen
from tests.ui import fleet, fleets
from tests.ui.conftest import OpenStage, Stage


class Kept:
    """Choices in memory; ``written`` is set by each write."""

    def __init__(self, choices: Choices | None = None) -> None:
        self.choices = choices or Choices()
        self.written = threading.Event()

    def read(self) -> Choices:
        return self.choices

    def write(self, choices: Choices) -> None:
        self.choices = choices
        self.written.set()


async def say(stage: Stage, line: str) -> None:
    names = {" ": "space", ":": "colon", "-": "minus", "!": "exclamation_mark", "*": "asterisk"}
    await stage.press("colon", *(names.get(each, each) for each in line), "enter")
    await stage.pilot.pause()


def keys(stage: Stage) -> tuple[str, ...]:
    screen = stage.app.screen
    assert isinstance(screen, OverviewScreen)
    return tuple(screen.table(Panel.SERVICES).keys)


async def test_the_grouping_is_chosen_and_stays(open_stage: OpenStage) -> None:
    kept = Kept()
    async with open_stage(fleets.large(), options=Options(choices=kept)) as stage:
        await say(stage, "group team")
        assert ":team search-team" in keys(stage)
        assert "grouped by team" in stage.text
        await say(stage, "group nonsense")
        assert "not by nonsense" in stage.text
        assert ":team search-team" in keys(stage)
    assert kept.written.wait(10)
    assert kept.choices.grouping == "team"
    async with open_stage(fleets.large(), options=Options(choices=kept)) as stage:
        await stage.pilot.pause(0.05)
        assert ":team search-team" in keys(stage)
        await say(stage, "group none")
        assert len(keys(stage)) == 144
        await say(stage, "group")
        assert ":group ai" in keys(stage)


async def test_a_view_is_saved_shown_stepped_to_and_dropped(open_stage: OpenStage) -> None:
    kept = Kept()
    async with open_stage(fleets.large(), options=Options(choices=kept)) as stage:
        await stage.press("v")
        assert "no view is saved" in stage.text
        await stage.press("slash", *"state", "colon", *"down", "enter")
        assert keys(stage) == ("ai-service",)
        await say(stage, "view save fires")
        await stage.press("escape")
        assert len(keys(stage)) > 9
        await stage.press("v")
        assert keys(stage) == ("ai-service",)
        assert "view fires" in stage.text
        await stage.press("v")
        assert len(keys(stage)) > 9
        await stage.press("alt+1")
        assert keys(stage) == ("ai-service",)
        await stage.press("escape")
        await say(stage, "view fi")
        assert keys(stage) == ("ai-service",)
        await say(stage, "view drop fires")
        await stage.press("escape", "v")
        assert "no view is saved" in stage.text


async def test_views_of_the_configuration_stand_beside_own_ones(open_stage: OpenStage) -> None:
    given = Appearance(views=(SavedView("shop", "group:shop"), SavedView("bad", failing=True)))
    kept = Kept(Choices(views=(SavedView("bad", "group:mail", failing=True), SavedView("x", "x"))))
    made = replace(fleets.large(), appearance=given)
    async with open_stage(made, options=Options(choices=kept)) as stage:
        await stage.pilot.pause(0.05)
        await say(stage, "view shop")
        assert len(keys(stage)) == 32
        await say(stage, "view bad")
        assert set(keys(stage)) == {"mailer", "bounces"}
        await say(stage, "view nobody")
        assert "no view is called nobody; there are: shop, bad, x" in stage.text


async def test_columns_are_chosen_and_stay(open_stage: OpenStage) -> None:
    kept = Kept()
    async with open_stage(fleet.on_fire(), options=Options(choices=kept)) as stage:
        assert "req/s" in stage.text
        await say(stage, "columns cpu p99")
        head = next(line for line in stage.text.splitlines() if "service" in line and "why" in line)
        assert head.split()[-2:] == ["cpu", "p99"]
        await say(stage, "columns nothing")
        assert "no column is called nothing" in stage.text
        await say(stage, "columns")
        assert "req/s" in stage.text
    assert kept.choices.columns == ()


@pytest.mark.parametrize("chosen", [(), ("cpu",), ("memory", "cpu", "p50", "p99", "version")])
def test_why_keeps_its_cells_whatever_is_chosen(chosen: tuple[str, ...]) -> None:
    widths = [
        next(each.width for each in columns_for(width, 24, chosen=chosen) if each.id == "why")
        for width in range(80, 240)
    ]
    assert min(widths) >= 40
    assert widths == sorted(widths)


async def test_the_filter_marks_leaves_no_hole_and_prefers_beginnings(
    open_stage: OpenStage,
) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("slash", *"ai", "enter")
        assert keys(stage)[-1] == "mailer"
        lines = stage.text.splitlines()
        last = max(number for number, line in enumerate(lines) if " mailer " in line[:30])
        assert any("2 Alerts" in line for line in lines[last : last + 4])


async def test_a_filter_of_alerts_follows_the_alerts(open_stage: OpenStage) -> None:
    quiet = replace(fleets.large(), alerts=())
    async with open_stage(quiet) as stage:
        await stage.press("slash", *"alert", "colon", *"Service", "enter")
        assert "no service matches" in stage.text
        ringing = (fleet.alert("ServiceDown", Severity.CRITICAL, 60, "edge-03"),)
        await stage.publish(replace(quiet, seq=2, alerts=ringing))
        stage.app.show()
        await stage.pilot.pause()
        assert keys(stage) == ("edge-03",)


async def test_the_key_of_the_columns_begins_with_those_that_are_shown(
    open_stage: OpenStage,
) -> None:
    kept = Kept()
    async with open_stage(fleet.on_fire(), options=Options(choices=kept)) as stage:
        await stage.press("h")
        assert ":columns p95 spark errors requests" in stage.text
        assert "no such name" not in stage.text
        await stage.press("space", *"cpu", "enter")
        await stage.pilot.pause()
        assert kept.written.wait(10)
        assert kept.choices.columns == ("p95", "spark", "errors", "requests", "cpu")


@pytest.mark.parametrize(("pressed", "said", "unsaid"), [
    ("filter", "esc clears the filter", "f lists"),
    ("failing", "f lists all again", "esc"),
    ("both", "esc lists all again", "f lists"),
])  # fmt: skip
async def test_what_was_filtered_out_comes_back_by_the_keys_that_are_named(
    open_stage: OpenStage, pressed: str, said: str, unsaid: str
) -> None:
    async with open_stage(fleet.calm()) as stage:
        screen = stage.app.screen
        assert isinstance(screen, OverviewScreen)
        if pressed != "failing":
            await stage.press("slash", *"down", "enter")
        if pressed != "filter":
            await stage.press("f")
        while keys(stage):
            await stage.press("slash", *"zzz", "enter")
        found = stage.text
        assert "no service matches" in found
        assert said in found
        assert f"  {unsaid}" not in found
        await stage.press(said.split()[0] if said[0] == "f" else "escape")
        assert keys(stage)
