"""The sample configurations: each loads, and each has all that its platform's guide documents."""

import shutil
from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.config.settings import Settings

FOLDER = Path(__file__).parents[2] / "sample_configs"
SAMPLES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

# What each guide names: endpoints, metrics, alerts, targets, logs, backups and remedies.
DOCUMENTED = {
    "errorscope": (
        *("web1:8000", "web2:8000", "web3:8000", "localhost:9090", "localhost:3000"),
        *("/health", "/metrics", "basic_auth", "app, ml_model, llm, database"),
        *("errorscope_requests_total", "errorscope_request_latency_seconds"),
        *("errorscope_model_prediction_seconds", "errorscope_model_accuracy"),
        *("errorscope_llm_latency_seconds", "errorscope_errors_total"),
        "errorscope_resolutions_success",
        *("HighErrorRate", "LowModelAccuracy", "HighLLMLatency", "rules/errorscope.yml"),
        *("models_storage/current_model.pkl", "data/error_map.json", "config.py"),
        *("model-service", "least_conn", "restart:", "rollback:", "scale:", "restore:"),
    ),
    "ai-operations-assistant": (
        *("/health", "/process-task", "ai-ops-assistant", "/opt/ai-ops-assistant/app.log"),
        *("ERROR", "Calling tool", "completed in", "429|401|403"),
        *("error_rate > 5%", "p95(latency) > 30s", "memory > 500MB", "availability 99.9%"),
        *("state == down", "RateLimited", "api.openai.com", "api.github.com"),
        *("api.openweathermap.org", "/data/2.5/weather", "x-ratelimit-remaining", "tokens_left"),
        *("/opt/ai-ops-assistant/.env", "secret: true", "v[0-9]*", "Config.validate()"),
        *("Get weather in London", "daily", "weekly", "monthly", "quarterly", "scaling:"),
        *("restart:", "rollback:", "backup:", "restore:", "3,500", "5,000", "24 hours"),
    ),
    "ai-backend": (
        *("/health", "/health/detailed", "/health/live", "/health/ready", "/health/startup"),
        *("/metrics", "/health/test/database", "ml_models", "redis-cli"),
        *("ai_backend_health_status", "ai_backend_cache_hit_rate", "ai_backend_model_accuracy"),
        *("ai_backend_component_health", "ai_backend_requests_per_minute"),
        *("/app/logs/ai_backend.log", "/app/logs/audit/ai_audit.log"),
        "/app/logs/audit/ai_security.log",
        *("FRAUD_DETECTION_ENABLED", "PREDICTIVE_ANALYTICS_ENABLED"),
        *("COMPLIANCE_CHECKING_ENABLED", "NLP_INVOICE_ENABLED", "ai-backend_ml_models"),
        *("docker-compose.prod.yml", "kubectl", "scripts/deployment/deploy.sh"),
        *("p95(latency) < 2s", "error_rate < 1%", "memory < 80%", "cache_hit_rate > 80%"),
        *("model_accuracy > 70%", "DatabaseUnreachable", "severity: info", "localhost:3000"),
    ),
    "ai-service": (
        *("/health", "/health/detailed", "/health/live", "/health/ready", "/metrics", "/stats"),
        *("/analyze-complexity", "ai_service_requests_total", "ai_service_requests_failed_total"),
        *("hybrid_search_latency_ms", "gauge: up", "orchestrator.cache_hit_rate"),
        *("components.http_client_pool", "logs/ai-service.log", "logs/access.log"),
        *("logs/error.log", "HighErrorRate", "HighLatency", "ServiceDown", "rules/ai-service.yml"),
        *("p95(latency) < 100ms", "rate(requests) > 100/s", "availability 99.9%"),
        *("error_rate < 0.1%", "cache_hit_rate > 80%", "memory < 4GB", "cpu < 70%"),
        *("minimum: 2", "maximum: 10", "your-elasticsearch.com:9200", "ES_PASSWORD"),
        *("systemd: ai-service", "Deployment checklist", "localhost:3000"),
    ),
    "oatie": (
        *("/health", "/health/detailed", "/health/services", "/health/dashboard"),
        *("/health/dashboard/html", "/health/metrics", "/health/services/database/restart"),
        *("/api/performance/resources/current", "/api/performance/resources/trends?hours=1"),
        *("/api/performance/scaling/recommendations", "/api/performance/startup/stats"),
        *("/api/performance/overview", "/api/performance/errors/summary"),
        "/api/performance/errors/services/database/recover",
        "/api/performance/errors/services/reports/degrade",
        *("/api/performance/errors/services", "{reason}", "job: oatie-ai"),
        *("/var/run/oatie.pid", "start_production.sh", "deploy_production.py"),
        *("failures: 5, successes: 3", "for: 30m"),
    ),
    "ai-backend-kubernetes": (
        *("namespaces: ai-backend", "deployment/ai-backend", "rollback:", "scale:", "degrade:"),
        *("/health/live", "/health/ready", "/health/startup", "/health/detailed", "/metrics"),
        *("FRAUD_DETECTION_ENABLED", "PREDICTIVE_ANALYTICS_ENABLED", "ai-backend-secrets"),
        *("COMPLIANCE_CHECKING_ENABLED", "NLP_INVOICE_ENABLED"),
    ),
    "ai-service-kubernetes": (
        *("deployment/ai-service", "minimum: 2", "maximum: 10", "cpu: 0.7", "memory: 0.8"),
        *("/health/live", "/health/ready", "/health/detailed", "/analyze-complexity"),
        *("4 GiB and 2 cores", "rollback:", "scale:", "do: pause", "do: drain"),
    ),
}


