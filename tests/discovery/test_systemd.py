"""Units as services: which, under which names, what may be done, and how one is restarted."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.effective import effective
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.discovery.systemd import read
from opsconsole.engine.engine import Engine
from opsconsole.model.running.workloads import Inventory, Phase, Place, PlaceKind, Replica
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.source_id import UNITS_HERE
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.fakes import FakeClock
from tests.systemctl import Systemctl

HERE = Place(PlaceKind.HOST, UNITS_HERE.name)


def declared(**more: Any) -> Settings:
    return Settings.model_validate({"docker": [], "discover": {"systemd": True}, **more})


def unit(name: str, state: State = State.DOWN, phase: Phase = Phase.ENDED) -> Replica:
    return Replica(f"here:{name}", name, "unit", HERE, "failed", phase, state)


def found(settings: Settings, *units: Replica) -> dict[str, bool]:
    """The names of what is found, and whether it serves."""
    inventory = Inventory(HERE, "systemd", "", units)
    return {each.found.name: each.serves for each in read(settings, inventory)}


def test_what_failed_serves_and_what_is_well_does_only_where_it_is_named() -> None:
    units = (
        unit("api.service"),
        unit("nginx.service", State.OK, Phase.RUNNING),
        unit("data.mount"),
        unit("getty@tty1.service", State.OK, Phase.RUNNING),
    )
    assert found(declared(), *units) == {
        "api.service": True,
        "nginx.service": False,
        "data.mount": True,
        "getty-tty1.service": False,
    }
    named = declared(discover={"systemd": {"units": ["nginx", "getty@*"], "failed": False}})
    assert {name for name, serves in found(named, *units).items() if serves} == {
        "nginx.service",
        "getty-tty1.service",
    }
    assert found(declared(discover={}), *units) == {}


def test_two_units_that_would_have_one_name_have_two() -> None:
    assert set(found(declared(), unit("a@b.service"), unit("a-b.service"))) == {
        "a-b.service",
        "a-b.service.unit",
    }


@pytest.mark.parametrize(
    "name", ["web", "*.service", "nginx.service-a", "a b.service", "x.service\x1b", "$(id).service"]
)
def test_what_is_no_name_of_a_unit_takes_no_service_s_name(name: str) -> None:
    # A host may call what it likes failed: web of b-1 would fill in what web-b-1 leaves open, with
    # its host, so that what is declared to act here acted there.
    settings = declared(hosts={"b-1": None}, services={"web-b-1": {"health": None}})
    host = Place(PlaceKind.HOST, "b-1")
    units = (replace(unit(name), place=host), replace(unit("api.service"), place=host))
    findings = read(settings, Inventory(host, "systemd", "", units))
    assert [each.found.name for each in findings] == ["api.service-b-1"]
    merged = effective(settings, [each.found for each in findings]).settings
    assert merged.services["web-b-1"] == settings.services["web-b-1"]


@pytest.mark.parametrize(
    "service",
    [
        {"units": ["api"]},
        {"instances": [{"url": "http://127.0.0.1:1", "unit": "api"}]},
        {"logs": [{"journal": "api.service"}]},
        {"actions": {"restart": {"systemd": "api"}}},
    ],
    ids=lambda each: next(iter(each)),
)
def test_what_a_declared_service_is_already_is_not_found_again(service: dict[str, Any]) -> None:
    settings = declared(services={"shop": service})
    assert found(settings, unit("api.service"), unit("apis.service")) == {"apis.service": True}


def of_hosts(settings: Settings, host: str, *units: str) -> dict[str, Service]:
    """What is found on ``host``, where ``units`` failed."""
    place = Place(PlaceKind.HOST, host)
    failed = tuple(replace(unit(each), id=f"{host}:{each}", place=place) for each in units)
    inventory = Inventory(place, "systemd", "", failed)
    return {
        each.found.name: each.found.service for each in read(settings, inventory) if each.serves
    }


def test_units_of_hosts_are_services_of_their_own_that_are_restarted_there() -> None:
    settings = declared(hosts={"web-1": {}, "web-2": {"enabled": False}})
    here = of_hosts(settings, UNITS_HERE.name, "api.service")
    there = of_hosts(settings, "web-1", "api.service", "a@b.service", "a-b.service")
    assert list(here) == ["api.service"]
    assert set(there) == {
        "api.service-web-1", "a-b.service-web-1", "a-b.service.unit-web-1"
    }  # fmt: skip
    service = there["api.service-web-1"]
    assert (service.host, service.group, service.units) == ("web-1", "web-1", ("api.service",))
    assert service.actions.restart is not None
    merged = settings.model_copy(update={"services": {**here, **there}})
    assert list(merged.hosts_of("api.service-web-1", service.actions.restart)) == ["web-1"]
    assert list(merged.hosts_of("api.service", here["api.service"].actions.restart)) == ["local"]
    assert of_hosts(settings, "web-2", "api.service") == {}, "it is not read"


def test_a_pattern_is_of_all_hosts_or_of_those_before_the_slash() -> None:
    def named(units: list[str], hosts: list[str], place: str) -> set[str]:
        rules = {"units": units, "hosts": hosts, "failed": False}
        settings = declared(hosts={"web-1": {}, "db-1": {}}, discover={"systemd": rules})
        return set(of_hosts(settings, place, "api.service", "postgresql@15.service"))

    every = ["api", "db-*/postgresql@*"]
    assert named(every, [], "web-1") == {"api.service-web-1"}
    assert named(every, [], "db-1") == {"api.service-db-1", "postgresql-15.service-db-1"}
    assert named(["local/api"], [], "web-1") == set()
    assert named(["local/api"], [], UNITS_HERE.name) == {"api.service"}
    assert named(["api"], ["db-*"], "web-1") == set()
    assert named(["api"], ["db-*"], UNITS_HERE.name) == set()
    assert named(["api"], ["local"], UNITS_HERE.name) == {"api.service"}


def test_what_a_service_is_on_one_host_is_found_on_another() -> None:
    services = {
        "shop": {
            "instances": [{"url": "http://web-1:1", "host": "web-1", "unit": "api"}],
            "actions": {"restart": {"systemd": "cart"}},
        },
        "db": {"host": "db-1", "units": ["api"]},
    }
    settings = declared(hosts={"web-1": {}, "db-1": {}}, services=services)
    assert set(of_hosts(settings, "web-1", "api.service", "cart.service")) == set()
    assert set(of_hosts(settings, "db-1", "api.service", "cart.service")) == {"cart.service-db-1"}
    assert set(of_hosts(settings, UNITS_HERE.name, "api.service")) == {"api.service"}


def test_a_name_that_looks_like_an_option_is_given_to_no_program() -> None:
    inventory = Inventory(HERE, "systemd", "", (unit("-.mount"), unit("api.service")))
    actions = {
        each.found.name: each.found.service.actions.restart for each in read(declared(), inventory)
    }
    assert actions["mount"] is None
    assert actions["api.service"] is not None


async def test_a_unit_comes_recovers_and_is_not_lost_while_systemd_is_silent(
    systemctl: Systemctl, tmp_path: Path
) -> None:
    clock = FakeClock(1_000.0)
    engine = Engine(declared(), base=tmp_path, clock=clock)

    async def looked() -> ServiceView | None:
        (source,) = (each for each in engine._sources if each.id == UNITS_HERE)
        engine._deliver(await source.collect(), 0.0)
        await engine._discover()
        engine._publish()
        return engine.latest.service("api.service")

    async with AsyncExitStack() as cleanup:
        engine._open(cleanup)
        systemctl.has("api.service", "active", "running")
        assert await looked() is None
        systemctl.has("api.service", "failed", "failed", Result="exit-code", ExecMainStatus=3)
        failed = await looked()
        assert failed is not None
        assert (failed.state, failed.reason, failed.places) == (
            State.DOWN, "unit api.service failed: exit-code 3", ("this host",),
        )  # fmt: skip
        assert "the fleet as this host finds it: added api.service" in map(
            words, engine.latest.events
        )
        systemctl.breaks()
        await clock.advance(60.0)
        away = await looked()
        assert away is not None
        assert (away.state, away.reason) == (State.UNKNOWN, "this host has not answered")
        systemctl.answers()
        systemctl.has("api.service", "active", "running")
        well = await looked()
        assert well is not None
        assert well.state is State.OK
        systemctl.forgets("api.service")
        gone = await looked()
        assert gone is not None
        assert (gone.state, gone.reason) == (
            State.UNKNOWN, "gone: this host has no api.service now",
        )  # fmt: skip
        await clock.advance(601.0)
        assert await looked() is None
