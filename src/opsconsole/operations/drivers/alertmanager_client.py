"""The calls to one Alertmanager that silencing needs, each bounded, off the event loop.

Invariant: nothing is retried and nothing is followed; every failure is a ``CallError`` that says
whether the call can have reached the server. Format: Alertmanager's v2 API.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from opsconsole.config.settings import Alertmanager
from opsconsole.errors import SecretError
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.prometheus.guarded_session import (
    GuardedSession,
    build_session,
    classify,
    classify_status,
    endpoint_of,
)
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of

_NEVER_LEFT: Final = frozenset({FaultKind.CONNECT, FaultKind.DNS, FaultKind.TLS, FaultKind.AUTH})
_GRACE: Final = 0.5


class CallError(Exception):
    """A call failed. ``acted``: whether it may have taken effect all the same."""

    def __init__(self, fault: Fault, *, acted: bool) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.acted = acted


class AlertmanagerClient:
    """One server, asked through ``threads``; each call has a session of its own."""

    def __init__(self, settings: Alertmanager, base: Path, threads: BoundedExecutor) -> None:
        self._settings = settings
        self._base = base
        self._threads = threads
        self.url = settings.url.rstrip("/")

    @property
    def endpoint(self) -> str:
        """The URL as it may be shown."""
        return endpoint_of(self.url)

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

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        deadline = self._settings.timeout + _GRACE
        try:
            return await self._threads.run(self._call, method, path, body, deadline=deadline)
        except (TimeoutError, QueueFullError) as error:
            acted = isinstance(error, TimeoutError)
            raise CallError(fault_of(error, self.endpoint, deadline), acted=acted) from None

    def _call(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        url = self.url + path
        try:
            with self._session() as session:
                response = session.request(method, url, json=body)
                content = response.content
                if response.ok and not 300 <= response.status_code < 400:
                    return json.loads(content) if content.strip() else None
        except SecretError as error:
            raise CallError(Fault(FaultKind.AUTH, str(error)), acted=False) from None
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            fault = classify(error, url)
            unsent = fault.kind in _NEVER_LEFT or fault.phase == "connect"
            raise CallError(fault, acted=not unsent) from None
        fault = classify_status(response.status_code, _said(content), endpoint_of(url))
        raise CallError(fault, acted=response.status_code >= 500)

    def _session(self) -> GuardedSession:
        return build_session(self._settings.http, self._settings.timeout, self._base)


def _said(content: bytes) -> bytes:
    """The API's own words: Alertmanager answers a bare JSON text where Prometheus has ``error``."""
    try:
        decoded = json.loads(content[:4096])
    except ValueError:
        return content
    if isinstance(decoded, str):
        return json.dumps({"error": decoded}).encode()
    if isinstance(decoded, dict) and isinstance(decoded.get("message"), str):
        return json.dumps({"error": decoded["message"]}).encode()
    return content


def _listed(answer: Any, endpoint: str) -> list[Any]:
    if not isinstance(answer, list):
        fault = Fault(FaultKind.NOT_UNDERSTOOD, f"{endpoint} answered something that is no list")
        raise CallError(fault, acted=False)
    return answer
