"""AI Service: analyses texts in nine layers, with hybrid search; runs as several instances.

Documented: /health, /health/detailed (`.components.http_client_pool`,
`.orchestrator.cache_hit_rate`, performance and connection figures), the two Kubernetes probes,
/metrics, /stats and POST /analyze-complexity, which is also what its traffic asks for. Its log
is JSON lines in the format of the guide's `logging.yaml`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Histogram

from opsconsole.demo.platforms.base import (
    Platform,
    Settings,
    WorkError,
    component_body,
    percentile,
)
from opsconsole.demo.platforms.components import DOWN, OK, Component, Components
from opsconsole.demo.platforms.http import BadRequestError, Request, Response, Route, json_response
from opsconsole.demo.platforms.logfile import JsonLines, open_log
from opsconsole.demo.platforms.resources import resident_bytes

MAX_INPUT_LENGTH: Final = 10_000
ASYNC_LENGTH: Final = 1_000
POOL_SIZE: Final = 100
KEEPALIVE_SIZE: Final = 20
LAYERS: Final = 9
HIT_SHARE: Final = 0.92

_BUCKETS_MS: Final = (5, 10, 25, 50, 75, 100, 150, 250, 500, 1000, 2500, 5000, 10_000)


class AiService(Platform):
    """Components: orchestrator, http_client_pool, tokenizer and elasticsearch."""

    product = "ai-service"

    def __init__(self, settings: Settings) -> None:
        """Declare the guide's metrics and open the JSON log."""
        names = ("orchestrator", "http_client_pool", "tokenizer", "elasticsearch")
        super().__init__(settings, Components(*(Component(name) for name in names)))
        path = settings.folder / "logs" / "ai-service.log"
        self.log = open_log(path, "ai_service", JsonLines())
        self.cache_hits: deque[bool] = deque([True] * 92 + [False] * 8, maxlen=300)
        self.active = 0
        self.served = 0
        self.failed = 0
        to = self.registry
        self.requests = Counter("ai_service_requests_total", "Requests", registry=to)
        self.failures = Counter("ai_service_requests_failed_total", "Failed requests", registry=to)
        self.search = Histogram(
            "hybrid_search_latency_ms", "Hybrid search, ms", buckets=_BUCKETS_MS, registry=to
        )
        self.log.info("%s started, version %s", settings.instance, self.version)

    def routes(self) -> Iterable[Route]:
        """The documented endpoints."""
        return (
            Route("GET", "/health", self.health),
            Route("GET", "/health/detailed", self.detailed),
            Route("GET", "/health/live", self.live),
            Route("GET", "/health/ready", self.ready),
            Route("GET", "/metrics", self.metrics),
            Route("GET", "/stats", self.stats),
            Route("POST", "/analyze-complexity", self.analyze),
        )

    def _basic(self) -> dict[str, object]:
        return {
            "status": self.overall(),
            "service": "AI Service",
            "version": self.version,
            "timestamp": time.time(),
        }

    async def health(self, _request: Request) -> Response:
        """The guide's four fields; 503 while unhealthy."""
        await self.look()
        return json_response(self._basic(), self.status_code())

    async def detailed(self, _request: Request) -> Response:
        """Components, orchestrator, performance and connections."""
        await self.look()
        components = {part.name: component_body(part) for part in self.components}
        components["http_client_pool"].update(self._pool())
        body = {
            **self._basic(),
            "components": components,
            "orchestrator": {
                "layers": LAYERS,
                "cache_hit_rate": self._hit_rate(),
                "processed": self.served,
            },
            "performance": self._performance(),
            "connections": self._pool(),
        }
        return json_response(body, self.status_code())

    def _pool(self) -> dict[str, object]:
        keepalive = min(KEEPALIVE_SIZE, 4 + self.active)
        return {"active": self.active, "keepalive": keepalive, "max": POOL_SIZE}

    def _hit_rate(self) -> float:
        return round(sum(self.cache_hits) / len(self.cache_hits), 4)

    def _performance(self) -> dict[str, object]:
        recent = self.recent(60.0)
        times = [sample.took_s * 1000 for sample in recent]
        failed = sum(not sample.ok for sample in recent)
        uptime = max(1.0, min(60.0, time.time() - self.started_at))
        return {
            "requests_per_second": round(len(recent) / uptime, 2),
            "error_rate": round(failed / len(recent), 4) if recent else 0.0,
            "p50_ms": round(percentile(times, 0.50), 2),
            "p95_ms": round(percentile(times, 0.95), 2),
            "p99_ms": round(percentile(times, 0.99), 2),
            "memory_mb": round(resident_bytes() / 1e6, 1),
        }

    async def live(self, _request: Request) -> Response:
        """The process answers."""
        return json_response({"status": "alive"})

    async def ready(self, _request: Request) -> Response:
        """No component is down."""
        down = self.components.worst() == DOWN
        return json_response({"status": "not_ready" if down else "ready"}, self.status_code())

    async def stats(self, _request: Request) -> Response:
        """Processing figures since the start."""
        await self.look()
        body = {
            "total_requests": self.served + self.failed,
            "failed_requests": self.failed,
            "cache_hit_rate": self._hit_rate(),
            "uptime_seconds": round(time.time() - self.started_at, 1),
            "performance": self._performance(),
        }
        return json_response(body)

    async def analyze(self, request: Request) -> Response:
        """How complex a text is; long texts are chunked and processed asynchronously."""
        text = request.json_object().get("text")
        if not isinstance(text, str):
            raise BadRequestError(422, "text is missing")
        if len(text) > MAX_INPUT_LENGTH:
            raise BadRequestError(413, f"text is longer than {MAX_INPUT_LENGTH} characters")
        self.requests.inc()
        self.active += 1
        began = time.monotonic()
        try:
            await self._process(text)
        except WorkError as problem:
            self.failed += 1
            self.failures.inc()
            self.log.error("analysis failed: %s", problem)
            return json_response({"detail": str(problem)}, 500)
        finally:
            self.active -= 1
            took_ms = (time.monotonic() - began) * 1000
            self.search.observe(took_ms)
        self.served += 1
        self.log.info("analyzed %d characters in %.1f ms", len(text), took_ms)
        return json_response(_complexity(text, took_ms))

    async def _process(self, text: str) -> None:
        hit = self.components["orchestrator"].state == OK and self.rng.random() < HIT_SHARE
        self.cache_hits.append(hit)
        median_ms = 18.0 if hit else 48.0
        if len(text) > ASYNC_LENGTH:
            median_ms *= 1.6
        parts = ("orchestrator", "tokenizer")
        await self.work(median_ms, parts if hit else (*parts, "elasticsearch"))


def _complexity(text: str, took_ms: float) -> dict[str, object]:
    words = text.split()
    unique = len({word.lower() for word in words})
    ratio = unique / len(words) if words else 0.0
    level = "high" if len(words) > 200 else "medium" if len(words) > 40 else "low"
    return {
        "complexity": level,
        "characters": len(text),
        "words": len(words),
        "unique_ratio": round(ratio, 3),
        "async_processing": len(text) > ASYNC_LENGTH,
        "processing_ms": round(took_ms, 2),
    }
