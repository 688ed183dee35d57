"""The JSON API of a server of the Prometheus family, asked as probes ask their targets.

Invariant: an answer is there by its deadline and has at most ``BODY_LIMIT`` bytes; nothing is
followed, and whatever is not a success is a ``TransportFaultError`` that names the server, with
the API's own words. ``BlockingApi`` is the same for threads, which wait for the loop that speaks.
"""

import asyncio
import concurrent.futures
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx

from opsconsole.config.http import HttpConfig
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.header_times import retry_after
from opsconsole.sources.http.target import HttpTarget, without_credentials
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.prometheus import long_json
from opsconsole.text import sanitize

BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of one API answer; Prometheus' own default for federated bodies is of this order."""

_GRACE: Final = 0.5
_SAID: Final = 65536
_MESSAGE: Final = 300
_PREFIX_HINT: Final = "is the URL's path prefix right?"


class JsonApi(Protocol):
    """What reads an API on a thread."""

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The decoded answer. Raises what ``fault_of_answer`` understands."""
        ...


class ServerApi:
    """One server below ``url``. ``timeout`` is the total for a call, in seconds.

    Lives on the loop of its connector, which is shared and stays open.
    """

    def __init__(
        self, url: str, *, http: HttpConfig, timeout: float, connector: Connector, base: Path
    ) -> None:
        self.endpoint = endpoint_of(url)
        self.loop = connector.loop
        self.timeout = timeout
        self._url = url.rstrip("/")
        self._target = HttpTarget(
            url,
            accept="application/json",
            http=http,
            timeout=timeout,
            connector=connector,
            base=base,
            body_limit=BODY_LIMIT,
        )

    async def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        document: object = None,
    ) -> httpx.Response:
        """The successful answer. Raises ``TransportFaultError``."""
        url = without_credentials(self._url + path)
        if url is not None and params:
            url = url.copy_merge_params(params)
        deadline = asyncio.get_running_loop().time() + self.timeout
        try:
            if url is None:
                raise TransportFaultError(FaultKind.LOCAL, "URL not understood")
            response = await self._target.send(method, url, deadline, json=document)
        except TransportFaultError as error:
            raise _named(error, self.endpoint) from None
        await response.aread()
        if not 200 <= response.status_code <= 299:
            raise TransportFaultError.of(refusal(response, self.endpoint))
        return response

    async def close(self) -> None:
        """Close the kept connection; idempotent."""
        await self._target.close()


class BlockingApi:
    """``api`` for code on threads.

    It is also what prometheus-api-client takes for its session; paths stand for URLs there.
    """

    verify = True
    cert = None

    def __init__(self, api: ServerApi) -> None:
        self._api = api

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The decoded answer. Raises what ``fault_of_answer`` understands."""
        return long_json.loads(self.request("GET", path, params).content)

    def request(
        self, method: str, url: str, params: Mapping[str, str] | None = None, **_: object
    ) -> httpx.Response:
        """The successful answer. Raises ``TransportFaultError``."""
        call = self._api.call(method, url, params)
        try:
            answer = asyncio.run_coroutine_threadsafe(call, self._api.loop)
        except RuntimeError:
            call.close()
            raise TransportFaultError(FaultKind.LOCAL, "the console is closing") from None
        try:
            return answer.result(self._api.timeout + _GRACE)
        except (TimeoutError, concurrent.futures.CancelledError):
            answer.cancel()
            message = f"{self._api.endpoint}: this console was held up and could not ask"
            raise TransportFaultError(FaultKind.LOCAL, message) from None

    def mount(self, prefix: str, adapter: object) -> None:
        """The client mounts a transport of its own, which nothing here uses."""


def endpoint_of(url: str) -> str:
    """``url`` as it may be shown: no userinfo, no query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return sanitize(f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/"), limit=200)


def fault_of_answer(error: Exception, endpoint: str) -> Fault:
    """The fault that ``error`` means, raised by a call or while its answer was read."""
    if isinstance(error, TransportFaultError):
        return error.fault
    if isinstance(error, (ValueError, LookupError, TypeError, RecursionError)):
        return Fault(
            FaultKind.NOT_UNDERSTOOD,
            f"{endpoint} answered something that is not JSON of its API",
            "a login page or another server may be listening there",
        )
    return Fault(FaultKind.INTERNAL, f"{endpoint}: {type(error).__name__}")


def _named(error: TransportFaultError, endpoint: str) -> TransportFaultError:
    """The same fault, saying which server it was."""
    fault = error.fault
    return TransportFaultError.of(replace(fault, message=f"{endpoint}: {fault.message}"))


def refusal(response: httpx.Response, endpoint: str) -> Fault:
    """The fault that a status means, with the API's own words where it gave any."""
    code = response.status_code
    said = _said(response.content)
    detail = f"{endpoint}: HTTP {code}{f', {said}' if said else ''}"
    kind, hint = FaultKind.STATUS, ""
    if code in {401, 403, 407}:
        kind, hint = FaultKind.AUTH, "check basic_auth or authorization"
    elif code in {400, 422}:
        kind = FaultKind.BAD_QUERY
    elif code in {429, 503}:
        kind = FaultKind.OVERLOADED
    elif code in {404, 405, 410}:
        kind, hint = FaultKind.UNSUPPORTED, _PREFIX_HINT
    elif 300 <= code < 400:
        detail = f"{detail}; redirects are not followed"
    return Fault(kind, detail, hint, status=code, retry_after=retry_after(code, response.headers))


def _said(body: bytes) -> str:
    """Prometheus has ``error``, Alertmanager ``message`` or a string, Loki a bare text."""
    try:
        decoded = json.loads(body[:_SAID])
    except (ValueError, RecursionError):
        said = body[:_SAID].decode("utf-8", "replace").strip()
        # A page in HTML says nothing of an API.
        return "" if said.startswith("<") else sanitize(said.partition("\n")[0], limit=_MESSAGE)
    if isinstance(decoded, dict):
        decoded = decoded.get("error") or decoded.get("message")
    return sanitize(decoded, limit=_MESSAGE) if isinstance(decoded, str) else ""
