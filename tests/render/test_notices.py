"""A notice in words: the cause first, who acts, what was tried, and nothing that is not so."""

from dataclasses import replace

import pytest

from opsconsole.hiding import hide
from opsconsole.model.alerting.alerts import Severity, Suppression
from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.model.incidents import Incident, IncidentSeverity
from opsconsole.model.notices import Episode, Member, Message, Notice, What
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.model.people import Person
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.remedies.episodes import Episode as RemedyEpisode
from opsconsole.model.remedies.rules import RemedyMode
from opsconsole.model.state import State
from opsconsole.render.notices import message
from tests.watcher.world import World

NOW = 1_700_000_000.0
FACT = Fact(FactCode.OUT_OF_MEMORY, NOW - 90, "db-1", count=3, figure=512 * 1024.0**2)


@pytest.fixture
def world() -> World:
    world = World(now=NOW - 120)
    world.add("db")
    world.add("web", ["db"])
    why = Diagnosis((Explanation(FACT, (FACT,), Confidence.LIKELY),))
    world.turn("db", State.DOWN, diagnosis=why)
    world.now = NOW
    return world


def down(*services: str) -> Episode:
    members = tuple(
        Member(name, "ServiceDown", Severity.CRITICAL, NOW - 120, name, "no answer")
        for name in services
    )
    return Episode("e", members, NOW)


def said(world: World, what: What = What.NEW, episode: Episode | None = None) -> Message:
    notice = Notice("e-new", "e", what, episode or down("db"), folded=("web",))
    return message(notice, replace(world.snapshot, automation=AUTOMATION), NOW)


AUTOMATION: Automation | None = None


def run(state: OperationState, at: float, summary: str = "", who: str = "kim") -> Operation:
    ended = at + 5 if state.final else None
    return Operation(
        "o", "p", "db", ActionKind.RESTART, "restart", state, who, "b1", at, at,
        summary=summary, ended_at=ended,
    )  # fmt: skip


def test_the_title_is_the_cause_and_what_it_costs(world: World) -> None:
    found = said(world)
    assert found.title == (
        "down: db: db-1 killed, out of memory ×3, limit 512M; 1 more service fails because of it"
    )
    assert (found.severity, found.service, found.folded) == ("critical", "db", 1)
    assert said(world, What.REMINDER).title.startswith("still down: db: ")


def test_the_end_says_how_it_is_now_and_is_ok(world: World) -> None:
    world.turn("db", State.DEGRADED)
    over = replace(down("db"), over_at=NOW)
    found = said(world, What.OVER, over)
    assert (found.title, found.severity) == ("over: db is degraded, after 2 min", "ok")


def test_many_at_once_are_counted_and_the_first_are_named(world: World) -> None:
    names = [f"s{number}" for number in range(23)]
    found = said(world, episode=down(*names))
    assert found.title.startswith("23 things wrong at once: s0, s1, s2, s3, s4 and 18 more")
    assert "\n- critical: ServiceDown at s7: no answer" in found.text
    assert len(found.text) < 4000


def test_nobody_acts_where_nobody_does(world: World) -> None:
    text = said(world).text
    assert "acts: nobody" in text
    assert "tried: nothing in the last hour" in text
    assert "why: db-1 killed, out of memory" in text
    assert "fail because of it: web" in text


def test_who_acts_and_what_was_tried_is_said(world: World) -> None:
    world.operations = (
        run(OperationState.VERIFYING, NOW - 20),
        run(OperationState.FAILED, NOW - 600, "still down after 60 s", "auto, rule db-down"),
        run(OperationState.VERIFIED, NOW - 9000),
    )
    text = said(world).text
    assert "acts: ▶ restart 20s by kim@b1" in text
    assert "tried: restart by auto, rule db-down@b1 at " in text
    assert "failed: still down after 60 s" in text
    assert text.count("tried:") == 1
    assert "nobody" not in text


def test_who_acknowledged_it_is_said(world: World) -> None:
    key = world.fire("Slow", "db")
    world.alerts[key] = replace(
        world.alerts[key], suppressions=(Suppression("acknowledgement", by="kim"),)
    )
    text = said(world).text
    assert "acknowledged by kim" in text


def test_who_commands_an_incident_of_it_is_said(world: World) -> None:
    kim = Person("kim", "b1")
    opened = Incident(4, "slow", IncidentSeverity.MAJOR, kim, world.now, kim, services=("db",))
    world.incidents = (opened,)
    text = said(world).text
    assert "INC-4 is open: kim@b1 commands it" in text
    assert "acts: nobody" not in text
    assert "nobody" not in text


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"counting_from": NOW - 10, "counting_to": NOW + 20},
         "acts: remedy db-down begins restart in 20 s, unless somebody stops it"),
        ({"asked_at": NOW - 5}, "asks: remedy db-down waits for a yes to restart"),
        ({"suggested_at": NOW - 5}, "suggests: remedy db-down would restart"),
    ],
)  # fmt: skip
def test_what_a_remedy_does_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch, more: dict[str, float], line: str
) -> None:
    episode = RemedyEpisode(
        "r", "db-down", "db", ActionKind.RESTART, "restart", RemedyMode.AUTO, NOW - 60, NOW - 30
    )
    known = Automation(episodes=(replace(episode, **more),))  # type: ignore[arg-type]
    monkeypatch.setattr("tests.render.test_notices.AUTOMATION", known)
    text = said(world).text
    assert line in text
    assert ("acts: nobody" in text) is not line.startswith("acts:")


def test_a_verdict_says_what_was_seen(world: World) -> None:
    run_ = replace(run(OperationState.FAILED, NOW - 30, "down after 60 s"), evidence=("503 ×12",))
    found = message(Notice("o", "o", What.VERDICT, operation=run_), world.snapshot, NOW)
    assert found.title == "operation: restart of db by kim@b1: failed, down after 60 s"
    assert "seen: 503 ×12" in found.text
    assert "db is down now" in found.text
    good = replace(run_, state=OperationState.VERIFIED, summary="healthy for 10 s")
    notice = Notice("o", "o", What.VERDICT, operation=good)
    assert message(notice, world.snapshot, NOW).severity == "ok"
    died = replace(good, corrected="db-1 died again after 28 s")
    found = message(Notice("o", "o", What.VERDICT, operation=died), world.snapshot, NOW)
    assert found.title.endswith("verified, but db-1 died again after 28 s")
    assert found.severity == "warning"


def test_nothing_hostile_or_secret_leaves(world: World) -> None:
    hide("s3cr3t-value-77", "TOKEN")
    member = Member("k", "Slow\x1b[2J", Severity.WARNING, NOW, "", "see\r\ns3cr3t-value-77 \u202e")
    found = said(world, episode=Episode("e", (member,), NOW))
    everything = found.title + found.text
    assert "s3cr3t" not in everything
    assert "\x1b" not in everything
    assert "\u202e" not in everything
    assert "\n" not in found.title
