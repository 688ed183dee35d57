"""Is a Docker Engine there? Asked without its SDK, which takes a quarter of a second to import.

Invariant: at most ``WITHIN`` seconds and 4 KiB; ``/_ping`` alone is asked, which changes nothing.
An engine behind TLS is not asked, and that is said. Names are resolved on our own threads; over
ssh there is as long as a login takes, on a thread of its own.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.machine import MachineError
from opsconsole.sources.docker.endpoint import (
    DockerChoice,
    DockerEndpoint,
    DockerUnavailableError,
    FarSocket,
    resolve,
)
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport import LeanTransport
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.unreached import unreached
from opsconsole.text import sanitize_bytes
from opsconsole.threads import BoundedExecutor

WITHIN: Final = 3.0
"""Seconds; the engine answers a ping in milliseconds."""

LOGIN: Final = 15.0
"""Seconds for a login to the engine's host."""

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
    if endpoint.far is not None:
        return await _ping_far(endpoint, endpoint.far)
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
    return None if _is_good(answer) else _no_engine(endpoint, answer)


async def _ping_far(endpoint: DockerEndpoint, far: FarSocket) -> Fault | None:
    thread = BoundedExecutor("docker ping", 1)
    try:
        return await thread.run(_ask_far, endpoint, far, deadline=2 * LOGIN)
    except TimeoutError:
        return Fault(FaultKind.TIMEOUT, f"{endpoint} did not answer within {2 * LOGIN:g} s")
    finally:
        thread.close()


def _ask_far(endpoint: DockerEndpoint, far: FarSocket) -> Fault | None:
    from opsconsole.machines.ssh.dialled import dial
    from opsconsole.sources.docker.over_ssh import code, refused

    try:
        dialled = dial(far.target, code(far.path), LOGIN)
    except MachineError as error:
        return unreached(error)
    with dialled.socket as line:
        line.settimeout(LOGIN)
        try:
            line.sendall(_REQUEST)
            answer = line.recv(_LIMIT)
        except OSError as error:
            return _fault_of(error, endpoint)
    if _is_good(answer):
        return None
    return _no_engine(endpoint, answer) if answer else refused(dialled.complaint(), far)


def _is_good(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.") and b" 200 " in answer.split(b"\n", 1)[0]


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
