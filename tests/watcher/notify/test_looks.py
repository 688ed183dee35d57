"""What `check` says of those who are to be notified: nothing, or why they cannot be."""

import socket
from pathlib import Path

import pytest

from opsconsole.config.settings import Settings
from opsconsole.inspection.finding import Weight
from opsconsole.watcher.notify.looks import check_notified
from tests.watcher.post_office import hook

GONE = "127.0.0.1"


def said(folder: Path, **more: object) -> dict[str, str]:
    """What is wrong with each value."""
    services = {"web": {"instances": ["http://127.0.0.1:1"], "team": "shop"}}
    settings = Settings.model_validate({"docker": [], "services": services, **more})
    found = check_notified(settings, folder)
    return {".".join(map(str, each.path)): f"{each.weight}: {each.message}" for each in found}


def receivers(**each: object) -> dict[str, object]:
    return {"receivers": each}


def test_who_can_be_reached_is_not_spoken_of_and_gets_nothing(tmp_path: Path) -> None:
    program = tmp_path / "notify"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o700)
    (tmp_path / "url").touch(0o600)
    with hook() as server:
        (tmp_path / "url").write_text(f"{server.url}/T0KEN\n")
        chat = {"webhook": {"url_from": {"file": "url"}}, "services": ["web"], "teams": ["shop"]}
        assert not said(
            tmp_path,
            notify=receivers(chat=chat, phone={"command": ["./notify", "{title}"]}),
            heartbeat={"url": server.url},
            tell_me={"command": ["true"], "webhook": {"url": server.url}},
        )
    assert server.posts == []
    assert not (tmp_path / "ran").exists()


def test_who_cannot_be_reached_is_an_error_at_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    (tmp_path / "notes").touch(0o600)
    with socket.create_server((GONE, 0)) as free:
        port = free.getsockname()[1]
    gone = f"http://{GONE}:{port}"
    token = {"authorization": {"credentials": {"env": "NO_SUCH"}}}
    mail = {"server": GONE, "port": port, "sender": "a@b.test", "to": "c@b.test"}
    with hook() as server:
        found = said(
            tmp_path,
            notify=receivers(
                secret={"webhook": {"url_from": {"env": "NO_SUCH"}}},
                token={"webhook": {"url": server.url, "http": token}},
                absent={"command": ["no-such-program", "{title}"]},
                data={"command": ["./notes"]},
                post={"mail": mail},
            ),
            heartbeat={"url": gone},
            tell_me={"webhook": {"url": gone}},
        )
    errors = {path: text.removeprefix("error: ") for path, text in found.items()}
    assert set(errors) == {
        *(f"notify.receivers.{name}.webhook" for name in ("secret", "token")),
        *(f"notify.receivers.{name}.command" for name in ("absent", "data")),
        "notify.receivers.post.mail",
        "heartbeat",
        "tell_me.webhook",
    }
    assert "NO_SUCH" in errors["notify.receivers.secret.webhook"]
    assert "there is no program no-such-program" in errors["notify.receivers.absent.command"]
    assert "connection refused" in errors["heartbeat"]


def test_what_a_receiver_names_and_is_not_declared_is_a_warning(tmp_path: Path) -> None:
    phone = {"command": ["true"], "services": ["wbe"], "teams": ["shop", "shpo"]}
    found = said(tmp_path, notify=receivers(phone=phone))
    assert found == {
        "notify.receivers.phone.services.0": f"{Weight.WARNING}: no service is called 'wbe'",
        "notify.receivers.phone.teams.1": f"{Weight.WARNING}: no service is of the team 'shpo'",
    }
