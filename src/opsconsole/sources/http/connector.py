"""What all HTTP probes of one engine share: resolver, TLS contexts, secrets, descriptors.

Invariant: it belongs to one event loop. Nothing in it blocks that loop: files, secrets and names
are read on its own threads. Connections are kept alive only while descriptors are plentiful.
"""

import asyncio
import resource
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from opsconsole.config.http import TlsConfig
from opsconsole.config.secrets.references import Secret, reveal
from opsconsole.config.types import Model, SecretRef
from opsconsole.errors import SecretError
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.resolver import Resolver
from opsconsole.sources.http.tls import make_context
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.threads import BoundedExecutor, QueueFullError

SPARE_DESCRIPTORS: Final = 256
"""Left for files, databases, Docker and new connections."""

REREAD_EVERY: Final = 30.0
"""Seconds between attempts to read a TLS file or a secret again after it was refused."""

FILE_DEADLINE: Final = 10.0
"""Seconds for reading a TLS file or a secret, which may be a command's output."""


class Connector:
    """Made inside the event loop that it belongs to; ``close`` it there.

    ``renewals`` counts how often everything was to be read again.
    """

    def __init__(self, *, resolver: Resolver | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.renewals = 0
        self.resolver = resolver or Resolver()
        self._files = BoundedExecutor("probe-files", 4)
        self._read: dict[tuple[Model, Path], asyncio.Task[Any]] = {}
        self._read_at: dict[tuple[Model, Path], float] = {}
        self._kept = 0
        self._kept_limit = _descriptor_limit() - SPARE_DESCRIPTORS

    async def context(self, tls: TlsConfig, base: Path, deadline: float) -> ssl.SSLContext:
        """The shared context for ``tls``, by ``deadline``. Raises ``TransportFaultError``."""
        made: ssl.SSLContext = await self._once(tls, base, make_context, deadline)
        return made

    async def secret(self, ref: SecretRef, base: Path, deadline: float) -> Secret:
        """The value behind ``ref``, by ``deadline``. Raises ``TransportFaultError``."""
        found: Secret = await self._once(ref, base, _reveal, deadline)
        return found

    def renew(self) -> None:
        """Have every secret and TLS file read again when it is next needed."""
        self.renewals += 1
        self._read.clear()
        self._read_at.clear()

    def forget(self, what: Model, base: Path) -> bool:
        """The target refused a secret or a handshake: whether the files will be read again.

        They may have been renewed; they are read again at most every ``REREAD_EVERY`` seconds.
        """
        key = (what, base)
        read_at = self._read_at.get(key)
        if read_at is None or asyncio.get_running_loop().time() - read_at < REREAD_EVERY:
            return False
        return self._read.pop(key, None) is not None

    async def _once(
        self, what: Model, base: Path, read: Callable[[Any, Path], Any], deadline: float
    ) -> Any:
        """``read(what, base)`` in a thread, once for all who ask; a failure is not kept."""
        key = (what, base)
        task = self._read.get(key)
        if task is None:
            task = asyncio.create_task(self._files.run(read, what, base, deadline=FILE_DEADLINE))
            self._read[key] = task
            self._read_at[key] = asyncio.get_running_loop().time()
            task.add_done_callback(lambda done: self._drop_failed(key, done))
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(task)
        except SecretError as error:
            raise TransportFaultError(FaultKind.LOCAL, error.what, hint=error.remedy) from None
        except (TimeoutError, QueueFullError):
            raise TransportFaultError(
                FaultKind.LOCAL, "secrets or TLS files could not be read in time"
            ) from None

    def _drop_failed(self, key: tuple[Model, Path], task: asyncio.Task[Any]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._read.get(key) is task:
            del self._read[key]

    def may_keep(self) -> bool:
        """Whether one more idle connection may be held; if so it is counted."""
        if self._kept >= self._kept_limit:
            return False
        self._kept += 1
        return True

    def released(self) -> None:
        """A kept connection was taken or closed."""
        self._kept -= 1

    async def close(self) -> None:
        """Release the threads; idempotent."""
        self.resolver.close()
        self._files.close()
        pending, self._read = list(self._read.values()), {}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def allow_many_sockets() -> int:
    """Raise this process' soft limit of descriptors to its hard limit; the limit then.

    A system that refuses its own hard limit, as macOS does an infinite one, keeps what it had.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return _descriptor_limit()


def _descriptor_limit() -> int:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft


def _reveal(ref: SecretRef, base: Path) -> Secret:
    return reveal(ref, base=base)
