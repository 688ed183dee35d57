"""Secrets: where they come from, who may reach them, and that they are never shown."""

import copy
import os
import pickle
import signal
import time
import traceback
from pathlib import Path

import pytest

from opsconsole.config.secrets import references as secrets
from opsconsole.config.secrets.references import Secret, reveal
from opsconsole.config.types import SecretRef
from opsconsole.errors import SecretError
from opsconsole.hiding import MASK

CANARY = "CANARY-7f3a"


def secret_file(folder: Path, text: str = CANARY, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def refusal(ref: SecretRef, base: Path, environ: dict[str, str] | None = None) -> str:
    """What is said of a secret that is not available; never the secret."""
    with pytest.raises(SecretError) as caught:
        reveal(ref, base=base, environ=environ or {})
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown
    return str(caught.value)


def test_a_secret_shows_itself_masked() -> None:
    secret = Secret(CANARY)

    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{secret:>20}", "%s" % secret]  # noqa: UP031

    assert all(CANARY not in text and MASK in text for text in shown)
    assert secret.value == CANARY
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not written down"):
            write(secret)


def test_every_place_gives_its_secret(tmp_path: Path) -> None:
    secret_file(tmp_path, f"{CANARY}\n")
    environ = {"TOKEN": CANARY, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    places = [
        SecretRef(env="TOKEN"),
        SecretRef.model_validate("${env:TOKEN}"),
        SecretRef(file="token"),
        SecretRef(file=str(tmp_path / "token")),
        SecretRef(credential="token"),
        SecretRef(command=("printf", "%s\\n", CANARY)),
        SecretRef(command=("cat", "token")),
    ]

    environ["PATH"] = os.environ["PATH"]
    assert {reveal(ref, base=tmp_path, environ=environ).value for ref in places} == {CANARY}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_reach_is_refused(mode: int, tmp_path: Path) -> None:
    path = secret_file(tmp_path, mode=mode)

    said = refusal(SecretRef(file="token"), tmp_path)

    assert f"has mode {mode:04o}, so others can reach it; chmod 600 {path}" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = secret_file(tmp_path)
    os.chown(path, 12345, -1)

    assert "belongs to user 12345" in refusal(SecretRef(file="token"), tmp_path)


def test_what_is_not_a_usable_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "latin").write_bytes(b"\xe9")
    (tmp_path / "latin").chmod(0o600)
    (tmp_path / "large").write_text(CANARY * 10_000)
    (tmp_path / "large").chmod(0o600)
    (tmp_path / "empty").touch(0o600)

    assert "No such file" in refusal(SecretRef(file="absent"), tmp_path)
    assert "not a regular file" in refusal(SecretRef(file="pipe"), tmp_path)
    assert "not UTF-8" in refusal(SecretRef(file="latin"), tmp_path)
    assert "longer than 64 KiB" in refusal(SecretRef(file="large"), tmp_path)
    assert "is empty" in refusal(SecretRef(file="empty"), tmp_path)


def test_what_the_environment_lacks_is_said(tmp_path: Path) -> None:
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    assert "TOKEN is not set" in refusal(SecretRef(env="TOKEN"), tmp_path)
    assert "CREDENTIALS_DIRECTORY is not set" in refusal(SecretRef(credential="a"), tmp_path)
    assert "plain file name" in refusal(SecretRef(credential="../a"), tmp_path, credentials)


def test_a_command_that_gives_no_secret(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"]}
    failing = SecretRef(command=("sh", "-c", f"echo {CANARY}; echo {CANARY} >&2; exit 3"))
    endless = SecretRef(command=("sh", "-c", f"yes {CANARY}"))

    assert "ended with code 3" in refusal(failing, tmp_path, environ)
    assert "longer than 64 KiB" in refusal(endless, tmp_path, environ)
    assert "cannot run the command /absent" in refusal(SecretRef(command=("/absent",)), tmp_path)


def test_a_command_that_leaves_a_child_behind_has_said_what_it_had_to_say(tmp_path: Path) -> None:
    ref = SecretRef(command=("sh", "-c", f"echo {CANARY}; sleep 60 & echo $! > child"))

    assert reveal(ref, base=tmp_path).value == CANARY

    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


@pytest.mark.parametrize("script", ["sleep 60", "exec 1>&-; sleep 60", "sleep 60 & wait"])
def test_a_command_that_does_not_end_is_killed_with_its_children(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "COMMAND_TIMEOUT", 0.3)
    ref = SecretRef(command=("sh", "-c", f"echo $$ > pid; {script}"))

    assert "within 0.3 s" in refusal(ref, tmp_path, {"PATH": os.environ["PATH"]})

    group = int((tmp_path / "pid").read_text())
    assert _gone(group)


def _gone(group: int) -> bool:
    """Whether nothing of ``group`` runs; what is dead but not collected by init counts as gone."""
    for _ in range(50):
        if not _running(group):
            return True
        time.sleep(0.02)
    return False


def _running(group: int) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, owner = path.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(owner) == group and state not in "ZX":
            found.append(path.parent.name)
    return found


def test_a_command_that_others_could_change_is_not_asked(tmp_path: Path) -> None:
    program = tmp_path / "helper"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran; echo {CANARY}\n")
    program.chmod(0o777)

    assert "can be written by others (mode 0777)" in refusal(
        SecretRef(command=(str(program),)), tmp_path
    )
    assert not (tmp_path / "ran").exists()
    program.chmod(0o755)
    assert reveal(SecretRef(command=("./helper",)), base=tmp_path).value == CANARY
