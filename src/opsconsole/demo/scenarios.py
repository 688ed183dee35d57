"""What goes wrong in the demo, and when.

Invariant: a step that has come is played once, and never on a process that was replaced since the
scenario began: restarting the service ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.demo import faults
from opsconsole.demo.faults import InjectedFault
from opsconsole.errors import OpsconsoleError


@dataclass(frozen=True, slots=True)
class Step:
    """At `at_s` seconds, `target` (a service or instance) gets `fault`; None kills it."""

    at_s: float
    target: str
    fault: InjectedFault | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named course of events; steps are in order of time."""

    name: str
    summary: str
    steps: tuple[Step, ...] = ()


def _component(component: str, state: str, message: str) -> InjectedFault:
    return InjectedFault(faults.COMPONENT, component=component, state=state, message=message)


def _latency(factor: float, over_s: float) -> InjectedFault:
    return InjectedFault(faults.LATENCY, factor=factor, over_s=over_s)


_ALL: Final = (
    Scenario("calm", "nothing goes wrong"),
    Scenario(
        "incident",
        "after ten calm seconds AI Backend slows down, then loses its database",
        (
            Step(10, "ai-backend", _latency(30, 10)),
            Step(14, "ai-backend", _component("database", "degraded", "17 of 20 connections busy")),
            Step(19, "ai-backend", _component("database", "down", "connection pool exhausted")),
        ),
    ),
    Scenario(
        "component",
        "Oatie's database fails",
        (Step(6, "oatie", _component("database", "down", "connection refused by 10.0.0.5:5432")),),
    ),
    Scenario(
        "latency",
        "AI Service becomes slower and slower on all instances",
        (Step(6, "ai-service", _latency(30, 30)),),
    ),
    Scenario(
        "crash",
        "one of three AI Service instances dies, then ErrorScope does",
        (Step(6, "ai-service-2"), Step(15, "errorscope")),
    ),
    Scenario(
        "garbage",
        "AI Backend's answers turn to garbage",
        (Step(6, "ai-backend", InjectedFault(faults.GARBAGE)),),
    ),
)

SCENARIOS: Final[Mapping[str, Scenario]] = {scenario.name: scenario for scenario in _ALL}
DEFAULT: Final = "incident"


def find(name: str) -> Scenario:
    """The scenario called `name`; OpsconsoleError names those there are."""
    if name not in SCENARIOS:
        raise OpsconsoleError(f"no scenario {name!r}", remedy=f"known: {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
