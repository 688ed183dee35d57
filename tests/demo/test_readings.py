"""The platforms' health as the console's own reader understands it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from opsconsole.config.services import Health
from opsconsole.demo import faults
from opsconsole.demo.faults import InjectedFault
from opsconsole.demo.fleet import Fleet
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport, failing
from opsconsole.model.state import State
from opsconsole.sources.health.body import read_health

PATHS = {
    "errorscope": ("/health", "llm"),
    "ai-backend": ("/health/detailed", "database"),
    "ai-service": ("/health/detailed", "elasticsearch"),
    "oatie": ("/health/detailed", "database"),
}


@pytest.fixture(autouse=True)
def _healed(fleet: Fleet) -> Iterator[None]:
    yield
    for service in PATHS:
        fleet.inject(service, InjectedFault(faults.CLEAR))


def reading(fleet: Fleet, http: httpx.Client, service: str) -> HealthReport | Fault:
    """What the console reads at the service's first instance."""
    path = PATHS[service][0]
    answer = http.get(fleet.layout.of(service)[0].url + path)
    kind = answer.headers["content-type"]
    return read_health(
        answer.content,
        status=answer.status_code,
        accepted=answer.is_success,
        content_type=kind,
        health=Health(path=path),
    )


@pytest.mark.parametrize("service", PATHS)
def test_well_platform_is_ok_with_its_components(
    fleet: Fleet, http: httpx.Client, service: str
) -> None:
    report = reading(fleet, http, service)
    assert isinstance(report, HealthReport)
    assert report.state is State.OK
    assert PATHS[service][1] in [part.name for part in report.components]
    assert failing(report.components) == ()


@pytest.mark.parametrize("service", PATHS)
def test_failed_component_is_down_and_named(fleet: Fleet, http: httpx.Client, service: str) -> None:
    name = PATHS[service][1]
    fleet.inject(service, InjectedFault(faults.COMPONENT, component=name, message="boom"))
    report = reading(fleet, http, service)
    assert isinstance(report, HealthReport)
    assert report.state is State.DOWN
    assert [(part.name, part.message) for part in failing(report.components)] == [(name, "boom")]


@pytest.mark.parametrize("service", PATHS)
def test_garbage_is_not_understood_and_brings_no_escape(
    fleet: Fleet, http: httpx.Client, service: str
) -> None:
    fleet.inject(service, InjectedFault(faults.GARBAGE))
    fault = reading(fleet, http, service)
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.NOT_UNDERSTOOD
    assert str(fault).isprintable()
