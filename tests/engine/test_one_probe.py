"""The panels, ``check`` and the verification of an operation look with the same probe."""

from __future__ import annotations

import json
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.assemble import Assembly
from opsconsole.inspection.finding import Finding
from opsconsole.inspection.targets import check_targets
from opsconsole.machines.machines import Machines
from opsconsole.model.health import HealthReport
from opsconsole.model.reading import Reading
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.operations.driving.instance_probes import InstanceProbes
from opsconsole.sources.health.http_probe import HttpProbe
from opsconsole.sources.http.connector import Connector
from tests.sources.local_http import Asked, Proxy, Said, Server, listening

HEALTHY = {"status": "healthy", "inner": {"state": "down"}, "parts": {"db": {"status": "down"}}}

# What is set on the service, and how it is then. Each says something else without the setting.
CASES: dict[str, tuple[dict[str, Any], State]] = {
    "nothing": ({}, State.OK),
    "path": ({"health": {"path": "/down"}}, State.DOWN),
    "method": ({"health": {"path": "/no-head", "method": "HEAD"}}, State.DOWN),
    "status": ({"health": {"path": "/teapot", "expect": {"status": [418]}}}, State.OK),
    "contains": ({"health": {"expect": {"contains": "unheard"}}}, State.DOWN),
    "regex": ({"health": {"expect": {"regex": "un.eard"}}}, State.DOWN),
    "json_path": ({"health": {"expect": {"json_path": "inner.state", "equals": "up"}}}, State.DOWN),
    "state": ({"health": {"state": "inner.state"}}, State.DOWN),
    "timeout": ({"health": {"path": "/never"}, "timeout": "200ms"}, State.DOWN),
    "http_headers": ({"http": {"http_headers": {"X-Down": "yes"}}}, State.DOWN),
    "basic_auth": (
        {"http": {"basic_auth": {"username": "ops", "password": {"file": "secret"}}}}, State.UNKNOWN
    ),
    "authorization": ({"http": {"authorization": {"credentials": {"file": "secret"}}}}, State.OK),
    "proxy_url": ({"http": {"proxy_url": "PROXY"}}, State.OK),
    "ca_file": ({"http": {"tls_config": {"ca_file": "ca.pem"}}}, State.OK),
    "server_name": (
        {"http": {"tls_config": {"ca_file": "ca.pem", "server_name": "elsewhere.example"}}},
        State.DOWN,
    ),
}  # fmt: skip


def answer(asked: Asked) -> Said | None:
    body = json.dumps(HEALTHY).encode()
    if asked.target.endswith("/never"):
        return None
    if asked.target.endswith("/down") or "x-down" in asked.headers:
        return Said(b"", 503)
    if asked.target.endswith("/teapot"):
        return Said(b"", 418)
    if asked.method == "HEAD":
        return Said(b"", 405 if asked.target.endswith("/no-head") else 200)
    return Said(body, headers={"Content-Type": "application/json"})


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("setting", CASES)
async def test_all_three_ask_and_judge_alike(
    setting: str, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hunter2")
    (tmp_path / "secret").chmod(0o600)
    service, state = CASES[setting]
    server, proxy = Server(answer), Proxy()
    server.wants = "Bearer hunter2" if "auth" in setting else None
    async with (
        listening(server, tls if "tls_config" in str(service) else None) as url,
        listening(proxy) as through,
    ):
        written = json.dumps({"health": {}, **service}).replace("PROXY", through)
        settings = Settings.model_validate(
            {
                "host": {"enabled": False},
                "docker": [],
                "services": {"web": {"instances": [f"{url}/base/"], **json.loads(written)}},
            }
        )
        reading = await of_panels(settings, tmp_path)
        asked = [(taken(server), taken(proxy))]
        findings = await of_check(settings, tmp_path)
        asked.append((taken(server), taken(proxy)))
        sight = await of_verification(settings, tmp_path)
        asked.append((taken(server), taken(proxy)))
    assert asked[0] == asked[1] == asked[2]
    assert all(each.target.startswith(("/base/", url)) for each in asked[0][0])
    assert bool(asked[0][1]) is (setting == "proxy_url")
    blamed = reading.fault is not None and reading.fault.blames_target
    seen = reading.value.state if reading.value else State.DOWN if blamed else State.UNKNOWN
    assert (seen, sight.state) == (state, state)
    # That a service says of itself that it is ill is no fault of its configuration.
    assert bool(findings) is (reading.fault is not None)


def taken(server: Server | Proxy) -> list[Asked]:
    """What it was asked since the last time."""
    asked, server.asked = server.asked, []
    return asked


async def of_panels(settings: Settings, base: Path) -> Reading[HealthReport]:
    async with AsyncExitStack() as stack:
        assembly = Assembly(SystemClock(), base, Machines(), print, print, stack)
        (source,) = assembly.sources(settings)
        assert isinstance(source, HttpProbe)
        reading = await source.collect()
        await source.close()
    return reading


async def of_check(settings: Settings, base: Path) -> list[Finding]:
    connector = Connector()
    found = await check_targets(settings, connector, SystemClock(), base)
    await connector.close()
    return found


async def of_verification(settings: Settings, base: Path) -> Sight:
    probes = InstanceProbes(settings, "web", base)
    (sight,) = (await probes.look()).values()
    await probes.close()
    return sight
