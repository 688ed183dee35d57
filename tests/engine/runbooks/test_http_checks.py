"""One GET and what is expected of it, on a real server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from opsconsole.demo.processes import free_port
from opsconsole.engine.runbooks.checks import Checks, Look
from opsconsole.machines.machines import Machines
from opsconsole.model.runbooks.runbook import HttpCheck
from tests.engine.conftest import fleet
from tests.sources.local_http import Asked, Said, Server, listening

PAGES = {
    "/ok": (200, b'{"status": "healthy", "count": 3}'),
    "/ill": (503, b'{"status": "unhealthy"}'),
    "/text": (200, b"ready to serve\n"),
    "/moved": (302, b""),
    "/made": (201, b"{}"),
    "/busy": (429, b""),
}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    def answer(asked: Asked) -> Said:
        status, body = PAGES.get(asked.target, (404, b"no"))
        return Said(body, status, {"Location": "/ok"} if status == 302 else {})

    made = Server(answer)
    async with listening(made):
        yield made


async def look(
    target: str, *, service: dict[str, Any] | None = None, base: Path = Path(), **expect: Any
) -> Look:
    settings = fleet({"api": service or {}})
    checks = Checks(settings, base, Machines(), dict, lambda: 0.0)
    found = await checks.look(HttpCheck(target, timeout=3.0, **expect), "api")
    await checks.close()
    return found


@pytest.mark.parametrize(
    ("page", "expect", "good", "said"),
    [
        ("/ok", {}, True, "HTTP 200 OK"),
        ("/made", {}, True, "HTTP 201 Created"),
        ("/made", {"status": (200,)}, False, "HTTP 201 Created"),
        ("/ill", {}, False, "HTTP 503 Service Unavailable"),
        ("/ill", {"status": (503,)}, True, "HTTP 503 Service Unavailable"),
        ("/ok", {"json_path": "status", "equals": "healthy"}, True, "HTTP 200 OK"),
        ("/ok", {"json_path": "status", "equals": "fine"}, False, "status is 'healthy'"),
        ("/ok", {"json_path": "count", "equals": 3}, True, "HTTP 200 OK"),
        ("/ok", {"json_path": "a.b", "equals": 3}, False, "expected a.b is missing"),
        ("/text", {"json_path": "status", "equals": "x"}, False, "its body is not JSON"),
        ("/text", {"contains": "ready"}, True, "HTTP 200 OK"),
        ("/text", {"regex": "^never"}, False, "expected pattern"),
        ("/moved", {}, False, "HTTP 302 Found"),
        ("/none", {}, False, "HTTP 404 Not Found"),
        ("/busy", {}, None, "HTTP 429 Too Many Requests"),
        ("/busy", {"status": (429,)}, True, "HTTP 429"),
    ],
)
async def test_an_answer_is_held_to_what_is_expected(
    server: Server, page: str, expect: dict[str, Any], good: bool | None, said: str
) -> None:
    found = await look(server.url + page, **expect)

    assert found.holds is good
    assert said in found.said


async def test_who_does_not_answer_failed_and_who_cannot_be_found_is_unknown() -> None:
    refused = await look(f"http://127.0.0.1:{free_port()}/")
    nowhere = await look("http://no-such-host.invalid/")
    nonsense = await look("http:///nowhere")

    assert (refused.holds, "connect" in refused.said) == (False, True)
    assert nowhere.holds is None
    assert nonsense.holds is None


async def test_credentials_are_sent_and_redirects_are_not_followed(
    server: Server, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    http = {"authorization": {"credentials": {"file": "secret"}}}

    await look("/moved", service={"instances": [server.url], "http": http}, base=tmp_path)

    assert [(each.target, each.headers["authorization"]) for each in server.asked] == [
        ("/moved", "Bearer hunter2")
    ]
