"""Incidents on the screens: declared, seen, joined and closed by keys and by typed words."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from opsconsole.model.incidents import Incident, IncidentRequest, IncidentSeverity, IncidentVerb
from opsconsole.model.operation import Refusal
from opsconsole.ui.screens.team.incidents import IncidentScreen, IncidentsScreen
from opsconsole.ui.team import TypedIncidentError, read
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine
from tests.ui.fleet import NOW, calm, on_fire
from tests.ui.team_fleet import CLOSED, incident, said, together


def answered(request: IncidentRequest) -> Incident | Refusal:
    """What an engine answers that records it."""
    return incident(request.number or 15)


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine(together())
    made.answer_incident = answered
    return made


def asked(stage: Stage) -> IncidentRequest:
    """What was asked of the engine last."""
    return stage.engine.incident_requests[-1]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_an_open_incident_is_in_the_header_of_every_screen(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(together(), size=size) as stage:
        for keys in ((), ("enter",), ("escape", "u"), ("escape", "t"), ("escape", "i")):
            await stage.press(*keys)
            first = stage.text.splitlines()[0]
            assert "! INC-14" in first
            assert ("kim 12m" in first) == (size[0] >= 100)
            assert "Z" in first[-3:], "the clock is whole"


async def test_without_an_open_incident_nothing_is_there(open_stage: OpenStage) -> None:
    async with open_stage(replace(calm(), incidents=(CLOSED,))) as stage:
        assert "INC-" not in stage.text
        await stage.press("i")
        assert isinstance(stage.app.screen, IncidentsScreen)
        assert "INC-13" in stage.text
        assert "closed by ana: p95 is well" in stage.text


async def test_the_page_has_who_how_it_stands_and_what_was_done(open_stage: OpenStage) -> None:
    async with open_stage(together(), size=(120, 40)) as stage:
        await stage.press("i")
        assert isinstance(stage.app.screen, IncidentScreen)
        text = stage.text
        for part in (
            "INC-14 checkout slow", "critical, 12m00s", "kim@bastion-1, opened",
            "ana@bastion-2 (talks to customers)", "ana@bastion-2 at ai-service",
            "rolling ai-service back", "next is due in 25m00s", "✖ down", "What was said and done",
            "ana: ! keep the old image",
        ):  # fmt: skip
            assert part in text, part
        # What happened to other services does not belong to it.
        assert "oatie" not in text.partition("What was said and done")[2]


async def test_i_opens_a_line_that_names_what_it_is_about(
    open_stage: OpenStage, engine: FakeEngine
) -> None:
    engine.snapshot = on_fire()
    async with open_stage(on_fire(), engine=engine) as stage:
        await stage.press("I")
        assert "enter opens an incident about ai-service" in stage.text
        await stage.press(*"slow", "enter")
        assert asked(stage) == IncidentRequest(
            IncidentVerb.OPEN, text="slow", services=("ai-service",)
        )
        assert "INC-15 is open, and you command it" in stage.text


@pytest.mark.parametrize("keys", [("I", "escape"), ("I", "enter"), ("I", *"slow", "escape")])
async def test_what_is_dropped_opens_nothing(
    open_stage: OpenStage, engine: FakeEngine, keys: tuple[str, ...]
) -> None:
    async with open_stage(together(), engine=engine) as stage:
        await stage.press(*keys)
        assert stage.engine.incident_requests == []


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        (("J", "enter"), IncidentRequest(IncidentVerb.JOIN, 14)),
        (("J", *"scribe", "enter"), IncidentRequest(IncidentVerb.JOIN, 14, "scribe")),
        (("S", *"well", "enter"), IncidentRequest(IncidentVerb.STATUS, 14, "well")),
        (("C", "enter"), IncidentRequest(IncidentVerb.COMMAND, 14, commander="kim@bastion-1")),
        (("O", *"scribe", "enter"), IncidentRequest(IncidentVerb.ROLE, 14, "scribe")),
        (("N", *"hm", "enter"), IncidentRequest(IncidentVerb.NOTE, 14, "hm")),
        (("V", *"min", "enter"),
         IncidentRequest(IncidentVerb.SEVERITY, 14, severity=IncidentSeverity.MINOR)),
        (("A", *"oatie", "enter"), IncidentRequest(IncidentVerb.SERVICES, 14, services=("oatie",))),
        (("E", *"well", "enter"), IncidentRequest(IncidentVerb.CLOSE, 14, "well")),
    ],
    ids=lambda value: value.verb.value if isinstance(value, IncidentRequest) else None,
)  # fmt: skip
async def test_each_key_says_one_thing(
    open_stage: OpenStage, engine: FakeEngine, keys: tuple[str, ...], wanted: IncidentRequest
) -> None:
    async with open_stage(together(), engine=engine) as stage:
        await stage.press("i", *keys)
        assert asked(stage) == wanted


@pytest.mark.parametrize("key", ["J", "S", "C", "E"])
async def test_esc_says_nothing(open_stage: OpenStage, engine: FakeEngine, key: str) -> None:
    async with open_stage(together(), engine=engine) as stage:
        await stage.press("i", key, "escape")
        assert stage.engine.incident_requests == []


async def test_closing_takes_words(open_stage: OpenStage, engine: FakeEngine) -> None:
    async with open_stage(together(), engine=engine) as stage:
        await stage.press("i", "E", "enter")
        assert stage.engine.incident_requests == []


async def test_a_closed_one_takes_nothing_more(open_stage: OpenStage, engine: FakeEngine) -> None:
    engine.snapshot = replace(calm(), incidents=(CLOSED,))
    async with open_stage(engine.snapshot, engine=engine) as stage:
        await stage.press("i", "S")
        assert "INC-13 is closed" in stage.text
        assert stage.engine.incident_requests == []


async def test_a_read_only_console_joins_as_any_other(
    open_stage: OpenStage, engine: FakeEngine
) -> None:
    engine.snapshot = together(on_fire(read_only=True))
    async with open_stage(engine.snapshot, engine=engine) as stage:
        await stage.press("i", "J", "enter")
        assert asked(stage).verb is IncidentVerb.JOIN


async def test_a_refusal_is_said_with_its_reason(open_stage: OpenStage, engine: FakeEngine) -> None:
    engine.answer_incident = lambda _: Refusal("cannot-record", "the disk is full", "make room")
    async with open_stage(together(), engine=engine) as stage:
        await stage.press("i", "J", "enter")
        assert "not done: the disk is full; make room" in stage.text


async def test_in_a_held_picture_nothing_is_said(open_stage: OpenStage, engine: FakeEngine) -> None:
    async with open_stage(together(), engine=engine) as stage:
        await stage.press("p", "i", "J", "enter", "escape", "I")
        assert stage.engine.incident_requests == []


async def test_with_several_open_i_lists_them_and_enter_opens_one(open_stage: OpenStage) -> None:
    more = incident(15, said("severity", 10, "ana", text="minor"), title="mail late")
    snapshot = replace(together(), incidents=(more, incident(), CLOSED))
    async with open_stage(snapshot, size=(120, 40)) as stage:
        assert "! INC-14 kim 12m +1" in stage.text
        await stage.press("i")
        assert isinstance(stage.app.screen, IncidentsScreen)
        rows = [line for line in stage.text.splitlines() if "INC-" in line[:10]]
        assert [row.split()[1] for row in rows[:3]] == ["INC-14", "INC-15", "INC-13"]
        await stage.press("j", "enter")
        assert isinstance(stage.app.screen, IncidentScreen)
        assert "INC-15 mail late" in stage.text


Type = Callable[[Stage, str], Awaitable[None]]


async def test_typed_words_do_what_the_keys_do(open_stage: OpenStage, engine: FakeEngine) -> None:
    async with open_stage(together(), engine=engine) as stage:
        for text in ('incident open "checkout slow" oatie', "incident status well again"):
            await stage.press("colon", *text, "enter")
        first, second = stage.engine.incident_requests
        assert (first.text, first.services) == ("checkout slow", ("oatie",))
        assert (second.number, second.text) == (14, "well again")
        await stage.press("colon", *"incident 13", "enter")
        assert "INC-13 mail late" in stage.text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('open "a b" oatie', IncidentRequest(IncidentVerb.OPEN, text="a b", services=("oatie",))),
        ("open slow", IncidentRequest(IncidentVerb.OPEN, text="slow")),
        ('open "slow', IncidentRequest(IncidentVerb.OPEN, text='"slow')),
        ("INC-3 join scribe", IncidentRequest(IncidentVerb.JOIN, 3, "scribe")),
        ("command", IncidentRequest(IncidentVerb.COMMAND, 14, commander="kim@bastion-1")),
        ("severity Minor", IncidentRequest(IncidentVerb.SEVERITY, 14,
                                           severity=IncidentSeverity.MINOR)),
        ('close "it was the image" ', IncidentRequest(IncidentVerb.CLOSE, 14, "it was the image")),
        ("add oatie", IncidentRequest(IncidentVerb.SERVICES, 14, services=("oatie",))),
        ("7", 7),
    ],
)  # fmt: skip
def test_what_is_typed_is_read_as_it_is_meant(text: str, wanted: IncidentRequest | int) -> None:
    assert read(text, together()) == wanted


@pytest.mark.parametrize(
    ("text", "said_"),
    [
        ("dance", "incident open"),
        ("open slow-thing oatie", ""),
        ('open "slow" nobody', "no service is called nobody"),
        ("99999999999 join", "incident open"),
        ("add nobody", "no service is called nobody"),
    ],
)
def test_what_cannot_be_meant_is_said(text: str, said_: str) -> None:
    if not said_:
        assert read(text, together()) == IncidentRequest(IncidentVerb.OPEN, text="slow-thing oatie")
        return
    with pytest.raises(TypedIncidentError, match=said_):
        read(text, together())


def test_where_it_is_not_clear_which_one_is_meant_nothing_is_done() -> None:
    both = replace(together(), incidents=(incident(14), incident(15)))
    with pytest.raises(TypedIncidentError, match="INC-14, INC-15 are open"):
        read("close done", both)
    with pytest.raises(TypedIncidentError, match="no incident is open"):
        read("close done", replace(both, incidents=(CLOSED,)))
    assert read("15 close done", both) == IncidentRequest(IncidentVerb.CLOSE, 15, "done")


async def test_who_is_here_is_counted_listed_and_on_the_row(open_stage: OpenStage) -> None:
    async with open_stage(together(), size=(160, 40)) as stage:
        lines = stage.text.splitlines()
        assert "2 people" in lines[1]
        row = next(line for line in lines[2:] if " ai-service " in line)
        assert "◇ ana" in row
        assert "ana@bastion-2 is looking at this" in stage.text
        await stage.press("colon", *"people", "enter")
        assert "looks at ai-service" in stage.text
        assert "looks by itself" in stage.text
        assert stage.text.count("ana@") == 2


async def test_a_plan_says_who_else_looks_at_it(open_stage: OpenStage) -> None:
    for size in ((80, 24), (120, 40)):
        async with open_stage(together(), size=size) as stage:
            await stage.press("R")
            assert "who is here" in stage.text
            assert "ana@bastion-2 is looking at this" in stage.text
            assert "restart 3 copies" in stage.text, "the choice is still on the screen"


async def test_others_are_shown_at_which_service_this_console_looks(open_stage: OpenStage) -> None:
    async with open_stage(together()) as stage:
        assert stage.engine.looked_at == []
        await stage.press("j")
        assert stage.engine.looked_at == [], "a cursor that stands somewhere looks at nothing"
        await stage.press("k", "enter")
        await stage.publish(together())
        assert stage.engine.looked_at == ["ai-service"]
        await stage.press("l")
        await stage.publish(together())
        await stage.press("escape", "escape")
        await stage.publish(together())
        assert stage.engine.looked_at == ["ai-service", ""]
        await stage.press("R")
        await stage.publish(together())
        assert stage.engine.looked_at == ["ai-service", "", "ai-service"]


def test_the_fleet_of_these_tests_has_what_they_are_about() -> None:
    assert together().taken_at == NOW
    assert CLOSED.closed_at == NOW - 200
