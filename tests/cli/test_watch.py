"""``opsconsole watch``: the whole program, its signals, who leads, and what systemd hears."""

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsconsole.demo.processes import free_port
from tests.cli.conftest import Shop
from tests.patience import until
from tests.watcher.post_office import Hook, hook

WITHIN = 120.0
SECRET = "tok-5f2e91c0d7"

CONFIG = """
environment: {{name: production}}
state_dir: {folder}/state
docker: []
host: {{enabled: false}}
defaults: {{interval: 500ms}}
services:
  shop: {{instances: ["{shop}"]}}
  front: {{instances: ["http://127.0.0.1:9"], depends_on: [shop]}}
notify:
  wait: 1s
  wait_well: 1s
  receivers:
    chat: {{webhook: {{url_from: "${{env:CHAT}}"}}}}
heartbeat: {{url: "{hook}/beat", every: 1s}}
watch: {{listen: "127.0.0.1:{port}"}}
"""


@pytest.fixture
def server() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture
def config(tmp_path: Path, shop: Shop, server: Hook, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHAT", f"{server.url}/{SECRET}/chat")
    path = tmp_path / "opsconsole.yaml"
    text = CONFIG.format(folder=tmp_path, shop=shop.url, hook=server.url, port=free_port())
    path.write_text(text)
    path.chmod(0o600)
    return path


@contextmanager
def watching(config: Path, *more: str) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-m", "opsconsole", "watch", "--config", str(config), *more]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def listen(systemd: socket.socket, heard: list[str]) -> None:
    """Hear what systemd is notified, as quickly as it does."""
    while line := systemd.recv(100).decode():
        heard.append(line)


def notified(server: Hook) -> list[tuple[str, str]]:
    return [
        (each.json["status"], each.json["service"])
        for each in server.posts
        if each.path.endswith("/chat")
    ]


def health_at(config: Path) -> dict[str, object] | None:
    listen = config.read_text().partition("listen: ")[2].split('"')[1]
    try:
        with urllib.request.urlopen(f"http://{listen}/healthz", timeout=30) as answer:
            found: dict[str, object] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        pass
    return None


@pytest.mark.terminal
def test_it_tells_shows_itself_and_ends_with_0(
    config: Path, shop: Shop, server: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        heard: list[str] = []
        threading.Thread(target=listen, args=(systemd, heard), daemon=True).start()
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        with watching(config, "--read-only") as process:
            until(lambda: heard[1:3] == ["WATCHDOG=1"] * 2)
            assert heard[0] == "READY=1"
            until(lambda: notified(server) == [("new", "front")])
            shop.lose_database()
            until(lambda: ("new", "shop") in notified(server))
            until(lambda: (found := health_at(config)) is not None and found["leads"] is True)
            until(lambda: any(each.path == "/beat" for each in server.posts))
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=WITHIN)
            until(lambda: heard[-1] == "STOPPING=1")
            systemd.shutdown(socket.SHUT_RDWR)
    assert process.returncode == 0
    assert err == ""
    assert out.splitlines()[-1].startswith("opsconsole: leads")
    assert SECRET not in out


@pytest.mark.terminal
def test_another_stands_by_and_takes_over_without_telling_anew(config: Path, server: Hook) -> None:
    with watching(config) as first:
        until(lambda: notified(server) == [("new", "front")])
        with watching(config) as second:
            assert second.stdout is not None
            line = second.stdout.readline()
            assert "stands by: another watcher leads" in line
            first.send_signal(signal.SIGKILL)
            while "leads: it notifies people" not in (line := second.stdout.readline()):
                assert line
            beats = len(server.posts)
            until(lambda: len(server.posts) > beats + 2)
            second.send_signal(signal.SIGINT)
            second.communicate(timeout=WITHIN)
    assert notified(server) == [("new", "front")]
