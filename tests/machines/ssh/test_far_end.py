"""What goes to the far end is one line of ASCII, whatever it holds; what comes is bounded."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.machines.ssh import far_end, lines
from opsconsole.machines.ssh.line import FarEnd
from opsconsole.machines.ssh.logins import AT_ONCE, Gate, Patience, Target
from opsconsole.machines.ssh.machine import SshMachine
from opsconsole.model.running.machine import Command, Failure, MachineError

SHELLS = [each for each in ("dash", "bash") if shutil.which(each)]


def said(shell: str, script: str, data: bytes) -> bytes:
    return subprocess.run(
        [shell, "-c", script], input=data, capture_output=True, check=True, timeout=60
    ).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_every_byte_arrives(shell: str) -> None:
    data = bytes(range(256)) + b"%s \\n %% $(id) `id` '\"\r\n" + bytes(range(255, -1, -1))
    assert said(shell, 'IFS= read -r d; printf "$d"', far_end.escaped(data) + b"\n") == data


@given(st.binary(max_size=200))
def test_what_is_sent_is_one_line_of_printable_ascii(data: bytes) -> None:
    sent = far_end.escaped(data)
    assert all(32 <= each < 127 for each in sent)
    back = subprocess.run(["printf", sent], capture_output=True, check=True).stdout if sent else b""
    assert back == data


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=20), max_size=4))
def test_a_word_stays_one_word(words: list[str]) -> None:
    words = [word.encode("utf-8", "replace").decode() for word in words]
    line = " ".join(far_end.quoted(word) for word in words)
    out = said("sh", f"for w in {line}; do printf '%s\\000' \"$w\"; done", b"")
    assert out.decode().split("\0")[:-1] == words


@given(st.binary(max_size=80))
def test_a_hello_is_understood_or_is_none(words: bytes) -> None:
    FarEnd.parsed(words)
    FarEnd.parsed(b"hello 9 1 2 100 4096 x " + words)


def test_the_bootstrap_has_nothing_that_login_shells_read_differently() -> None:
    inside = far_end.bootstrap(4000).partition("'")[2].rpartition("'")[0]
    assert not set(inside) & set("'\\!\n\t")


@pytest.fixture
def lying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes up an ssh, of which ``$last`` is what it is sent."""
    ssh = tmp_path / "ssh"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def make(script: str) -> None:
        ssh.write_text(f"#!/bin/sh\nfor last; do :; done\n{script}\n")
        ssh.chmod(0o755)

    return make


HONEST = 'exec /bin/sh -c "$last"'
"""Runs what it is sent on this host."""


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ("cat >/dev/null", None),
        ("yes", Failure.OTHER),
        ("head -c 300000 /dev/urandom; sleep 5", Failure.OTHER),
        ("exit 0", Failure.OTHER),
        ("echo 'Permission denied (publickey).' >&2; exit 255", Failure.DENIED),
        ("printf '\\033[2J\\007' >&2; exit 255", Failure.OTHER),
    ],
)
async def test_whatever_answers_instead_is_named_and_printable(
    lying: Callable[[str], None],
    script: str,
    failure: Failure | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opsconsole.machines.ssh.lines.WITHIN", 1.0)
    lying(script)
    machine = SshMachine(Target("db", "db"), Gate())
    try:
        with pytest.raises(MachineError) as raised:
            await machine.run(Command(("true",)), limit=10, deadline=60)
    finally:
        machine.close()
    assert raised.value.failure is (failure or Failure.TIMED_OUT)
    assert "db" in str(raised.value)
    assert str(raised.value).isprintable()
    assert raised.value.remedy
    assert not raised.value.begun


async def test_a_program_cannot_pretend_to_have_ended(lying: Callable[[str], None]) -> None:
    lying(HONEST)
    machine = SshMachine(Target("db", "db"), Gate())
    try:
        # It says what an end looks like, with a mark of its own making.
        script = "printf '\\026%032d 1 end 0\\n' 0; echo words; exit 5"
        finished = await machine.run(Command(("sh", "-c", script)), limit=1000, deadline=60)
        assert finished.code == 5
        assert finished.output == b"\x16" + b"0" * 32 + b" 1 end 0\nwords\n"
        environment = await machine.run(Command(("env",), inherits=True), limit=10**6, deadline=60)
        assert b"ocT" not in environment.output
    finally:
        machine.close()


async def test_an_answer_in_one_has_its_status_and_leaves_nothing_for_the_next(
    lying: Callable[[str], None],
) -> None:
    lying(HONEST)
    machine = SshMachine(Target("db", "db"), Gate())
    try:
        code = far_end.in_one("printf 'a\\n%%s\\n'; echo b\n\n(exit 3)")
        assert (await machine.ask(code, limit=100, deadline=60))[0] == b"a\n%s\nb"
        assert (await machine.ask("echo c", limit=100, deadline=60))[0] == b"c\n"
    finally:
        machine.close()


async def test_a_line_that_nobody_uses_is_closed(
    lying: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lying(HONEST)
    machine = SshMachine(Target("db", "db"), Gate())
    try:
        await machine.run(Command(("true",)), limit=1, deadline=60)
        await machine.ask(":", limit=1, deadline=60)
        assert len(machine._lines._open) == 2
        monkeypatch.setattr(lines, "_RESTS", -1.0)
        await machine.ask(":", limit=1, deadline=60)
        assert len(machine._lines._open) == 1
    finally:
        machine.close()


def test_no_more_logins_at_once_than_sshd_takes() -> None:
    gate = Gate()
    now = time.monotonic()
    assert all(gate.enter(now) for _ in range(AT_ONCE))
    assert not gate.enter(now)
    gate.leave()
    assert gate.enter(now)


def test_a_host_that_fails_is_left_alone_for_longer_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("opsconsole.machines.ssh.logins.time.monotonic", lambda: now[0])
    patience, error = Patience(), MachineError(Failure.OTHER, "no", remedy="do")
    pauses = []
    for _ in range(6):
        patience.failed(error)
        began = now[0]
        while _is_left_alone(patience):
            now[0] += 0.5
        pauses.append(now[0] - began)
    assert pauses == [2, 4, 8, 16, 30, 30]
    patience.failed(error)
    with pytest.raises(MachineError, match="no; do"):
        patience.check()
    patience.succeeded()
    assert not _is_left_alone(patience)


def _is_left_alone(patience: Patience) -> bool:
    try:
        patience.check()
    except MachineError:
        return True
    return False


async def test_many_hosts_that_hang_leave_one_that_answers_alone(
    lying: Callable[[str], None],
) -> None:
    lying(f'case "$*" in *dead*) exec sleep 60;; esac; {HONEST}')
    gate = Gate()
    alive = SshMachine(Target("alive", "alive"), gate)
    dead = [SshMachine(Target(f"dead-{n}", f"dead-{n}"), gate) for n in range(AT_ONCE - 1)]
    try:
        waiting = [
            asyncio.create_task(each.run(Command(("true",)), limit=9, deadline=30)) for each in dead
        ]
        finished = await alive.run(Command(("echo", "here")), limit=9, deadline=60)
        assert finished.output == b"here\n"
        assert not any(each.done() for each in waiting)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    finally:
        for machine in (alive, *dead):
            machine.close()
