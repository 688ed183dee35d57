"""One address that is asked over and over, with what it takes to be let in.

Invariant: what is asked never carries credentials in its URL; a secret that was refused is read
anew once before the refusal is believed. Each answer is there by its deadline or is a classified
``TransportFaultError``.
"""

from collections.abc import Mapping
from pathlib import Path

import httpx

from opsconsole import __version__
from opsconsole.config.http import HttpConfig
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.authentication import Authentication
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.proxy import proxy_for
from opsconsole.sources.http.transport import BODY_LIMIT, LeanTransport
from opsconsole.sources.http.transport_fault import TransportFaultError


class HttpTarget:
    """``url`` is complete; ``base`` is the configuration's folder; ``timeout`` is in seconds.

    ``accept`` is the header of that name. The connector is shared and stays open.
    """

    def __init__(
        self,
        url: str,
        *,
        method: str = "GET",
        accept: str,
        http: HttpConfig,
        timeout: float,
        connector: Connector,
        base: Path,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self.url = without_credentials(url)
        self._method = method
        self._accept = accept
        self._authentication = Authentication(http, connector, base)
        self._request: httpx.Request | None = None
        self._transport = LeanTransport(
            connector,
            timeout=timeout,
            tls=http.tls_config,
            base=base,
            body_limit=body_limit,
            proxy=proxy_for(http, self.url) if self.url else None,
        )

    async def ask(self, deadline: float) -> httpx.Response:
        """The answer by ``deadline`` (the loop's time). Raises ``TransportFaultError``."""
        response = await self._ask(deadline)
        if response.status_code == 401 and self._authentication.refused():
            # The secret may have been changed since it was read.
            self._request = None
            response = await self._ask(deadline)
        return response

    async def close(self) -> None:
        """Close the kept connection; idempotent."""
        await self._transport.aclose()

    async def _ask(self, deadline: float) -> httpx.Response:
        if self._request is None:
            self._request = self._build(await self._authentication.headers(deadline))
        self._request.extensions["deadline"] = deadline
        return await self._transport.handle_async_request(self._request)

    def _build(self, headers: Mapping[str, str]) -> httpx.Request:
        if self.url is None:
            raise TransportFaultError(
                FaultKind.LOCAL, "URL not understood", hint="look at the url in the configuration"
            )
        own = {"Accept": self._accept, "User-Agent": f"opsconsole/{__version__}"}
        raw = {name: value.encode("utf-8") for name, value in {**own, **headers}.items()}
        return httpx.Request(self._method, self.url, headers=raw)  # type: ignore[arg-type]


def without_credentials(url: str) -> httpx.URL | None:
    """What is asked, without what would show up in messages; None when it is no URL."""
    try:
        return httpx.URL(url).copy_with(userinfo=b"", fragment=None)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return None
