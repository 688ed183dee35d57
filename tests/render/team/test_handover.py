"""The hand-over names all that is open, and calls nothing well that was not seen."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.events import Event, EventCode
from opsconsole.model.handover import Handover
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import ActionKind, Degradation, Operation, OperationState
from opsconsole.model.people import Person
from opsconsole.model.remedies.automation import Automation, RemedyView
from opsconsole.model.remedies.episodes import Hand
from opsconsole.model.remedies.rules import RemedyMode
from opsconsole.model.remedies.switch import Switch
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.journal.records import Note
from opsconsole.operations.notes import event_of
from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.team.handover import (
    NOTES_FOR,
    markdown,
    open_things,
    page,
    parts,
    summary,
    taken,
)
from tests.ui.fleet import NOW, calm, on_fire, stale
from tests.ui.team_fleet import CLOSED, incident, together

RULE = RemedyView("restart-db", "db", "restart", RemedyMode.AUTO, "state == down for 60s")


def silence(comment: str, state: SilenceState = SilenceState.ACTIVE) -> SilenceView:
    """One that ends in an hour."""
    matchers = (Matcher("alertname", "Slow"),)
    return SilenceView("1", matchers, "kim", comment, NOW - 60, NOW + 3600, state, "am", 2)


def run(state: OperationState, rollback_at: float | None = None) -> Operation:
    """A restart of shop by ana."""
    return Operation(
        "a" * 16, "plan", "shop", ActionKind.RESTART, "restart", state, "ana", "bastion-2",
        NOW - 30, NOW, reason="it hangs", rollback_at=rollback_at,
    )  # fmt: skip


def quiet() -> Snapshot:
    """A fleet in which nothing is open."""
    return replace(calm(), alerts=(), silences=(), operations=(), degradations=(), notices=())


OPEN: dict[str, tuple[Callable[[Snapshot], Snapshot], str, str]] = {
    "an incident": (lambda each: replace(each, incidents=(incident(),)), "Incidents", "INC-14"),
    "an acknowledgement": (
        lambda each: replace(each, silences=(silence("ACK known"),)), "Acknowledged",
        "until 10:14:07Z, by kim, hides 2 now: known",
    ),
    "a silence": (
        lambda each: replace(each, silences=(silence("ticket 4711"),)), "Silenced",
        "until 10:14:07Z, by kim, hides 2 now: ticket 4711",
    ),
    "one that begins later": (
        lambda each: replace(each, silences=(silence("later", SilenceState.PENDING),)), "Silenced",
        "begins later",
    ),
    "announced work": (
        lambda each: replace(
            each,
            maintenances=(
                Maintenance(
                    "m", ("db", "ai-backend"), NOW - 60, NOW + 3600, "disks", "kim", "bastion-1"
                ),
            ),
        ),
        "Worked on", "db, ai-backend until 10:14:07Z, by kim@bastion-1: disks",
    ),
    "work that comes each week, on all": (
        lambda each: replace(each, maintenances=(Maintenance("m", (), NOW - 60, NOW + 3600),)),
        "Worked on", "all services until 10:14:07Z, by the configuration's hours",
    ),
    "automation that is off": (
        lambda each: replace(
            each,
            automation=Automation(
                (RULE,), Switch(off=Hand("kim", "bastion-1", NOW - 240, "a migration"))
            ),
        ),
        "Automation", "automation is off, by kim@bastion-1 4m00s ago: a migration",
    ),
    "a degradation": (
        lambda each: replace(
            each, degradations=(Degradation("b", "shop", NOW + 720, "kim", "bastion-1", "load"),)
        ),
        "Degraded on purpose",
        "until 09:26:07Z: degraded on purpose, ends in 12m00s, by kim@bastion-1: load",
    ),
    "an operation": (
        lambda each: replace(each, operations=(run(OperationState.VERIFYING),)),
        "Operations without a verdict", "restart 30s by ana@bastion-2: it hangs",
    ),
    "one of which it is not known": (
        lambda each: replace(each, operations=(run(OperationState.UNKNOWN),)),
        "Operations without a verdict", "unknown whether it took effect",
    ),
    "a rollback": (
        lambda each: replace(each, operations=(run(OperationState.FAILED, NOW + 25),)),
        "Rolls back by itself", "rolls back by itself in 25s",
    ),
    "a note that is marked": (
        lambda each: replace(
            each,
            events=(*each.events, event_of(Note(NOW - 60, "kim", "! look at db at six", "db"))),
        ),
        "Notes marked !", "kim: ! look at db at six",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OPEN)
def test_each_thing_that_is_open_is_handed_over(kind: str) -> None:
    change, title, said = OPEN[kind]
    snapshot = change(quiet())
    (part,) = parts(snapshot, NOW)
    assert part.title == title
    (item,) = part.items
    assert said in f"{item.what} {item.said}"
    assert open_things(snapshot, NOW) == 1
    for text in (markdown(snapshot, NOW).replace("\\", ""), plain(page(snapshot, 200, NOW))):
        assert item.said in text
        assert part.counted in text


OVER: dict[str, Callable[[Snapshot], Snapshot]] = {
    "nothing": lambda each: each,
    "a closed incident": lambda each: replace(each, incidents=(CLOSED,)),
    "a silence that has ended": lambda each: replace(
        each, silences=(silence("old", SilenceState.EXPIRED),)
    ),
    "work that is over": lambda each: replace(
        each, maintenances=(Maintenance("m", ("ai-backend",), NOW - 60, NOW - 1),)
    ),
    "work on what another configuration watches": lambda each: replace(
        each, maintenances=(Maintenance("m", ("not-here",), NOW - 60, NOW + 60),)
    ),
    "work that begins later": lambda each: replace(
        each, maintenances=(Maintenance("m", ("ai-backend",), NOW + 1, NOW + 60),)
    ),
    "automation that is on": lambda each: replace(each, automation=Automation((RULE,))),
    "an operation with its verdict": lambda each: replace(
        each, operations=(run(OperationState.VERIFIED),)
    ),
    "a note that is not marked": lambda each: replace(
        each, events=(*each.events, event_of(Note(NOW - 60, "kim", "it was me!", "")))
    ),
    "a marked note of long ago": lambda each: replace(
        each, events=(*each.events, event_of(Note(NOW - NOTES_FOR - 1, "kim", "! old", "")))
    ),
    "what looks like a mark and is no note": lambda each: replace(
        each, events=(*each.events, Event(NOW, EventCode.HEALTH, "! x", name="!"))
    ),
}


@pytest.mark.parametrize("kind", OVER)
def test_what_is_over_is_not_open(kind: str) -> None:
    snapshot = OVER[kind](quiet())
    assert parts(snapshot, NOW) == ()
    assert open_things(snapshot, NOW) == 0
    assert "Nothing is open." in markdown(snapshot, NOW)
    assert plain(page(snapshot, 80, NOW)).strip() == "nothing is open"


def test_what_was_not_seen_is_never_called_well() -> None:
    blind = replace(stale(), alerts=(), silences=(), operations=(), degradations=())
    found = parts(blind, NOW)
    unseen = next(each for each in found if not each.known)
    assert {each.name for each in blind.services if each.stale} <= {e.what for e in unseen.items}
    assert "nothing is open" not in summary(found)
    noticed = replace(quiet(), notices=("operations cannot be followed: no journal",))
    assert summary(parts(noticed, NOW)) == "nothing is known to be open"
    assert "operations cannot be followed" in markdown(noticed, NOW)
    assert open_things(noticed, NOW) == 0


def test_the_gravest_stands_first_and_the_page_is_as_wide_as_it_may_be() -> None:
    snapshot = together(on_fire())
    assert [each.title for each in parts(snapshot, NOW)][:3] == [
        "Incidents", "Failing", "Alerts that nobody has acknowledged",
    ]  # fmt: skip
    failing = next(each for each in parts(snapshot, NOW) if each.title == "Failing")
    assert failing.items[0].what == "ai-service"
    for width in (60, 80, 120):
        assert all(line_width(line) <= width for line in page(snapshot, width, NOW))


def test_no_text_of_others_acts_as_markdown() -> None:
    hostile = "![x](http://eve) <b> `rm`\n# heading"
    snapshot = replace(
        quiet(),
        incidents=(incident(title=hostile[:100]),),
        events=(event_of(Note(NOW, "eve", f"! {hostile}", "[db](x)")),),
    )
    text = markdown(snapshot, NOW)
    assert "](http" not in text.replace("\\]", "")
    assert "<b>" not in text.replace("\\<", "")
    assert "\n# heading" not in text


def test_who_took_it_is_said() -> None:
    assert taken(None, NOW) == ""
    handover = Handover("1-00000000", NOW - 600, Person("kim", "bastion-1"), 3)
    assert taken(handover, NOW) == "taken by kim 09:04:07"
    assert "taken by kim 09:04:07" in markdown(replace(quiet(), handover=handover), NOW)
