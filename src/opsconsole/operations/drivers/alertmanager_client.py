"""The calls to one Alertmanager that silencing needs.

Format: Alertmanager's v2 API.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from opsconsole.config.settings import Alertmanager
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.operations.drivers.json_client import CallError, JsonClient
from opsconsole.sources.prometheus.api_alerts import read_start
from opsconsole.threads import BoundedExecutor


class AlertmanagerClient(JsonClient):
    """One Alertmanager."""

    def __init__(self, settings: Alertmanager, base: Path, threads: BoundedExecutor) -> None:
        super().__init__(settings.url, settings, base, threads)

    async def alerts(self) -> list[Any]:
        """Every alert that has not resolved, as the API gives it. Raises CallError."""
        return _listed(await self.ask("GET", "/api/v2/alerts"), self.endpoint)

    async def silences(self) -> list[Any]:
        """Every silence that is kept, expired ones too. Raises CallError."""
        return _listed(await self.ask("GET", "/api/v2/silences"), self.endpoint)

    async def started(self) -> float | None:
        """When it began, by its own clock; None where it does not say. Raises CallError."""
        return read_start(await self.ask("GET", "/api/v2/status"))

    async def create(self, document: Mapping[str, object]) -> str:
        """Create or replace a silence; its id. Raises CallError."""
        answer = await self.ask("POST", "/api/v2/silences", document)
        return str(answer.get("silenceID", "")) if isinstance(answer, dict) else ""

    async def expire(self, silence: str) -> None:
        """End a silence. Raises CallError."""
        await self.ask("DELETE", f"/api/v2/silence/{quote(silence, safe='')}")


def _listed(answer: Any, endpoint: str) -> list[Any]:
    if not isinstance(answer, list):
        fault = Fault(FaultKind.NOT_UNDERSTOOD, f"{endpoint} answered something that is no list")
        raise CallError(fault, acted=False)
    return answer
