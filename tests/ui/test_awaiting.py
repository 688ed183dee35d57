"""A key asks to hear of an end; the terminal is called when it was seen, once."""

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.awaited import Answer, Heard
from opsconsole.model.operation import OperationState
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render.awaited import heard
from opsconsole.ui.awaiting import MOST, Awaiting
from opsconsole.ui.terminal.attention import LONGEST, call
from tests.ui import working
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fleet import calm, many, on_fire


def listen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to the terminal beside pictures."""
    written: list[str] = []
    assert stage.app._driver is not None

    def write(text: str) -> None:
        # The shape of the mouse's pointer is Textual's own.
        if not text.startswith("\x1b]22;"):
            written.append(text)

    monkeypatch.setattr(stage.app._driver, "write", write)
    return written


async def test_the_terminal_is_called_once_when_the_service_is_back(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stage(on_fire()) as stage:
        written = listen(stage, monkeypatch)
        await stage.press("e")
        assert "you will hear when ai-service is ok again" in stage.text
        await stage.publish(on_fire(seq=2))
        unknown = tuple(replace(each, state=State.UNKNOWN) for each in calm().services)
        await stage.publish(replace(calm(seq=3), services=unknown))
        assert written == [], "unknown is not back"
        await stage.publish(calm(seq=4))
        assert "ai-service is ok again" in stage.text
        assert written == [call("ai-service is ok again")]
        await stage.publish(on_fire(seq=5))
        await stage.publish(calm(seq=6))
        assert len(written) == 1, "it ended with its answer"


async def test_the_key_once_more_ends_it(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stage(on_fire()) as stage:
        written = listen(stage, monkeypatch)
        await stage.press("e", "e")
        assert "you will not hear of ai-service" in stage.text
        await stage.publish(calm(seq=2))
        assert written == []


async def test_a_verdict_is_heard_of_whatever_is_shown(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = replace(working.ended(1, "web", OperationState.VERIFYING), ended_at=None)
    begun = replace(calm(), operations=(running,))
    over = replace(running, state=OperationState.FAILED, summary="no copy is well")
    async with open_stage(begun) as stage:
        written = listen(stage, monkeypatch)
        await stage.press("u", "e")
        assert "you will hear of the verdict of the restart of web" in stage.text
        await stage.press("escape", "p")
        await stage.publish(replace(calm(seq=2), operations=(over,)))
        assert written == [call("restart of web was not verified: no copy is well")]


async def test_an_alert_is_heard_of_when_it_has_resolved(open_stage: OpenStage) -> None:
    async with open_stage(on_fire()) as stage:
        await stage.press("2", "e")
        assert "you will hear when ServiceDown has resolved" in stage.text


def test_at_most_a_dozen_are_waited_for() -> None:
    from opsconsole.model.awaited import of_service

    called: list[str] = []
    awaiting = Awaiting(called.append, None, called.append)
    services = many(MOST + 1).services
    said = [awaiting.ask(of_service(each)) for each in services]
    assert said[-1].startswith(f"{MOST} are waited for already")
    assert all(each.startswith("you will hear") for each in said[:-1])
    assert awaiting.ask(of_service(services[0])).startswith("you will not hear")
    assert awaiting.ask(of_service(services[-1])).startswith("you will hear")


def sent(send: object, snapshot: Snapshot) -> list[str]:
    """What is said of an answer that is sent further."""
    from opsconsole.model.awaited import of_service

    said: list[str] = []
    over = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        over.set()

    awaiting = Awaiting(lambda _: None, send, say)  # type: ignore[arg-type]
    down = on_fire().service("ai-service")
    assert down is not None
    awaiting.ask(of_service(down))
    awaiting.look(snapshot)
    assert over.wait(60)
    return said


def test_what_could_not_be_sent_further_is_said() -> None:
    answers: list[Answer] = []

    def refuses(answer: Answer) -> str:
        answers.append(answer)
        return "the program ended with 1"

    def breaks(answer: Answer) -> str:
        raise OSError("no \x1b[2J route")

    assert sent(refuses, calm()) == ["not sent further: the program ended with 1"]
    assert [each.heard for each in answers] == [Heard.BACK]
    assert heard(answers[0]) == "ai-service is ok again"
    assert sent(breaks, calm()) == ["not sent further: OSError: no ␛[2J route"]


@given(st.text(max_size=500))
def test_nothing_that_is_called_acts_on_a_terminal_but_the_three_sequences(text: str) -> None:
    written = call(text)
    head, title, notice, rest = written.split("\x1b")[0], *written.split("\x1b")[1:], ""
    assert head == rest == ""
    assert title.startswith("]2;")
    assert title.endswith("\x07")
    assert notice.startswith("]9;")
    assert notice.endswith("\x07\x07")
    inner = title[3:-1]
    assert notice[3:-2] == inner
    assert len(inner) <= LONGEST
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in inner)
    assert ";" not in inner
