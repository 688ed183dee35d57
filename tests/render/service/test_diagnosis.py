"""The page of why: what stands on it at which size, and that it claims nothing unknown."""

from dataclasses import replace

import pytest

from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.model.events import Event, EventCode
from opsconsole.model.operation import ActionKind, ActionView, Refusal
from opsconsole.model.runbooks.runbook import RunbookView, StepKind, StepView
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.ink.cells import Role, line_width, plain
from opsconsole.render.service.diagnosis import WhyRow, rows
from opsconsole.render.service.remedies import Help, remedies
from tests.ui import fleet

NOW = fleet.NOW
SIZES = ((60, 12), (80, 19), (120, 35), (200, 55))


def page(
    width: int, height: int, name: str = "ai-service", snapshot: Snapshot | None = None
) -> list[WhyRow]:
    shown = snapshot or fleet.on_fire()
    service = shown.service(name)
    assert service is not None
    return rows(service, shown, width, height, NOW, 900.0)


def said(found: list[WhyRow]) -> str:
    return plain(each.row.line for each in found)


def failing(lead: Fact | None) -> tuple[ServiceView, Snapshot]:
    told = (Explanation(lead, (lead,), Confidence.POSSIBLE),) if lead else ()
    service = replace(fleet.service("web", (State.DOWN,), 0.1), diagnosis=Diagnosis(told))
    return service, replace(fleet.on_fire(), services=(service,))


