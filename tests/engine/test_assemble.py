"""Which sources a configuration asks for, and what is imported for them."""

import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.assemble import Assembly
from opsconsole.machines.machines import Machines
from opsconsole.model.source_id import SourceId
from opsconsole.sources.base import AnySource
from tests.named import named


@pytest.fixture
async def cleanup() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def made(
    settings: dict[str, Any], cleanup: AsyncExitStack, failures: list[str]
) -> dict[SourceId, AnySource]:
    assembly = Assembly(
        SystemClock(),
        Path(),
        Machines(),
        lambda event: None,
        lambda name, error: failures.append(str(name)),
        cleanup,
    )
    sources = assembly.sources(Settings.model_validate(settings))
    for source in sources:
        cleanup.push_async_callback(source.close)
    return {source.id: source for source in sources}


async def test_everything_that_is_configured_has_its_source(cleanup: AsyncExitStack) -> None:
    settings = {
        "prometheus": {"url": "http://127.0.0.1:9090"},
        "alertmanager": {"url": "http://127.0.0.1:9093"},
        "defaults": {"interval": "7s"},
        "services": {
            "api": {
                "instances": ["http://10.0.0.1:8000", "http://10.0.0.2:8000"],
                "probes": {"live": "/live"},
                "metrics": {"requests": {"counter": "requests_total"}},
            },
            "worker": {"containers": ["worker"]},
            "slow": {"instances": ["http://10.0.0.3"], "health": None, "interval": "30s"},
        },
    }
    sources = made(settings, cleanup, [])
    assert set(sources) == {
        named("alertmanager:alertmanager"),
        named("docker:docker"),
        named("host:local"),
        named("probe:api/api-1:health"),
        named("probe:api/api-1:live"),
        named("probe:api/api-2:health"),
        named("probe:api/api-2:live"),
        named("prometheus:prometheus"),
    }
    assert sources[named("probe:api/api-1:live")].interval == 7.0


async def test_the_kind_is_of_what_is_made_and_the_name_is_free(cleanup: AsyncExitStack) -> None:
    service = {
        "instances": ["http://10.0.0.1"],
        "metrics": {"requests": {"counter": "r"}, "latency": {"histogram": "l"}},
        "objectives": ["p95(latency) < 100ms"],
    }
    settings = {
        "prometheus": {"name": "edge", "url": "http://127.0.0.1:9090"},
        "alertmanager": {"name": "edge", "url": "http://127.0.0.1:9093"},
        "docker": {"name": "prometheus"},
        "services": {"host": service, "docker": {**service, "prometheus": "none"}},
    }
    assert set(made(settings, cleanup, [])) == {
        named("alertmanager:edge"),
        named("budgets:edge"),
        named("docker:prometheus"),
        named("host:local"),
        named("probe:docker/docker:health"),
        named("probe:host/host:health"),
        named("prometheus:edge"),
        named("scrape:docker/docker"),
    }


async def test_what_is_switched_off_is_not_there(cleanup: AsyncExitStack) -> None:
    settings = {"host": {"enabled": False}, "docker": {"enabled": False}}
    assert made(settings, cleanup, []) == {}


async def test_a_source_that_cannot_be_made_costs_itself_alone(
    cleanup: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("opsconsole.sources.docker.source.DockerSource", broken)
    failures: list[str] = []
    assert set(made({}, cleanup, failures)) == {named("host:local")}
    assert failures == ["docker:docker"]


def test_the_engine_imports_no_client_until_it_is_asked_for() -> None:
    code = (
        "import sys, opsconsole.engine.engine;"
        "heavy = {'httpx', 'docker', 'psutil', 'requests', 'prometheus_api_client', 'textual'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


async def test_endpoints_are_given_all_descriptors_there_are(cleanup: AsyncExitStack) -> None:
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard - 1, 1024), hard))
    try:
        made({"services": {"api": {"instances": ["http://10.0.0.1:8000"]}}}, cleanup, [])
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_what_did_not_change_is_the_same_source(
    cleanup: AsyncExitStack, tmp_path: Path
) -> None:
    (tmp_path / "rules.yml").write_text("groups: []\n")
    assembly = Assembly(
        SystemClock(), tmp_path, Machines(), lambda event: None, lambda name, error: None, cleanup
    )
    metrics = {"requests": {"counter": "requests_total"}}
    settings: dict[str, Any] = {
        "prometheus": {"url": "http://127.0.0.1:9090", "rule_files": ["rules.yml"]},
        "alertmanager": {"url": "http://127.0.0.1:9093"},
        "docker": [],
        "host": {"enabled": False},
        "services": {
            "same": {"instances": ["http://10.0.0.1"]},
            "other": {"instances": ["http://10.0.0.2"]},
            "own": {"instances": ["http://10.0.0.3"], "metrics": metrics, "prometheus": "none"},
        },
    }

    def sources() -> dict[SourceId, AnySource]:
        return {each.id: each for each in assembly.sources(Settings.model_validate(settings))}

    before = sources()
    settings["services"]["other"]["timeout"] = "1s"
    after = sources()
    changed = {key for key in before if after[key] is not before[key]}
    assert changed == {named("probe:other/other:health")}
    (tmp_path / "rules.yml").write_text("groups: [{name: a, rules: [{alert: A, expr: up}]}]\n")
    settings["services"]["own"]["instances"].append("http://10.0.0.4")
    last = sources()
    changed = {key for key in after if last.get(key) is not after[key]}
    # The samples of all instances of a service are one, so that each is scraped again.
    own = {named("scrape:own/own"), named("probe:own/own:health")}
    assert changed == {named("prometheus:prometheus"), *own}
    for each in (*before.values(), *after.values(), *last.values()):
        await each.close()
