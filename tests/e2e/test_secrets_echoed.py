"""Secrets that the console sends, and a service or a program says again: they stand nowhere.

Each source of a secret is tried with each place where text leaves: status in both forms, the plan,
what a call answers, the journal with its audit, the recording, logs, and every other file.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from opsconsole import hiding
from opsconsole.cli.main import main
from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.engine.engine import Engine
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.place import RecordingPlace
from opsconsole.engine.recording.recorder import Recorder
from opsconsole.engine.recording.upkeep import Bounds
from opsconsole.machines.local import LocalMachine
from opsconsole.sources.logs.base import LogContext
from opsconsole.sources.logs.file import FileFollower
from opsconsole.sources.logs.line import parse
from tests.contents import contents
from tests.patience import until
from tests.sources.logs.listening import Heard

SECRET = 'p4ss/w"ord+ü&1'
"""It differs in each way of writing it."""

WORD = "postgres"
"""It stands in any text, and is a secret where a text says so."""


def said_of(secret: str) -> tuple[str, ...]:
    """The ways in which somebody says it again."""
    if secret == WORD:
        return (
            f"password={WORD}", json.dumps({"token": WORD}), f"Bearer {WORD}",
            f"https://kim:{WORD}@db/x", f"X-Key: {WORD}", f"--password {WORD}",
            base64.b64encode(f"root:{WORD}".encode()).decode(), WORD.encode().hex(),
        )  # fmt: skip
    return (
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="),
        secret.encode().hex(),
        base64.b64encode(f"root:{secret}".encode()).decode(),
    )


def forms_of(secret: str) -> tuple[str, ...]:
    """What stands nowhere: what was said, and how it was sent."""
    pair = base64.b64encode(f"kim:{secret}".encode()).decode()
    sent = (f"auth={WORD}", f"sig={WORD}", f"_PASSWORD={WORD}", f"--with={WORD}", f'": "{WORD}"')
    return (*said_of(secret), pair, *(sent if secret == WORD else ()))


class _Echo(BaseHTTPRequestHandler):
    """Says in its body all that it was asked with, in several ways."""

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        forms = said_of(self.server.secret)
        said = [self.path, *(f"{name}: {value}" for name, value in self.headers.items()), *forms]
        if self.server.secret == SECRET:
            said += self.headers.values()
        body = json.dumps(
            {
                "status": "UP" if "ill" not in self.path else "DOWN",
                "message": " ".join(said),
                "components": {
                    each: {"status": "UP", "detail": each, "password": self.server.secret}
                    for each in said
                },
            }
        ).encode()
        self.send_response(503 if "ill" in self.path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Echo", " ".join(said).encode("ascii", "replace").decode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    secret = SECRET


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Source:
    """Where the secret is: under ``http``, in a path, or in what a command gets."""

    http: str = "{}"
    path: str = "/health"
    env: str = "{}"
    argument: str = "x"


_PRINTED = "a header of a program"
"""What it prints is known once it was asked for."""

_DRAWN = "any parameter"
"""It is taken for a secret by its looks, which a word does not have."""

SOURCES = {
    "a password": Source(http="{basic_auth: {username: kim, password: '${env:OWN}'}}"),
    "a token in a file": Source(http="{authorization: {credentials: {file: token}}}"),
    "a systemd credential": Source(http="{authorization: {credentials: {credential: token}}}"),
    _PRINTED: Source(http="{http_headers: {X-Key: {command: [cat, token]}}}"),
    "auth in a path": Source(path="/health?auth=SECRET"),
    "sig in a path": Source(path="/health?v=1&sig=SECRET"),
    _DRAWN: Source(path="/health?v=SECRET"),
    "a variable of a command": Source(env="{DB_PASSWORD: '${OWN_PASSWORD}'}"),
    "an argument of a command": Source(argument="--with=${OWN_PASSWORD}"),
}


class Scene:
    """A configuration with one source of a secret, and commands that are run in it."""

    def __init__(self, folder: Path, echo: str, source: Source, secret: str) -> None:
        self.folder, self.state, self.secret = folder, folder / "state", secret
        (folder / "token").write_text(f"{secret}\n")
        (folder / "token").chmod(0o600)
        (folder / "forms").write_text("\n".join(said_of(secret)))
        path = source.path.replace("SECRET", quote(secret, safe=""))
        printing = json.dumps(["sh", "-c", 'env; cat forms; echo "$0"', source.argument])
        self.config = folder / "opsconsole.yaml"
        self.config.write_text(
            f"""
