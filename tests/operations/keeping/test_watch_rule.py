"""When an acknowledged alert counts as resolved, and when the watch for it is over."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.settings import Alertmanager
from opsconsole.model.alerting.silences import ACK_PREFIX
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.operation import BY_PROMISE, ActionKind, ActionRequest, Refusal, Step
from opsconsole.operations.drivers.alertmanager import SilenceCall
from opsconsole.operations.drivers.json_client import CallError
from opsconsole.operations.journal.records import Intent, Promise, PromiseKind
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.keeping import alert_origin, automatic, watch_rule
from opsconsole.operations.keeping.alert_origin import Origin
from opsconsole.operations.keeping.watch_rule import LOOK_EVERY, OVER, WatchRule
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.state_place import FolderPlace
from opsconsole.sources.prometheus.api_alerts import FILLS_UP
from tests.operations.journal.samples import intent, op, own_of

LATER = 1_000_000.0
ONE = op("one")
MATCHER = {"name": "alertname", "value": "Slow", "isRegex": False, "isEqual": True}
IN_FORCE = {
    "id": "silence-1",
    "comment": f"{ACK_PREFIX}why",
    "status": {"state": "active"},
    "matchers": [MATCHER],
}
REPORTED = {"fingerprint": "abc"}


@dataclass
class World:
    """What the servers say, and what was done: ``asked`` to end silences, ``sought`` alerts."""

    alerts: list[Any] = field(default_factory=list)
    silences: list[Any] = field(default_factory=lambda: [IN_FORCE])
    started: float | None = None
    fault: bool = False
    origin: Origin = Origin.OVER
    asked: list[ActionRequest] = field(default_factory=list)
    sought: list[Mapping[str, str]] = field(default_factory=list)
    closed: int = 0

    def client(self, settings: Alertmanager, *_: object) -> "Client":
        assert settings.name == "web"
        return Client(self)


@dataclass
class Client:
    """Stands in for an Alertmanager."""

    world: World

    async def alerts(self) -> list[Any]:
        if self.world.fault:
            raise CallError(Fault(FaultKind.TIMEOUT, "no answer"), acted=False)
        return self.world.alerts

    async def silences(self) -> list[Any]:
        return self.world.silences

    async def started(self) -> float | None:
        return self.world.started

    async def close(self) -> None:
        self.world.closed += 1


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()

    async def ask(_: object, labels: Mapping[str, str], *__: object) -> Origin:
        made.sought.append(labels)
        return made.origin

    async def perform(*given: Any) -> Refusal:
        made.asked.append(given[3])
        return Refusal("busy", "somebody is at it")

    monkeypatch.setattr(watch_rule, "AlertmanagerClient", made.client)
    monkeypatch.setattr(alert_origin, "ask", ask)
    monkeypatch.setattr(automatic, "perform", perform)
    monkeypatch.setattr(OwnConfiguration, "declared", lambda *_: object())
    return made


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    path = tmp_path / "opsconsole.yaml"
    path.write_text("docker: []\nalertmanager: [{name: web, url: 'http://127.0.0.1:1'}]\n")
    path.chmod(0o600)
    return FolderPlace(tmp_path / "state")


@pytest.fixture
def journal(place: FolderPlace) -> Iterator[SqliteJournal]:
    made = place.journal()
    yield made
    made.close()


def acknowledged(place: FolderPlace) -> Intent:
    made = intent("one", ActionKind.ACKNOWLEDGE)
    call = SilenceCall((MATCHER,), 60.0, "").document()
    step = Step("acknowledge Slow", "alertmanager", "web", call)
    plan = replace(made.plan, steps=(step,), parameters={"alert": "abc"})
    base = place.folder.parent
    return replace(made, plan=plan, config_path=str(base / "opsconsole.yaml"), base=str(base))


@pytest.fixture
def rule(place: FolderPlace, journal: SqliteJournal, world: World) -> WatchRule:
    assert world.asked == []
    return made_rule(place, journal, LATER)


def made_rule(place: FolderPlace, journal: SqliteJournal, seconds: float) -> WatchRule:
    made = acknowledged(place)
    journal.submit(made, 1.0)
    promise = Promise(ONE, PromiseKind.WATCH, "web", time.time() + seconds)
    journal.arm(promise, 3.0)
    return WatchRule(place, journal, own_of(made), made, promise)


async def turned(rule: WatchRule, times: int = 1) -> list[float | None]:
    """So many looks; the first turn of all waits for the world to take the silence in."""
    return [await rule.turn() for _ in range(times)]


async def test_an_alert_that_nobody_reports_twice_in_a_row_has_resolved(
    rule: WatchRule, world: World
) -> None:
    assert await turned(rule) == [LOOK_EVERY]
    assert world.sought == [], "the first turn only waits"
    assert await turned(rule) == [LOOK_EVERY]
    assert world.asked == [], "one look is not enough"
    assert await turned(rule) == [LOOK_EVERY]
    (asked,) = world.asked
    assert (asked.service, asked.kind) == ("web", ActionKind.EXPIRE_SILENCE)
    assert asked.reason == "the acknowledged alert has resolved"
    assert dict(asked.parameters) == {"silence": "silence-1", BY_PROMISE: "end"}
    assert world.sought == [{"alertname": "Slow"}] * 2
    assert world.closed == 2


async def test_an_alert_that_its_alertmanager_has_is_there(rule: WatchRule, world: World) -> None:
    world.alerts = ["not an alert", {"fingerprint": "another"}, REPORTED]
    await turned(rule, 5)
    assert (world.asked, world.sought) == ([], [])
    world.alerts = world.alerts[:2]
    await turned(rule, 2)
    assert len(world.asked) == 1


@pytest.mark.parametrize("origin", [Origin.FIRES, Origin.UNKNOWN])
async def test_an_alert_that_may_fire_where_it_began_is_there(
    rule: WatchRule, world: World, origin: Origin
) -> None:
    world.origin = origin
    await turned(rule, 5)
    assert (world.asked, len(world.sought)) == ([], 4)


@pytest.mark.parametrize("between", [{"alerts": [REPORTED]}, {"fault": True}])
async def test_looks_without_it_count_only_in_a_row(
    rule: WatchRule, world: World, between: dict[str, Any]
) -> None:
    await turned(rule, 2)
    usual = {"alerts": [], "fault": False}
    for _ in range(3):
        for name, value in between.items():
            setattr(world, name, value)
        assert await turned(rule) == [LOOK_EVERY]
        for name in between:
            setattr(world, name, usual[name])
        assert await turned(rule) == [LOOK_EVERY]
    assert world.asked == []
    await turned(rule)
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("began", "counts"),
    [(-FILLS_UP / 2, False), (-2 * FILLS_UP, True), (None, True)],
    ids=["just now", "long ago", "nobody knows when"],
)
async def test_an_alertmanager_that_restarted_is_believed_once_it_had_the_time_to_hear(
    rule: WatchRule, world: World, began: float | None, counts: bool
) -> None:
    world.started = None if began is None else time.time() + began
    await turned(rule, 3)
    assert len(world.asked) == int(counts)
    assert len(world.sought) == (2 if counts else 0)


async def test_one_that_had_reported_it_since_its_restart_is_believed_at_once(
    rule: WatchRule, world: World
) -> None:
    world.started, world.alerts = time.time() - 10.0, [REPORTED]
    await turned(rule, 2)
    world.alerts = []
    await turned(rule, 2)
    assert len(world.asked) == 1


async def test_one_that_had_begun_before_the_acknowledgement_is_believed_at_once(
    place: FolderPlace, journal: SqliteJournal, world: World
) -> None:
    rule = made_rule(place, journal, LATER)
    now = time.time()
    rule._intent = replace(rule._intent, plan=replace(rule._intent.plan, created_at=now))
    world.started = now
    await turned(rule, 3)
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    "silence",
    [
        IN_FORCE | {"status": {"state": "expired"}},
        IN_FORCE | {"status": "active"},
        IN_FORCE | {"comment": "somebody's own"},
        IN_FORCE | {"matchers": [MATCHER | {"value": "Fast"}]},
        IN_FORCE | {"matchers": [MATCHER, MATCHER | {"name": "severity"}]},
        "not a silence",
    ],
)
async def test_it_is_over_where_its_silence_is_not_in_force(
    rule: WatchRule, world: World, journal: SqliteJournal, silence: object
) -> None:
    world.silences = [silence, IN_FORCE]
    assert await turned(rule, 2) == [LOOK_EVERY, LOOK_EVERY]
    world.silences = [silence]
    assert await turned(rule) == [None]
    told = journal.promise(ONE, PromiseKind.WATCH)
    assert told is not None
    assert told.outcome == OVER
    assert world.closed == 2


@pytest.mark.parametrize(
    ("seconds", "goes_on"), [(-LOOK_EVERY / 2, True), (-2 * LOOK_EVERY, False)]
)
async def test_it_is_over_a_look_after_its_end(
    place: FolderPlace, journal: SqliteJournal, world: World, seconds: float, goes_on: bool
) -> None:
    rule = made_rule(place, journal, seconds)
    assert await turned(rule, 2) == [LOOK_EVERY, LOOK_EVERY if goes_on else None]
    assert len(world.sought) == int(goes_on)


async def test_what_this_configuration_declares_otherwise_is_left_alone(
    rule: WatchRule, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OwnConfiguration, "declared", lambda *_: Refusal("declared", "otherwise"))
    assert await turned(rule, 4) == [LOOK_EVERY] * 4
    assert (world.asked, world.sought, world.closed) == ([], [], 0)


async def test_what_has_no_alertmanager_any_more_is_over(
    rule: WatchRule, world: World, place: FolderPlace
) -> None:
    await turned(rule)
    (place.folder.parent / "opsconsole.yaml").write_text("docker: []\n")
    assert await turned(rule) == [None]
    assert world.closed == 0
