"""What snapshots have in common."""

from dataclasses import replace

from opsconsole.config.settings import Settings
from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.model.health import HealthReport
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Host
from opsconsole.model.state import State
from tests.engine.conftest import MakeSource
from tests.named import named

NOW = 1_700_000_000.0
HOST = Host("vm", 0.1, (0.1,), (0, 0, 0), 1, 2, 0, 0, (), None, None, 5.0, platform="Docker")


def test_what_did_not_change_is_the_same_object(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    builder = SnapshotBuilder(one_service, store, read_only=True)
    first, second = builder.build(NOW, (), ()), builder.build(NOW + 1, (), ())
    assert second.seq == first.seq + 1
    assert second.services is first.services
    assert second.sources is first.sources
    assert second.events is first.events
    assert second.alerts is first.alerts
    assert second.environment is first.environment
    assert second.read_only


def test_a_service_that_was_read_is_another_object(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    builder = SnapshotBuilder(one_service, store, read_only=False)
    first = builder.build(NOW, (), ())
    report = HealthReport(State.OK, "plain")
    store.apply(Reading(named("probe:api/api:health"), NOW, 0.1, value=report))
    store.settle(NOW)
    assert builder.build(NOW, (), ()).services is not first.services


def test_the_platform_comes_from_the_host(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    builder = SnapshotBuilder(one_service, store, read_only=False)
    store.apply(Reading(named("host:local"), NOW, 0.1, value=HOST))
    assert builder.build(NOW, (), ()).environment.platform == "Docker"


def test_each_host_is_told_by_itself_until_it_is_configured_no_more(
    one_service: Settings, source: MakeSource
) -> None:
    store = Store(one_service, NOW)
    builder = SnapshotBuilder(one_service, store, read_only=False)
    here, there = named("host:local"), named("host:other")
    store.watch([source(here), source(there)], NOW)
    store.apply(Reading(here, NOW, 0.1, value=HOST))
    store.apply(Reading(there, NOW - 60, 0.1, value=replace(HOST, name="other")))
    first, second = builder.build(NOW, (), ()), builder.build(NOW + 1, (), ())
    assert [each.host.name for each in first.hosts] == ["vm", "other"]
    assert [each.stale(NOW) for each in first.hosts] == [False, True]
    assert second.hosts is first.hosts
    store.watch([source(here)], NOW)
    assert [each.host.name for each in builder.build(NOW + 2, (), ()).hosts] == ["vm"]