def sample(name: str, folder: Path) -> Settings:
    """Load a copy that only its owner can write, whatever the checkout's umask was."""
    path = folder / f"{name}.yaml"
    shutil.copyfile(FOLDER / path.name, path)
    path.chmod(0o600)
    return load(path, {})


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_loads(name: str, tmp_path: Path) -> None:
    loaded = sample(name, tmp_path)

    assert loaded.services
    for service in loaded.services.values():
        assert service.instances or service.containers or service.kubernetes


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_tells_editors_its_schema(name: str) -> None:
    first, _, rest = (FOLDER / f"{name}.yaml").read_text("utf-8").partition("\n")

    assert first == "# yaml-language-server: $schema=../docs/opsconsole.schema.json"
    assert (FOLDER / first.partition("=")[2]).resolve().is_file()
    assert rest.startswith("#")


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_every_sample_has_what_the_guide_documents(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text("utf-8")

    assert [wanted for wanted in DOCUMENTED[name] if wanted not in text] == []


def test_there_is_a_sample_of_every_platform() -> None:
    assert set(SAMPLES) == {*DOCUMENTED, "minimal", "fleet"}


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_production_is_dangerous_and_says_what_to_do(name: str, tmp_path: Path) -> None:
    loaded = sample(name, tmp_path)
    main = next(iter(loaded.services.values()))

    assert loaded.environment.danger == "high"
    assert main.actions.restart is not None
    assert main.objectives
    assert any(rule.when == "state == down" for rule in main.alerts)


@pytest.mark.parametrize("name", SAMPLES)
def test_rule_files_are_beside_the_samples(name: str, tmp_path: Path) -> None:
    for server in sample(name, tmp_path).prometheus:
        assert all((FOLDER / rules).is_file() for rules in server.rule_files)


def test_the_fleet_knows_where_each_service_runs(tmp_path: Path) -> None:
    loaded = sample("fleet", tmp_path)

    assert loaded.environment_of("ai-service").danger == "high"
    assert loaded.environment_of("ai-service-staging").danger == "low"
    assert loaded.environment_of("errorscope-dev").danger == "none"
    assert loaded.services["oatie"].alerts[0].name == "ServiceDown"
    assert loaded.instance_names("oatie") == ("oatie-1", "oatie-2")
