"""A server that is asked over and over: its address, TLS and credentials.

Invariant: what is asked never carries credentials in its URL; a secret that was refused is read
again once before the refusal is believed. Each answer is there by its deadline or is a classified
``TransportFaultError``. No look is answered from a cache that keeps to the standard.
"""

import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from opsconsole import __version__
from opsconsole.config.http import HttpConfig
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.authentication import Authentication
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport import BODY_LIMIT, LeanTransport
from opsconsole.sources.http.transport_fault import TransportFaultError

KEPT_LOOKS: Final = 4
"""Looks that a connection carries; the next one dials, and finds who is there now."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body as it goes over the wire, and the headers that belong to it."""

    body: bytes
    headers: Mapping[str, str]


class HttpTarget:
    """``url`` is complete; ``base`` is the configuration's folder; ``timeout`` is in seconds.

    ``accept`` is the header of that name; ``looks`` is how many exchanges a connection carries at
    most. The connector is shared and stays open.
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
        looks: int | None = None,
    ) -> None:
        self.url = without_credentials(url)
        self._method = method
        self._accept = accept
        self._authentication = Authentication(http, connector, base)
        self._connector = connector
        self._renewals = connector.renewals
        self._request: httpx.Request | None = None
        self._transport = LeanTransport(
            connector,
            timeout=timeout,
            tls=http.tls_config,
            base=base,
            body_limit=body_limit,
            proxy=_proxy_for(http, self.url) if self.url else None,
            looks=looks,
        )

    async def ask(self, deadline: float) -> httpx.Response:
        """The answer at its own URL by ``deadline`` (the loop's time).

        Raises ``TransportFaultError``.
        """
        await self._renew()
        if self._request is None:
            self._request = await self._build(self._method, self.url, deadline)
        response = await self._exchange(self._request, deadline)
        if response.status_code == 401 and self._authentication.refused():
            # The secret may have been changed since it was read.
            self._request = await self._build(self._method, self.url, deadline)
            response = await self._exchange(self._request, deadline)
        return response

    async def send(
        self,
        method: str,
        url: httpx.URL,
        deadline: float,
        *,
        json: object = None,
        content: Content | None = None,
    ) -> httpx.Response:
        """The answer to a request to ``url``, which is the same server's.

        Its body is ``json`` or ``content``. Sent again only where it was refused for a secret that
        has changed since it was read. Raises ``TransportFaultError``.
        """
        await self._renew()
        request = await self._build(method, url, deadline, json, content)
        response = await self._exchange(request, deadline)
        if response.status_code == 401 and self._authentication.refused():
            request = await self._build(method, url, deadline, json, content)
            response = await self._exchange(request, deadline)
        return response

    async def reach(self, deadline: float) -> None:
        """Connect, with credentials and certificates read, and ask nothing.

        Raises ``TransportFaultError``.
        """
        request = await self._build(self._method, self.url, deadline)
        await self._transport.reach(request.url, deadline)

    async def close(self) -> None:
        """Close the kept connection; idempotent."""
        await self._transport.aclose()

    async def _renew(self) -> None:
        """Let go of what was made with secrets and certificates that are to be read again."""
        if self._renewals != self._connector.renewals:
            self._renewals = self._connector.renewals
            self._request = None
            await self._transport.aclose()

    async def _exchange(self, request: httpx.Request, deadline: float) -> httpx.Response:
        request.extensions["deadline"] = deadline
        return await self._transport.handle_async_request(request)

    async def _build(
        self,
        method: str,
        url: httpx.URL | None,
        deadline: float,
        json: object = None,
        content: Content | None = None,
    ) -> httpx.Request:
        if url is None:
            raise TransportFaultError(
                FaultKind.LOCAL, "URL not understood", hint="look at the url in the configuration"
            )
        own = {
            "Accept": self._accept,
            "Cache-Control": "no-cache",
            "User-Agent": f"opsconsole/{__version__}",
        }
        own |= {} if content is None else content.headers
        headers = {**own, **await self._authentication.headers(deadline)}
        raw = {name: value.encode("utf-8") for name, value in headers.items()}
        body = None if content is None else content.body
        return httpx.Request(method, url, headers=raw, json=json, content=body)  # type: ignore[arg-type]


async def ask_once(
    url: str, *, accept: str, http: HttpConfig, timeout: float, connector: Connector, base: Path
) -> httpx.Response:
    """The answer to one GET within ``timeout`` seconds. Raises ``TransportFaultError``."""
    target = HttpTarget(
        url, accept=accept, http=http, timeout=timeout, connector=connector, base=base
    )
    try:
        response = await target.ask(connector.loop.time() + timeout)
        await response.aread()
        return response
    finally:
        await target.close()


def without_credentials(url: str) -> httpx.URL | None:
    """What is asked, without what would show up in messages; None when it is no URL."""
    try:
        return httpx.URL(url).copy_with(userinfo=b"", fragment=None)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return None


def _proxy_for(http: HttpConfig, target: httpx.URL) -> httpx.URL | None:
    """The proxy for ``target``, or None.

    The environment is not read unless the configuration says so; its ``NO_PROXY`` is kept to.
    """
    if http.proxy_url is not None:
        return httpx.URL(http.proxy_url)
    if not http.proxy_from_environment or urllib.request.proxy_bypass(target.host):
        return None
    found = urllib.request.getproxies().get(target.scheme)
    return httpx.URL(found) if found else None
