"""Oatie: a reporting platform that watches, restarts, degrades and recovers its own services.

Documented: the health endpoints, POST /health/services/{service}/restart, and the performance
pages of `oatie_performance`. POST /api/reports is the application's own work, for traffic.
A degraded service stays so until it is recovered or restarted; a restart takes a second, in
which the service is down.
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from opsconsole.demo.platforms.base import Settings, WorkError, component_body
from opsconsole.demo.platforms.components import DEGRADED, DOWN, Component
from opsconsole.demo.platforms.http import Request, Response, Route, json_response
from opsconsole.demo.platforms.oatie_performance import PerformancePages
from opsconsole.demo.platforms.oatie_services import SERVICES, OatieServices

RESTART_S: Final = 1.0


class Oatie(OatieServices):
    """Its endpoints, its metrics and its own work."""

    version = "3.0.0"

    def __init__(self, settings: Settings) -> None:
        """Profile the start while making the parts."""
        began = time.monotonic()
        super().__init__(settings)
        self.restarts: set[asyncio.Task[None]] = set()
        self._declare_metrics()
        self.pages = PerformancePages(self)
        self.pages.checkpoint("ready", time.monotonic() - began)
        self.log.info("Oatie %s ready on port %d", self.version, settings.port)

    def _declare_metrics(self) -> None:
        to = self.registry
        self.up = Gauge("oatie_service_up", "Service health", ["service"], registry=to)
        self.requests = Counter("oatie_requests_total", "Requests", registry=to)
        self.errors = Counter("oatie_errors_total", "Errors", ["service"], registry=to)
        for name in SERVICES:
            self.errors.labels(service=name)
        self.latency = Histogram("oatie_request_duration_seconds", "Duration", registry=to)
        self.cpu = Gauge("oatie_cpu_percent", "CPU", registry=to)
        self.memory = Gauge("oatie_memory_percent", "Memory", registry=to)

    def routes(self) -> Iterable[Route]:
        """The documented endpoints and the application's own."""
        return (
            Route("GET", "/health", self.health),
            Route("GET", "/health/detailed", self.detailed),
            Route("GET", "/health/services", self.services),
            Route("GET", "/health/dashboard", self.dashboard),
            Route("GET", "/health/dashboard/html", self.dashboard_html),
            Route("GET", "/health/metrics", self.metrics),
            Route("POST", "/health/services/{service}/restart", self.restart),
            *self.pages.routes(),
            Route("POST", "/api/reports", self.report),
        )

    def tick(self) -> None:
        """Keep the gauges at what is."""
        usage = self.pages.monitor.current()
        self.cpu.set(usage.cpu_percent)
        self.memory.set(usage.memory_percent)
        for part in self.components:
            self.up.labels(service=part.name).set(0 if part.state == DOWN else 1)

    async def health(self, _request: Request) -> Response:
        """Status, version and time; 503 while unhealthy."""
        await self.look()
        body = {"status": self.overall(), "version": self.version, "timestamp": time.time()}
        return json_response(body, self.status_code())

    def _service_bodies(self) -> dict[str, dict[str, object]]:
        bodies = {}
        for part in self.components:
            bodies[part.name] = component_body(part)
            bodies[part.name]["since"] = round(part.since, 3)
        return bodies

    async def detailed(self, _request: Request) -> Response:
        """Every service and this machine's resources."""
        await self.look()
        body = {
            "status": self.overall(),
            "version": self.version,
            "timestamp": time.time(),
            "uptime_seconds": round(time.time() - self.started_at, 1),
            "services": self._service_bodies(),
            "system": self.pages.monitor.current().as_body(),
        }
        return json_response(body, self.status_code())

    async def services(self, _request: Request) -> Response:
        """Each service's status; the page itself always answers 200."""
        await self.look()
        return json_response({"services": self._service_bodies(), "timestamp": time.time()})

    async def dashboard(self, _request: Request) -> Response:
        """What the HTML dashboard shows, as JSON."""
        await self.look()
        return json_response(self._dashboard())

    def _dashboard(self) -> dict[str, object]:
        return {
            "overall_status": self.overall(),
            "services": self._service_bodies(),
            "metrics": self.pages.monitor.current().as_body(),
            "performance": self.pages.throughput(),
            "refresh_seconds": 30,
        }

    async def dashboard_html(self, _request: Request) -> Response:
        """The dashboard for a browser; refreshes every 30 seconds."""
        await self.look()
        rows = "".join(
            f"<tr><td>{html.escape(part.name)}</td><td>{html.escape(part.state)}</td>"
            f"<td>{html.escape(part.message)}</td></tr>"
            for part in self.components
        )
        page = (
            "<!doctype html><html><head><meta charset='utf-8'><title>Oatie</title>"
            "<meta http-equiv='refresh' content='30'></head><body>"
            f"<h1>Oatie: {self.overall()}</h1><table>{rows}</table></body></html>"
        )
        return Response(200, page.encode(), "text/html; charset=utf-8")

    async def restart(self, request: Request) -> Response:
        """Restart one service: down for about a second, then as new."""
        part = self.find(request)
        part.enter(DOWN, "restarting")
        task = asyncio.create_task(self._restart(part))
        self.restarts.add(task)
        task.add_done_callback(self.restarts.discard)
        self.log.warning("restart of %s requested", part.name)
        return json_response({"service": part.name, "status": "restarting", "success": True})

    async def _restart(self, part: Component) -> None:
        await asyncio.sleep(RESTART_S * self.settings.pace)
        self.reset(part)
        self.log.info("%s restarted", part.name)

    async def report(self, request: Request) -> Response:
        """Make a report, through the breakers of the services it needs."""
        request.json_object()
        self.requests.inc()
        if self.components["reports"].state == DEGRADED:
            await self.work(6.0)
            return json_response({"status": "queued", "message": "Generation queued"}, 202)
        uses = ["reports", "cache"] if self.rng.random() < 0.6 else ["reports", "database"]
        blocked = [name for name in uses if not self.breakers[name].allows()]
        if blocked:
            self.errors.labels(service=blocked[0]).inc()
            return json_response({"detail": f"{blocked[0]}: circuit open"}, 503)
        return await self._make_report(uses)

    async def _make_report(self, uses: list[str]) -> Response:
        try:
            with self.latency.time():
                took = await self.work(70.0, uses)
        except WorkError as problem:
            culprit = str(problem).partition(":")[0]
            name = culprit if culprit in self.breakers else "reports"
            self.breakers[name].failed()
            self.errors.labels(service=name).inc()
            self.pages.record_error(name, str(problem))
            self.log.error("report failed: %s", problem)
            return json_response({"detail": str(problem)}, 500)
        for name in uses:
            self.breakers[name].succeeded()
        self.log.info("report generated in %.0f ms", took * 1000)
        return json_response({"status": "generated", "duration_ms": round(took * 1000, 1)})
