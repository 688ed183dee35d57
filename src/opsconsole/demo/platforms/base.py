"""What all five platforms share: one process with an API, metrics, a log, and real trouble.

Invariant: latency is really slept, errors come from components that are down or from a fault
that is played, and metrics move because requests are served. Faults arrive by a unix socket of
the demo's own, never by the documented API.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import random
import signal
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from opsconsole.dataclass import dataclass
from opsconsole.demo import channel
from opsconsole.demo.faults import parse_fault
from opsconsole.demo.platforms.components import DEGRADED, DOWN, OK, Component, Components
from opsconsole.demo.platforms.http import HttpServer, Request, Response, Route, Router
from opsconsole.demo.platforms.trouble import Trouble

HOST: Final = "127.0.0.1"
TICK_S: Final = 1.0
LOOK_MS: Final = 3.0
WINDOW: Final = 512

WORDS: Final = {OK: "healthy", DEGRADED: "degraded", DOWN: "unhealthy"}


class WorkError(Exception):
    """A request could not be served; the text names the component at fault."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One process: which instance it is, where it listens, and the folder that is its own.

    `pace` multiplies the time that work takes; a `seed` of 0 is a random one.
    """

    instance: str
    port: int
    folder: Path
    control: Path | None = None
    pace: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One served application request: when (monotonic), how long (seconds), and whether well."""

    at: float
    took_s: float
    ok: bool


class Platform:
    """Base of the five platforms; each adds its routes, metrics and log."""

    product: ClassVar[str]
    version: str = "1.0.0"

    def __init__(self, settings: Settings, components: Components) -> None:
        """Make a platform that is well; nothing runs before `run`."""
        self.settings = settings
        self.components = components
        self.trouble = Trouble(components)
        seed = f"{settings.seed}/{settings.instance}" if settings.seed else None
        self.rng = random.Random(seed)
        self.registry = CollectorRegistry()
        self.started_at = time.time()
        self.samples: deque[Sample] = deque(maxlen=WINDOW)
        self._router: Router | None = None

    def routes(self) -> Iterable[Route]:
        """The platform's API, first match first."""
        raise NotImplementedError

    def tick(self) -> None:
        """Called about once a second while the process runs."""

    def reload(self) -> None:
        """Called on SIGHUP."""

    async def respond(self, request: Request) -> Response:
        """Answer one request, garbled while that fault is played."""
        if self._router is None:
            self._router = Router(list(self.routes()))
        response = await self._router.dispatch(request)
        if self.trouble.garbage and request.method == "GET":
            body = self.trouble.garbled(self.rng)
            return Response(response.status, body, response.content_type, response.headers)
        return response

    async def look(self) -> None:
        """Take the time of a look at health or figures."""
        await self._sleep(LOOK_MS, 0.25)

    async def work(self, median_ms: float, uses: Iterable[str] = (), spread: float = 0.4) -> float:
        """Take the log-normal time of real work and return it in seconds.

        Raises WorkError when a component in `uses` is down, or an error is injected; a degraded
        one slows the work.
        """
        parts = [self.components[name] for name in uses]
        began = time.monotonic()
        for part in parts:
            if part.state == DOWN:
                await self._sleep(median_ms / 4, spread)
                self._record(began, ok=False)
                raise WorkError(f"{part.name}: {part.message}")
            median_ms *= part.slowness
        await self._sleep(median_ms, spread)
        failed = self.trouble.strikes(self.rng)
        self._record(began, ok=not failed)
        if failed:
            raise WorkError("internal error")
        return time.monotonic() - began

    async def _sleep(self, median_ms: float, spread: float) -> None:
        factor = self.trouble.latency_factor(time.monotonic())
        seconds = median_ms / 1000 * factor * self.rng.lognormvariate(0.0, spread)
        await asyncio.sleep(seconds * self.settings.pace)

    def _record(self, began: float, *, ok: bool) -> None:
        now = time.monotonic()
        self.samples.append(Sample(now, now - began, ok))

    def recent(self, seconds: float = 60.0) -> list[Sample]:
        """The samples of the last `seconds`, at most the last few hundred."""
        since = time.monotonic() - seconds
        return [sample for sample in self.samples if sample.at >= since]

    async def metrics(self, _request: Request) -> Response:
        """The registry in Prometheus' text format."""
        return Response(200, generate_latest(self.registry), CONTENT_TYPE_LATEST)

    def overall(self) -> str:
        """healthy, degraded or unhealthy: the worst of the components."""
        return WORDS[self.components.worst()]

    def status_code(self) -> int:
        """503 while unhealthy, else 200."""
        return 503 if self.components.worst() == DOWN else 200

    async def control(self, message: channel.Message) -> channel.Message:
        """The demo's own door: `{"fault": {…}}` plays one, `{}` only asks who is there."""
        fault = message.get("fault")
        if isinstance(fault, dict):
            self.trouble.apply(parse_fault(fault), time.monotonic())
        elif fault is not None:
            raise ValueError("fault is not an object")
        return {"instance": self.settings.instance, "pid": os.getpid(), "port": self.settings.port}

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        server = HttpServer(self.respond, f"{self.product}/{self.version}")
        await server.start(HOST, self.settings.port)
        door = None
        if self.settings.control is not None:
            door = await channel.serve(self.settings.control, self.control)
        while not stop.is_set():
            self.tick()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TICK_S)
        if door is not None:
            door.close()
        await server.close()


def percentile(values: list[float], share: float) -> float:
    """Nearest-rank percentile of `values`; 0.0 when there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def component_body(part: Component) -> dict[str, object]:
    """A component as most health bodies show it."""
    body: dict[str, object] = {"status": WORDS[part.state], "response_time_ms": part.measured_ms}
    if part.message:
        body["message"] = part.message
    return body
