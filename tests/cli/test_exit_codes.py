"""Exit codes of changes: 0 verified, 1 failed, 2 refused, 3 inconclusive, 78 bad configuration."""

import json
from pathlib import Path
from typing import Any

import pytest

from opsconsole.cli.main import main
from opsconsole.cli.parsing import EX_CONFIG, EX_UNAVAILABLE, EX_USAGE
from tests.cli.conftest import Configure, Shop

_QUICK = {"min_healthy": "100ms", "deadline": "500ms"}


def _restart(**action: Any) -> dict[str, Any]:
    return {"actions": {"restart": {**_QUICK, **action}}, "timeout": "1s"}


def _run(path: Path, *argv: str) -> int:
    return main([*argv, "--yes", "--reason", "a test", "--config", str(path)])


def test_verified_is_0(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    path = configure(_restart(http={"post": "/restart"}, deadline="60s"))
    assert _run(path, "restart", "shop") == 0
    assert "next:" not in capsys.readouterr().out


def test_failed_is_1_and_says_what_to_do_next(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    service = _restart(command=["false"])
    service["actions"]["rollback"] = {"command": ["true"]}
    assert _run(configure(service), "restart", "shop") == 1
    said = capsys.readouterr().out
    assert "shop: restart failed" in said
    assert "next: look at shop: its logs, and opsconsole status shop" in said
    assert "next: roll back: opsconsole rollback shop" in said


def test_refused_is_2(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    path = configure(_restart(command=["true"]))
    assert _run(path, "rollback", "shop") == 2
    assert "not-declared" in capsys.readouterr().err


def test_inconclusive_is_3(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    path = configure({**_restart(command=["true"]), "instances": []})
    assert _run(path, "restart", "shop") == 3
    said = capsys.readouterr().out
    assert "inconclusive" in said
    assert "next: look at shop before you do more" in said


def test_not_waited_for_is_0(configure: Configure) -> None:
    path = configure(_restart(command=["true"]))
    assert _run(path, "restart", "shop", "--no-wait") == 0


def test_a_bad_configuration_is_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "opsconsole.yaml"
    path.write_text("services: {shop: {actions: {restart: {comand: [true]}}}}")
    for argv in (["restart", "shop"], ["operations"], ["audit", "verify"], ["backups"]):
        assert main([*argv, "--config", str(path)]) == EX_CONFIG == 78
        assert "comand" in capsys.readouterr().err


def test_wrong_usage_and_what_cannot_be_done_are_neither(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(_restart(command=["true"]))
    with pytest.raises(SystemExit) as ended:
        main(["scale", "shop", "--to", "many", "--config", str(path)])
    assert ended.value.code == EX_USAGE
    assert main(["operations", "stop-rollback", "--config", str(path)]) == EX_USAGE
    assert main(["backups", "nobody", "--config", str(path)]) == EX_UNAVAILABLE


def test_an_automatic_rollback_is_listed_and_stopped(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    service = _restart(command=["false"], auto_rollback=True)
    service["actions"]["rollback"] = {"http": {"post": "/rollback"}}
    path = configure(service)
    assert _run(path, "restart", "shop") == 1
    assert "rolled back by itself after 30 s" in capsys.readouterr().out
    config = ["--config", str(path)]
    assert main(["operations", "--json", *config]) == 0
    (operation,) = json.loads(capsys.readouterr().out)
    assert operation["rollback_at"] > operation["ended_at"]
    assert main(["operations", *config]) == 0
    stop = f"opsconsole operations stop-rollback {operation['id']}"
    assert stop in capsys.readouterr().out
    assert main(["operations", "stop-rollback", operation["id"], "--read-only", *config]) == 2
    assert main(["operations", "stop-rollback", operation["id"], *config]) == 0
    assert main(["operations", "stop-rollback", operation["id"], *config]) == 2
    assert "nothing-to-do" in capsys.readouterr().err
    assert main(["operations", *config]) == 0
    assert "automatic rollback: stopped by " in capsys.readouterr().out
    assert shop.changes == []
