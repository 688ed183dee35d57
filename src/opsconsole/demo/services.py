"""What the demo's configuration says of each platform, as its guide describes it."""

from __future__ import annotations

import sys
from typing import Final

from opsconsole.demo.layout import Layout
from opsconsole.demo.platforms.ai_backend import FEATURES, MODELS
from opsconsole.demo.platforms.errorscope import (
    MAP_FILE,
    METRICS_SECRET,
    METRICS_USER,
    MODEL_FILE,
)

Block = dict[str, object]

# Short, so that rates and quantiles are true soon after the start and soon after a change.
WINDOW: Final = "15s"

_ERRORS: Final = "/api/performance/errors/services"


def services(layout: Layout) -> dict[str, Block]:
    """The `services` block."""
    return {
        "ai-backend": {**_common(layout, "ai-backend"), **_ai_backend(layout)},
        "ai-service": {**_common(layout, "ai-service"), **_ai_service(layout)},
        "oatie": {**_common(layout, "oatie"), **_oatie(layout)},
        "errorscope": {**_common(layout, "errorscope"), **_errorscope(layout)},
        "ai-ops": {**_common(layout, "ai-ops"), **_ai_ops(layout)},
    }


def _common(layout: Layout, service: str) -> Block:
    instances = [
        {"url": member.url, "name": member.instance, "pid_file": str(member.pid_file)}
        for member in layout.of(service)
    ]
    return {"instances": instances}


def _restart(layout: Layout, service: str) -> Block:
    """Restart by the fleet's control, which returns when the new process answers."""
    module = [sys.executable, "-m", "opsconsole.demo.control"]
    argv = [*module, "--socket", str(layout.socket), "restart", service]
    return {"command": {"argv": argv, "timeout": "60s"}, "min_healthy": "3s", "deadline": "60s"}


def _log(layout: Layout, service: str, name: str, form: str, **patterns: str) -> list[Block]:
    more: Block = {"patterns": patterns} if patterns else {}
    return [
        {"file": str(member.folder / name), "format": form, **more} for member in layout.of(service)
    ]


def _counter(name: str) -> Block:
    return {"counter": name, "window": WINDOW}


def _histogram(name: str, unit: str) -> Block:
    return {"histogram": name, "unit": unit, "window": WINDOW}


def _down_rule(name: str, runbook: str) -> Block:
    return {
        "name": name,
        "when": "state == down",
        "for": "4s",
        "severity": "critical",
        "runbook": runbook,
    }


def _errorscope(layout: Layout) -> Block:
    folder = layout.of("errorscope")[0].folder
    kept = [MODEL_FILE, MAP_FILE, "config.py"]
    return {
        "description": "analyses errors with a model and an LLM",
        "health": "/health",
        "http": {
            "basic_auth": {
                "username": METRICS_USER,
                "password": {"file": str(folder / METRICS_SECRET)},
            }
        },
        "metrics_path": "/metrics",
        "metrics": {
            "requests": _counter("errorscope_requests_total"),
            "analyzed": _counter("errorscope_errors_total"),
            "resolutions": _counter("errorscope_resolutions_success_total"),
            "latency": _histogram("errorscope_request_latency_seconds", "s"),
            "prediction": _histogram("errorscope_model_prediction_seconds", "s"),
            "llm": _histogram("errorscope_llm_latency_seconds", "s"),
            "accuracy": {"gauge": "errorscope_model_accuracy"},
        },
        "objectives": ["p95(llm) < 2s", "accuracy >= 0.8", "availability 99.9% over 30d"],
        "alerts": [_down_rule("ErrorScopeDown", "restart")],
        "logs": _log(layout, "errorscope", "logs/errorscope.log", "text"),
        "actions": {
            "restart": _restart(layout, "errorscope"),
            "backup": {"files": [str(folder / name) for name in kept], "keep": 7},
            "restore": {"backup": "latest"},
        },
    }


def _ai_ops(layout: Layout) -> Block:
    folder = layout.of("ai-ops")[0].folder
    patterns = {
        "tools": "Calling tool",
        "timings": r"completed in (?P<seconds>[\d.]+)",
        "refusals": "429|401|403",
    }
    actions: Block = {
        "restart": _restart(layout, "ai-ops"),
        "backup": {"files": {"paths": [str(folder / ".env")], "secret": True}, "keep": 7},
        "restore": {"backup": "latest"},
    }
    if (folder / ".git").is_dir():
        actions["rollback"] = {"git": {"path": str(folder), "tags": "v*", "then": "restart"}}
    return {
        "description": "carries out tasks in plain language",
        "health": "/health",
        "metrics": {"rate_limit": {"header": "x-ratelimit-remaining"}},
        "objectives": ["availability 99.9% over 30d"],
        "alerts": [_down_rule("AiOpsDown", "recovery")],
        "logs": [
            {**entry, "patterns": patterns} for entry in _log(layout, "ai-ops", "app.log", "text")
        ],
        "actions": actions,
    }


