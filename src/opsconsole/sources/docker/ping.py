"""Is a Docker Engine there? Asked without its SDK, which takes a quarter of a second to import.

Invariant: at most ``WITHIN`` seconds and 4 KiB; ``/_ping`` alone is asked, which changes nothing.
An engine behind TLS or SSH is not asked, and that is said. Names are resolved on our own threads.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.docker.endpoint import (
    DockerChoice,
    DockerEndpoint,
    DockerUnavailableError,
    resolve,
)
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport import LeanTransport
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize_bytes

WITHIN: Final = 3.0
"""Seconds; the engine answers a ping in milliseconds."""

_REQUEST: Final = b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"
_LIMIT: Final = 4096
_OK: Final = 200
_SCHEMES: Final = {"tcp": "http"}


async def ping(
    choice: DockerChoice, environ: Mapping[str, str], connector: Connector
) -> Fault | None:
    """None when the engine answers, else why it does not."""
    try:
        endpoint = resolve(choice, environ)
    except DockerUnavailableError as error:
        return error.fault
    if endpoint.tls is not None:
        message = f"{endpoint} was not looked at, because it is behind TLS"
        return Fault(FaultKind.UNSUPPORTED, message, "opsconsole status looks at it")
    if endpoint.socket is None:
        return await _ping_network(endpoint, connector)
    return await _ping_socket(endpoint, endpoint.socket)


async def _ping_network(endpoint: DockerEndpoint, connector: Connector) -> Fault | None:
    url = httpx.URL(f"{endpoint.url.rstrip('/')}/_ping")
    transport = LeanTransport(connector, timeout=WITHIN, body_limit=_LIMIT)
    try:
        response = await transport.handle_async_request(
            httpx.Request("GET", url.copy_with(scheme=_SCHEMES.get(url.scheme, url.scheme)))
        )
    except TransportFaultError as error:
        return error.fault
    finally:
        await transport.aclose()
    return None if response.status_code == _OK else _no_engine(endpoint, response.read())


async def _ping_socket(endpoint: DockerEndpoint, socket: Path) -> Fault | None:
    try:
        async with asyncio.timeout(WITHIN):
            answer = await _exchange(socket)
    except TimeoutError:
        return Fault(FaultKind.TIMEOUT, f"{endpoint} did not answer within {WITHIN:g} s")
    except OSError as error:
        return _fault_of(error, endpoint)
    good = answer.startswith(b"HTTP/1.") and b" 200 " in answer.split(b"\n", 1)[0]
    return None if good else _no_engine(endpoint, answer)


async def _exchange(socket: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        writer.write(_REQUEST)
        return await reader.read(_LIMIT)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _no_engine(endpoint: DockerEndpoint, answer: bytes) -> Fault:
    said = sanitize_bytes(answer[:60])
    return Fault(FaultKind.NOT_UNDERSTOOD, f"{endpoint} is no Docker Engine: {said}")


def _fault_of(error: OSError, endpoint: DockerEndpoint) -> Fault:
    if isinstance(error, PermissionError):
        hint = "is this user in the group docker?"
        return Fault(FaultKind.PERMISSION, f"{endpoint}: permission denied", hint)
    if isinstance(error, FileNotFoundError):
        return Fault(FaultKind.ABSENT, f"{endpoint}: there is no such socket", "is Docker running?")
    reason = error.strerror or type(error).__name__
    return Fault(FaultKind.CONNECT, f"{endpoint}: {reason.lower()}", "is Docker running?")
