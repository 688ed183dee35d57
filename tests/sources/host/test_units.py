"""Units of a host: which are looked at, and what systemd's words for them mean."""

import time
from typing import Any

import pytest

from opsconsole.config.discovery import SystemdDiscovery
from opsconsole.config.hosts import HostSettings
from opsconsole.machines.machines import Machines
from opsconsole.model.fault import FaultKind
from opsconsole.model.running.workloads import Inventory, Phase, Place, PlaceKind
from opsconsole.model.source_id import UNITS_HERE
from opsconsole.model.state import State
from opsconsole.sources.host.system_units import replica
from opsconsole.sources.host.units import UnitSource
from tests.fakes import FakeClock
from tests.systemctl import Systemctl

PLACE = Place(PlaceKind.HOST, UNITS_HERE.name)


def source(*named: str, rules: dict[str, Any] | bool | None = True) -> UnitSource:
    found = None if rules is None else SystemdDiscovery.model_validate(rules)
    host = HostSettings()
    return UnitSource(host, Machines().of(host), found, named, FakeClock())


async def seen(of: UnitSource) -> Inventory:
    reading = await of.collect()
    assert reading.value is not None, reading.fault
    return reading.value


def fleet(systemctl: Systemctl) -> None:
    systemctl.has("api.service", "failed", "failed", Result="exit-code", ExecMainStatus=3)
    systemctl.has("cron.service", "active", "running")
    systemctl.has("loop.service", "activating", "auto-restart", Result="exit-code", NRestarts=41)
    systemctl.has("data.mount", "failed", "failed", Result="timeout")
    systemctl.has("nginx.service", "active", "running", MemoryCurrent=1048576, MainPID=7)
    systemctl.has("shop-mail.timer", "active", "waiting")
    systemctl.has("old.service", "inactive", "dead")


async def test_what_failed_is_seen_and_nothing_else(systemctl: Systemctl) -> None:
    fleet(systemctl)
    inventory = await seen(source())
    states = {each.name: (each.phase, each.state, each.detail) for each in inventory.replicas}
    assert states == {
        "api.service": (Phase.ENDED, State.DOWN, "failed: exit-code 3"),
        "data.mount": (Phase.ENDED, State.DOWN, "failed: timeout"),
        "loop.service": (Phase.RESTARTING, State.DOWN, "auto-restart: exit-code"),
    }
    assert inventory.place == PLACE
    assert len(systemctl.asked("list-units")) == len(systemctl.asked("show")) == 1


async def test_what_is_named_is_seen_as_well(systemctl: Systemctl) -> None:
    fleet(systemctl)
    rules = {"units": ["nginx", "shop-*.timer", "nowhere"], "failed": False}
    inventory = await seen(source("old.service", "never.service", rules=rules))
    states = {each.name: (each.phase, each.state) for each in inventory.replicas}
    assert states == {
        "nginx.service": (Phase.RUNNING, State.OK),
        "old.service": (Phase.ENDED, State.UNKNOWN),
        "shop-mail.timer": (Phase.RUNNING, State.OK),
    }
    (nginx,) = (each for each in inventory.replicas if each.name == "nginx.service")
    assert (nginx.memory, nginx.pid, nginx.kind) == (1 << 20, 7, "unit")


async def test_one_that_is_watched_is_seen_after_it_recovered(systemctl: Systemctl) -> None:
    fleet(systemctl)
    systemctl.has("api.service", "active", "running")
    inventory = await seen(source("api.service"))
    assert {each.name: each.state for each in inventory.replicas}["api.service"] is State.OK


async def test_nothing_that_is_meant_needs_no_second_program(systemctl: Systemctl) -> None:
    systemctl.has("cron.service", "active", "running")
    assert (await seen(source())).replicas == ()
    assert systemctl.asked("show") == []


async def test_no_systemctl_is_no_unit_that_failed(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reading = await source().collect()
    assert reading.value is None
    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.UNSUPPORTED


@pytest.mark.parametrize(
    ("properties", "state", "detail"),
    [
        ({"ActiveState": "inactive", "Type": "oneshot", "Result": "success",
          "InactiveEnterTimestampMonotonic": "5"}, State.OK, ""),
        ({"ActiveState": "inactive", "Type": "oneshot", "Result": "success",
          "InactiveEnterTimestampMonotonic": "0"}, State.UNKNOWN, ""),
        ({"ActiveState": "inactive", "Type": "simple", "Result": "success"}, State.UNKNOWN, ""),
        ({"ActiveState": "activating", "SubState": "start"}, State.UNKNOWN, ""),
        ({"ActiveState": "failed", "SubState": "failed", "Result": "oom-kill",
          "ExecMainStatus": "9"}, State.DOWN, "failed: oom-kill 9"),
        ({"ActiveState": "sleeping"}, State.UNKNOWN, ""),
        ({}, State.UNKNOWN, ""),
    ],
)  # fmt: skip
def test_the_state_is_systemds(properties: dict[str, str], state: State, detail: str) -> None:
    made = replica(properties, "job.service", PLACE, 100.0)
    assert (made.state, made.detail) == (state, detail)
    assert made.oom_killed == (properties.get("Result") == "oom-kill")


def test_when_it_failed_is_known() -> None:
    since = str(int((time.monotonic() - 60) * 1e6))
    properties = {"ActiveState": "failed", "InactiveEnterTimestampMonotonic": since}
    made = replica(properties, "api.service", PLACE, 1000.0)
    assert made.started_at is None
    assert made.finished_at == pytest.approx(940, abs=5)
