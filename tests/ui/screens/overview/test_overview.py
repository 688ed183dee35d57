"""The overview under the hands of a person."""

import asyncio

import pytest

from opsconsole.model.state import State
from opsconsole.render.overview import Panel
from opsconsole.ui.screens.help import HelpScreen
from opsconsole.ui.screens.overview.screen import OverviewScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.tabs import key_of


def services(stage: Stage) -> OverviewScreen:
    screen = stage.app.screen
    assert isinstance(screen, OverviewScreen)
    return screen


def cursor(stage: Stage) -> str | None:
    return services(stage).table(Panel.SERVICES).cursor_key


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_fire_is_read_at_every_size(open_stage: OpenStage, size: tuple[int, int]) -> None:
    async with open_stage(fleet.on_fire(), size=size) as stage:
        lines = stage.text.splitlines()
        assert "✖ 1 down" in lines[0]
        assert "PRODUCTION" in lines[0]
        assert "▲ alertmanager silent 1m14s: timeout" in lines[1]
        assert "4 of 5" in lines[1]
        assert "✖ down" in lines[4]
        assert "ai-service" in lines[4]
        assert "ServiceDown" in stage.text
        assert all(len(line) == size[0] for line in lines)


async def test_too_small_is_said_in_one_line(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(), size=(40, 10)) as stage:
        assert stage.text.splitlines()[0].startswith("40×10 is too small, 60×15 is the least")
        assert stage.text.count("\n") == 9
        await stage.pilot.resize_terminal(120, 40)
        await stage.pilot.pause(0.1)
        assert "ai-service" in stage.text


async def test_loading_says_so_and_ends(open_stage: OpenStage) -> None:
    async with open_stage(None) as stage:
        assert "starting the engine" in stage.text
        assert "looking …" in stage.text
        await stage.publish(fleet.calm())
        assert "● 11 ok" in stage.text


async def test_without_configuration_this_host_is_shown(open_stage: OpenStage) -> None:
    async with open_stage(fleet.empty()) as stage:
        assert "no services are configured" in stage.text
        assert "instances: http://localhost:8000" in stage.text
        assert "redis-1" in stage.text
        assert "load 2.31" in stage.text


async def test_stale_never_looks_current(open_stage: OpenStage) -> None:
    async with open_stage(fleet.stale()) as stage:
        assert "◌ 11 stale" in stage.text
        assert "● ok" not in stage.text
        assert "last seen ok" in stage.text
        assert "probes stale 2m00s" in stage.text