state_dir: {self.state}
docker: []
operations: {{cooldown: 0.001ms}}
services:
  web:
    instances: [{echo}]
    http: {source.http}
    health: {{path: '{path}'}}
    probes: {{ready: '{path.replace("/health", "/ill")}'}}
    endpoints: {{echo: '{path}'}}
    actions:
      call:
        say: {{command: {{argv: {printing}, env: {source.env}}}}}
        ask: {{http: {{post: '{path}'}}}}
"""
        )
        self.config.chmod(0o600)
        self.environment = {
            "OWN": secret, "OWN_PASSWORD": secret, "CREDENTIALS_DIRECTORY": str(folder)
        }  # fmt: skip


CASES = [(name, SECRET) for name in SOURCES] + [(name, WORD) for name in SOURCES if name != _DRAWN]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}, {case[1]}")
def scene(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: _Server,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    name, secret = request.param
    server.secret = secret
    echo = f"http://127.0.0.1:{server.server_address[1]}"
    made = Scene(tmp_path, echo, SOURCES[name], secret)
    for variable, value in made.environment.items():
        monkeypatch.setenv(variable, value)
    return made


def leaks(text: str | bytes, secret: str) -> list[str]:
    """The forms of the secret in ``text``."""
    if isinstance(text, bytes):
        return [form for form in forms_of(secret) if form.encode() in text]
    return [form for form in forms_of(secret) if form in text]


def test_no_command_prints_it_and_no_file_keeps_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ("status", "--json"),
        ("call", "web", "say", "--yes", "--json"),
        ("call", "web", "ask", "--yes"),
    ):
        # Each command begins as a process of its own would: knowing no secret.
        monkeypatch.setattr(hiding, "_values", hiding._Values())
        assert main([*words, "--config", str(scene.config)]) < 64
        said = "".join(capfd.readouterr())
        assert not leaks(said, scene.secret), (words, said)
        if words[0] == "status":
            assert "•••" in said
    files = contents(scene.state)
    assert any(path.name == "journal.db" for path in files)
    found = {path.name: leaks(kept, scene.secret) for path, kept in files.items()}
    assert not any(found.values()), found


def test_neither_screen_nor_recording_has_it(scene: Scene) -> None:
    engine = Engine(load(scene.config), base=scene.folder, clock=SystemClock(), read_only=True)
    snapshot = engine.look_once()
    assert not leaks(repr(snapshot), scene.secret)
    assert "•••" in repr(snapshot)
    place = RecordingPlace(scene.state, "fleet")
    with recording(place) as recorder:
        recorder.offer(snapshot)
        until(lambda: _span(place))
    with closing(Archive(place.database)) as archive:
        span = archive.span()
        assert span is not None
        assert not leaks(repr(archive.at(span.end)), scene.secret)


def _span(place: RecordingPlace) -> bool:
    with closing(Archive(place.database)) as archive:
        return archive.span() is not None


@contextmanager
def recording(place: RecordingPlace) -> Iterator[Recorder]:
    recorder = Recorder(
        place, Bounds(keep=1000.0, size=1 << 24), clock=SystemClock(), every=0.01, retry=0.05
    )
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.close(60.0)


@pytest.mark.parametrize("scene", [case for case in CASES if case[0] != _PRINTED], indirect=True)
def test_no_line_of_a_log_has_it(scene: Scene) -> None:
    load(scene.config)
    log = scene.folder / "app.log"
    said = said_of(scene.secret)
    log.write_text("".join(f"2026-01-01T00:00:00Z INFO got {form} today\n" for form in said))
    heard = Heard()
    follower = FileFollower(str(log), LogContext(log.parent, LocalMachine()), heard)
    follower.start()
    until(lambda: len(heard.raw) == len(said))
    follower.close()
    until(lambda: not follower.alive)
    for raw in heard.raw:
        assert not leaks(repr(parse(raw, "auto", 0.0)), scene.secret)
