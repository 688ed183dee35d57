"""What was waited for reaches the program and the address that the configuration names."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from opsconsole.cli.configuration import Configuration
from opsconsole.cli.say_when import send_answer
from opsconsole.config.loader import load
from opsconsole.model.awaited import Answer, Awaited, AwaitedKind, Heard

BACK = Answer(Awaited(AwaitedKind.SERVICE, "shop", "shop", "shop"), Heard.BACK)


@pytest.fixture
def received() -> Iterator[tuple[str, list[bytes]]]:
    """An address, and what was sent there."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", bodies
    server.shutdown()
    server.server_close()


def configured(folder: Path, tell_me: str) -> Configuration:
    """A configuration with ``tell_me`` in it."""
    path = folder / "opsconsole.yaml"
    path.write_text(f"docker: []\nservices: {{}}\n{tell_me}\n")
    return Configuration(load(path), path, folder, read_only=False)


def test_a_program_and_an_address_are_told(
    tmp_path: Path, received: tuple[str, list[bytes]]
) -> None:
    url, bodies = received
    out = tmp_path / "out"
    program = tmp_path / "say"
    program.write_text(f'#!/bin/sh\ncat > {out}\necho "$OPSCONSOLE_SERVICE" >> {out}\n')
    program.chmod(0o700)
    wanted = f"tell_me: {{command: [{program}], webhook: {{url: '{url}'}}}}"
    assert send_answer(configured(tmp_path, wanted), BACK) == ""
    assert out.read_text().splitlines()[0] == "shop is ok again"
    assert out.read_text().splitlines()[-1] == "shop"
    (body,) = bodies
    assert json.loads(body)["title"] == "shop is ok again"


def test_where_nothing_is_configured_nothing_is_sent(tmp_path: Path) -> None:
    assert send_answer(configured(tmp_path, ""), BACK) == ""


def test_what_goes_wrong_is_returned(tmp_path: Path) -> None:
    said = send_answer(configured(tmp_path, "tell_me: {command: ['false']}"), BACK)
    assert "false ended with 1" in said
