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


def test_an_operation_is_shown_whole_by_its_id_or_its_beginning(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "".join(f"echo reason {n} >&2\n" for n in range(10))
    (tmp_path / "failing").write_text(f"#!/bin/sh\n{said}echo password=hunter2\nexit 3\n")
    (tmp_path / "failing").chmod(0o755)
    path = configure(_restart(command=["./failing"]))
    assert _run(path, "restart", "shop") == 1
    out = capsys.readouterr().out
    assert "output: reason 9" in out, "what the command printed is shown with the verdict"
    assert "hunter2" not in out
    config = ["--config", str(path)]
    assert main(["operations", "--json", *config]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    for written in (listed["id"], listed["id"][:6]):
        assert main(["operations", written, *config]) == 0
        out = capsys.readouterr().out
        assert all(f"output: reason {n}" in out for n in range(10))
        assert listed["id"] in out
        assert "a test" in out
        assert "next: look at shop" in out
    assert main(["operations", listed["id"], "--json", *config]) == 0
    assert json.loads(capsys.readouterr().out) == listed
    assert main(["operations", "0" * 16, *config]) == EX_UNAVAILABLE
    out, err = capsys.readouterr()
    assert (out, "there is no operation" in err) == ("", True)
    assert main(["operations", "start-rollback", listed["id"], *config]) == EX_USAGE


def test_a_journal_that_cannot_be_read_is_not_an_empty_one(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(_restart(command=["true"]))
    (tmp_path / "state").write_text("not a folder")
    for argv in (["operations"], ["operations", "--json"], ["operations", "0" * 16]):
        assert main([*argv, "--config", str(path)]) == EX_UNAVAILABLE
        out, err = capsys.readouterr()
        assert out == ""
        assert "opsconsole: " in err


def test_a_call_that_reads_prints_what_it_read(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.body = {"status": "healthy", "queue": list(range(200)), "token": "abc"}
    stats = {"http": {"get": "/stats"}, "effect": "read"}
    path = configure({"actions": {"call": {"stats": stats}}})
    assert _run(path, "call", "shop", "stats") == 0
    out = capsys.readouterr().out
    assert "199" in out
    assert '"token": [secret]' in out
    assert _run(path, "call", "shop", "stats", "--json") == 0
    (answer,) = [each for each in _document(capsys)["evidence"] if "answer" in each]
    assert "199" in answer


def _document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document
