"""What the pods of a service answer while it is being changed, as one sight.

Invariant: pods are replaced meanwhile, so that no one of them is waited for: the sight is of those
that run at the moment. Whether they are the ones that are wanted, the driver sees. Where none runs
there is no sight.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.model.health import ProbeKind
from opsconsole.model.observations import PodLook
from opsconsole.model.state import State, worst
from opsconsole.operations.driving.driver import Sight
from opsconsole.operations.driving.sight_of_probe import sight_of
from opsconsole.sources.health.factory import PodsAsked
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.asked_pods import AskedPods
from opsconsole.sources.kubernetes.pod_health import PodHealth
from opsconsole.threads import QueueFullError


class PodSights:
    """Looks at the pods of ``service``. Made inside an event loop."""

    def __init__(
        self, settings: Settings, service: str, asked: Sequence[PodsAsked], base: Path
    ) -> None:
        self.name = f"pods of {service}"
        self.timeout = asked[0].timeout
        self._connector = Connector()
        self._asked: list[AskedPods] = []
        self._looks: list[PodHealth] = []
        targets = settings.services[service].kubernetes
        for each in asked:
            cluster = next(one for one in settings.kubernetes if one.name == each.cluster)
            mine = [one for one in targets if settings.cluster_of(one) is cluster]
            pods = AskedPods(cluster, mine, base)
            self._asked.append(pods)
            # Each look dials: a kept connection may lead to a pod that is draining.
            self._looks.append(
                PodHealth(
                    each,
                    pods,
                    clock=SystemClock(),
                    connector=self._connector,
                    base=base,
                    looks=1,
                )
            )

    async def look(self) -> Sight | None:
        """One look at every pod that runs; None where none does."""
        try:
            seen = await asyncio.gather(*(each.look() for each in self._looks))
        except (ClusterError, TimeoutError, QueueFullError) as error:
            return Sight(self.name, State.UNKNOWN, f"could not be looked at: {error}")
        return _together(self.name, [look for each in seen for look in each.looks])

    async def close(self) -> None:
        """Close every connection; idempotent."""
        await asyncio.gather(*(each.close() for each in self._looks))
        await asyncio.gather(*(each.close() for each in self._asked))
        await self._connector.close()


def _together(name: str, looks: Sequence[PodLook]) -> Sight | None:
    sights = [
        sight_of(each.name, each.reading, None) for each in looks if each.kind is ProbeKind.HEALTH
    ]
    if not sights:
        return None
    state = worst(each.state for each in sights)
    ill = [each for each in sights if each.state is not State.OK]
    said = [f"{each.subject} {each.state}, {each.detail}".removesuffix(", ") for each in ill[:3]]
    detail = f"{len(sights) - len(ill)} of {len(sights)} answer ok"
    times = [each.latency for each in sights if each.latency is not None]
    latency = max(times) if len(times) == len(sights) else None
    return Sight(name, state, "; ".join([detail, *said]), latency)
