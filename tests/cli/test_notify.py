"""``opsconsole notify test``: each receiver gets a test, and a line says whether it did."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from tests.watcher.post_office import Hook, hook

SECRET = "tok-77c1e0aa"

CONFIG = """
docker: []
alertmanager: [{{url: "{url}", name: am}}]
notify:
  receivers:
    am: {{alertmanager: all}}
    chat: {{webhook: {{url_from: "${{env:CHAT}}"}}}}
    broken: {{command: [/bin/false]}}
"""


@pytest.fixture
def server() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture
def config(tmp_path: Path, server: Hook, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHAT", f"{server.url}/{SECRET}")
    path = tmp_path / "opsconsole.yaml"
    path.write_text(CONFIG.format(url=server.url))
    path.chmod(0o600)
    return path


def test_each_is_sent_a_test_and_one_that_fails_is_named(
    config: Path, server: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notify", "test", "--config", str(config)]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == ["am: taken", "chat: taken"]
    assert err.startswith("broken: not reached: ")
    assert {each.path for each in server.posts} == {"/api/v2/alerts", f"/{SECRET}"}
    (alert,) = next(each.json for each in server.posts if each.path == "/api/v2/alerts")
    assert alert["labels"]["alertname"] == "OpsconsoleTest"
    assert "test" in next(each.json for each in server.posts if SECRET in each.path)["title"]


def test_only_those_that_are_named(
    config: Path, server: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notify", "test", "chat", "--config", str(config)]) == 0
    assert [each.path for each in server.posts] == [f"/{SECRET}"]
    server.code = 500
    assert main(["notify", "test", "chat", "--config", str(config)]) == 1
    said = "".join(capsys.readouterr())
    assert "HTTP 500" in said
    assert SECRET not in said


def test_a_receiver_that_is_not_there_is_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notify", "test", "kim", "--config", str(config)]) != 0
    assert "no receiver is called kim" in capsys.readouterr().err
