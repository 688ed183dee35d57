"""The verbs of change from a script: shown, refused, carried out, recorded."""

import json
from typing import Any

import pytest

from opsconsole.cli.main import main
from tests.cli.conftest import Configure, Shop

RESTART: dict[str, Any] = {
    "actions": {
        "restart": {"http": {"post": "/admin/restart"}, "min_healthy": "500ms", "deadline": "20s"}
    },
    "interval": "1s",
}


def test_a_dry_run_shows_the_call_and_makes_none(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(RESTART)
    assert main(["restart", "shop", "--dry-run", "--config", str(path)]) == 0
    said = capsys.readouterr().out
    assert "POST" in said
    assert "/admin/restart" in said
    assert "undone by" in said
    assert shop.changes == []


def test_a_restart_is_verified_and_recorded(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.lose_database()
    path = configure(RESTART)
    code = main(
        ["restart", "shop", "--yes", "--reason", "lost its database", "--config", str(path)]
    )
    said = capsys.readouterr().out
    assert code == 0, said
    assert shop.changes == ["/admin/restart"]
    assert "verified" in said

    assert main(["operations", "--json", "--config", str(path)]) == 0
    (operation,) = json.loads(capsys.readouterr().out)
    assert operation["state"] == "verified"
    assert operation["reason"] == "lost its database"
    assert main(["audit", "verify", "--config", str(path)]) == 0


def test_a_dry_run_of_what_is_refused_for_a_while_prints_the_plan_and_the_refusal(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(RESTART)
    assert main(["restart", "shop", "--yes", "--config", str(path)]) == 0
    capsys.readouterr()
    assert main(["restart", "shop", "--dry-run", "--config", str(path)]) == 2
    said = capsys.readouterr()
    assert "undone by" in said.out, "what would be done"
    assert "refused (cooling-down)" in said.err
    assert main(["restart", "shop", "--dry-run", "--json", "--config", str(path)]) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["refused"], document["service"]) == ("cooling-down", "shop")
    assert document["steps"]
    closed = ["restart", "shop", "--dry-run", "--read-only", "--config", str(path)]
    assert main(closed) == 2
    assert "undone by" not in capsys.readouterr().out, "nothing is looked at that may not be done"
    assert shop.changes == ["/admin/restart"]


def test_read_only_refuses_in_the_executor(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(RESTART)
    code = main(["restart", "shop", "--yes", "--read-only", "--config", str(path)])
    assert code == 2
    assert "read-only" in capsys.readouterr().err
    assert shop.changes == []


def test_the_file_can_close_the_door_and_no_flag_opens_it(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(RESTART, read_only=True)
    assert main(["restart", "shop", "--yes", "--config", str(path)]) == 2
    assert shop.changes == []
    assert "read-only" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["rollback", "shop"],
        ["backup", "shop"],
        ["scale", "shop", "--to", "3"],
        ["restore", "shop", "--backup", "x"],
        ["degrade", "shop", "--reason", "load"],
    ],
)
def test_what_is_not_declared_is_refused(
    argv: list[str], shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(RESTART)
    assert main([*argv, "--yes", "--json", "--config", str(path)]) == 2
    assert json.loads(capsys.readouterr().out)["refused"] == "not-declared"
    assert shop.changes == []


def test_a_service_that_is_not_there_is_named_with_those_that_are(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(RESTART)
    assert main(["restart", "nobody", "--yes", "--config", str(path)]) == 69
    assert "no service is called nobody; there are: shop" in capsys.readouterr().err


def test_without_a_terminal_nothing_runs_unless_yes_is_said(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restart", "shop", "--config", str(configure(RESTART))]) == 2
    assert "--yes" in capsys.readouterr().err
    assert shop.changes == []
