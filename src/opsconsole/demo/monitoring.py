"""Prometheus and Alertmanager beside the fleet, with the guides' alert rules.

Names, expressions and severities are the guides'; the ranges and the time a rule must hold are
shortened, so that an alert fires while somebody is still looking. Where a guide names a
threshold without a rule (AI Backend), the rule says what the guide says in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.demo.layout import Layout
from opsconsole.demo.platforms.errorscope import METRICS_SECRET, METRICS_USER
from opsconsole.demo.processes import LOOPBACK, free_port
from opsconsole.demo.prometheus import (
    ALERTMANAGER,
    PROMETHEUS,
    AlertRule,
    MonitoringServer,
    ScrapeJob,
    available,
    start_alertmanager,
    start_prometheus,
)

INTERVAL: Final = "1s"
METRICS_PATHS: Final = {
    "errorscope": "/metrics",
    "ai-backend": "/metrics",
    "ai-service": "/metrics",
    "oatie": "/health/metrics",
}


def _rule(
    name: str, expr: str, hold: str, severity: str, service: str, summary: str, runbook: str = ""
) -> AlertRule:
    annotations = {"summary": summary, **({"runbook": runbook} if runbook else {})}
    return AlertRule(name, expr, hold, {"severity": severity, "service": service}, annotations)


_FAILED_SHARE: Final = (
    "rate(ai_service_requests_failed_total[1m]) / rate(ai_service_requests_total[1m]) > 0.1"
)
_P95: Final = "histogram_quantile(0.95, rate({}_bucket[1m])) > {}"
_P95_SEARCH: Final = _P95.format("hybrid_search_latency_ms", 1000)
_P95_LLM: Final = _P95.format("errorscope_llm_latency_seconds", 2)
_DATABASE: Final = 'ai_backend_component_health{component="database"} == 0'

RULES: Final = (
    _rule(
        "HighErrorRate",
        "rate(errorscope_errors_total[1m]) > 10",
        "10s",
        "warning",
        "errorscope",
        "High error rate detected",
    ),
    _rule(
        "LowModelAccuracy",
        "errorscope_model_accuracy < 0.8",
        "15s",
        "critical",
        "errorscope",
        "Model accuracy below threshold",
    ),
    _rule("HighLLMLatency", _P95_LLM, "15s", "warning", "errorscope", "LLM response time degraded"),
    _rule(
        "HighErrorRate", _FAILED_SHARE, "5s", "critical", "ai-service", "High error rate detected"
    ),
    _rule(
        "HighLatency", _P95_SEARCH, "10s", "warning", "ai-service", "High response latency detected"
    ),
    _rule(
        "ServiceDown",
        'up{job="ai-service"} == 0',
        "4s",
        "critical",
        "ai-service",
        "AI Service is down",
    ),
    _rule(
        "ServiceDown",
        'up{job="ai-backend"} == 0',
        "4s",
        "critical",
        "ai-backend",
        "AI Backend is down",
    ),
    _rule(
        "DatabaseUnreachable",
        _DATABASE,
        "4s",
        "critical",
        "ai-backend",
        "AI Backend cannot reach its database",
        "restart ai-backend",
    ),
    _rule(
        "LowCacheHitRate",
        "ai_backend_cache_hit_rate < 0.8",
        "15s",
        "warning",
        "ai-backend",
        "Cache hit rate below 80 %",
    ),
    _rule(
        "ModelAccuracyLow",
        "ai_backend_model_accuracy < 0.7",
        "15s",
        "info",
        "ai-backend",
        "Model accuracy below 70 %",
    ),
)


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Where Prometheus and Alertmanager will listen; None for one that is not on this machine."""

    folder: Path
    prometheus_port: int | None
    alertmanager_port: int | None

    @property
    def prometheus_url(self) -> str | None:
        """Prometheus' base URL."""
        return _url(self.prometheus_port)

    @property
    def alertmanager_url(self) -> str | None:
        """Alertmanager's base URL."""
        return _url(self.alertmanager_port)

    def notes(self) -> list[str]:
        """What is missing and how to get it."""
        missing = []
        if self.prometheus_port is None:
            missing.append(
                "Prometheus: not on this machine; on Debian `apt-get install prometheus`"
            )
        if self.alertmanager_port is None:
            missing.append(
                "Alertmanager: not on this machine; "
                "on Debian `apt-get install prometheus-alertmanager`"
            )
        return missing


def plan_monitoring(layout: Layout, *, wanted: bool = True) -> Monitoring:
    """Choose the ports of what is on this machine; of nothing when not `wanted`."""
    ports = [
        free_port() if wanted and available(name) else None for name in (PROMETHEUS, ALERTMANAGER)
    ]
    return Monitoring(layout.folder / "monitoring", *ports)


def start_monitoring(monitoring: Monitoring, layout: Layout) -> Iterator[MonitoringServer]:
    """Start what there is, one after another as asked for; each answers. Raises ServerError."""
    alertmanagers = []
    if monitoring.alertmanager_port is not None:
        folder = monitoring.folder / "alertmanager"
        server = start_alertmanager(folder, port=monitoring.alertmanager_port)
        alertmanagers.append(server.address)
        yield server
    if monitoring.prometheus_port is not None:
        yield start_prometheus(
            monitoring.folder / "prometheus",
            jobs=scrape_jobs(layout),
            rules=RULES,
            alertmanagers=alertmanagers,
            interval=INTERVAL,
            port=monitoring.prometheus_port,
        )


def scrape_jobs(layout: Layout) -> list[ScrapeJob]:
    """One job for each service that has metrics, under the service's name."""
    jobs = []
    for service, path in METRICS_PATHS.items():
        members = layout.of(service)
        extra: dict[str, object] = {}
        if service == "errorscope":
            secret = members[0].folder / METRICS_SECRET
            extra["basic_auth"] = {"username": METRICS_USER, "password_file": str(secret)}
        targets = [member.address for member in members]
        jobs.append(ScrapeJob(service, targets, path, {"service": service}, extra))
    return jobs


def _url(port: int | None) -> str | None:
    return None if port is None else f"http://{LOOPBACK}:{port}"