@pytest.mark.parametrize("name", ["ai-service", "oatie", "mailer", "redis"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_rows_fit_and_their_keys_differ(name: str, width: int, height: int) -> None:
    found = page(width, height, name)
    assert all(line_width(each.row.line) <= width for each in found)
    assert len({each.row.key for each in found}) == len(found)
    hostile = fleet.hostile()
    for service in hostile.services:
        drawn = rows(service, hostile, width, height, NOW, 900.0)
        assert all(line_width(each.row.line) <= width for each in drawn)


@pytest.mark.parametrize(("width", "height"), [(80, 19), (120, 35), (200, 55)])
def test_the_page_of_a_failure_is_whole_and_in_order(width: int, height: int) -> None:
    text = said(page(width, height))
    order = [
        "✖ down for 3m12s, since 09:10:55", "oatie degraded", "1 ✖ 3 copies killed, out of memory",
        "09:02:00  ⇧ image v1.4.2→v1.5.0, by kim", "09:10:55  ✖ 3 of 3: connection refused",
        "2 ↳ elasticsearch: disk 97% full", "began 42s after it went wrong",
        "ruled out   host memory", "not known   more alerts", "would die again",
    ]  # fmt: skip
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "a deploy ended 12 min ago" in text, "the reason of what is blocked"
    assert "is still being watched; wait until 09:24Z" in " ".join(text.split())
    assert len(page(width, height)) <= max(height, 19)


def test_the_likeliest_alone_is_in_the_strongest_ink() -> None:
    found = page(120, 35)
    strong = {each.row.key for each in found if any(s.role is Role.STRONG for s in each.row.line)}
    assert "cause/1" in strong
    assert "cause/2" not in strong


def test_nothing_is_guessed_where_nothing_is_known() -> None:
    service, snapshot = failing(None)
    found = rows(service, snapshot, 80, 19, NOW, 900.0)
    text = said(found)
    assert "no cause found" in text
    assert "4 copies · l logs · w what changed" in text
    assert "takes 1 away" not in text
    assert "likely " not in text.replace("likeliest", "")


def test_what_is_well_shows_its_last_trouble_its_goals_and_what_changed() -> None:
    text = said(page(80, 19, "redis"))
    assert "● ok for 3d" in text
    for part in ("last trouble", "last change", "Objectives", "availability 99.9% over 30d"):
        assert part in text
    assert "Why" not in text


def test_the_last_trouble_has_the_name_of_its_alert_once() -> None:
    calm = fleet.calm()
    fires = Event(NOW - 60, EventCode.ALERT_FIRED, "p95 1 s", "redis", "Slow", State.DEGRADED)
    died = replace(fires, code=EventCode.ENDED, subject="redis-1", figure=1.0, detail="")
    for event, words in ((fires, "ago: Slow fires: p95"), (died, "ago: redis-1 died, exit 1")):
        text = said(page(120, 19, "redis", replace(calm, events=(event,))))
        assert words in text


IMAGE = Fact(FactCode.IMAGE_CHANGED, NOW - 60, "web", before="web:1.0", after="web:2.0")
KILLED = Fact(FactCode.OUT_OF_MEMORY, NOW - 50, "web-1", count=3, because=(IMAGE,))


@pytest.mark.parametrize(
    ("lead", "kind", "helps"),
    [
        (KILLED, ActionKind.ROLLBACK, Help.TAKES_AWAY),
        (KILLED, ActionKind.RESTART, Help.NOT),
        (replace(KILLED, because=()), ActionKind.ROLLBACK, Help.NOT_KNOWN),
        (replace(KILLED, because=(), count=1), ActionKind.RESTART, Help.RELIEVES),
        (IMAGE, ActionKind.ROLLBACK, Help.TAKES_AWAY),
        (Fact(FactCode.DEPENDENCY, subject="db"), ActionKind.RESTART, Help.NOT),
        (Fact(FactCode.DISK_FULL, subject="/"), ActionKind.RESTART, Help.NOT),
        (Fact(FactCode.PROBE_FAILS, after="timeout"), ActionKind.RESTART, Help.NOT_KNOWN),
        (Fact(FactCode.SIGNALLED, after="SIGTERM"), ActionKind.RESTART, Help.TAKES_AWAY),
        (Fact(FactCode.GONE, subject="web-1"), ActionKind.RESTART, Help.NOT),
        (Fact(FactCode.NEVER_STARTED, after="port 80 taken"), ActionKind.RESTART, Help.NOT),
        (Fact(FactCode.NEVER_STARTED), ActionKind.RESTART, Help.NOT_KNOWN),
        (Fact(FactCode.OBJECTIVE_MISSED, subject="p95"), ActionKind.SCALE, Help.RELIEVES),
        (None, ActionKind.ROLLBACK, Help.NOT_KNOWN),
        (None, ActionKind.RESTART, Help.NOT_KNOWN),
    ],
)
def test_remedies_say_what_they_do_to_the_cause(
    lead: Fact | None, kind: ActionKind, helps: Help
) -> None:
    service, snapshot = failing(lead)
    service = replace(service, actions=(ActionView(kind, kind.value, "docker", "does it"),))
    (found,) = remedies(service, snapshot)
    assert found.help is helps
    assert not found.blocked


def test_what_is_blocked_stays_with_its_whole_reason_and_what_it_would_do() -> None:
    service, snapshot = failing(KILLED)
    why = "a deploy ended 12 min ago and is being watched; " * 4
    view = ActionView(ActionKind.ROLLBACK, "rollback", "docker", "back", refusal=Refusal("x", why))
    service = replace(service, actions=(view,))
    text = " ".join(said(rows(service, snapshot, 80, 19, NOW, 900.0)).split())
    assert "takes 1 away, but blocked:" in text
    assert text.count("being watched") == 4


@pytest.mark.parametrize("letters", [4, 24, 90, 400])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_long_name_of_a_runbook_takes_no_room_from_what_the_actions_do(
    letters: int, width: int
) -> None:
    service, snapshot = failing(KILLED)
    restart = ActionView(ActionKind.RESTART, "restart", "docker", "every container of it")
    service = replace(service, actions=(restart,))
    step = StepView("read", StepKind.TEXT, "look first")
    book = RunbookView("long", "r" * letters, (step,) * 9, services=("web",))
    snapshot = replace(snapshot, services=(service,), runbooks=(book,))
    found = rows(service, snapshot, width, 24, NOW, 900.0)
    lines = plain(each.row.line for each in found).splitlines()
    (sentence,) = (each for each in lines if each.startswith(" R  "))
    assert "▲ would die again" in sentence
    assert sentence.index("▲") == len(" R  restart  ")
    assert width < 80 or "it starts as it started before" in sentence
    (named,) = (each for each in lines if each.startswith(" b  "))
    assert "9 steps" in named
    assert all(line_width(each.row.line) <= width for each in found)


@pytest.mark.parametrize("code", list(FactCode))
def test_every_fact_has_its_glyph_and_its_sentence(code: FactCode) -> None:
    service, snapshot = failing(Fact(code, NOW - 5, "web", after="said"))
    found = rows(service, snapshot, 120, 35, NOW, 900.0)
    assert any(each.row.key == "cause/1" for each in found)


@pytest.mark.parametrize("confidence", Confidence)
def test_what_is_unlikely_is_never_in_the_strongest_ink(confidence: Confidence) -> None:
    snapshot = fleet.on_fire()
    ill = snapshot.service("ai-service")
    assert ill is not None
    first = replace(ill.diagnosis.explanations[0], confidence=confidence)
    known = replace(ill.diagnosis, explanations=(first,))
    found = rows(replace(ill, diagnosis=known), snapshot, 120, 40, fleet.NOW, 900.0)
    (cause,) = (each.row.line for each in found if each.row.key == "cause/1")
    strong = any(span.role is Role.STRONG for span in cause)
    assert strong is (confidence is not Confidence.UNLIKELY)
