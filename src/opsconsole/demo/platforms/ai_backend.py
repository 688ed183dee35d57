"""AI Backend: fraud detection, prediction, compliance and invoices behind feature flags.

Documented: /health, /health/detailed (`.checks.ml_models`, `.checks.redis`), the three probes,
POST /health/test/{component}, and five gauges on /metrics. POST /api/v1/process is the
application's own work, for traffic. Feature flags come from `.env`, read at start and on SIGHUP.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from opsconsole.demo.platforms.base import Platform, Settings, WorkError, component_body
from opsconsole.demo.platforms.components import DEGRADED, DOWN, OK, Component, Components
from opsconsole.demo.platforms.http import BadRequestError, Request, Response, Route, json_response
from opsconsole.demo.platforms.logfile import open_log

# Feature flag, the kind of work it switches, and the usual accuracy of the model behind it.
FEATURES: Final = {
    "FRAUD_DETECTION_ENABLED": ("fraud_detection", 0.91),
    "PREDICTIVE_ANALYTICS_ENABLED": ("predictive_analytics", 0.84),
    "COMPLIANCE_CHECKING_ENABLED": ("compliance_checking", 0.95),
    "NLP_INVOICE_ENABLED": ("nlp_invoice", 0.88),
}
POOL_SIZE: Final = 20
HIT_SHARE: Final = 0.9
STARTUP_S: Final = 0.8
_OFF: Final = ("false", "0", "no", "off")
MODELS: Final = "ml_models"


class AiBackend(Platform):
    """Three components: `database`, `redis` and `ml_models`."""

    product = "ai-backend"
    version = "3.2.0"

    def __init__(self, settings: Settings) -> None:
        """Declare the guide's gauges, read the flags, open the three logs."""
        parts = [Component("database", 6.0), Component("redis", 1.0), Component("ml_models", 4.0)]
        super().__init__(settings, Components(*parts))
        logs = settings.folder / "logs"
        self.log = open_log(logs / "ai_backend.log", "ai_backend")
        self.audit = open_log(logs / "audit" / "ai_audit.log", "ai_audit")
        self.security = open_log(logs / "audit" / "ai_security.log", "ai_security")
        self.cache_hits: deque[bool] = deque([True] * 90 + [False] * 10, maxlen=300)
        self.right = {
            kind: deque([n % 100 < usual * 100 for n in range(100)], maxlen=200)
            for kind, usual in FEATURES.values()
        }
        self.ready_at = time.monotonic() + STARTUP_S * settings.pace
        self.under_way = 0
        self._declare_metrics()
        self.flags: dict[str, bool] = {}
        self.reload()

    def _declare_metrics(self) -> None:
        to = self.registry
        self.health_status = Gauge("ai_backend_health_status", "Overall health", registry=to)
        self.cache_rate = Gauge("ai_backend_cache_hit_rate", "Cache hit rate", registry=to)
        self.accuracy = Gauge(
            "ai_backend_model_accuracy", "ML model accuracy by type", ["type"], registry=to
        )
        self.component_health = Gauge(
            "ai_backend_component_health", "Component health", ["component"], registry=to
        )
        self.request_rate = Gauge("ai_backend_requests_per_minute", "Request rate", registry=to)

    def routes(self) -> Iterable[Route]:
        """The documented endpoints and the application's own."""
        return (
            Route("GET", "/health", self.health),
            Route("GET", "/health/detailed", self.detailed),
            Route("GET", "/health/live", self.live),
            Route("GET", "/health/ready", self.ready),
            Route("GET", "/health/startup", self.startup),
            Route("POST", "/health/test/{component}", self.test),
            Route("GET", "/metrics", self.metrics),
            Route("POST", "/api/v1/process", self.process),
        )

    def reload(self) -> None:
        """Read the feature flags again; a flag that is not there is on."""
        self.flags = read_flags(self.settings.folder / ".env")
        off = [name for name, on in self.flags.items() if not on]
        self.log.info("AI Backend %s: features off: %s", self.version, ", ".join(off) or "none")

    def tick(self) -> None:
        """Keep the gauges at what was served."""
        states = {part.name: part.state for part in self.components}
        well = self.components.worst() == OK
        for name, state in states.items():
            self.component_health.labels(component=name).set(0 if state == DOWN else 1)
        self.health_status.set(1 if well else 0)
        self.cache_rate.set(self._hit_rate())
        self.request_rate.set(len(self.recent(60.0)))
        for kind, right in self.right.items():
            self.accuracy.labels(type=kind).set(round(sum(right) / len(right), 4))

    def _connections(self) -> dict[str, int]:
        """The pool: what is at work, and what a failing database has not restored."""
        stuck = {OK: 0, DEGRADED: 17, DOWN: POOL_SIZE}[self.components["database"].state]
        return {"active": max(stuck, 2 + self.under_way), "max": POOL_SIZE}

    def _hit_rate(self) -> float:
        return round(sum(self.cache_hits) / len(self.cache_hits), 4)

    def _started(self) -> bool:
        return time.monotonic() >= self.ready_at

    async def health(self, _request: Request) -> Response:
        """For the load balancer: 503 while unhealthy."""
        await self.look()
        return json_response(
            {"status": self.overall(), "timestamp": time.time()}, self.status_code()
        )

    async def detailed(self, _request: Request) -> Response:
        """Every check with its figures."""
        await self.look()
        checks = {part.name: component_body(part) for part in self.components}
        checks["database"]["connections"] = self._connections()
        checks["redis"]["hit_rate"] = self._hit_rate()
        checks["ml_models"].update(self._models())
        body = {
            "status": self.overall(),
            "version": self.version,
            "timestamp": time.time(),
            "uptime_seconds": round(time.time() - self.started_at, 1),
            "checks": checks,
            "features": {
                name.removesuffix("_ENABLED").lower(): on for name, on in self.flags.items()
            },
        }
        return json_response(body, self.status_code())

    def _models(self) -> dict[str, object]:
        files = sorted((self.settings.folder / MODELS).glob("*.bin"))
        size = sum(file.stat().st_size for file in files)
        return {"loaded": [file.stem for file in files], "size_bytes": size}

    async def live(self, _request: Request) -> Response:
        """The process answers, whatever its components do."""
        return json_response({"status": "alive"})

    async def ready(self, _request: Request) -> Response:
        """Started, and no component down."""
        well = self._started() and self.components.worst() != DOWN
        return json_response({"status": "ready" if well else "not_ready"}, 200 if well else 503)

    async def startup(self, _request: Request) -> Response:
        """The models have been loaded."""
        done = self._started()
        return json_response({"status": "started" if done else "starting"}, 200 if done else 503)

    async def test(self, request: Request) -> Response:
        """Try one component now: 200 when it works, 503 when not, 404 when there is none."""
        part = self.components.get(request.params["component"])
        if part is None:
            return json_response({"detail": "unknown component"}, 404)
        await self.look()
        self.audit.info("component test of %s: %s", part.name, part.state)
        body = {"component": part.name, **component_body(part)}
        return json_response(body, 503 if part.state == DOWN else 200)

    async def process(self, request: Request) -> Response:
        """One piece of work of a `kind`; quick and empty when its feature is switched off."""
        kind = str(request.json_object().get("kind", ""))
        flag = next((name for name, (known, _) in FEATURES.items() if known == kind), None)
        if flag is None:
            self.security.warning("refused unknown kind of work %.40r", kind)
            raise BadRequestError(422, f"unknown kind {kind!r}")
        if not self.flags[flag]:
            return json_response({"kind": kind, "status": "disabled"})
        hit = self.components["redis"].state == OK and self.rng.random() < HIT_SHARE
        self.cache_hits.append(hit)
        try:
            if hit:
                took = await self.work(12.0)
            else:
                took = await self._compute()
        except WorkError as problem:
            self.log.error("%s failed: %s", kind, problem)
            return json_response({"kind": kind, "status": "failed", "detail": str(problem)}, 503)
        self.log.info("%s served in %.1f ms cache=%s", kind, took * 1000, hit)
        self.audit.info("%s by demo-client", kind)
        self._judge(kind, FEATURES[flag][1])
        return json_response({"kind": kind, "status": "ok", "cached": hit})

    async def _compute(self) -> float:
        self.under_way += 1
        try:
            return await self.work(55.0, ("database", "ml_models"))
        finally:
            self.under_way -= 1

    def _judge(self, kind: str, usual: float) -> None:
        """Count whether the model was right this time; a degraded one is right less often."""
        loss = 0.25 if self.components["ml_models"].state == DEGRADED else 0.0
        self.right[kind].append(self.rng.random() < usual - loss)


def read_flags(path: Path) -> dict[str, bool]:
    """The feature flags of an env file; on unless the file says false, 0, no or off."""
    flags = dict.fromkeys(FEATURES, True)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return flags
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and name.strip() in flags:
            flags[name.strip()] = value.strip().strip("\"'").lower() not in _OFF
    return flags
