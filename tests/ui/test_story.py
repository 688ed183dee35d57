"""The fleet on fire tells one story, and every screen of it has something to show."""

import pytest

from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.events import EventCode
from opsconsole.model.state import State
from tests.ui import reading, story, working
from tests.ui.conftest import OpenStage
from tests.ui.fake_engine import FakeEngine
from tests.ui.fleet import DOWN_AT, FOR, GOAL, IMAGE_AT, KILLED_AT, NOW, missed_at

FIRE = story.on_fire()


def test_what_is_not_well_is_so_since_the_timeline_says_it() -> None:
    told = {
        event.service: event.at for event in FIRE.events
        if event.code is EventCode.HEALTH_CHANGED
    }  # fmt: skip
    states = {each.name: each.since for each in FIRE.services if each.state is not State.OK}
    assert told == states
    for each in FIRE.services:
        ill = [copy.since for copy in each.instances if copy.state is not State.OK]
        assert set(ill) <= {each.since}


def test_an_alert_begins_with_its_condition_and_fires_when_it_held_long_enough() -> None:
    service = FIRE.service("ai-service")
    assert service is not None
    assert service.latency.trace is not None
    began = {each.name: each.since for each in FIRE.alerts}
    assert began["ServiceDown"] == service.since == DOWN_AT
    assert began["HighLatency"] == missed_at(service.latency.trace)
    fired = [event for event in FIRE.events if event.code is EventCode.ALERT_FIRED]
    assert {event.subject: event.at - FOR for event in fired} == {
        name: began[name] for name in ("ServiceDown", "HighLatency")
    }


def test_every_event_of_a_service_names_it() -> None:
    about = {EventCode.NOTE, EventCode.SOURCE}
    assert [event for event in FIRE.events if not event.service and event.code not in about] == []


def test_figures_are_those_of_the_chart_which_ends_with_the_last_answer() -> None:
    for each in FIRE.services:
        seen = each.latency.trace
        assert seen is not None
        answers = [value for value in seen.values if value is not None]
        assert each.latency.p95 == answers[-1]
        goal = next(one for one in each.objectives if one.unit == "s")
        assert goal.actual == each.latency.p95
        assert goal.met is (answers[-1] < GOAL)
        last = seen.start + seen.step * max(
            index for index, value in enumerate(seen.values) if value is not None
        )
        assert last <= (KILLED_AT if each.state is State.DOWN else NOW)


def test_the_diagnosis_stands_on_what_the_timeline_has() -> None:
    at = {event.at for event in FIRE.events}
    for each in FIRE.services:
        for explanation in each.diagnosis.explanations:
            assert {fact.at for fact in explanation.facts} <= at


@pytest.mark.parametrize("back", range(0, 840, 20))
def test_a_moment_has_nothing_that_came_after_it(back: int) -> None:
    at = NOW - back
    seen = story.moment(at).snapshot
    assert seen is not None
    assert max(event.at for event in seen.events) <= at
    for alert in seen.alerts:
        assert alert.since <= at
        firing = alert.name in {"ServiceDown", "HighLatency"} and alert.since + FOR <= at
        assert not firing or alert.state is AlertState.FIRING
    for replica in (one for view in seen.engines for one in view.inventory.replicas):
        assert (replica.finished_at or 0) <= at
    for source in seen.sources:
        assert (source.taken_at or 0) <= at
    for run in seen.operations:
        assert run.started_at <= at
    for each in seen.services:
        assert each.since <= at
        for explanation in each.diagnosis.explanations:
            assert all((fact.at or 0) <= at for fact in explanation.facts)
        trace = each.latency.trace
        assert trace is not None
        assert trace.start + trace.step * (len(trace.values) - 1) <= at
        if each.name == "ai-service":
            assert (each.state is State.DOWN) is (at >= DOWN_AT)
            assert (each.version == "v1.5.0") is (at >= IMAGE_AT)


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (("u",), "clear_old_indices"),
        (("b",), "out of memory"),
        (("enter", "0"), "out of memory"),
        (("s",), "ticket 4711"),
        (("enter", "8"), "20251120T081407Z-b2"),
        (("2", "S"), "matches 1 of 4 alerts now"),
    ],
)
async def test_screens_that_need_more_than_the_fleet_are_filled(
    open_stage: OpenStage, keys: tuple[str, ...], shown: str
) -> None:
    engine = FakeEngine(FIRE)
    engine.kept = working.backups()
    engine.read_pages = reading.pages(fire=True)
    async with open_stage(None, engine=engine, size=(120, 40)) as stage:
        for key in keys:
            await stage.press(key)
        await stage.pilot.pause()
        assert shown in stage.text
        assert "looking …" not in stage.text
