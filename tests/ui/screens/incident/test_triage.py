"""What changed, the timeline and notes, by their keys."""

from dataclasses import replace

import pytest

from opsconsole.model.events import Event, EventCode
from opsconsole.render.timeline.words import words
from opsconsole.ui.screens.incident.changed import ChangedScreen
from opsconsole.ui.screens.incident.timeline import TimelineScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage
from tests.ui.fake_engine import FakeEngine
from tests.ui.fleet import NOW


class NotedEngine(FakeEngine):
    """Remembers what is noted."""

    def __init__(self) -> None:
        super().__init__(fleet.on_fire())
        self.noted: list[tuple[str, str]] = []

    def note(self, text: str, service: str = "") -> None:
        self.noted.append((text, service))


async def test_w_names_the_image_before_the_kill(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("w")
        assert isinstance(stage.app.screen, ChangedScreen)
        text = stage.text
        assert "What changed before ai-service went wrong" in text
        assert "it first went wrong at 09:10:55Z, 3m12s ago" in text
        assert text.index("v1.4.2 → v1.5.0") < text.index("died, exit 137")
        assert "another image; 8m55s before" in text
        assert "another image; the service itself; 8m55s before" in text
        assert text.index("died, exit 137") < text.index("also in those minutes")
        assert text.index("what followed") < text.index("ServiceDown")


async def test_the_cursor_passes_over_headings_and_enter_opens_the_service(
    open_stage: OpenStage,
) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("w", *"jjjj")
        screen = stage.app.screen
        assert isinstance(screen, ChangedScreen)
        assert screen.event is not None
        assert words(screen.event) == "docker answers again after 12 s"
        await stage.press(*"jjjj")
        assert screen.event is not None
        assert screen.event.service == "oatie"
        await stage.press("enter")
        opened = stage.app.screen
        assert isinstance(opened, ServiceScreen)
        assert opened.target is not None
        assert opened.target.name == "oatie"
        await stage.press("w")
        assert "What changed before oatie went wrong" in stage.text


async def test_an_alert_is_asked_about_by_its_own_start(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("2", "d")
        await stage.press("w")
        assert "What changed before ServiceDown went wrong" in stage.text


async def test_a_calm_service_is_shown_its_last_minutes(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press("w")
        assert "was not seen to go wrong" in stage.text


async def test_a_new_snapshot_answers_anew_and_keeps_the_cursor(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("w", "j")
        screen = stage.app.screen
        assert isinstance(screen, ChangedScreen)
        before = screen.event
        late = Event(NOW, EventCode.NOTE, "kim: looking", "ai-service")
        snapshot = fleet.on_fire(2)
        await stage.publish(replace(snapshot, events=(*snapshot.events, late)))
        assert screen.event == before
        assert "kim: looking" in stage.text


async def test_t_shows_all_events_and_the_kinds_in_turn(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("t")
        assert isinstance(stage.app.screen, TimelineScreen)
        assert "12 events" in stage.text
        await stage.press("v")
        assert "1 of 12 events" in stage.text
        assert "v1.4.2 → v1.5.0" in stage.text
        await stage.press("v")
        assert "health and alerts" in stage.text
        assert "6 of 12 events" in stage.text
        await stage.press("escape")
        assert "12 events" in stage.text
        await stage.press("escape")
        assert not isinstance(stage.app.screen, TimelineScreen)


async def test_the_timeline_is_filtered_as_one_types_and_by_service(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("t", "slash", *"exit 137")
        assert "3 of 12 events" in stage.text
        await stage.press("enter", "s")
        await stage.press("slash", *("backspace",) * 8, "enter")
        assert "ai-service" in stage.text
        # Its own seven, and the note that concerns every service.
        assert "8 of 12 events" in stage.text
        await stage.press("s")
        assert "12 events" in stage.text


async def test_n_stops_at_what_is_bad(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("t", "n")
        screen = stage.app.screen
        assert isinstance(screen, TimelineScreen)
        assert screen.event is not None
        assert screen.event.subject == "ServiceDown"


@pytest.mark.parametrize("options", [False, True])
async def test_a_note_is_about_the_service_under_the_cursor(
    open_stage: OpenStage, *, options: bool
) -> None:
    engine = NotedEngine()
    engine.snapshot = fleet.on_fire(read_only=options)
    async with open_stage(None, engine=engine) as stage:
        await stage.press("N", *"q and N", "enter")
        assert engine.noted == [("q and N", "ai-service")]
        assert "noted for ai-service" in stage.text
        await stage.press("N", *"dropped", "escape")
        await stage.press("N", "space", "enter")
        assert len(engine.noted) == 1


async def test_a_moment_that_has_passed_takes_no_notes(open_stage: OpenStage) -> None:
    engine = NotedEngine()
    async with open_stage(None, engine=engine) as stage:
        await stage.press("p")
        await stage.press("N")
        assert "this is the past" in stage.text
        await stage.press(*"xx")
        assert engine.noted == []
