"""Calls to one server of the Prometheus family, each bounded.

Invariant: nothing is followed, and nothing is sent again but what was refused for a secret that
has changed; every failure is a ``CallError`` that says whether the call can have taken effect.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opsconsole.config.settings import Alertmanager, Prometheus
from opsconsole.model.fault import Fault
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport_fault import TransportFaultError, may_have_acted
from opsconsole.sources.prometheus.server_api import ServerApi, fault_of_answer
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of


class CallError(Exception):
    """A call failed. ``acted``: whether it may have taken effect all the same."""

    def __init__(self, fault: Fault, *, acted: bool) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.acted = acted


class JsonClient:
    """One server at ``url``, whose answers are read on ``threads``.

    Made inside an event loop; close it.
    """

    def __init__(
        self, url: str, settings: Alertmanager | Prometheus, base: Path, threads: BoundedExecutor
    ) -> None:
        self._threads = threads
        self._connector = Connector()
        self._api = ServerApi(
            url,
            http=settings.http,
            timeout=settings.timeout,
            connector=self._connector,
            base=base,
        )

    @property
    def endpoint(self) -> str:
        """The URL as it may be shown."""
        return self._api.endpoint

    async def ask(
        self, method: str, path: str, document: Mapping[str, object] | None = None
    ) -> Any:
        """The decoded answer, None where it is empty. Raises CallError."""
        try:
            content = (await self._api.call(method, path, document=document)).content
        except TransportFaultError as error:
            raise CallError(error.fault, acted=may_have_acted(error.fault)) from None
        try:
            return await self._threads.run(_decoded, content, deadline=self._api.timeout)
        except (TimeoutError, QueueFullError) as error:
            fault = fault_of(error, f"the reader of {self.endpoint}", self._api.timeout)
        except (ValueError, RecursionError) as error:
            fault = fault_of_answer(error, self.endpoint)
        # It was answered: only what it said is lost.
        raise CallError(fault, acted=True)

    async def close(self) -> None:
        """Close the connection; idempotent."""
        await self._api.close()
        await self._connector.close()


def _decoded(content: bytes) -> Any:
    return json.loads(content) if content.strip() else None
