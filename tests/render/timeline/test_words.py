"""Every code of an event has words, and the words leave nothing of it out."""

import pytest

from opsconsole.model.events import Event, EventCode
from opsconsole.model.operation import ActionKind
from opsconsole.render.timeline.words import words


def event(code: EventCode) -> Event:
    return Event(
        1.0, code, "why", "api", "api-1", None, "one", "verified", 7.0, False,
        ActionKind.RESTART, "soft", "kim",
    )  # fmt: skip


@pytest.mark.parametrize("code", EventCode)
def test_every_code_is_told(code: EventCode) -> None:
    said = words(event(code))
    assert said
    assert "{" not in said
    assert not said.endswith((":", " "))


def test_no_two_codes_are_told_alike_but_those_that_tell_their_detail() -> None:
    told = [words(event(code)) for code in EventCode if words(event(code)) != "why"]
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Event(1, EventCode.ENDED), "ended"),
        (Event(1, EventCode.ENDED, figure=0), "exited 0"),
        (Event(1, EventCode.ENDED, figure=1), "died, exit 1"),
        (Event(1, EventCode.ENDED, figure=137, memory=True), "died, exit 137, out of memory"),
        (Event(1, EventCode.ENDED, figure=143, name="SIGTERM"), "died, exit 143, after SIGTERM"),
        (Event(1, EventCode.ALERT_FIRED, "", "api", "Slow"), "Slow fires"),
        (Event(1, EventCode.ALERT_FIRED, "p95 2 s", "api", "Slow"), "Slow fires: p95 2 s"),
        (Event(1, EventCode.HEALTH_CHANGED, before="ok", after="down"), "ok → down"),
        (Event(1, EventCode.REPLICAS_CHANGED, after="3"), "replicas 3"),
        (Event(1, EventCode.PROCESS_STARTED), "process started"),
        (Event(1, EventCode.PROCESS_STARTED, figure=25), "process restarted after 25s"),
        (Event(1, EventCode.NOTE, "{0} {detail}"), "{0} {detail}"),
        (Event(1, EventCode.SOURCE_LOST, "{event}", subject="a"), "a lost: {event}"),
        (
            Event(1, EventCode.OPERATION, after="verifying", action=ActionKind.SCALE, by="kim"),
            "scale: started, by kim",
        ),
        (
            Event(1, EventCode.OPERATION, "slow", after="failed", action=ActionKind.CALL, by="kim",
                  name="warm"),
            "call warm: failed, by kim: slow",
        ),
    ],
)  # fmt: skip
def test_what_is_told(told: Event, said: str) -> None:
    assert words(told) == said
