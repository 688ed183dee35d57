"""The calls to one Alertmanager that silencing needs, each bounded.

Invariant: nothing is followed, and nothing is sent again but what was refused for a secret that
has changed; every failure is a ``CallError`` that says whether the call can have taken effect.
Format: Alertmanager's v2 API.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from opsconsole.config.settings import Alertmanager
from opsconsole.model.fault import Fault, FaultKind
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


class AlertmanagerClient:
    """One server, whose answers are read on ``threads``. Made inside an event loop; close it."""

    def __init__(self, settings: Alertmanager, base: Path, threads: BoundedExecutor) -> None:
        self._threads = threads
        self._connector = Connector()
        self._api = ServerApi(
            settings.url,
            http=settings.http,
            timeout=settings.timeout,
            connector=self._connector,
            base=base,
        )

    @property
    def endpoint(self) -> str:
        """The URL as it may be shown."""
        return self._api.endpoint

    async def alerts(self) -> list[Any]:
        """Every alert that has not resolved, as the API gives it. Raises CallError."""
        return _listed(await self._ask("GET", "/api/v2/alerts"), self.endpoint)

    async def silences(self) -> list[Any]:
        """Every silence that is kept, expired ones too. Raises CallError."""
        return _listed(await self._ask("GET", "/api/v2/silences"), self.endpoint)

    async def create(self, document: Mapping[str, object]) -> str:
        """Create or replace a silence; its id. Raises CallError."""
        answer = await self._ask("POST", "/api/v2/silences", document)
        return str(answer.get("silenceID", "")) if isinstance(answer, dict) else ""

    async def expire(self, silence: str) -> None:
        """End a silence. Raises CallError."""
        await self._ask("DELETE", f"/api/v2/silence/{quote(silence, safe='')}")

    async def close(self) -> None:
        """Close the connection; idempotent."""
        await self._api.close()
        await self._connector.close()

    async def _ask(
        self, method: str, path: str, document: Mapping[str, object] | None = None
    ) -> Any:
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


def _decoded(content: bytes) -> Any:
    return json.loads(content) if content.strip() else None


def _listed(answer: Any, endpoint: str) -> list[Any]:
    if not isinstance(answer, list):
        fault = Fault(FaultKind.NOT_UNDERSTOOD, f"{endpoint} answered something that is no list")
        raise CallError(fault, acted=False)
    return answer
