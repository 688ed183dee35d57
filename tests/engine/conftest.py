"""Fleets and sources that do what they are told."""

from collections.abc import Callable
from typing import Any

import pytest

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State
from tests.fakes import FakeClock
from tests.named import named

REFUSED = Fault(FaultKind.CONNECT, "connection refused")
PROBE = named("probe:api/api:health")
UNRESOLVED = Fault(FaultKind.DNS, "no such name")

Answer = Observation | Fault | Exception


class ScriptedSource:
    """Gives what ``answer`` holds: a value, a fault, an exception to raise, or a wait."""

    endpoint = ""

    def __init__(
        self, who: SourceId, interval: float, clock: Clock, answer: Answer | None = None
    ) -> None:
        self.id = who
        self.interval = interval
        self.answer: Answer = HealthReport(State.OK, "plain") if answer is None else answer
        self.looked: list[float] = []
        self.takes = 0.0
        self.under_way = 0
        self.closed = False
        self._clock = clock

    async def collect(self) -> Reading[Observation]:
        began = self._clock.now()
        self.looked.append(began)
        self.under_way += 1
        try:
            if self.takes:
                await self._clock.sleep(self.takes)
        finally:
            self.under_way -= 1
        answer = self.answer
        if isinstance(answer, Exception):
            raise answer
        now = self._clock.now()
        if isinstance(answer, Fault):
            return Reading(self.id, now, now - began, fault=answer)
        return Reading(self.id, now, now - began, value=answer)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def fleet(services: dict[str, Any], **more: Any) -> Settings:
    """Settings without Docker and host unless they are asked for."""
    return Settings.model_validate(
        {"docker": [], "host": {"enabled": False}, "services": services, **more}
    )


@pytest.fixture
def one_service() -> Settings:
    return fleet({"api": {"instances": ["http://10.0.0.1:8000"], "interval": "5s"}})


MakeSource = Callable[..., ScriptedSource]


@pytest.fixture
def source(clock: FakeClock) -> MakeSource:
    def make(who: SourceId = PROBE, interval: float = 5.0, answer: Any = None) -> Any:
        return ScriptedSource(who, interval, clock, answer)

    return make
