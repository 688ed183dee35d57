"""Restarts that metrics tell: once each, and not again where something else told of them."""

from opsconsole.config.settings import Settings
from opsconsole.engine.records.event_log import EventLog
from opsconsole.engine.records.find_instance import Locator
from opsconsole.engine.state.restarts import RestartWatch
from opsconsole.model.events import Event, EventCode
from opsconsole.model.running.processes import ProcessStart
from opsconsole.render.timeline.words import words

NOW = 1_000_000.0
SETTINGS = Settings.model_validate({"services": {"api": {"instances": "http://10.0.0.1:8000"}}})


def watch() -> tuple[RestartWatch, EventLog]:
    events = EventLog()
    return RestartWatch(Locator(SETTINGS), events), events


def own(at: float, version: str = "", before: str = "") -> tuple[ProcessStart, ...]:
    return (ProcessStart(at, version, before, "api", "api"),)


def told(events: EventLog) -> list[tuple[float, str, str]]:
    return [(each.at, each.kind.value, words(each)) for each in events.view()]


def test_a_start_long_ago_is_no_news_and_the_next_one_is() -> None:
    restarts, events = watch()
    restarts.note(own(NOW - 90_000, "1.4"), NOW)
    assert told(events) == []
    restarts.note(own(NOW - 90_000, "1.4"), NOW + 15)
    restarts.note(own(NOW + 20, "1.5"), NOW + 30)
    restarts.note(own(NOW + 20.9, "1.5"), NOW + 45)
    assert told(events) == [
        (NOW + 20, "restart", "process restarted after 1d1h"),
        (NOW + 20, "version", "version 1.4 → 1.5"),
    ]


def test_a_start_shortly_before_the_console_is_told() -> None:
    restarts, events = watch()
    restarts.note(own(NOW - 300, "1.5", "1.4"), NOW)
    assert told(events) == [
        (NOW - 300, "restart", "process started"),
        (NOW - 300, "version", "version 1.4 → 1.5"),
    ]


def test_labels_of_a_prometheus_say_whose_process_it_is() -> None:
    restarts, events = watch()
    mine = {"job": "x", "instance": "10.0.0.1:8000"}
    other = {"job": "node", "instance": "10.0.0.1:9100"}
    restarts.note((ProcessStart(NOW - 5, labels=mine), ProcessStart(NOW - 5, labels=other)), NOW)
    (event,) = events.view()
    assert (event.service, event.subject) == ("api", "api")


def test_what_the_container_told_is_not_told_again() -> None:
    restarts, events = watch()
    events.add(Event(NOW - 7, EventCode.STARTED, "", "api", "api-1"))
    events.add(Event(NOW - 8, EventCode.IMAGE_CHANGED, "", "api", "api-1"))
    restarts.note(own(NOW - 6, "2", "1"), NOW)
    assert len(events.view()) == 2


def test_the_death_of_a_container_is_no_start() -> None:
    restarts, events = watch()
    events.add(Event(NOW - 7, EventCode.ENDED, "", "api", "api-1", figure=1))
    restarts.note(own(NOW - 6), NOW)
    assert len(events.view()) == 2
