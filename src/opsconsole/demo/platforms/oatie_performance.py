"""Oatie's performance and error pages: resources, start-up, scaling advice, error recovery."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from opsconsole.demo.platforms.base import WORDS, percentile
from opsconsole.demo.platforms.components import DEGRADED
from opsconsole.demo.platforms.http import BadRequestError, Request, Response, Route, json_response
from opsconsole.demo.platforms.oatie_services import OatieServices
from opsconsole.demo.platforms.resources import ResourceMonitor, summarise

BASE: Final = "/api/performance"
MAX_HOURS: Final = 24.0
ERRORS_KEPT: Final = 200
BUSY_PERCENT: Final = 80.0
IDLE_PERCENT: Final = 20.0


class PerformancePages:
    """The pages below /api/performance, of one Oatie."""

    def __init__(self, oatie: OatieServices) -> None:
        """Start watching resources at this moment."""
        self._oatie = oatie
        self.monitor = ResourceMonitor(oatie.settings.folder)
        self._checkpoints: list[tuple[str, float]] = []
        self._errors: deque[tuple[float, str, str]] = deque(maxlen=ERRORS_KEPT)

    def checkpoint(self, name: str, after_s: float) -> None:
        """Note that the start reached `name` after so many seconds."""
        self._checkpoints.append((name, after_s))

    def record_error(self, service: str, message: str) -> None:
        """Note an error for the summary."""
        self._errors.append((time.time(), service, message))

    def routes(self) -> Iterable[Route]:
        """The documented pages."""
        return (
            Route("GET", f"{BASE}/resources/current", self.current),
            Route("GET", f"{BASE}/resources/trends", self.trends),
            Route("GET", f"{BASE}/startup/stats", self.startup),
            Route("GET", f"{BASE}/scaling/recommendations", self.scaling),
            Route("GET", f"{BASE}/overview", self.overview),
            Route("GET", f"{BASE}/errors/summary", self.error_summary),
            Route("GET", f"{BASE}/errors/services", self.error_services),
            Route("POST", f"{BASE}/errors/services/{{service}}/recover", self.recover),
            Route("POST", f"{BASE}/errors/services/{{service}}/degrade", self.degrade),
        )

    async def current(self, _request: Request) -> Response:
        """Resource use now."""
        await self._oatie.look()
        return json_response(self.monitor.current().as_body())

    async def trends(self, request: Request) -> Response:
        """Resource use over the last `hours` (default 1, at most 24)."""
        hours = _hours(request.query.get("hours", "1"))
        await self._oatie.look()
        readings = self.monitor.trend(hours) or [self.monitor.current()]
        body = {
            "hours": hours,
            "samples": len(readings),
            "cpu": summarise([usage.cpu_percent for usage in readings]),
            "memory": summarise([usage.memory_percent for usage in readings]),
            "points": [usage.as_body() for usage in readings],
        }
        return json_response(body)

    def _startup(self) -> dict[str, object]:
        checkpoints = [
            {"name": name, "after_seconds": round(after, 4)} for name, after in self._checkpoints
        ]
        total = max((after for _, after in self._checkpoints), default=0.0)
        return {"total_seconds": round(total, 4), "checkpoints": checkpoints}

    async def startup(self, _request: Request) -> Response:
        """How long the start took, by checkpoint."""
        return json_response(self._startup())

    def _recommendations(self) -> list[dict[str, object]]:
        usage = self.monitor.current()
        advice: list[dict[str, object]] = []
        for resource, percent in (("cpu", usage.cpu_percent), ("memory", usage.memory_percent)):
            if percent > BUSY_PERCENT:
                advice.append(_advice(resource, "scale_up", percent))
            elif resource == "cpu" and percent < IDLE_PERCENT:
                advice.append(_advice(resource, "scale_down", percent))
        return advice

    async def scaling(self, _request: Request) -> Response:
        """What the resource use suggests."""
        await self._oatie.look()
        return json_response({"recommendations": self._recommendations()})

    async def overview(self, _request: Request) -> Response:
        """All of it on one page."""
        await self._oatie.look()
        body = {
            "status": self._oatie.overall(),
            "resources": self.monitor.current().as_body(),
            "startup": self._startup(),
            "throughput": self.throughput(),
            "scaling": self._recommendations(),
            "errors": self._summary(),
        }
        return json_response(body)

    def throughput(self) -> dict[str, float]:
        """Requests a second and response times of the last minute."""
        recent = self._oatie.recent(60.0)
        times = [sample.took_s * 1000 for sample in recent]
        uptime = max(1.0, min(60.0, time.time() - self._oatie.started_at))
        return {
            "requests_per_second": round(len(recent) / uptime, 2),
            "p50_ms": round(percentile(times, 0.50), 1),
            "p95_ms": round(percentile(times, 0.95), 1),
        }

    def _summary(self) -> dict[str, object]:
        last_hour = [error for error in self._errors if error[0] >= time.time() - 3600]
        return {
            "total": len(last_hour),
            "by_service": dict(Counter(service for _, service, _ in last_hour)),
            "last": last_hour[-1][2] if last_hour else None,
        }

    async def error_summary(self, _request: Request) -> Response:
        """Errors of the last hour."""
        await self._oatie.look()
        return json_response(self._summary())

    async def error_services(self, _request: Request) -> Response:
        """Each service with its circuit breaker and, when degraded, why."""
        await self._oatie.look()
        services = {}
        for part in self._oatie.components:
            services[part.name] = {
                "status": WORDS[part.state],
                "degraded": part.state == DEGRADED,
                "reason": part.message or None,
                "circuit_breaker": self._oatie.breakers[part.name].as_body(),
            }
        return json_response({"services": services})

    async def recover(self, request: Request) -> Response:
        """End a service's degradation or failure now."""
        part = self._oatie.find(request)
        self._oatie.reset(part)
        self._oatie.log.info("%s recovered", part.name)
        return json_response({"service": part.name, "status": "recovered", "success": True})

    async def degrade(self, request: Request) -> Response:
        """Switch a service to its reduced mode; `reason` is asked for."""
        part = self._oatie.find(request)
        reason = request.query.get("reason", "")
        self._oatie.degrade(part, reason)
        return json_response({"service": part.name, "status": "degraded", "reason": reason})


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= MAX_HOURS:
        raise BadRequestError(422, f"hours is a number above 0 and at most {MAX_HOURS:g}")
    return hours


def _advice(resource: str, action: str, percent: float) -> dict[str, object]:
    return {"resource": resource, "action": action, "current_percent": percent}
