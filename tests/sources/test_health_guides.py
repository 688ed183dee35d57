"""The health bodies that the five platforms' guides document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opsconsole.config.services import Health
from opsconsole.model.health import HealthReport
from opsconsole.model.state import State
from opsconsole.sources.health.body import read_health


def read(body: object) -> HealthReport:
    found = read_health(
        json.dumps(body).encode(),
        status=200,
        accepted=True,
        content_type="application/json",
        health=Health.model_validate({}),
    )
    assert isinstance(found, HealthReport), found
    return found


def states(report: HealthReport) -> dict[str, State]:
    return {part.name: part.state for part in report.components}


def test_errorscope_says_unhealthy_with_200() -> None:
    report = read(
        {
            "status": "unhealthy",
            "checks": {
                "app": {"status": "ok"},
                "ml_model": {"status": "error", "message": "current_model.pkl is missing"},
                "llm": {"status": "ok"},
                "database": {"status": "ok"},
            },
        }
    )
    assert report.state is State.DOWN
    assert states(report)["ml_model"] is State.DOWN
    assert report.message == "ml_model down: current_model.pkl is missing"


def test_ai_backend_detailed() -> None:
    report = read(
        {
            "status": "degraded",
            "version": "2.1.0",
            "uptime_seconds": 12.5,
            "checks": {
                "database": {
                    "status": "healthy",
                    "response_time_ms": 2.5,
                    "connections": {"active": 3, "max": 20},
                },
                "redis": {"status": "degraded", "hit_rate": 0.41, "message": "slow"},
                "ml_models": {"status": "healthy", "loaded": ["fraud"], "size_bytes": 1024},
            },
            "features": {"fraud_detection": True, "nlp_invoice": False},
        }
    )
    assert (report.state, report.version) == (State.DEGRADED, "2.1.0")
    assert list(states(report)) == ["database", "redis", "ml_models"]
    assert report.components[0].latency == pytest.approx(0.0025)
    assert report.figures["checks.redis.hit_rate"] == 0.41
    assert report.figures["checks.database.connections.active"] == 3
    assert "features.fraud_detection" not in report.figures


def test_ai_service_detailed() -> None:
    report = read(
        {
            "status": "healthy",
            "service": "AI Service",
            "version": "1.0.0",
            "timestamp": 1640995200.0,
            "components": {"http_client_pool": {"status": "healthy", "active": 2, "max": 100}},
            "orchestrator": {"layers": 3, "cache_hit_rate": 0.83},
            "performance": {"p95_ms": 41.0},
        }
    )
    assert states(report) == {"http_client_pool": State.OK}
    assert report.figures["orchestrator.cache_hit_rate"] == 0.83
    assert report.figures["components.http_client_pool.active"] == 2


def test_oatie_services_with_circuit_breakers() -> None:
    def service(status: str, breaker: str) -> dict[str, Any]:
        return {"status": status, "circuit_breaker": {"state": breaker, "failure_count": 5}}

    report = read(
        {
            "services": {
                "database": service("healthy", "closed"),
                "cache": service("healthy", "half_open"),
                "reports": service("degraded", "open"),
            },
            "timestamp": 1.0,
        }
    )
    assert report.state is State.DOWN
    assert list(states(report).values()) == [State.OK, State.DEGRADED, State.DOWN]
    assert report.message == "reports down: circuit breaker open (+1 more)"


def test_oatie_dashboard() -> None:
    report = read(
        {
            "overall_status": "degraded",
            "services": {"database": {"status": "healthy"}},
            "metrics": {"cpu_percent": 31.0},
        }
    )
    assert (report.state, report.figures["metrics.cpu_percent"]) == (State.DEGRADED, 31.0)


@pytest.mark.parametrize("word", ["alive", "ready", "started", "healthy", "UP", "Healthy", "PASS"])
def test_words_of_well_being(word: str) -> None:
    assert read({"status": word}).state is State.OK