def _ai_backend(layout: Layout) -> Block:
    member = layout.of("ai-backend")[0]
    heavy = list(FEATURES)[:2]

    def flags(value: str) -> Block:
        return {
            "env_file": {
                "file": str(member.folder / ".env"),
                "set": dict.fromkeys(heavy, value),
                "then": "reload",
                "pid_file": str(member.pid_file),
            }
        }

    return {
        "description": "fraud, prediction, compliance and invoices",
        "health": "/health/detailed",
        "probes": {"live": "/health/live", "ready": "/health/ready", "startup": "/health/startup"},
        "metrics_path": "/metrics",
        "metrics": {
            "healthy": {"gauge": "ai_backend_health_status"},
            "cache": {"gauge": "ai_backend_cache_hit_rate"},
            "fraud_accuracy": {
                "gauge": "ai_backend_model_accuracy",
                "labels": {"type": "fraud_detection"},
            },
            "requests_per_minute": {"gauge": "ai_backend_requests_per_minute"},
        },
        "objectives": ["cache > 0.8", "fraud_accuracy > 0.7", "availability 99.9% over 30d"],
        "alerts": [_down_rule("AiBackendDown", "restart")],
        "logs": [
            *_log(layout, "ai-backend", "logs/ai_backend.log", "text"),
            *_log(layout, "ai-backend", "logs/audit/ai_audit.log", "text"),
            *_log(layout, "ai-backend", "logs/audit/ai_security.log", "text"),
        ],
        "actions": {
            "restart": _restart(layout, "ai-backend"),
            "degrade": {**flags("false"), "recover": flags("true"), "for": "30m"},
            "backup": {"files": [str(member.folder / MODELS)], "keep": 7},
            "test": {
                name: {"http": {"post": f"/health/test/{name}"}, "effect": "read"}
                for name in ("database", "redis", "ml_models")
            },
        },
    }


def _ai_service(layout: Layout) -> Block:
    return {
        "description": "analyses texts; three instances",
        "health": "/health/detailed",
        "probes": {"live": "/health/live", "ready": "/health/ready"},
        "metrics_path": "/metrics",
        "metrics": {
            "requests": _counter("ai_service_requests_total"),
            "errors": _counter("ai_service_requests_failed_total"),
            "latency": _histogram("hybrid_search_latency_ms", "ms"),
            "cache": {"json": "orchestrator.cache_hit_rate"},
            "pool": {"json": "components.http_client_pool.active"},
        },
        "objectives": [
            "p95(latency) < 100ms",
            "rate(requests) > 5/s",
            "cache > 0.8",
            "availability 99.9% over 30d",
        ],
        "alerts": [_down_rule("AiServiceDown", "restart")],
        "logs": _log(layout, "ai-service", "logs/ai-service.log", "json"),
        "endpoints": {"stats": "/stats"},
        "actions": {
            "restart": _restart(layout, "ai-service"),
            "call": {"stats": {"http": {"get": "/stats"}, "effect": "read"}},
        },
    }


def _oatie(layout: Layout) -> Block:
    parts = ("database", "cache", "external_apis", "reports")

    def page(path: str) -> Block:
        return {"http": {"get": f"/api/performance/{path}"}, "effect": "read"}

    restart: Block = {
        "http": {"post": "/health/services/database/restart"},
        "summary": "restart Oatie's database service",
        "min_healthy": "3s",
        "deadline": "60s",
    }
    calls: Block = {
        "overview": page("overview"),
        "scaling": page("scaling/recommendations"),
        "errors": page("errors/summary"),
        **{f"recover_{name}": {"http": {"post": f"{_ERRORS}/{name}/recover"}} for name in parts},
    }
    return {
        "description": "reports; restarts and degrades its own services",
        "health": "/health/detailed",
        "metrics_path": "/health/metrics",
        "metrics": {
            "requests": _counter("oatie_requests_total"),
            "errors": _counter("oatie_errors_total"),
            "latency": _histogram("oatie_request_duration_seconds", "s"),
        },
        "objectives": ["p95(latency) < 500ms", "availability 99.9% over 30d"],
        "alerts": [_down_rule("OatieDown", "restart")],
        "logs": _log(
            layout, "oatie", "logs/oatie.log", "text", reports=r"report generated in (?P<ms>\d+) ms"
        ),
        "endpoints": {
            "scaling": "/api/performance/scaling/recommendations",
            "breakers": "/api/performance/errors/services",
            "resources": "/api/performance/resources/current",
        },
        "actions": {
            "restart": restart,
            "degrade": {
                "http": {"post": f"{_ERRORS}/reports/degrade", "query": {"reason": "{reason}"}},
                "recover": {"http": {"post": f"{_ERRORS}/reports/recover"}},
                "for": "30m",
            },
            "call": calls,
        },
    }
