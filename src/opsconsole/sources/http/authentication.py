"""The headers that authenticate a probe, their secrets read when they are needed.

Invariant: a secret's value is in the request that goes out and nowhere else: no message, no
report, no URL holds it.
"""

import base64
from pathlib import Path

from opsconsole.config.http import HttpConfig
from opsconsole.config.types import SecretRef
from opsconsole.hiding import hide
from opsconsole.sources.http.connector import Connector


class Authentication:
    """Headers for one target from its ``HttpConfig``."""

    def __init__(self, http: HttpConfig, connector: Connector, base: Path) -> None:
        self._http = http
        self._connector = connector
        self._base = base

    async def headers(self, deadline: float) -> dict[str, str]:
        """The configured headers, by ``deadline`` (loop time).

        Raises ``TransportFaultError`` when a secret cannot be read.
        """
        made: dict[str, str] = {}
        for name, value in self._http.http_headers.items():
            made[name] = value if isinstance(value, str) else await self._reveal(value, deadline)
        if self._http.basic_auth is not None:
            secret = await self._reveal(self._http.basic_auth.password, deadline)
            pair = f"{self._http.basic_auth.username}:{secret}".encode()
            encoded = base64.b64encode(pair).decode("ascii")
            hide(encoded)
            made["Authorization"] = f"Basic {encoded}"
        elif self._http.authorization is not None:
            secret = await self._reveal(self._http.authorization.credentials, deadline)
            made["Authorization"] = f"{self._http.authorization.type} {secret}"
        return made

    def refused(self) -> bool:
        """The target said 401: whether any secret will be read again."""
        again = [self._connector.forget(ref, self._base) for ref in self._references()]
        return any(again)

    async def _reveal(self, ref: SecretRef, deadline: float) -> str:
        return (await self._connector.secret(ref, self._base, deadline)).value

    def _references(self) -> list[SecretRef]:
        http = self._http
        found = [value for value in http.http_headers.values() if isinstance(value, SecretRef)]
        if http.basic_auth is not None:
            found.append(http.basic_auth.password)
        if http.authorization is not None:
            found.append(http.authorization.credentials)
        return found
