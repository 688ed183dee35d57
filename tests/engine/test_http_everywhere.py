"""Each setting of ``http:`` holds for each thing that speaks HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.assemble import Assembly
from opsconsole.engine.desks.page_book import PageBook
from opsconsole.engine.runbooks.checks import Checks
from opsconsole.inspection.finding import Weight
from opsconsole.inspection.inspection import inspect
from opsconsole.machines.machines import Machines
from opsconsole.model.observations import BudgetsSeen, PrometheusSeen
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.model.runbooks.runbook import HttpCheck
from opsconsole.model.source_id import SourceKind
from opsconsole.model.state import State
from opsconsole.operations.drivers import registry
from opsconsole.operations.drivers.alertmanager_client import AlertmanagerClient
from opsconsole.operations.drivers.json_client import CallError
from opsconsole.operations.driving.driver import DriverContext, Outcome
from opsconsole.operations.driving.instance_probes import InstanceProbes
from opsconsole.sources.http import connector as connector_module
from opsconsole.sources.prometheus.history import RAREST
from opsconsole.threads import BoundedExecutor
from tests.fakes import FakeClock
from tests.sources.local_http import Asked, Proxy, Said, Server, listening

VECTOR = {"resultType": "vector", "result": [{"metric": {"__name__": "up"}, "value": [0, "1"]}]}
ANSWERS: dict[str, Any] = {
    "/health": {"status": "healthy"},
    "/admin": {},
    "/api/v1/alerts": {"status": "success", "data": {"alerts": []}},
    "/api/v1/rules": {"status": "success", "data": {"groups": []}},
    "/api/v1/status/buildinfo": {"status": "success", "data": {"revision": "1"}},
    "/api/v1/query": {"status": "success", "data": VECTOR},
    "/api/v1/label/__name__/values": {"status": "success", "data": ["up", "hits"]},
    "/api/v1/labels": {"status": "success", "data": []},
    "/api/v1/targets": {"status": "success", "data": {"activeTargets": []}},
    "/api/v2/alerts": [],
    "/api/v2/silences": [],
    "/api/v2/status": {"versionInfo": {}},
}


def answer(asked: Asked) -> Said:
    path = asked.target.partition("?")[0]
    path = "/" + path.split("/", 3)[3] if "://" in path else path
    if path == "/metrics":
        return Said(b"hits 1\n", headers={"Content-Type": "text/plain"})
    if asked.method == "POST" and path == "/api/v2/silences":
        return Said(b'{"silenceID": "one"}')
    body = json.dumps(ANSWERS[path]).encode()
    return Said(body, headers={"Content-Type": "application/json"})


def settings_for(url: str, http: dict[str, Any]) -> Settings:
    """A service whose instance, Prometheus and Alertmanager are all at ``url``."""
    return Settings.model_validate(
        {
            "host": {"enabled": False},
            "docker": [],
            "prometheus": {"url": url, "http": http},
            "alertmanager": {"url": url, "http": http},
            "services": {
                "web": {
                    "instances": [url],
                    "health": {"path": "/health"},
                    "http": http,
                    "prometheus": "none",
                    "metrics": {"hits": {"gauge": "hits"}},
                    "endpoints": {"page": "/health"},
                    "actions": {"restart": {"http": {"post": "/admin", "query": {}}}},
                },
                "far": {
                    "metrics": {"up": {"gauge": "up"}},
                    "availability": {"gauge": "up"},
                    "objectives": ["availability 99% over 30d"],
                },
            },
        }
    )


Speaker = Callable[[], Awaitable[bool]]
"""Asks once; whether it was answered as it should be."""


@dataclass
class Speakers:
    """Everything that speaks HTTP, made as the console makes it."""

    settings: Settings
    base: Path
    stack: AsyncExitStack
    threads: BoundedExecutor = field(default_factory=lambda: BoundedExecutor("test", 2))

    def all(self) -> dict[str, Speaker]:
        """By name; those that live long are the same at each asking."""
        clock = FakeClock()
        assembly = Assembly(clock, self.base, Machines(), print, print, self.stack)
        found: dict[str, Speaker] = {}
        for source in assembly.sources(self.settings):

            async def collect(source: Any = source) -> bool:
                # So that every window of a budget is due again.
                clock.move(RAREST)
                value = (await source.collect()).value
                if isinstance(value, (PrometheusSeen, BudgetsSeen)):
                    return value.problems == ()
                return value is not None

            self.stack.push_async_callback(source.close)
            found[source.id.kind.value] = collect
        assert set(found) == {
            SourceKind.PROBE, SourceKind.SCRAPE, SourceKind.PROMETHEUS, SourceKind.BUDGETS,
            SourceKind.ALERTMANAGER,
        }  # fmt: skip
        found |= {
            "silences": self.write_silence,
            "driver": self.call,
            "inspection": self.inspect,
            "verification": self.verification(),
            "check": self.check(),
            "page": self.page(),
        }
        return found

    async def write_silence(self) -> bool:
        client = AlertmanagerClient(self.settings.alertmanager[0], self.base, self.threads)
        try:
            return await client.create({"comment": "x"}) == "one"
        except CallError as error:
            return error.acted
        finally:
            await client.close()

    async def call(self) -> bool:
        action = self.settings.services["web"].actions.restart
        assert action is not None
        request = ActionRequest("web", ActionKind.RESTART)
        driver = registry.make(
            DriverContext(
                "web", ActionKind.RESTART, action, self.settings, self.base, Machines(),
                self.threads, request,
            )
        )  # fmt: skip
        (step,) = driver.steps(await driver.observe())
        outcome = await driver.execute(step)
        await driver.close()
        assert outcome.outcome in (Outcome.DONE, Outcome.FAILED), outcome
        return outcome.outcome is Outcome.DONE

    async def inspect(self) -> bool:
        found = await asyncio.to_thread(
            inspect, self.settings, base=self.base, clock=SystemClock(), environ={}
        )
        return not any(finding.weight is Weight.ERROR for finding in found)

    def verification(self) -> Speaker:
        probes = InstanceProbes(self.settings, "web", self.base)
        self.stack.push_async_callback(probes.close)

        async def look() -> bool:
            (sight,) = (await probes.look()).values()
            return sight.state is State.OK

        return look

    def check(self) -> Speaker:
        checks = Checks(self.settings, self.base, Machines(), dict, lambda: 0.0)
        self.stack.push_async_callback(checks.close)

        async def look() -> bool:
            return (await checks.look(HttpCheck("/health"), "web")).holds is True

        return look

    def page(self) -> Speaker:
        book = PageBook(self.settings, self.base, SystemClock())
        self.stack.push_async_callback(book.close)

        async def look() -> bool:
            (view,) = await book.look("web")
            return view.body is not None and view.body.status == 200

        return look


SPEAKERS = (
    "probe", "scrape", "prometheus", "budgets", "alertmanager", "silences", "driver",
    "inspection", "verification", "check", "page",
)  # fmt: skip


@asynccontextmanager
async def speaking(name: str, url: str, http: dict[str, Any], base: Path) -> AsyncIterator[Speaker]:
    async with AsyncExitStack() as stack:
        speakers = Speakers(settings_for(url, http), base, stack).all()
        assert set(speakers) == set(SPEAKERS)
        yield speakers[name]


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"ops:{password}".encode()).decode()


SECRET = {"file": "secrets/password"}
AUTHENTICATION: dict[str, tuple[dict[str, Any], Callable[[str], str]]] = {
    "basic_auth": ({"basic_auth": {"username": "ops", "password": SECRET}}, basic),
    "authorization": ({"authorization": {"credentials": SECRET}}, "Bearer {}".format),
    "type": ({"authorization": {"type": "Token", "credentials": SECRET}}, "Token {}".format),
    "secret header": ({"http_headers": {"Authorization": SECRET}}, "{}".format),
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file whose name is relative to the configuration's folder."""
    (tmp_path / "secrets").mkdir()
    made = tmp_path / "secrets" / "password"
    made.write_text("old")
    made.chmod(0o600)
    return made


