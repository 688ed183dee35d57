"""A configuration held against a real Prometheus, with the mistakes that people make."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.demo.prometheus import AlertRule, MonitoringServer, ScrapeJob
from opsconsole.inspection.finding import Finding, Weight
from opsconsole.inspection.inspection import inspect
from tests.servers.fixtures import MonitoringStack
from tests.sources.exposing import ExposingServer, exposing
from tests.sources.test_metric_parity import phase_of

LATENCY = "errorscope_llm_latency_seconds"


class _ErrorScope:
    """Metrics as the ErrorScope guide's own code makes them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        latency = Histogram(LATENCY, "Of the model.", registry=registry)
        done = Counter("errorscope_resolutions_success", "Resolved.", ["kind"], registry=registry)
        size = Summary("errorscope_prompt_bytes", "Sizes.", registry=registry)
        gauge = Gauge("shop_queue", "Waiting.", registry=registry)
        for value in (0.2, 0.3, 1.5):
            latency.observe(value)
            size.observe(value)
        for kind in ("cached", "asked"):
            done.labels(kind).inc(2)
        gauge.set(1)


@pytest.fixture(scope="module")
def errorscope() -> Iterator[ExposingServer]:
    with exposing(flowing=False) as server:
        server.counts = _ErrorScope()  # type: ignore[assignment]  # it has a registry, too
        yield server


@pytest.fixture(scope="module")
def prometheus(
    errorscope: ExposingServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MonitoringServer]:
    stack = MonitoringStack(tmp_path_factory.mktemp("check"))
    yield stack.prometheus(jobs=[ScrapeJob("errorscope", [errorscope.address])])
    stack.stop()


async def look(
    metrics: dict[str, Any], errorscope: ExposingServer, prometheus: MonitoringServer | None
) -> list[Finding]:
    """What is found of ``metrics``, with a Prometheus or without."""
    if prometheus is not None:
        await phase_of(prometheus.url)
    settings = Settings.model_validate(
        {
            "docker": [],
            **({"prometheus": {"url": prometheus.url}} if prometheus else {}),
            "services": {
                "es": {
                    "instances": [f"http://{errorscope.address}"],
                    "health": None,
                    "metrics": metrics,
                }
            },
        }
    )

    def run() -> tuple[Finding, ...]:
        return inspect(settings, base=Path(), clock=SystemClock(), environ={})

    return list(await asyncio.to_thread(run))


GOOD = {
    "resolved": {"counter": "errorscope_resolutions_success_total"},
    "cached": {"counter": "errorscope_resolutions_success_total", "labels": {"kind": "cached"}},
    "latency": {"histogram": LATENCY, "unit": "s"},
    "queue": {"gauge": "shop_queue", "labels": {"job": "errorscope"}},
}
SHARED: list[tuple[dict[str, Any], Weight, str, str, str]] = [
    ({"counter": "errorscope_resolutions_success"}, Weight.ERROR, "m",
     "no series is called errorscope_resolutions_success",
     "write errorscope_resolutions_success_total: a counter is exposed with _total"),
    ({"counter": LATENCY}, Weight.ERROR, "m", "no series is called", f"write histogram: {LATENCY}"),
    ({"histogram": f"{LATENCY}_bucket"}, Weight.ERROR, "m", "no series is called",
     f"write histogram: {LATENCY}, without _bucket"),
    ({"histogram": "errorscope_prompt_bytes"}, Weight.ERROR, "m", "no series is called",
     "is a summary, not a histogram"),
    ({"gauge": "shop_qeue"}, Weight.ERROR, "m", "no series is called shop_qeue",
     "did you mean 'shop_queue'?"),
    ({"counter": "errorscope_resolutions_success_total", "labels": {"service": "es"}},
     Weight.ERROR, "m.labels.service", "has a label service", "there is "),
    ({"counter": "errorscope_resolutions_success_total", "labels": {"kind": "rare"}},
     Weight.WARNING, "m.labels.kind", "has kind", "there is asked, cached"),
    ({"counter": "errorscope_resolutions_success_total", "window": "1s"}, Weight.ERROR,
     "m.window", "a window of 1s holds fewer than two scrapes, which are 1s apart",
     "write 4s or more"),
]  # fmt: skip
QUERIES: list[tuple[str, Weight, str, str]] = [
    (f"histogram_quantile(0.95, {LATENCY}) > 2", Weight.ERROR, f"no series is called {LATENCY}",
     f"write histogram_quantile(0.95, sum by (le) (rate({LATENCY}_bucket[5m])))"),
    (f"histogram_quantile(0.95, {LATENCY}_bucket)", Weight.WARNING, "since the process began",
     f"rate({LATENCY}_bucket[5m])"),
    ("rate(errorscope_resolutions_success[5m]) < 1", Weight.ERROR, "no series is called",
     "write errorscope_resolutions_success_total"),
    ("rate(errorscope_resolutions_success_total[1500ms])", Weight.ERROR,
     "a window of 1s500ms holds fewer than two scrapes", "write 4s or more"),
    ('up{job="errorscpe"} == 0', Weight.ERROR, 'no series of up has job="errorscpe"',
     "did you mean 'errorscope'?"),
    ('up{jobs="errorscope"}', Weight.ERROR, "has a label jobs", "did you mean 'job'?"),
    ("sum(up", Weight.ERROR, "parse error", ""),
]  # fmt: skip


