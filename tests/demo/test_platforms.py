"""Every endpoint that the five guides document, asked on running platforms."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from opsconsole.demo import faults
from opsconsole.demo.faults import InjectedFault
from opsconsole.demo.fleet import Fleet
from opsconsole.demo.platforms.ai_backend import FEATURES
from opsconsole.demo.platforms.errorscope import METRICS_SECRET, METRICS_USER, MODEL_FILE
from opsconsole.demo.platforms.oatie_services import SERVICES
from tests.demo.shapes import differences
from tests.patience import until

HEALTHY = {"status": "healthy"}
PART = {"status": "healthy", "response_time_ms": float}
BREAKER = {"state": "closed", "failure_count": int, "failure_threshold": 5, "success_threshold": 3}
USAGE = {"timestamp": float, "cpu_percent": float, "memory_percent": float, "disk_percent": float}
OATIE_PARTS = dict.fromkeys(SERVICES, PART)
POOL = {"active": int, "max": 100}
PERF = "/api/performance"

DOCUMENTED: list[tuple[str, str, str, object, object]] = [
    (
        "errorscope",
        "GET",
        "/health",
        None,
        {
            "status": "healthy",
            "checks": {name: {"status": "ok"} for name in ("app", "ml_model", "llm", "database")},
        },
    ),
    ("ai-ops", "GET", "/health", None, lambda body: body == HEALTHY),
    (
        "ai-ops",
        "POST",
        "/process-task",
        {"task": "Get weather in London"},
        {"status": "completed", "steps": [{"tool": "weather_lookup", "duration_s": float}]},
    ),
    ("ai-ops", "POST", "/process-task-async", {"task": "find issues"}, {"job_id": str}),
    ("ai-backend", "GET", "/health", None, HEALTHY),
    (
        "ai-backend",
        "GET",
        "/health/detailed",
        None,
        {
            **HEALTHY,
            "checks": {
                "database": {**PART, "connections": {"active": int, "max": 20}},
                "redis": {**PART, "hit_rate": float},
                "ml_models": {**PART, "loaded": lambda names: len(names) == len(FEATURES)},
            },
        },
    ),
    ("ai-backend", "GET", "/health/live", None, {"status": "alive"}),
    ("ai-backend", "GET", "/health/ready", None, {"status": "ready"}),
    ("ai-backend", "GET", "/health/startup", None, {"status": "started"}),
    ("ai-backend", "POST", "/health/test/database", None, {"component": "database", **PART}),
    ("ai-backend", "POST", "/health/test/redis", None, {"component": "redis", **PART}),
    ("ai-backend", "POST", "/health/test/ml_models", None, {"component": "ml_models", **PART}),
    (
        "ai-service",
        "GET",
        "/health",
        None,
        {**HEALTHY, "service": "AI Service", "version": "1.0.0", "timestamp": float},
    ),
    (
        "ai-service",
        "GET",
        "/health/detailed",
        None,
        {
            **HEALTHY,
            "components": {"http_client_pool": {**PART, **POOL}, "elasticsearch": PART},
            "orchestrator": {"cache_hit_rate": float, "layers": 9},
            "performance": {"p95_ms": float, "requests_per_second": float},
            "connections": POOL,
        },
    ),
    ("ai-service", "GET", "/health/live", None, {"status": "alive"}),
    ("ai-service", "GET", "/health/ready", None, {"status": "ready"}),
    ("ai-service", "GET", "/stats", None, {"total_requests": int, "cache_hit_rate": float}),
    (
        "ai-service",
        "POST",
        "/analyze-complexity",
        {"text": "your test text here"},
        {"complexity": "low", "words": 4, "processing_ms": float},
    ),
    ("oatie", "GET", "/health", None, {**HEALTHY, "version": "3.0.0", "timestamp": float}),
    ("oatie", "GET", "/health/detailed", None, {"services": OATIE_PARTS, "system": USAGE}),
    ("oatie", "GET", "/health/services", None, {"services": OATIE_PARTS}),
    ("oatie", "GET", "/health/dashboard", None, {"overall_status": "healthy", "metrics": USAGE}),
    ("oatie", "POST", "/health/services/cache/restart", None, {"success": True}),
    ("oatie", "GET", f"{PERF}/resources/current", None, USAGE),
    (
        "oatie",
        "GET",
        f"{PERF}/resources/trends?hours=2",
        None,
        {"hours": 2.0, "cpu": {"min": float, "avg": float, "max": float}, "points": [USAGE]},
    ),
    ("oatie", "GET", f"{PERF}/startup/stats", None, {"total_seconds": float, "checkpoints": list}),
    ("oatie", "GET", f"{PERF}/scaling/recommendations", None, {"recommendations": list}),
    (
        "oatie",
        "GET",
        f"{PERF}/overview",
        None,
        {"resources": USAGE, "startup": dict, "throughput": dict, "errors": {"total": int}},
    ),
    ("oatie", "GET", f"{PERF}/errors/summary", None, {"total": int, "by_service": dict}),
    (
        "oatie",
        "GET",
        f"{PERF}/errors/services",
        None,
        {"services": {name: {"degraded": False, "circuit_breaker": BREAKER} for name in SERVICES}},
    ),
    ("oatie", "POST", f"{PERF}/errors/services/database/recover", None, {"success": True}),
    (
        "oatie",
        "POST",
        f"{PERF}/errors/services/reports/degrade?reason=high_load",
        None,
        {"service": "reports", "status": "degraded", "reason": "high_load"},
    ),
]

METRICS = [
    (
        "errorscope",
        "/metrics",
        {
            "errorscope_requests_total",
            "errorscope_request_latency_seconds_bucket",
            "errorscope_model_prediction_seconds_bucket",
            "errorscope_model_accuracy",
            "errorscope_llm_latency_seconds_bucket",
            "errorscope_errors_total",
            "errorscope_resolutions_success_total",
        },
    ),
    (
        "ai-backend",
        "/metrics",
        {
            "ai_backend_health_status",
            "ai_backend_cache_hit_rate",
            "ai_backend_model_accuracy",
            "ai_backend_component_health",
            "ai_backend_requests_per_minute",
        },
    ),
    (
        "ai-service",
        "/metrics",
        {
            "ai_service_requests_total",
            "ai_service_requests_failed_total",
            "hybrid_search_latency_ms_bucket",
        },
    ),
    ("oatie", "/health/metrics", {"oatie_requests_total", "oatie_service_up"}),
]

Ask = Callable[..., httpx.Response]


@pytest.fixture(name="ask")
def _ask(fleet: Fleet, http: httpx.Client) -> Iterator[Ask]:
    """Ask a service's first instance; afterwards, every fault is cleared."""

    def ask(service: str, method: str, path: str, **options: Any) -> httpx.Response:
        return http.request(method, fleet.layout.of(service)[0].url + path, **options)

    yield ask
    for service in {member.service for member in fleet.layout.members}:
        fleet.inject(service, InjectedFault(faults.CLEAR))


