"""What the engine says happened is told once, in the right words."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.model.events import Event, EventKind
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from opsconsole.sources.docker.timeline import FILTERS, Timeline, container_id, is_death
from tests.clean import is_clean
from tests.sources.docker_fakes import sample

NOW = 2_000_000_000.0


def message(action: str, /, *, at: float = 1000.0, type_: str = "container", **more: str) -> Any:
    attributes = {"name": "web", **more}
    actor = {"ID": "ab" * 32, "Attributes": attributes}
    return {"Type": type_, "Action": action, "Actor": actor, "timeNano": int(at * 1e9)}


def events_of(*messages: object) -> list[Event]:
    timeline = Timeline()
    told = [timeline.event_of(item, now=NOW, skew=0.0) for item in messages]
    return [event for event in told if event is not None]


def captured() -> dict[str, list[str]]:
    """What is told of each name in the captured stream."""
    wanted = [m for m in sample("events") if m["Action"].partition(":")[0] in FILTERS["event"]]
    told: dict[str, list[str]] = {}
    for event in events_of(*wanted):
        told.setdefault(event.subject, []).append(words(event))
    return told


def test_the_captured_stream_of_a_real_engine() -> None:
    told = captured()

    assert told["oom"] == [
        "started",
        "out of memory, a process was killed",
        "died, exit 137, out of memory",
    ]
    assert told["web"] == ["started", "its health check says healthy"]
    assert told["sick"] == ["started", "its health check says unhealthy"]
    assert told["done"] == ["started", "exited 0"]
    assert told["new"] == [
        "renamed old → new",
        "was sent signal HUP",
        "exited 0, after SIGTERM",
        "started",
        "restarted",
        "died, exit 137, after SIGKILL",
        "removed",
    ]
    assert told["shop:2"] == ["image tagged"]
    image = "opsconsole-busybox-3ab0b31b"
    assert told["shop"] == [f"image {image}:1 → {image}:2", "update updating"]


def test_kinds_states_and_changes() -> None:
    events = {words(event): event for event in events_of(*sample("events"))}

    assert events["died, exit 137, out of memory"].state is State.DOWN
    assert events["exited 0, after SIGTERM"].state is State.UNKNOWN
    assert events["its health check says unhealthy"].state is State.DOWN
    assert events["restarted"].kind is EventKind.RESTART
    renamed = events["renamed old → new"]
    assert (renamed.before, renamed.after) == ("old", "new")
    image = next(event for event in events.values() if event.subject == "shop")
    assert image.kind is EventKind.IMAGE
    assert image.after.endswith(":2")


def test_signals_of_long_ago_are_not_the_cause() -> None:
    (event,) = events_of(message("kill", signal="15"), message("die", at=1100, exitCode="1"))

    assert words(event) == "died, exit 1"


def test_a_stop_that_needed_force_names_both_signals() -> None:
    (event,) = events_of(
        message("kill", signal="15"),
        message("kill", at=1010, signal="9"),
        message("die", at=1010.1, exitCode="137"),
    )

    assert words(event) == "died, exit 137, after SIGTERM, SIGKILL"


def test_times_are_of_the_steady_clock_and_never_ahead() -> None:
    timeline = Timeline()

    event = timeline.event_of(message("start", at=1000), now=5000, skew=100.0)
    assert event is not None
    assert event.at == 900.0
    ahead = timeline.event_of(message("start", at=9000), now=5000, skew=0.0)
    assert ahead is not None
    assert ahead.at == 5000
    undated = timeline.event_of({**message("start"), "timeNano": "x"}, now=5000, skew=0.0)
    assert undated is not None
    assert undated.at == 5000


def test_text_is_clean() -> None:
    evil = "\x1b[2J\u202e"
    image: dict[str, Any] = {"image.old": evil, "image.new": evil + "2"}
    events = events_of(
        message("rename", name=evil, oldName=evil),
        message("die", name=evil, exitCode=evil),
        message("kill", name=evil, signal=evil),
        message(f"health_status: {evil}", name=evil),
        message("update", type_="service", name=evil, **image),
    )

    assert len(events) == 5
    for event in events:
        for text in (words(event), event.subject, event.before, event.after):
            assert is_clean(text)


@pytest.mark.parametrize(
    "odd",
    [None, [], 5, {}, {"Type": "container"}, {"Type": [], "Action": {}, "Actor": "x"}],
)
def test_what_is_not_understood_is_not_told(odd: object) -> None:
    assert events_of(odd) == []
    assert container_id(odd) == ""
    assert not is_death(odd)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["Type", "Action", "Actor", "timeNano"]),
        st.none()
        | st.integers()
        | st.text()
        | st.dictionaries(st.sampled_from(["ID", "Attributes"]), st.text() | st.integers()),
    )
)
def test_no_message_breaks_the_teller(odd: dict[str, object]) -> None:
    events_of(odd)


def test_what_is_remembered_is_bounded() -> None:
    timeline = Timeline()
    for number in range(3000):
        kill = message("kill", signal="15")
        kill["Actor"]["ID"] = f"{number:064x}"
        timeline.event_of(kill, now=NOW, skew=0.0)

    assert len(timeline._troubles) == 1000
