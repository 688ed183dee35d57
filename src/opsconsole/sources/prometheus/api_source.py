"""A server of the Prometheus family that is asked through blocking calls.

Invariant: a look runs in the source's own executor and ends by ``deadline``; each thread has a
session of its own, because a requests session belongs to one.
"""

import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Generic, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.settings import Alertmanager, Prometheus
from opsconsole.model.fault import Fault
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.prometheus.guarded_session import GuardedSession, build_session, endpoint_of
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of

T = TypeVar("T")

GRACE: Final = 0.5
"""Seconds that a look may outlast its calls, so that the session's own deadline speaks first."""

_WORKERS: Final = 2


class ApiSource(ABC, Generic[T]):
    """One server, read every ``settings.interval`` seconds."""

    def __init__(
        self,
        kind: SourceKind,
        settings: Prometheus | Alertmanager,
        clock: Clock,
        base: Path,
        deadline: float,
    ) -> None:
        self._clock = clock
        self._url = settings.url.rstrip("/")
        self._id = SourceId(kind, settings.name)
        self._deadline = deadline + GRACE
        self._interval = settings.interval
        self._http, self._timeout, self._base = settings.http, settings.timeout, base
        self._local = threading.local()
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
        return endpoint_of(self._url)

    async def collect(self) -> Reading[T]:
        """Look once, within the deadline."""
        started = self._clock.now()
        outcome: T | Fault
        try:
            outcome = await self._executor.run(self._look, deadline=self._deadline)
        except (TimeoutError, QueueFullError) as error:
            outcome = fault_of(error, self.endpoint, self._deadline)
        ended = self._clock.now()
        if isinstance(outcome, Fault):
            return Reading(self._id, ended, ended - started, fault=outcome)
        return Reading(self._id, ended, ended - started, value=outcome)

    async def close(self) -> None:
        """Let the threads go."""
        self._executor.close()

    @abstractmethod
    def _look(self) -> T | Fault:
        """Look once, on a thread of the executor."""

    def _session(self) -> GuardedSession:
        """This thread's session. Raises SecretError."""
        if not hasattr(self._local, "session"):
            self._local.session = build_session(self._http, self._timeout, self._base)
        session: GuardedSession = self._local.session
        return session
