"""One GET and what is expected of it, on a real server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Expect
from opsconsole.demo.processes import free_port
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.get import Answer, get

PAGES = {
    "/ok": (200, b'{"status": "healthy", "count": 3}'),
    "/ill": (503, b'{"status": "unhealthy"}'),
    "/text": (200, b"ready to serve\n"),
    "/moved": (302, b""),
    "/made": (201, b"{}"),
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked.append((self.path, self.headers.get("Authorization") or ""))
        status, body = PAGES.get(self.path, (404, b"no"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


asked: list[tuple[str, str]] = []


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


async def ask(url: str, http: HttpConfig | None = None, **expect: object) -> Answer:
    connector = Connector()
    try:
        return await get(
            url, expect=Expect.model_validate(expect), http=http or HttpConfig(), timeout=3.0,
            connector=connector, base=Path(),
        )  # fmt: skip
    finally:
        await connector.close()


@pytest.mark.parametrize(
    ("page", "expect", "good", "said"),
    [
        ("/ok", {}, True, "HTTP 200 OK"),
        ("/made", {}, True, "HTTP 201 Created"),
        ("/made", {"status": [200]}, False, "HTTP 201 Created"),
        ("/ill", {}, False, "HTTP 503 Service Unavailable"),
        ("/ill", {"status": [503]}, True, "HTTP 503 Service Unavailable"),
        ("/ok", {"json_path": "status", "equals": "healthy"}, True, "HTTP 200 OK"),
        ("/ok", {"json_path": "status", "equals": "fine"}, False, "status is 'healthy'"),
        ("/ok", {"json_path": "count", "equals": 3}, True, "HTTP 200 OK"),
        ("/ok", {"json_path": "a.b", "equals": 3}, False, "expected a.b is missing"),
        ("/text", {"json_path": "status", "equals": "x"}, False, "its body is not JSON"),
        ("/text", {"contains": "ready"}, True, "HTTP 200 OK"),
        ("/text", {"regex": "^never"}, False, "expected pattern"),
        ("/moved", {}, False, "HTTP 302 Found"),
        ("/none", {}, False, "HTTP 404 Not Found"),
    ],
)
async def test_an_answer_is_held_to_what_is_expected(
    server: str, page: str, expect: dict[str, object], good: bool, said: str
) -> None:
    answer = await ask(server + page, None, **expect)

    assert answer.good is good
    assert said in answer.said


async def test_who_does_not_answer_failed_and_who_cannot_be_found_is_unknown() -> None:
    refused = await ask(f"http://127.0.0.1:{free_port()}/")
    nowhere = await ask("http://no-such-host.invalid/")
    nonsense = await ask("http://[/")

    assert (refused.good, "connect" in refused.said) == (False, True)
    assert nowhere.good is None
    assert nonsense.good is None


async def test_credentials_are_sent_and_redirects_are_not_followed(
    server: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    http = HttpConfig.model_validate({"authorization": {"credentials": {"file": str(secret)}}})
    asked.clear()

    await ask(f"{server}/moved", http)

    assert asked == [("/moved", "Bearer hunter2")]
