"""The real program on sources that answer with poison: through every door, onto a terminal.

Health bodies, labels and annotations of alerts, log lines, reasons of HTTP, names of files and of
themes. The words come out, as stand-ins where they would act; nothing else does.
"""

import json
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ui.hostile.poison import PAYLOADS, foreign
from tests.ui.terminal.concurrent import Script as Walk
from tests.ui.terminal.concurrent import play, quiet, shown
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

EVIL_NAME = "\x1b]0;own\x07\u202e[x].log"
AT = "2026-01-02T03:04:05.000Z"
PROGRAM = [sys.executable, "-m", "opsconsole"]


class Answers(BaseHTTPRequestHandler):
    """A health endpoint and an Alertmanager that lie in every string."""

    def do_GET(self) -> None:
        """By the path."""
        code = 200
        body: Any = {"status": "degraded", "version": PAYLOADS[0], "message": "".join(PAYLOADS)}
        if self.path.startswith("/api/v2/alerts"):
            body = [self._alert(number) for number in range(len(PAYLOADS))]
        elif self.path.startswith("/api/v2/silences"):
            body = []
        elif self.path.startswith("/api/v2/status"):
            body = {"cluster": {"status": "ready"}, "versionInfo": {"version": PAYLOADS[1]},
                    "config": {"original": ""}, "uptime": AT}  # fmt: skip
        elif self.path.startswith("/broken"):
            code, body = 500, PAYLOADS
        else:
            body["checks"] = {
                f"{payload}{number}": {"status": "error", "message": payload, "error": payload}
                for number, payload in enumerate(PAYLOADS)
            }
        raw = json.dumps(body).encode()
        self.send_response_only(
            code,
            "".join(PAYLOADS[8:20])
            .encode("latin-1", "replace")
            .decode("latin-1")
            .replace("\n", "")
            .replace("\r", ""),
        )
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    @staticmethod
    def _alert(number: int) -> dict[str, Any]:
        payload = PAYLOADS[number]
        labels = {"alertname": f"{payload}Alert{number}", "service": payload, "severity": payload}
        return {
            "labels": labels, "annotations": {"summary": payload, "description": payload},
            "startsAt": AT, "endsAt": "2099-01-01T00:00:00.000Z", "updatedAt": AT,
            "fingerprint": f"{number:016x}", "generatorURL": payload,
            "receivers": [{"name": payload}],
            "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
        }  # fmt: skip

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def configuration(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    log = tmp_path / EVIL_NAME
    lines = [
        f"2026-01-02 03:04:05 ERROR {each} said".encode("utf-8", "replace") for each in PAYLOADS
    ]
    log.write_bytes(b"\n".join([*lines, bytes(range(128, 256)), b"\xff\xfe end", b""]))
    settings = {
        "environment": {"name": "\x1b]0;own\x07[/x]place", "danger": "high"},
        "display": {"theme": "\x1b[2J[/x]"},
        "docker": {"enabled": False},
        "host": {"enabled": False},
        "alertmanager": {"url": url},
        "services": {
            "api": {"instances": [url], "logs": [{"file": str(log)}]},
            "broken": {"instances": [f"{url}/broken"], "health": {"path": "/broken"}},
        },
    }
    path = tmp_path / "opsconsole.yaml"
    path.write_text(json.dumps(settings))
    path.chmod(0o600)
    yield path
    server.shutdown()
    server.server_close()


def _walked(path: Path) -> Walk:
    terminal = Terminal([*PROGRAM, "--config", str(path)], size=(160, 50))
    keys = ""
    try:
        yield shown(terminal, "Services", "1 degraded", "99 firing")
        for keys, sight in (
            ("\r", "1 why"), ("2", ""), ("3", ""), ("4", ""), ("5", ""), ("7", ""),
            ("9", ""), ("y", ""), ("q", ""), ("q", "Services"), ("2z", ""), ("\r", ""), ("q", ""),
            ("z", "Services"), ("t", "Timeline"), ("qq", "Services"), ("1jl", ""),
        ):  # fmt: skip
            terminal.press(keys)
            yield shown(terminal, sight)
            yield quiet(terminal, most=1.0)
            assert terminal.process.poll() is None, f"after {keys!r} it ended: {terminal.lines[0]}"
            found = foreign(bytes(terminal.sent))
            assert not found, f"after {keys!r}: {found}"
    except AssertionError as error:
        raise AssertionError(f"{error} after {keys!r}") from error
    finally:
        terminal.close()


def test_what_sources_say_is_shown_and_acts_on_nothing(configuration: Path) -> None:
    assert not play([("the screen", _walked(configuration))])


@pytest.mark.parametrize(
    "command",
    [["status"], ["status", "--json"], ["alerts"], ["alerts", "--json"], ["check"],
     ["--theme", "\x1b[2J", "status", "\x1b]0;own\x07[/x]"], ["restart", "\x1b]0;own\x07"],
     ["themes", "\x1b]0;own\x07"], ["backups", "\x9b2J\u202e"], ["\x1b]0;own\x07"]],
    ids=" ".join,
)  # fmt: skip
def test_no_command_prints_what_a_terminal_would_act_on(
    configuration: Path, command: list[str]
) -> None:
    given = [*command, str(configuration)] if command == ["check"] else command
    environment = ["env", f"OPSCONSOLE_CONFIG={configuration}"]
    run = subprocess.run([*environment, *PROGRAM, *given], capture_output=True, check=False)
    for stream in (run.stdout, run.stderr):
        text = stream.decode()
        assert "Traceback" not in text
        found = {f"U+{ord(each):04X}" for each in text if unicodedata.category(each) in
                 {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}} - {"U+000A"}  # fmt: skip
        assert not found


def test_a_bad_configuration_is_named_as_text(tmp_path: Path) -> None:
    path = tmp_path / "\x1b]0;own\x07\u202e\x9b2J[x].yaml"
    for text in (None, "services: {api: {instances: [\x1b]0;x]}}\n", "\u202e: [/x]\n"):
        if text is not None:
            path.write_text(text)
            path.chmod(0o600)
        run = subprocess.run([*PROGRAM, "check", str(path)], capture_output=True, check=False)
        said = (run.stdout + run.stderr).decode()
        assert run.returncode == 78
        assert said.replace("\n", "").isprintable(), ascii(said)
