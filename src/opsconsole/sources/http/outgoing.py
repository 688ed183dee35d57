"""One address to which messages are sent: a webhook, a heartbeat.

Invariant: a message is sent once, by its deadline, and followed nowhere; whatever is not a success
is a ``Fault``, which holds neither the message nor an address that is a secret.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from opsconsole.config.notify import WebPlace
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.header_times import retry_after
from opsconsole.sources.http.target import Content, HttpTarget, without_credentials
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize

_BODY_LIMIT: Final = 64 * 1024
_SAID: Final = 200


class Outgoing:
    """``place`` as the configuration has it; made inside the event loop of its ``connector``."""

    def __init__(self, place: WebPlace, base: Path, connector: Connector) -> None:
        self._place = place
        self._base = base
        self._connector = connector
        self._target: HttpTarget | None = None
        self._url = ""

    async def send(
        self, method: str, body: bytes, headers: Mapping[str, str], suffix: str = ""
    ) -> Fault | None:
        """Send one message; None when it was taken. ``suffix`` is added to the address's path."""
        deadline = asyncio.get_running_loop().time() + self._place.timeout
        try:
            target = await self._at(deadline)
            url = without_credentials(_with_suffix(self._url, suffix))
            if url is None:
                return Fault(FaultKind.LOCAL, "URL not understood", hint="look at the url")
            content = Content(body, headers)
            response = await target.send(method, url, deadline, content=content)
            said = await response.aread()
        except TransportFaultError as error:
            return error.fault
        code = response.status_code
        if 200 <= code <= 299:
            return None
        first = sanitize(said[:_SAID].decode("utf-8", "replace").strip().partition("\n")[0])
        kind = FaultKind.OVERLOADED if code in {429, 503} else FaultKind.STATUS
        # A page in HTML says nothing of what was wrong with a message.
        why = f", {first}" if first and not first.startswith("<") else ""
        wait = retry_after(code, response.headers)
        return Fault(kind, f"HTTP {code}{why}", status=code, retry_after=wait)

    async def look(self) -> Fault | None:
        """Whether it can be reached, with secrets and certificates; nothing is sent."""
        deadline = asyncio.get_running_loop().time() + self._place.timeout
        try:
            await (await self._at(deadline)).reach(deadline)
        except TransportFaultError as error:
            return error.fault
        return None

    async def close(self) -> None:
        """Close the kept connection; idempotent."""
        if self._target is not None:
            await self._target.close()
            self._target = None

    async def _at(self, deadline: float) -> HttpTarget:
        """The target, at the address that the secret has now."""
        place = self._place
        url = place.url or ""
        if place.url_from is not None:
            url = (await self._connector.secret(place.url_from, self._base, deadline)).value.strip()
            if urlsplit(url).scheme not in {"http", "https"}:
                raise TransportFaultError(FaultKind.LOCAL, "the secret in url_from is no URL")
        if self._target is None or url != self._url:
            await self.close()
            self._url = url
            self._target = HttpTarget(
                url,
                accept="*/*",
                http=place.http,
                timeout=place.timeout,
                connector=self._connector,
                base=self._base,
                body_limit=_BODY_LIMIT,
            )
        return self._target


def _with_suffix(url: str, suffix: str) -> str:
    if not suffix:
        return url
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}{suffix}").geturl()
