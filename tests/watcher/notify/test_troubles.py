"""What is trouble, what is over, and what is neither."""

from dataclasses import replace

import pytest

from opsconsole.config.settings import Settings
from opsconsole.model.alerting.alerts import AlertState, Severity
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.watcher.notify.troubles import Standing, Troubles, key_of, ruled_states
from tests.watcher.world import World

AM = SourceId(SourceKind.ALERTMANAGER, "am")


@pytest.fixture
def world() -> World:
    found = World()
    found.add("db")
    found.add("web", ["db"])
    return found


def standing(world: World, key: str, service: str = "db") -> Standing:
    return world.troubles().standing(key, service)[0]


def test_an_alert_that_comes_back_from_where_it_was_sent_does_not_keep_itself_alive(
    world: World,
) -> None:
    key = world.fire("Slow", "db")
    world.alerts[key] = replace(world.alerts[key], sources=(*world.alerts[key].sources, AM))
    assert standing(world, key) is Standing.ON
    # The console's own rule holds no more; the Alertmanager has not heard of it yet.
    world.alerts[key] = replace(world.alerts[key], sources=(AM,))
    assert key not in world.troubles().all
    assert standing(world, key) is Standing.OVER


def test_what_other_servers_report_is_not_reported_again(world: World) -> None:
    key = world.fire("Slow", "db")
    world.alerts[key] = replace(world.alerts[key], sources=(AM,))
    assert world.troubles().all == {}


def test_an_alert_that_is_pending_is_neither_trouble_nor_its_end(world: World) -> None:
    key = world.fire("Slow", "db")
    world.alerts[key] = replace(world.alerts[key], state=AlertState.PENDING)
    assert world.troubles().all == {}
    assert standing(world, key) is Standing.UNKNOWN


def test_a_rule_of_a_service_takes_the_place_of_what_would_be_reported(world: World) -> None:
    rule = {"name": "DbDown", "when": "state == down", "for": "5m"}
    settings = Settings.model_validate(
        {"services": {"db": {"instances": ["http://127.0.0.1:9"], "alerts": [rule]}}}
    )
    ruled = ruled_states(settings)
    for name in ("db", "web"):
        world.turn(name, State.DOWN)
    found = Troubles(world.snapshot, (State.DOWN,), ruled)
    assert list(found.all) == [key_of("web", State.DOWN)]


def test_what_else_is_wrong_with_a_service_that_is_down_follows_from_it(world: World) -> None:
    world.turn("db", State.DOWN)
    slow = world.fire("Slow", "db")
    troubles = world.troubles()
    assert troubles.root(troubles.all[slow], troubles.all.keys()).key == key_of("db", State.DOWN)


def test_one_that_got_worse_is_not_over(world: World) -> None:
    world.turn("db", State.DOWN)
    assert standing(world, key_of("db", State.DEGRADED)) is Standing.UNKNOWN
    world.turn("db", State.DEGRADED)
    assert standing(world, key_of("db", State.DOWN)) is Standing.OVER


@pytest.mark.parametrize(("well_at", "folds"), [(-20.0, True), (20.0, False)])
def test_a_cause_that_is_seen_later_may_have_been_first(
    world: World, well_at: float, folds: bool
) -> None:
    world.turn("web", State.DOWN)
    began = world.now
    world.pass_(30)
    seen = InstanceView("db", "db-1", "", State.DOWN, world.now, well_at=began + well_at)
    world.turn("db", State.DOWN, instances=(seen,))
    troubles = world.troubles()
    web = troubles.all[key_of("web", State.DOWN)]
    root = troubles.root(web, troubles.all.keys()).service
    assert root == ("db" if folds else "web")


def test_a_silence_of_an_alertmanager_holds_for_services_too(world: World) -> None:
    world.turn("db", State.DOWN)
    matchers = (Matcher("service", "db"),)
    silence = SilenceView("s", matchers, "kim", "moving", 0.0, 9e12, SilenceState.ACTIVE)
    snapshot = replace(world.snapshot, silences=(silence,))
    (found,) = Troubles(snapshot, (State.DOWN,), {}).all.values()
    assert [each.by for each in found.suppressions] == ["kim"]


def test_causes_that_go_in_a_circle_have_one_root() -> None:
    world = World()
    for name, needs in (("a", "b"), ("b", "c"), ("c", "a")):
        world.add(name, [needs])
        world.turn(name, State.DOWN)
        world.fire("Dead", name, Severity.CRITICAL)
    troubles = world.troubles()
    roots = {troubles.root(each, troubles.all.keys()).key for each in troubles.all.values()}
    assert 1 <= len(roots) <= 2
    assert all(troubles.root(troubles.all[key], troubles.all.keys()).key == key for key in roots)


def test_a_service_that_is_worked_on_is_quiet_until_that_is_over(world: World) -> None:
    for name in ("web", "db"):
        world.turn(name, State.DOWN)
    work = Maintenance("1", ("web",), world.now - 60, world.now + 60, "new disks", "kim")

    def quiet() -> list[str]:
        snapshot = replace(world.snapshot, maintenances=(work,))
        found = Troubles(snapshot, (State.DOWN,), {}).all.values()
        return [each.service for each in found if each.quiet]

    assert quiet() == ["web"]
    world.pass_(60)
    assert quiet() == []
