"""What HTTP probes cost: CPU per look and share of a core, paced as the console paces them.

Run ``python -m benchmarks.probing``. Every client asks the same tiny server, which runs in a
process of its own and whose body differs in every answer. The floor is a bare asyncio protocol
that neither parses nor judges; the peer is httpx with a client per endpoint, its best case.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import httpx

from benchmarks.endpoints import endpoints
from opsconsole.clock import SystemClock
from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Health
from opsconsole.model.health import ProbeKind
from opsconsole.model.state import State
from opsconsole.sources.health.factory import Asked, probe_id
from opsconsole.sources.health.http_probe import HttpProbe
from opsconsole.sources.http.connector import Connector, allow_many_sockets
from opsconsole.sources.http.transport import LeanTransport

INTERVAL: Final = 5.0
SECONDS: Final = 5.0
TIMEOUT: Final = 2.0

Look = Callable[[], Awaitable[object]]
Client = Callable[[int, str, AsyncExitStack], Awaitable[list[Look]]]


class Bare(asyncio.Protocol):
    """The floor: send, wait for the whole answer, look at nothing."""

    def __init__(self) -> None:
        self.waiter: asyncio.Future[bytes] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.waiter is not None:
            self.waiter.set_result(data)

    async def look(self) -> bytes:
        assert self.transport is not None
        self.waiter = asyncio.get_running_loop().create_future()
        self.transport.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return await self.waiter


async def bare(count: int, url: str, stack: AsyncExitStack) -> list[Look]:
    """Kept connections without a parser."""
    loop, port = asyncio.get_running_loop(), httpx.URL(url).port or 80
    made = [await loop.create_connection(Bare, "127.0.0.1", port) for _ in range(count)]
    for transport, _protocol in made:
        stack.callback(transport.abort)
    return [protocol.look for _transport, protocol in made]


async def lean(count: int, url: str, stack: AsyncExitStack) -> list[Look]:
    """Our transport: an httpx response, its body unread."""
    connector = Connector()
    stack.push_async_callback(connector.close)

    def one() -> Look:
        transport = LeanTransport(connector, timeout=TIMEOUT)
        stack.push_async_callback(transport.aclose)
        request = httpx.Request("GET", url)
        return lambda: transport.handle_async_request(request)

    return [one() for _ in range(count)]


async def probe(count: int, url: str, stack: AsyncExitStack) -> list[Look]:
    """The whole probe: transport, strict JSON, health report."""
    connector, clock = Connector(), SystemClock()
    stack.push_async_callback(connector.close)

    def one(number: int) -> Look:
        asked = Asked(
            id=probe_id("bench", f"bench-{number}", ProbeKind.HEALTH),
            instance=f"bench-{number}",
            number=number,
            kind=ProbeKind.HEALTH,
            primary=True,
            url=url,
            health=Health(),
            http=HttpConfig(),
            interval=INTERVAL,
            timeout=TIMEOUT,
        )
        made = HttpProbe.at_its_url(asked, clock=clock, connector=connector, base=Path())
        stack.push_async_callback(made.close)

        async def look() -> None:
            reading = await made.collect()
            assert reading.value is not None, reading.fault
            assert reading.value.state is State.OK

        return look

    return [one(number) for number in range(count)]


async def peer(count: int, url: str, stack: AsyncExitStack) -> list[Look]:
    """httpx, a client per endpoint, and the body as JSON."""

    async def one() -> Look:
        client = await stack.enter_async_context(
            httpx.AsyncClient(trust_env=False, verify=False, timeout=TIMEOUT)
        )

        async def look() -> object:
            return (await client.get(url)).json()

        return look

    return [await one() for _ in range(count)]


CLIENTS: Final[dict[str, Client]] = {
    "bare protocol": bare,
    "lean transport": lean,
    "probe": probe,
    "httpx": peer,
}


async def pace(looks: list[Look], seconds: float) -> list[float]:
    """Start each look once per interval, evenly spread; how late each one had its answer."""
    loop = asyncio.get_running_loop()
    begin, lags = loop.time() + 0.1, []

    async def endpoint(position: int, look: Look) -> None:
        due = begin + INTERVAL * position / len(looks)
        while due < begin + seconds:
            await asyncio.sleep(due - loop.time())
            await look()
            lags.append(loop.time() - due)
            due += INTERVAL

    await asyncio.gather(*(endpoint(position, look) for position, look in enumerate(looks)))
    return lags


async def measure(name: str, count: int, url: str) -> dict[str, object]:
    """One client with ``count`` endpoints, after one interval to connect."""
    async with AsyncExitStack() as stack:
        looks = await CLIENTS[name](count, url, stack)
        await pace(looks, INTERVAL)
        before, began = time.process_time(), time.monotonic()
        lags = sorted(await pace(looks, SECONDS))
        cpu, took = time.process_time() - before, time.monotonic() - began
    return {
        "client": name,
        "endpoints": count,
        "ms_per_look": round(1000 * cpu / len(lags), 3),
        "share_of_core": round(cpu / took, 3),
        "p99_lag_ms": round(1000 * lags[int(0.99 * len(lags))], 1),
        "max_lag_ms": round(1000 * lags[-1], 1),
    }


def run() -> list[dict[str, object]]:
    """Every figure, each client at 1,000 endpoints and all but httpx at 5,000 as well."""
    allow_many_sockets()
    with endpoints() as address:
        url = f"{address}/health"
        found = []
        for count in (1000, 5000):
            floor = 0.0
            for name in CLIENTS:
                # At 5,000, httpx falls further behind with every interval.
                if name == "httpx" and count > 1000:
                    continue
                figures = asyncio.run(measure(name, count, url))
                share = float(str(figures["share_of_core"]))
                floor = floor or share
                figures["times_floor"] = round(share / floor, 2)
                found.append(figures)
                print(json.dumps(figures), flush=True)
    return found


if __name__ == "__main__":
    run()
