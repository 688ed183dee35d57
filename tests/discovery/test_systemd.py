"""Units as services: which, under which names, what may be done, and how one is restarted."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

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


def test_units_of_another_host_are_refused_rather_than_taken_for_those_of_this() -> None:
    with pytest.raises(ValueError, match="units are read on this host alone"):
        declared(hosts={"web-1": {}}, services={"web": {"units": ["nginx"], "host": "web-1"}})


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