def renew(secret: Path) -> None:
    secret.write_text("new")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing relative is found by accident."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


@pytest.mark.parametrize("way", AUTHENTICATION)
@pytest.mark.parametrize("name", SPEAKERS)
async def test_credentials_are_sent_and_read_again_when_they_have_changed(
    name: str, way: str, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector_module, "REREAD_EVERY", 0.0)
    http, header = AUTHENTICATION[way]
    server = Server(answer)
    async with listening(server) as url, speaking(name, url, http, tmp_path) as ask:
        server.wants = header("old")
        assert await ask()
        server.wants = header("new")
        assert not await ask(), "the old secret was let in"
        renew(secret)
        server.asked.clear()
        assert await ask()
    refused = [each for each in server.asked if each.headers["authorization"] != server.wants]
    assert len(refused) <= 2  # Prometheus and its rules have a target each


@pytest.mark.parametrize("way", AUTHENTICATION)
async def test_a_reload_has_every_source_read_its_secrets_again(
    way: str, secret: Path, tmp_path: Path
) -> None:
    """Sooner than a refused secret is read again, and without a refusal."""
    http, header = AUTHENTICATION[way]
    server, clock = Server(answer), FakeClock()
    async with listening(server) as url, AsyncExitStack() as stack:
        assembly = Assembly(clock, tmp_path, Machines(), print, print, stack)
        settings = settings_for(url, http)
        sources = assembly.sources(settings)
        for source in sources:
            await source.collect()
        renew(secret)
        server.wants = header("new")
        server.asked.clear()
        again = assembly.sources(settings)
        assert all(one is other for one, other in zip(sources, again, strict=True))
        clock.move(RAREST)
        readings = [await source.collect() for source in again]
        for source in again:
            await source.close()
    assert [reading.fault for reading in readings] == [None] * 5
    assert {each.headers["authorization"] for each in server.asked} == {header("new")}


