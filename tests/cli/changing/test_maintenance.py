"""``opsconsole maintenance`` and ``opsconsole remedies``, as a script uses them."""

import json

import pytest

from opsconsole.cli.main import main
from tests.cli.conftest import Configure, Shop

REMEDIES = [
    {"when": "state == down for 60s", "service": "shop", "action": "restart", "mode": "auto"},
]
ACTIONS = {"actions": {"restart": {"http": {"post": "/restart"}}}}


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_work_is_begun_listed_and_over(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(configure())
    begin = ["maintenance", "start", "shop", "--for", "2h", "--reason", "disks", "-c", config]
    assert main(begin) == 0
    assert ": disks" in _said(capsys)
    assert main(["maintenance", "list", "--json", "-c", config]) == 0
    (work,) = json.loads(_said(capsys))["maintenances"]
    assert (work["services"], work["on"]) == (["shop"], True)
    assert main(["status", "--json", "-c", config]) == 0
    (shown,) = json.loads(_said(capsys))["maintenances"]
    assert shown["id"] == work["id"]
    assert main(["maintenance", "end", "shop", "-c", config]) == 0
    assert "over since" in _said(capsys)
    assert main(["maintenance", "end", "shop", "-c", config]) == 2


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["start", "shop", "--reason", "x"], 64, "--for 2h"),
        (["start", "shop", "--for", "soon", "--reason", "x"], 64, "not a duration"),
        (["start", "shop", "--for", "2h"], 2, "has a reason"),
        (["start", "shop", "--for", "900d", "--reason", "x"], 2, "at most 14 days"),
        (["start", "nothing", "--for", "2h", "--reason", "x"], 69, "no service is called"),
        (["end"], 64, "say which one"),
    ],
)
def test_what_is_missing_is_said(
    configure: Configure,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    said: str,
) -> None:
    assert main(["maintenance", *words, "-c", str(configure())]) == status
    assert said in _said(capsys)


def test_remedies_are_listed_checked_and_switched(
    configure: Configure, capsys: pytest.CaptureFixture[str], shop: Shop
) -> None:
    services = {"shop": {"instances": [shop.url], **ACTIONS}, "other": {"instances": [shop.url]}}
    config = str(configure(services=services, remedies=REMEDIES))
    assert main(["remedies", "-c", config]) == 0
    assert "restart-shop  auto  restart of shop when state == down for 1m" in _said(capsys)
    assert main(["remedies", "check", "-c", config]) == 0
    assert "restart would follow: it acts after a countdown" in _said(capsys)
    assert main(["remedies", "off", "--reason", "deploying", "-c", config]) == 0
    assert "automation is off" in _said(capsys)
    assert main(["remedies", "check", "-c", config]) == 0
    assert "nothing would be done: automation is switched off by" in _said(capsys)
    assert main(["remedies", "list", "--json", "-c", config]) == 0
    document = json.loads(_said(capsys))
    assert document["off"]["reason"] == "deploying"
    assert main(["remedies", "on", "-c", config]) == 0
    assert main(["remedies", "report", "-c", config]) == 0
    assert "it has seen nothing that it waits for" in _said(capsys)
    assert shop.changes == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["close"], 64, "there are: restart-shop"),
        (["close", "restart-shop"], 2, "closed with a reason"),
        (["close", "restart-shop", "--reason", "more memory"], 0, "is closed"),
        (["report", "--since", "yesterday"], 64, "not a duration"),
    ],
)
def test_a_breaker_is_closed_with_a_reason(
    configure: Configure,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    said: str,
) -> None:
    config = configure(ACTIONS, remedies=REMEDIES)
    capsys.readouterr()
    assert main(["remedies", *words, "-c", str(config)]) == status
    assert said in _said(capsys)
