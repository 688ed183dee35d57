"""A server of the Prometheus family that is read on threads: its answers may be large.

Invariant: a look runs in the source's own executor and ends by its deadline; what it asks goes
over the transport that probes use, on the event loop.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.settings import Alertmanager, Prometheus
from opsconsole.model.fault import Fault
from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import Source
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.prometheus.server_api import BlockingApi, ServerApi
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of

T = TypeVar("T", bound=Observation)
U = TypeVar("U")

GRACE: Final = 0.5
"""Seconds that a look may outlast its calls, so that their own deadline speaks first."""

_WORKERS: Final = 2


class ApiSource(Source[T], ABC):
    """One server, read every ``settings.interval`` seconds."""

    def __init__(
        self,
        kind: SourceKind,
        settings: Prometheus | Alertmanager,
        clock: Clock,
        connector: Connector,
        base: Path,
        deadline: float,
    ) -> None:
        self._clock = clock
        self._server = ServerApi(
            settings.url,
            http=settings.http,
            timeout=settings.timeout,
            connector=connector,
            base=base,
        )
        self._api = BlockingApi(self._server)
        self._id = SourceId(kind, settings.name)
        self._deadline = deadline + GRACE
        self._interval = settings.interval
        self._timeout = settings.timeout
        self._executor = BoundedExecutor(f"{kind}-{settings.name}", _WORKERS)

    @property
    def id(self) -> SourceId:
        """The kind and the configured name."""
        return self._id

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._interval

    @property
    def endpoint(self) -> str:
        """The URL as it may be shown."""
        return self._server.endpoint

    async def collect(self) -> Reading[T]:
        """Look once, within the deadline."""
        started = self._clock.now()
        outcome = await self._on_thread(self._look)
        ended = self._clock.now()
        if isinstance(outcome, Fault):
            return Reading(self._id, ended, ended - started, fault=outcome)
        return Reading(self._id, ended, ended - started, value=outcome)

    async def close(self) -> None:
        """Let the threads go, and the connections."""
        self._executor.close()
        await self._server.close()

    @abstractmethod
    def _look(self) -> T | Fault:
        """Look once, on a thread of the executor."""

    async def _on_thread(self, look: Callable[..., U | Fault], *arguments: object) -> U | Fault:
        """What ``look`` gives on a thread of the executor, or the fault that kept it from it."""
        try:
            return await self._executor.run(look, *arguments, deadline=self._deadline)
        except (TimeoutError, QueueFullError) as error:
            return fault_of(error, self.endpoint, self._deadline)
