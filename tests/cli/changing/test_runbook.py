"""Runbooks from a script: listed, shown, run, refused, and checked with the configuration."""

import builtins
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from opsconsole.cli.main import main
from tests.cli.conftest import Configure, Shop

SERVICE: dict[str, Any] = {
    "actions": {
        "restart": {"http": {"post": "/admin/restart"}, "min_healthy": "500ms", "deadline": "20s"}
    },
    "interval": "500ms",
}
READING = """\
title: look at {service}
services: shop
steps:
  - {id: read, text: Look first.}
  - {id: page, check: {http: {get: /health, json_path: status, equals: healthy}}}
  - {id: nap, wait: 1s}
"""
CHANGING = """\
title: repair {service}
when: []
services: [shop]
steps:
  - {id: again, operation: restart}
  - {id: more, text: Only sometimes., optional: true}
  - {id: fine, question: {ask: fine?, expect: "yes"}}
"""


@pytest.fixture
def path(configure: Configure) -> Path:
    made = configure(SERVICE)
    folder = made.parent / "runbooks"
    folder.mkdir()
    for name, text in (("look", READING), ("repair", CHANGING)):
        (folder / f"{name}.yaml").write_text(text)
        (folder / f"{name}.yaml").chmod(0o600)
    return made


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A person at a terminal who types ``answers``; gives what they were asked."""
    asked: list[str] = []
    waiting = list(answers)

    def answer(prompt: str = "") -> str:
        asked.append(prompt)
        return waiting.pop(0)

    monkeypatch.setattr(builtins, "input", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    return asked


def test_they_are_listed_and_shown(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runbook", "list", "--config", str(path)]) == 0
    assert "look    look at {service} (shop)" in capsys.readouterr().out
    assert main(["runbook", "show", "repair", "--config", str(path)]) == 0
    said = capsys.readouterr().out
    assert "repair shop · shop" in said
    assert "1. restart  [operation]" in said
    assert "answers: yes, no, wanted yes" in said
    assert main(["runbook", "list", "--json", "--config", str(path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in document["runbooks"]] == ["look", "repair"]
    assert main(["runbook", "show", "other", "--config", str(path)]) == 69
    assert "there are: look, repair" in capsys.readouterr().err
    assert main(["runbook", "show", "repair", "--service", "x", "--config", str(path)]) == 69


def test_what_only_reads_runs_without_a_person(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runbook", "run", "look", "--yes", "--config", str(path)]) == 0
    said = capsys.readouterr().out
    assert "passed: HTTP 200 OK" in said
    assert "finished: 3 passed" in said


def test_a_failed_step_stops_and_is_run_again_at_the_next_start(
    shop: Shop, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.lose_database()
    words = ["runbook", "run", "look", "--yes", "--config", str(path)]
    assert main(words) == 1
    assert "failed: HTTP 503" in capsys.readouterr().out
    shop.code, shop.body = 200, {"status": "healthy"}
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Look first." not in said
    assert "finished: 3 passed" in said


def test_nothing_is_changed_without_a_person_or_in_read_only(
    shop: Shop,
    path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["runbook", "run", "repair", "--yes", "--config", str(path)]
    assert main(words) == 2
    assert "is an operation" in capsys.readouterr().err
    typed(monkeypatch)
    assert main([*words, "--read-only"]) == 2
    assert "read-only" in capsys.readouterr().err
    assert shop.changes == []


def test_an_operation_is_planned_confirmed_and_verified(
    shop: Shop,
    path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = typed(monkeypatch, "yes", "skip", "perhaps", "yes")
    assert main(["runbook", "run", "repair", "--config", str(path)]) == 0
    said = capsys.readouterr()
    assert shop.changes == ["/admin/restart"]
    assert "undone by" in said.out
    assert "passed: verified: healthy for" in said.out
    assert "is no answer here" in said.err
    assert "finished: 2 passed, 1 skipped" in said.out
    assert len(asked) == 4


def test_check_reports_runbooks_with_their_lines(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--offline", str(path)]) == 0
    capsys.readouterr()
    broken = path.parent / "runbooks/repair.yaml"
    broken.write_text(CHANGING.replace("restart", "restrat"))
    assert main(["check", "--offline", str(path)]) == 78
    said = capsys.readouterr().out
    assert f"{broken}:5:" in said
    assert "did you mean 'restart'?" in said
    assert main(["runbook", "run", "repair", "--config", str(path)]) == 78
    assert main(["runbook", "list", "--config", str(path)]) == 78
