"""Looking at a service's instances, or its pods, while it is being changed, with the probe that the
panels use.

Invariant: what is seen here and on the screen is read by the same code, so that the console and
its verdicts cannot disagree about what healthy means. Looks change nothing.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.operations.driving.sight_of_probe import sight_of
from opsconsole.sources.health.factory import Asked, pods_of, probes_of
from opsconsole.sources.health.lifetime import Lifetime, lifetime_in

if TYPE_CHECKING:
    from opsconsole.operations.driving.pod_sights import PodSights
    from opsconsole.sources.health.http_probe import HttpProbe
    from opsconsole.sources.http.connector import Connector


class InstanceProbes:
    """Health probes of one service, one for each instance that is not left out.

    A name that is no service's, such as an Alertmanager's, has none.

    Made inside an event loop.
    """

    def __init__(
        self, settings: Settings, service: str, base: Path, without: frozenset[str] = frozenset()
    ) -> None:
        self._clock = SystemClock()
        self._last: dict[str, Reading[HealthReport]] = {}
        self._timeout = 0.0
        self._connector: Connector | None = None
        self._probes: dict[str, HttpProbe] = {}
        known = probes_of(settings, service) if service in settings.services else ()
        wanted = [
            asked
            for asked in known
            if asked.kind is ProbeKind.HEALTH and asked.instance not in without
        ]
        if wanted:
            self._timeout = wanted[0].timeout
            self._connector, self._probes = _probes(wanted, base, self._clock)
        self._pods = _pods(settings, service, base)
        if self._pods is not None:
            self._timeout = self._pods.timeout

    @property
    def timeout(self) -> float:
        """Seconds after which a look at an instance is given up; 0 where there is none."""
        return self._timeout

    @property
    def names(self) -> tuple[str, ...]:
        """The instances that can be looked at."""
        return (*self._probes, *((self._pods.name,) if self._pods is not None else ()))

    async def look(self, since: float | None = None) -> dict[str, Sight]:
        """One look at every instance, all at once; an answer from before ``since`` is none.

        One that asked to be left alone is not asked again until then.
        """
        sights = await asyncio.gather(*(self._look(name, since) for name in self._probes))
        found = dict(zip(self._probes, sights, strict=True))
        of_pods = await self._pods.look() if self._pods is not None else None
        return found if of_pods is None else {**found, of_pods.subject: of_pods}

    async def _look(self, name: str, since: float | None) -> Sight:
        now = self._clock.now()
        last = self._last.get(name)
        if last is not None and now - last.taken_at < _rest(last):
            return sight_of(name, last, since)
        reading = self._last[name] = await self._probes[name].collect()
        return sight_of(name, reading, since)

    async def lifetime(self, name: str) -> Lifetime | None:
        """What an instance says of how long it has run, None when it does not answer."""
        if name not in self._probes:
            return None
        reading = await self._probes[name].collect()
        return None if reading.value is None else lifetime_in(reading.value.raw)

    async def close(self) -> None:
        """Close every connection; idempotent."""
        await asyncio.gather(*(probe.close() for probe in self._probes.values()))
        if self._connector is not None:
            await self._connector.close()
        if self._pods is not None:
            await self._pods.close()


async def states_of(
    settings: Settings, service: str, base: Path, snapshot: Snapshot | None
) -> Mapping[str, State]:
    """The state of each instance: as the screen shows it, else by a look at each."""
    seen = snapshot.service(service) if snapshot is not None else None
    if seen is not None:
        return {each.name: each.state for each in seen.instances}
    probes = InstanceProbes(settings, service, base)
    try:
        return {name: sight.state for name, sight in (await probes.look()).items()}
    finally:
        await probes.close()


def _probes(
    wanted: list[Asked], base: Path, clock: SystemClock
) -> "tuple[Connector, dict[str, HttpProbe]]":
    """A probe for each, on one connector.

    HTTP is imported only where it is spoken: that takes as long as all the rest of a start.
    """
    from opsconsole.sources.health.http_probe import HttpProbe
    from opsconsole.sources.http.connector import Connector

    connector = Connector()
    # Each look dials: a kept connection may lead to the old process, which is draining.
    make = partial(HttpProbe.at_its_url, clock=clock, connector=connector, base=base, looks=1)
    return connector, {asked.instance: make(asked) for asked in wanted}


def _pods(settings: Settings, service: str, base: Path) -> "PodSights | None":
    """The pods that are asked themselves, where the service has such."""
    asked = list(pods_of(settings, service)) if service in settings.services else []
    if not asked:
        return None
    from opsconsole.operations.driving.pod_sights import PodSights

    return PodSights(settings, service, asked, base)


def _rest(reading: Reading[HealthReport]) -> float:
    return reading.fault.retry_after if reading.fault is not None else 0.0
