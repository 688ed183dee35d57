"""What a configuration refers to is known by value as soon as it is loaded."""

from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.hiding import MASK, hidden

SECRET = "s3cr3t-value"


def service(more: str) -> str:
    return f"services: {{web: {{instances: ['http://127.0.0.1:1'], {more}}}}}\n"


KNOWN = {
    "a variable": "http: {basic_auth: {username: kim, password: '${env:OWN}'}}",
    "a file": "http: {authorization: {credentials: {file: token}}}",
    "a credential": "http: {http_headers: {X-Key: {credential: token}}}",
    "a named parameter": f"health: {{path: '/health?auth={SECRET}'}}",
    "a signature": f"probes: {{ready: '/ready?v=1&sig={SECRET}'}}",
    "what looks drawn at random": f"endpoints: {{all: '/all?v={SECRET}'}}",
    "a filled in variable": "actions: {call: {it: {command: [echo, '${OWN_TOKEN}']}}}",
    "a variable of a command": (
        "actions: {call: {it: {command: {argv: [env], env: {DB_PASSWORD: '${OWN_TOKEN}'}}}}}"
    ),
}

UNKNOWN = {
    "a parameter that is plain": (
        f"http: {{plain_query: [auth]}}, health: {{path: '/health?auth={SECRET}'}}"
    ),
    "a word": "health: {path: '/health?full=verbose'}",
    "a placeholder": "actions: {call: {it: {http: {get: '/it?key={reason}'}}}}",
    "a variable of another name": "actions: {call: {it: {command: [echo, '${OWN_PLACE}']}}}",
    "what a program prints": "http: {http_headers: {X-Key: {command: [cat, token]}}}",
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    (tmp_path / "token").chmod(0o600)
    for name in ("OWN", "OWN_TOKEN", "OWN_PLACE"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    path = tmp_path / "opsconsole.yaml"
    path.touch(mode=0o600)
    return path


@pytest.mark.parametrize("what", KNOWN)
def test_it_is_hidden_from_then_on(config: Path, what: str) -> None:
    config.write_text(service(KNOWN[what]))
    load(config)
    assert hidden(f"got {SECRET}") == f"got {MASK}"


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_is_no_secret_or_not_known_yet_is_left(config: Path, what: str) -> None:
    config.write_text(service(UNKNOWN[what]))
    load(config)
    for text in (SECRET, "verbose", "{reason}"):
        assert hidden(text) == text


def test_what_cannot_be_read_stands_in_no_way(config: Path) -> None:
    (config.parent / "token").unlink()
    config.write_text(service(KNOWN["a file"]))
    load(config)
    assert hidden(SECRET) == SECRET
