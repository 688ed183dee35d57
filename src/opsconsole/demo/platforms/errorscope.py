"""ErrorScope: analyses error texts with a model and, for the hard ones, an LLM.

Documented: GET /health, whose status code is always 200 (the guide's handler returns jsonify
alone), and GET /metrics behind basic authentication, as its nginx does. POST /analyze is the
application's own work, for traffic.

The guide declares `Counter("errorscope_resolutions_success")`; the official client exposes it as
`errorscope_resolutions_success_total`, so the guide's own dashboard query finds nothing without
the suffix. Its HighLLMLatency rule likewise asks for the histogram itself, where
`histogram_quantile` needs `rate(errorscope_llm_latency_seconds_bucket[5m])`.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from opsconsole.demo.platforms.base import Platform, Settings, WorkError
from opsconsole.demo.platforms.components import DOWN, OK, Component, Components
from opsconsole.demo.platforms.http import Request, Response, Route, json_response
from opsconsole.demo.platforms.logfile import open_log

METRICS_USER: Final = "metrics"
METRICS_SECRET: Final = "secrets/metrics_password"  # noqa: S105  a path
MODEL_FILE: Final = "models_storage/current_model.pkl"
MAP_FILE: Final = "data/error_map.json"

_ACCURACY: Final = 0.93
_DEGRADED_ACCURACY: Final = 0.71
_LLM_SHARE: Final = 0.2


class ErrorScope(Platform):
    """The model and the error map are read from the folder, and again when they change."""

    product = "errorscope"
    version = "2.4.1"

    def __init__(self, settings: Settings) -> None:
        """Declare the guide's metrics under the guide's names."""
        parts = [Component(name) for name in ("app", "ml_model", "llm", "database")]
        super().__init__(settings, Components(*parts))
        self.log = open_log(settings.folder / "logs" / "errorscope.log", "errorscope")
        self.hits: deque[bool] = deque([True] * 93 + [False] * 7, maxlen=200)
        self.files = _Files(settings.folder)
        self.files.problem()
        self.authorization = _basic_header(settings.folder)
        self._declare_metrics()
        self.log.info("ErrorScope %s starting, model %s", self.version, MODEL_FILE)

    def _declare_metrics(self) -> None:
        to = self.registry
        self.requests = Counter("errorscope_requests_total", "Total requests", registry=to)
        self.latency = Histogram(
            "errorscope_request_latency_seconds", "Request latency", registry=to
        )
        self.prediction = Histogram(
            "errorscope_model_prediction_seconds", "Model prediction time", registry=to
        )
        self.accuracy = Gauge("errorscope_model_accuracy", "Model accuracy", registry=to)
        self.llm_latency = Histogram(
            "errorscope_llm_latency_seconds", "LLM response time", registry=to
        )
        self.errors = Counter("errorscope_errors_total", "Total errors analyzed", registry=to)
        self.resolutions = Counter(
            "errorscope_resolutions_success", "Successful resolutions", registry=to
        )

    def routes(self) -> Iterable[Route]:
        """The documented endpoints and the application's own."""
        return (
            Route("GET", "/health", self.health),
            Route("GET", "/metrics", self.guarded_metrics),
            Route("POST", "/analyze", self.analyze),
        )

    def tick(self) -> None:
        """Keep the accuracy gauge at the share of right predictions."""
        self.accuracy.set(sum(self.hits) / len(self.hits))

    async def health(self, _request: Request) -> Response:
        """`healthy` when every check is `ok`, else `unhealthy`."""
        await self.look()
        problem = self.files.problem()
        checks: dict[str, dict[str, str]] = {}
        for part in self.components:
            if part.state == OK:
                checks[part.name] = {"status": "ok"}
            else:
                word = "error" if part.state == DOWN else "degraded"
                checks[part.name] = {"status": word, "message": part.message}
        if problem:
            checks["ml_model"] = {"status": "error", "message": problem}
        well = all(check["status"] == "ok" for check in checks.values())
        return json_response({"status": "healthy" if well else "unhealthy", "checks": checks})

    async def guarded_metrics(self, request: Request) -> Response:
        """The metrics, for a client with the password; 401 with a challenge otherwise."""
        given = request.headers.get("authorization", "")
        if self.authorization and not hmac.compare_digest(
            given.encode("latin-1"), self.authorization.encode("latin-1")
        ):
            challenge = (("WWW-Authenticate", 'Basic realm="Metrics"'),)
            return Response(401, b"401 Authorization Required\n", "text/plain", challenge)
        return await self.metrics(request)

    async def analyze(self, request: Request) -> Response:
        """Find the pattern of an error text; a share of them asks the LLM."""
        text = str(request.json_object().get("error", ""))
        self.requests.inc()
        try:
            with self.latency.time():
                hit = await self._predict()
        except WorkError as problem:
            self.log.error("analysis failed: %s", problem)
            return json_response({"error": str(problem)}, 500)
        self.errors.inc()
        if hit:
            self.resolutions.inc()
        resolution = self.files.resolution(text) if hit else None
        self.log.info("analyzed pattern=%s resolved=%s", text[:40] or "-", hit)
        return json_response({"resolution": resolution, "resolved": hit})

    async def _predict(self) -> bool:
        with self.prediction.time():
            await self.work(9.0, ("app", "ml_model", "database"))
        if self.rng.random() < _LLM_SHARE:
            with self.llm_latency.time():
                await self.work(320.0, ("llm",))
        well = self.components["ml_model"].state == OK
        hit = self.rng.random() < (_ACCURACY if well else _DEGRADED_ACCURACY)
        self.hits.append(hit)
        return hit


class _Files:
    """The model and the error map on disk; read again whenever their stamp changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps: tuple[tuple[int, int], ...] | None = None
        self._map: dict[str, str] = {}
        self._problem = ""

    def problem(self) -> str:
        """Why model or map cannot be used; empty when they can."""
        try:
            stats = [(self._folder / name).stat() for name in (MODEL_FILE, MAP_FILE)]
            stamps = tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)
            if stamps != self._stamps:
                self._load()
                self._stamps = stamps
        except OSError as problem:
            self._stamps = None
            self._problem = f"{Path(problem.filename).name}: {problem.strerror}"
        return self._problem

    def resolution(self, text: str) -> str:
        """The known resolution of the first pattern found in `text`."""
        found = (remedy for pattern, remedy in self._map.items() if pattern in text)
        return next(found, "no known resolution")

    def _load(self) -> None:
        # The pickle is looked at, never loaded: loading one runs whatever it says.
        model = (self._folder / MODEL_FILE).read_bytes()
        if not (model.startswith(b"\x80") and model.endswith(b".")):
            self._problem = f"{MODEL_FILE} is not a model"
            return
        try:
            self._map = dict(json.loads((self._folder / MAP_FILE).read_bytes()))
        except (ValueError, TypeError):
            self._problem = f"{MAP_FILE} is not an error map"
        else:
            self._problem = ""


def _basic_header(folder: Path) -> str:
    """The Authorization header that /metrics asks for; empty without a password file."""
    try:
        password = (folder / METRICS_SECRET).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    return "Basic " + base64.b64encode(f"{METRICS_USER}:{password}".encode()).decode()
