"""One GET, judged by what is expected of it.

Invariant: nothing is changed, redirects are not followed, and it ends within its deadline. The
answer is held to the expectation alone, whatever its words say of health. A look that failed on
this side says that nobody could look, never that the target is ill.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx

from opsconsole import __version__
from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Expect
from opsconsole.sources import strict_json
from opsconsole.sources.health.body import phrase
from opsconsole.sources.health.expect import accepts_status, unmet
from opsconsole.sources.http.authentication import Authentication
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.proxy import proxy_for
from opsconsole.sources.http.transport import LeanTransport
from opsconsole.sources.http.transport_fault import TransportFaultError


@dataclass(frozen=True, slots=True)
class Answer:
    """``good`` is None where nobody could look; ``said`` is one line, sanitised."""

    good: bool | None
    said: str


async def get(
    url: str, *, expect: Expect, http: HttpConfig, timeout: float, connector: Connector, base: Path
) -> Answer:
    """Ask ``url`` once, with the authentication of ``http``, within ``timeout`` seconds."""
    deadline = asyncio.get_running_loop().time() + timeout
    try:
        target = httpx.URL(url).copy_with(userinfo=b"", fragment=None)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return Answer(None, "the URL is not understood")
    try:
        headers = await Authentication(http, connector, base).headers(deadline)
        own = {"Accept": "*/*", "User-Agent": f"opsconsole/{__version__}", **headers}
        raw = {name: value.encode("utf-8") for name, value in own.items()}
        request = httpx.Request("GET", target, headers=raw)  # type: ignore[arg-type]
        request.extensions["deadline"] = deadline
        transport = LeanTransport(
            connector, timeout=timeout, tls=http.tls_config, base=base,
            proxy=proxy_for(http, target),
        )  # fmt: skip
        try:
            response = await transport.handle_async_request(request)
        finally:
            await transport.aclose()
    except TransportFaultError as error:
        fault = error.fault
        return Answer(False if fault.blames_target else None, str(fault))
    return _judged(response.status_code, response.read(), expect)


def _judged(status: int, body: bytes, expect: Expect) -> Answer:
    said = f"HTTP {status} {phrase(status)}".strip()
    if not accepts_status(expect, status):
        return Answer(False, said)
    value: strict_json.Json = None
    if expect.json_path is not None:
        try:
            value = strict_json.parse(body)
        except strict_json.InvalidJsonError as error:
            return Answer(False, f"{said}, but its body is not JSON: {error}")
    wrong = unmet(expect, body, value)
    return Answer(not wrong, f"{said}, but {wrong}" if wrong else said)