async def test_the_cursor_stays_on_its_service(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        assert cursor(stage) == "ai-backend"
        await stage.press("j", "j")
        assert cursor(stage) == "ai-service"
        await stage.press("o")
        assert cursor(stage) == "ai-service"
        await stage.publish(fleet.on_fire(2))
        assert cursor(stage) == "ai-service"
        await stage.press("g")
        assert cursor(stage) == "ai-backend"
        await stage.press("end")
        assert cursor(stage) == "scheduler"


async def test_an_untouched_cursor_goes_to_what_fails(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.publish(fleet.on_fire(2))
        assert cursor(stage) == "ai-service"


async def test_filter_inverts_and_clears(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("slash", *"oat")
        assert cursor(stage) == "oatie"
        await stage.press("enter")
        assert "filter oat" in stage.text
        await stage.press("slash", "home", "exclamation_mark", "enter")
        keys = services(stage).table(Panel.SERVICES).keys
        assert "oatie" not in keys
        assert len(keys) == 10
        await stage.press("escape")
        assert len(services(stage).table(Panel.SERVICES).keys) == 11


async def test_a_filter_that_is_no_expression_is_text(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("slash", *"((")
        assert "no service matches" in stage.text


async def test_failing_only(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("f")
        assert services(stage).table(Panel.SERVICES).keys == (
            "ai-service", "elasticsearch", "oatie", "mailer",
        )  # fmt: skip
        await stage.press("n")
        assert cursor(stage) == "elasticsearch"
        await stage.press("comma")
        assert cursor(stage) == "ai-service"


async def test_scroll_keys_never_act(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("ctrl+d", "ctrl+u", "ctrl+d", "pagedown", "pageup", "ctrl+f")
        assert stage.engine.requests == []
        assert isinstance(stage.app.screen, OverviewScreen)


async def test_enter_opens_and_esc_goes_back(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("enter")
        assert isinstance(stage.app.screen, ServiceScreen)
        assert stage.engine.requests == []
        for tab, word in (
            ("why", "3 copies killed, out of memory"), ("latency", "p99"), ("metrics", "budget"),
            ("copies", "out of memory"), ("alerts", "ServiceDown"), ("timeline", "v1.4.2"),
        ):  # fmt: skip
            await stage.press(key_of(tab))
            assert word in stage.text
        await stage.press("q")
        assert isinstance(stage.app.screen, OverviewScreen)


async def test_the_service_screen_shows_the_culprit_and_the_body(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("j", "d")
        assert "cluster red" in stage.text
        await stage.press("y")
        assert '"status": "degraded"' in stage.text


async def test_quit_needs_ctrl_c_twice(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press("q", "escape")
        assert stage.app.is_running
        assert "ctrl-c twice or :q" in stage.text
        await stage.press("ctrl+c")
        assert "ctrl-c again" in stage.text
        assert stage.app.is_running
        await stage.pilot.press("ctrl+c")
        assert stage.app.return_code == 0
        assert not stage.app._running or stage.app._exit


async def test_colon_q_leaves(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press("colon", "q")
        await stage.pilot.pause(0.3)
        await stage.pilot.press("enter")
        await stage.pilot.pause(0.1)
        assert stage.app._exit


async def test_help_is_made_from_the_bindings(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press("question_mark")
        assert isinstance(stage.app.screen, HelpScreen)
        for known in (
            "open what the cursor is on",
            "one level back",
            "answers were quicker than this",
        ):
            assert known in stage.text
        assert "ctrl-d" not in stage.text
        await stage.press("tab")
        assert "half a screen down; never acts" in stage.text
        assert "open the plan of a restart" in stage.text
        await stage.press("escape")
        assert isinstance(stage.app.screen, OverviewScreen)


async def test_pause_holds_the_picture_and_reading_goes_on(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press("p")
        await stage.publish(fleet.on_fire(2))
        assert "HELD 09:14:07Z" in stage.text
        assert "✖ down" not in stage.text
        await stage.press("p")
        assert "✖ down" in stage.text


async def test_panels_take_focus_by_number_and_zoom(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("2")
        assert services(stage).focused_panel is Panel.ALERTS
        await stage.press("z")
        assert "Services" not in stage.text
        assert "no instance answers" in stage.text
        await stage.press("escape", "tab")
        assert services(stage).focused_panel is Panel.PLACES
        assert "Services" in stage.text


async def test_choosing_several_services(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press("space", "space")
        assert [each.name for each in services(stage).targets] == ["ai-backend", "ai-operations"]
        assert "2 chosen" in stage.text
        await stage.press("escape")
        assert "2 chosen" not in stage.text
        assert "none is chosen any more" in stage.text


async def test_a_chosen_row_has_a_mark_that_needs_no_colours(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press("j", "space")
        rows = stage.text.splitlines()
        assert next(row for row in rows if "ai-operations" in row).startswith("✓")
        assert not next(row for row in rows if "ai-backend" in row).startswith("✓")


async def test_a_click_on_a_heading_sorts(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        heading = stage.text.splitlines()[3]
        table = services(stage).table(Panel.SERVICES)
        await stage.pilot.click(table, offset=(heading.index("service"), 1))
        await stage.pilot.pause()
        assert "sorted by name" in stage.text
        assert "service▾" in stage.text
        await stage.pilot.click(table, offset=(heading.index("why"), 1))
        await stage.pilot.pause()
        assert "this column has no order" in stage.text


async def test_a_click_selects(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.pilot.click("#services", offset=(15, 5))
        await stage.pilot.pause()
        assert cursor(stage) == "elasticsearch"


async def test_a_thousand_services_scroll(open_stage: OpenStage) -> None:
    async with open_stage(fleet.many(1000)) as stage:
        await stage.press("greater_than_sign", "k")
        assert cursor(stage) is not None
        assert "of 1000" in stage.text
        loop = asyncio.get_running_loop()
        before = loop.time()
        await stage.publish(fleet.many(1000, 2))
        assert loop.time() - before < 5


async def test_engine_that_cannot_start_is_said(open_stage: OpenStage) -> None:
    from opsconsole.errors import StateError

    class Broken:
        def __getattr__(self, name: str) -> object:
            raise StateError("journal.db cannot be opened [/x]")

    async with open_stage(None, engine=Broken()) as stage:
        assert "ENGINE STOPPED" in stage.text
        assert "journal.db cannot be opened [/x]" in stage.text


async def test_read_only_is_seen(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(read_only=True)) as stage:
        assert "READ-ONLY" in stage.text
        assert "(read-only)" in stage.text


async def test_states_of_every_row_are_words(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        for state in State:
            assert state is State.UNKNOWN or state.value in stage.text


async def test_space_chooses_where_the_keys_go(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("space")
        assert "1 chosen: a key that changes something is for all of them" in stage.text
        await stage.press("2", "space")
        assert "space chooses services: 1 goes to them" in stage.text
        assert "1 chosen" in stage.text
        assert "2 chosen" not in stage.text


async def test_the_cursor_stays_with_what_was_acted_on(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        acted = cursor(stage)
        await stage.press("R")
        await stage.publish(fleet.calm(2))
        stage.app.screen.dismiss()
        await stage.pilot.pause()
        assert cursor(stage) == acted