def where(finding: Finding) -> str:
    return ".".join(map(str, finding.path))


def assert_one(found: list[Finding], weight: Weight, place: str, said: str, remedy: str) -> None:
    assert len(found) == 1, found
    (finding,) = found
    assert where(finding) == f"services.es.metrics.{place}"
    assert said in finding.message
    assert remedy in finding.remedy
    assert finding.weight is weight


@pytest.mark.parametrize("backend", ["prometheus", "scrape"])
async def test_what_is_there_is_found(
    backend: str, errorscope: ExposingServer, prometheus: MonitoringServer
) -> None:
    server = prometheus if backend == "prometheus" else None
    assert await look(GOOD, errorscope, server) == []


@pytest.mark.parametrize(
    ("metric", "weight", "place", "said", "remedy"),
    SHARED,
    ids=lambda value: json.dumps(value)[:50],
)
@pytest.mark.parametrize("backend", ["prometheus", "scrape"])
async def test_what_is_not_there_is_named_with_its_fix(
    backend: str,
    metric: dict[str, Any],
    weight: Weight,
    place: str,
    said: str,
    remedy: str,
    errorscope: ExposingServer,
    prometheus: MonitoringServer,
) -> None:
    server = prometheus if backend == "prometheus" else None
    found = await look({"m": metric}, errorscope, server)
    assert_one(found, weight, place, said, remedy)


@pytest.mark.parametrize(("query", "weight", "said", "remedy"), QUERIES)
async def test_an_expression_is_explained(
    query: str,
    weight: Weight,
    said: str,
    remedy: str,
    errorscope: ExposingServer,
    prometheus: MonitoringServer,
) -> None:
    found = await look({"m": {"promql": query}}, errorscope, prometheus)
    assert_one(found, weight, "m.promql", said, remedy)


async def test_a_rule_that_does_not_fire_is_no_mistake(
    errorscope: ExposingServer, prometheus: MonitoringServer
) -> None:
    metrics = {
        "m": {"promql": "sum by (job) (rate(errorscope_resolutions_success_total[10s])) > 1e9"},
        "n": {"promql": "up == 0"},
    }
    assert await look(metrics, errorscope, prometheus) == []


async def test_the_series_of_an_availability_are_looked_for(
    errorscope: ExposingServer, prometheus: MonitoringServer
) -> None:
    await phase_of(prometheus.url)
    services = {
        "good": {"availability": {"gauge": "up", "labels": {"job": "errorscope"}}},
        "label": {"availability": {"gauge": "up", "labels": {"job": "errorscop"}}},
        "name": {
            "availability": {
                "total": "errorscope_resolutions_success",
                "failed_labels": {"kind": "never"},
            }
        },
    }
    settings = Settings.model_validate(
        {"docker": [], "prometheus": {"url": prometheus.url}, "services": services}
    )
    found = await asyncio.to_thread(inspect, settings, base=Path(), clock=SystemClock(), environ={})
    assert [(each.path[1], each.weight) for each in found] == [
        ("label", Weight.ERROR),
        ("name", Weight.ERROR),
    ]
    assert "did you mean 'errorscope'?" in found[0].remedy
    assert "errorscope_resolutions_success_total" in found[1].remedy