@pytest.mark.parametrize(
    ("service", "method", "path", "body", "shape"),
    DOCUMENTED,
    ids=[f"{service} {method} {path}" for service, method, path, _, _ in DOCUMENTED],
)
def test_documented_endpoint_has_the_documented_shape(
    ask: Ask, service: str, method: str, path: str, body: object, shape: object
) -> None:
    until(lambda: ask("oatie", "GET", "/health").status_code == 200)
    until(lambda: ask("ai-backend", "GET", "/health/startup").status_code == 200)
    response = ask(service, method, path, json=body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert differences(shape, response.json()) == []


@pytest.mark.parametrize(("service", "path", "wanted"), METRICS, ids=[m[0] for m in METRICS])
def test_metrics_are_those_of_the_guide(
    fleet: Fleet, ask: Ask, service: str, path: str, wanted: set[str]
) -> None:
    secret = fleet.layout.of("errorscope")[0].folder / METRICS_SECRET
    auth = (METRICS_USER, secret.read_text().strip()) if service == "errorscope" else None
    response = ask(service, "GET", path, auth=auth)
    families = text_string_to_metric_families(response.text)
    names = {sample.name for family in families for sample in family.samples}
    assert wanted <= names


def test_errorscope_metrics_ask_for_the_password(ask: Ask) -> None:
    for auth in (None, (METRICS_USER, "guess"), (METRICS_USER, "gu\xe9ss")):
        response = ask("errorscope", "GET", "/metrics", auth=auth)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Basic realm="Metrics"'


def test_oatie_dashboard_is_a_page(ask: Ask) -> None:
    response = ask("oatie", "GET", "/health/dashboard/html")
    assert response.headers["content-type"].startswith("text/html")
    assert "<table>" in response.text


def test_errorscope_says_unhealthy_with_status_200_and_names_the_check(
    fleet: Fleet, ask: Ask
) -> None:
    fleet.inject("errorscope", InjectedFault(faults.COMPONENT, component="llm", message="quota"))
    response = ask("errorscope", "GET", "/health")
    assert response.status_code == 200
    assert response.json()["status"] == "unhealthy"
    assert response.json()["checks"]["llm"] == {"status": "error", "message": "quota"}


def test_errorscope_notices_a_spoilt_model_and_its_restoration(fleet: Fleet, ask: Ask) -> None:
    path = fleet.layout.of("errorscope")[0].folder / MODEL_FILE
    whole = path.read_bytes()
    path.write_bytes(b"not a model")
    assert ask("errorscope", "GET", "/health").json()["checks"]["ml_model"]["status"] == "error"
    path.write_bytes(whole)
    assert ask("errorscope", "GET", "/health").json()["status"] == "healthy"


def test_ai_backend_component_down_is_503_everywhere_but_live(fleet: Fleet, ask: Ask) -> None:
    fleet.inject("ai-backend", InjectedFault(faults.COMPONENT, component="database"))
    paths = ("/health", "/health/detailed", "/health/ready", "/health/live", "/health/startup")
    codes = {path: ask("ai-backend", "GET", path).status_code for path in paths}
    assert codes == {**dict.fromkeys(paths[:3], 503), **dict.fromkeys(paths[3:], 200)}
    assert ask("ai-backend", "POST", "/health/test/database").status_code == 503
    assert ask("ai-backend", "POST", "/health/test/nothing").status_code == 404


def test_ai_backend_reads_its_flags_again_on_sighup(fleet: Fleet, ask: Ask) -> None:
    member = fleet.layout.of("ai-backend")[0]
    flags = member.folder / ".env"
    before = flags.read_text()
    work = {"kind": "fraud_detection"}
    assert ask("ai-backend", "POST", "/api/v1/process", json=work).json()["status"] == "ok"
    flags.write_text(before.replace("FRAUD_DETECTION_ENABLED=true", "FRAUD_DETECTION_ENABLED=off"))
    os.kill(int(member.pid_file.read_text()), signal.SIGHUP)

    def is_off() -> bool:
        body = ask("ai-backend", "GET", "/health/detailed").json()
        return body["features"]["fraud_detection"] is False

    until(is_off)
    assert ask("ai-backend", "POST", "/api/v1/process", json=work).json()["status"] == "disabled"
    flags.write_text(before)
    os.kill(int(member.pid_file.read_text()), signal.SIGHUP)
    until(lambda: not is_off())


def test_oatie_stays_degraded_until_recovered(ask: Ask) -> None:
    url = f"{PERF}/errors/services/reports"
    assert ask("oatie", "POST", f"{url}/degrade?reason=high_load").status_code == 200
    body = ask("oatie", "GET", "/health/detailed").json()
    assert body["status"] == "degraded"
    assert body["services"]["reports"]["message"] == "high_load"
    assert ask("oatie", "POST", "/api/reports", json={}).status_code == 202
    assert ask("oatie", "POST", f"{url}/recover").status_code == 200
    assert ask("oatie", "GET", "/health").json()["status"] == "healthy"


@pytest.mark.parametrize("reason", ["", "x" * 201, "a\x1b[2Jb"])
def test_oatie_refuses_to_degrade_without_a_proper_reason(ask: Ask, reason: str) -> None:
    path = f"{PERF}/errors/services/reports/degrade"
    assert ask("oatie", "POST", path, params={"reason": reason}).status_code == 422
    assert ask("oatie", "POST", f"{PERF}/errors/services/no/degrade?reason=x").status_code == 404


def test_oatie_restart_heals_a_failed_service(fleet: Fleet, ask: Ask) -> None:
    fleet.inject("oatie", InjectedFault(faults.COMPONENT, component="database"))
    assert ask("oatie", "GET", "/health").status_code == 503
    ask("oatie", "POST", "/health/services/database/restart")
    until(lambda: ask("oatie", "GET", "/health").status_code == 200)


def test_oatie_breaker_opens_after_five_failures_and_recover_closes_it(
    fleet: Fleet, ask: Ask
) -> None:
    fleet.inject("oatie", InjectedFault(faults.COMPONENT, component="reports"))

    def breaker() -> str:
        services = ask("oatie", "GET", f"{PERF}/errors/services").json()["services"]
        return str(services["reports"]["circuit_breaker"]["state"])

    codes = [ask("oatie", "POST", "/api/reports", json={}).status_code for _ in range(6)]
    assert codes == [500] * 5 + [503]
    assert breaker() == "open"
    ask("oatie", "POST", f"{PERF}/errors/services/reports/recover")
    assert breaker() == "closed"
    assert ask("oatie", "GET", f"{PERF}/errors/summary").json()["by_service"]["reports"] >= 5


def test_ai_ops_refuses_a_task_that_is_missing_or_too_long(ask: Ask) -> None:
    assert ask("ai-ops", "POST", "/process-task", json={}).status_code == 422
    assert ask("ai-ops", "POST", "/process-task", json={"task": "x" * 5001}).status_code == 400
    assert ask("ai-ops", "POST", "/process-task", content=b"[1").status_code == 422


def test_ai_ops_logs_calls_and_counts_the_rate_limit_down(fleet: Fleet, ask: Ask) -> None:
    before = int(ask("ai-ops", "GET", "/health").headers["x-ratelimit-remaining"])
    ask("ai-ops", "POST", "/process-task", json={"task": "find issues"})
    assert int(ask("ai-ops", "GET", "/health").headers["x-ratelimit-remaining"]) == before - 1
    log = (fleet.layout.of("ai-ops")[0].folder / "app.log").read_text()
    assert "Calling tool github_search" in log
    assert "completed in" in log


def test_latency_fault_is_really_slept(fleet: Fleet, ask: Ask) -> None:
    text = {"text": "short"}
    usual = ask("ai-service", "POST", "/analyze-complexity", json=text).json()["processing_ms"]
    fleet.inject("ai-service", InjectedFault(faults.LATENCY, factor=600))
    response = ask("ai-service", "POST", "/analyze-complexity", json=text)
    assert response.elapsed.total_seconds() > 0.05
    assert response.json()["processing_ms"] > 3 * usual


def test_error_fault_fails_requests_and_the_counter_moves(fleet: Fleet, ask: Ask) -> None:
    fleet.inject("ai-service", InjectedFault(faults.ERRORS, rate=1.0))
    failed = ask("ai-service", "GET", "/stats").json()["failed_requests"]
    assert ask("ai-service", "POST", "/analyze-complexity", json={"text": "x"}).status_code == 500
    assert ask("ai-service", "GET", "/stats").json()["failed_requests"] == failed + 1


def test_garbage_fault_sends_what_is_neither_json_nor_utf8(fleet: Fleet, ask: Ask) -> None:
    fleet.inject("ai-backend", InjectedFault(faults.GARBAGE))
    response = ask("ai-backend", "GET", "/health/detailed")
    with pytest.raises(UnicodeDecodeError):
        response.content.decode()
    assert b"\x1b" in response.content