async def test_a_reload_has_pages_and_checks_read_their_secrets_again(
    secret: Path, tmp_path: Path
) -> None:
    http, header = AUTHENTICATION["authorization"]
    server = Server(answer)
    async with listening(server) as url:
        settings = settings_for(url, http)
        checks = Checks(settings, tmp_path, Machines(), dict, lambda: 0.0)
        book = PageBook(settings, tmp_path, SystemClock())
        await checks.look(HttpCheck("/health"), "web")
        await book.look("web")
        renew(secret)
        server.wants = header("new")
        checks.use(settings)
        book.use(settings)
        assert (await checks.look(HttpCheck("/health"), "web")).holds
        (view,) = await book.look("web")
        assert view.body is not None
        assert view.body.status == 200
        await checks.close()
        await book.close()
    assert [each.headers["authorization"] for each in server.asked[-2:]] == [header("new")] * 2


@pytest.mark.parametrize("name", SPEAKERS)
async def test_further_headers_are_sent(name: str, tmp_path: Path) -> None:
    server = Server(answer)
    http = {"http_headers": {"X-Scope-OrgID": "blue"}}
    async with listening(server) as url, speaking(name, url, http, tmp_path) as ask:
        assert await ask()
    assert {each.headers.get("x-scope-orgid") for each in server.asked} == {"blue"}
    assert {each.headers.get("cache-control") for each in server.asked} == {"no-cache"}


class Certificates:
    """An authority, a certificate of its own for a client, and one for the server."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        authority = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(self.server)
        authority.configure_trust(self.server)
        client = authority.issue_cert("ops@example.com")
        (folder / "tls").mkdir()
        authority.cert_pem.write_to_path(str(folder / "tls" / "ca.pem"))
        client.private_key_pem.write_to_path(str(folder / "tls" / "key.pem"))
        for part in client.cert_chain_pems:
            part.write_to_path(str(folder / "tls" / "cert.pem"), append=True)


CA = {"ca_file": "tls/ca.pem"}
PAIR = {"cert_file": "tls/cert.pem", "key_file": "tls/key.pem"}


@pytest.mark.parametrize(
    ("tls", "works"),
    [
        ({}, False),
        (CA, False),
        ({**CA, **PAIR}, True),
        ({**PAIR, "insecure_skip_verify": True}, True),
        ({**CA, **PAIR, "server_name": "elsewhere.example"}, False),
        ({**CA, **PAIR, "min_version": "TLS13"}, False),
    ],
)
@pytest.mark.parametrize("name", SPEAKERS)
async def test_tls_is_as_it_is_set(
    name: str, tls: dict[str, Any], works: bool, tmp_path: Path
) -> None:
    made = Certificates(tmp_path)
    made.server.verify_mode = ssl.CERT_REQUIRED
    made.server.maximum_version = ssl.TLSVersion.TLSv1_2
    server = Server(answer)
    async with (
        listening(server, made.server) as url,
        speaking(name, url, {"tls_config": tls}, tmp_path) as ask,
    ):
        assert await ask() is works
    assert bool(server.asked) is works


@pytest.mark.parametrize("name", SPEAKERS)
async def test_the_name_of_the_certificate_can_be_told(name: str, tmp_path: Path) -> None:
    made = Certificates(tmp_path, "elsewhere.example")
    http = {"tls_config": {**CA, "server_name": "elsewhere.example"}}
    async with (
        listening(Server(answer), made.server) as url,
        speaking(name, url, http, tmp_path) as ask,
    ):
        assert await ask()


@pytest.mark.parametrize("over_tls", [False, True])
@pytest.mark.parametrize("way", ["proxy_url", "environment", "bypassed", "not asked for"])
@pytest.mark.parametrize("name", SPEAKERS)
async def test_a_proxy_is_used_where_it_is_asked_for(
    name: str, way: str, over_tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Certificates(tmp_path)
    server, proxy = Server(answer), Proxy()
    async with (
        listening(server, made.server if over_tls else None) as url,
        listening(proxy) as through,
    ):
        http: dict[str, Any] = {"tls_config": CA}
        if way == "proxy_url":
            http["proxy_url"] = through
        else:
            http["proxy_from_environment"] = way != "not asked for"
            monkeypatch.setenv("HTTP_PROXY", through)
            monkeypatch.setenv("HTTPS_PROXY", through)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1" if way == "bypassed" else "")
        async with speaking(name, url, http, tmp_path) as ask:
            assert await ask()
    assert bool(proxy.asked) is (way in ("proxy_url", "environment"))
    assert {each.method == "CONNECT" for each in proxy.asked} <= {over_tls}
    assert server.asked