async def test_an_availability_without_a_prometheus_is_said() -> None:
    service = {"availability": {"gauge": "up"}, "prometheus": "none"}
    settings = Settings.model_validate({"docker": [], "services": {"api": service}})
    (found,) = await asyncio.to_thread(
        inspect, settings, base=Path(), clock=SystemClock(), environ={}
    )
    assert (found.path, found.weight) == (("services", "api", "availability"), Weight.WARNING)


async def test_a_query_without_a_prometheus_is_said(errorscope: ExposingServer) -> None:
    found = await look({"m": {"promql": "up"}}, errorscope, None)
    assert_one(found, Weight.ERROR, "m.promql", "needs a Prometheus", "add prometheus:")


async def test_rules_are_told_at_their_own_line_and_loaded_ones_only_with_their_fix(
    errorscope: ExposingServer,
    monitoring_stack: MonitoringStack,
    tmp_path: Path,
) -> None:
    server = monitoring_stack.prometheus(
        jobs=[ScrapeJob("errorscope", [errorscope.address])],
        rules=[
            AlertRule("Slow", f"histogram_quantile(0.95, {LATENCY}) > 2"),
            AlertRule("NotThere", "node_filesystem_avail_bytes < 1"),
            AlertRule("Quiet", "rate(errorscope_resolutions_success_total[5m]) > 1e9"),
        ],
    )
    await phase_of(server.url)
    (tmp_path / "alerts.yml").write_text(
        "groups:\n"
        "  - name: errorscope\n"
        "    rules:\n"
        "      - alert: LowResolutionRate\n"
        "        expr: rate(errorscope_resolutions_success[5m]) < 1\n"
        "      - alert: Gone\n"
        "        expr: absent(errorscope_heartbeat)\n"
        "      - alert: DiskFull\n"
        "        expr: windows_disk_free_bytes < 1\n"
    )
    settings = Settings.model_validate(
        {"docker": [], "prometheus": {"url": server.url, "rule_files": ["alerts.yml"]}}
    )

    def run() -> tuple[Finding, ...]:
        return inspect(settings, base=tmp_path, clock=SystemClock(), environ={})

    found = await asyncio.to_thread(run)
    assert [(each.weight, each.position and each.position.line) for each in found] == [
        (Weight.ERROR, 5),
        (Weight.WARNING, 9),
        (Weight.WARNING, None),
    ]
    wrong, missing, loaded = found
    assert wrong.message.startswith("alert LowResolutionRate: no series is called")
    assert "_total" in wrong.remedy
    assert missing.message.startswith("alert DiskFull: no series is called")
    assert loaded.message.startswith("its rule Slow: ")
    assert f"rate({LATENCY}_bucket[5m])" in loaded.remedy


async def test_a_guess_on_a_rule_is_a_hint_and_a_broken_recording_rule_an_error(
    errorscope: ExposingServer, monitoring_stack: MonitoringStack, tmp_path: Path
) -> None:
    server = monitoring_stack.prometheus(jobs=[ScrapeJob("errorscope", [errorscope.address])])
    await phase_of(server.url)
    (tmp_path / "alerts.yml").write_text(
        "groups:\n"
        "  - name: errorscope\n"
        "    rules:\n"
        "      - alert: Alike\n"
        "        expr: errorscope_resolutions_succes_total < 1\n"
        "      - alert: OtherJob\n"
        '        expr: up{job="errorscopes"} == 0\n'
        "      - alert: OtherLabel\n"
        '        expr: up{jobs="errorscope"} == 0\n'
        "      - record: broken\n"
        "        expr: sum by (job (up)\n"
    )
    settings = Settings.model_validate(
        {"docker": [], "prometheus": {"url": server.url, "rule_files": ["alerts.yml"]}}
    )

    def run() -> tuple[Finding, ...]:
        return inspect(settings, base=tmp_path, clock=SystemClock(), environ={})

    found = await asyncio.to_thread(run)
    assert [(each.weight, each.position and each.position.line) for each in found] == [
        (Weight.WARNING, 5),
        (Weight.WARNING, 7),
        (Weight.WARNING, 9),
        (Weight.ERROR, 11),
    ]
    assert all("did you mean" in each.remedy for each in found[:3])
    assert found[3].message.startswith("record broken: ")
    assert "parse error" in found[3].message
