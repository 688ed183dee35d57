"""Programs that nothing here cuts: one under each name, and its end is found again."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.machines.ssh import named
from opsconsole.machines.ssh.logins import Gate, Target
from opsconsole.machines.ssh.machine import SshMachine
from opsconsole.model.running.machine import Command, End, Failure, Finished, MachineError
from tests.machines.contract import is_alive, until

LIMIT = 1000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder at the far end of an ssh that leads to this host."""
    ssh, home = tmp_path / "bin/ssh", tmp_path / "home"
    ssh.parent.mkdir()
    home.mkdir()
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    last = "for last; do :; done"
    ssh.write_text(f'#!/bin/sh\n{last}\nHOME={home}; export HOME\nexec /bin/sh -c "$last"\n')
    ssh.chmod(0o755)
    return home


@pytest.fixture
def machine(home: Path) -> Iterator[SshMachine]:
    machine = SshMachine(Target("db", "db", errand=secrets.token_hex(8)), Gate())
    yield machine
    machine.close()


def sh(script: str, *, grace: float = 0.0) -> Command:
    return Command(("sh", "-c", script), grace=grace, environment={"WORD": "it's"})


async def ran(
    machine: SshMachine, command: Command, *, name: str = "", deadline: float = 60.0
) -> Finished:
    name = name or secrets.token_hex(8)
    return await machine.run_named(name, command, limit=LIMIT, deadline=deadline)


@pytest.mark.parametrize(
    ("script", "code", "output"),
    [
        ("echo out; echo err >&2; exit 3", 3, b"out\nerr\n"),
        ('echo "$WORD"; env | grep -c ^oc || :', 0, b"it's\n0\n"),
        ("kill -KILL $$", -9, b""),
        ("cat", 0, b""),
        ("yes | head -c 100000", 0, b"y\n" * (LIMIT // 2)),
        ("printf '\\033[2J'", 0, b"\x1b[2J"),
    ],
)
async def test_it_says_how_it_ended(
    machine: SshMachine, script: str, code: int, output: bytes
) -> None:
    assert await ran(machine, sh(script)) == Finished(End.EXITED, code, output)


async def test_it_is_ended_at_its_limit_with_its_children(
    machine: SshMachine, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    child = f"(trap '' TERM; exec sleep 600) & echo $! >{pid}"
    found = await ran(
        machine, sh(f"{child}; trap 'echo asked; exit 5' TERM; wait", grace=1.0), deadline=1.0
    )
    assert found == Finished(End.LATE, 5, b"asked\n")
    # It ignored that it was asked to end.
    await until(lambda: not is_alive(int(pid.read_text())))


async def test_what_is_not_there_is_not_begun(machine: SshMachine) -> None:
    for command in (Command(("/no/program",)), Command(("true",), cwd="/no/folder")):
        with pytest.raises(MachineError) as raised:
            await ran(machine, command)
        assert (raised.value.failure, raised.value.begun) == (Failure.NOT_FOUND, False)


async def test_many_that_ask_for_one_name_begin_it_once(
    machine: SshMachine, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    command = sh(f"echo x >>{count}; sleep 0.2; exit 4")
    found = await asyncio.gather(*(ran(machine, command, name="one") for _ in range(5)))
    assert {each.code for each in found} == {4}
    assert count.read_text() == "x\n"
    # Another process that asks later learns the same.
    again = await machine.ended("one", command, limit=LIMIT, deadline=1.0)
    assert again is not None
    assert again.code == 4


async def test_what_was_looked_up_and_not_begun_is_never_begun(
    machine: SshMachine, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    command = sh(f"echo x >>{count}")
    assert await machine.ended("one", command, limit=LIMIT, deadline=1.0) is None
    with pytest.raises(MachineError, match="never will"):
        await ran(machine, command, name="one")
    assert not count.exists()


async def test_a_host_may_be_slow_to_begin_it(machine: SshMachine, home: Path) -> None:
    slow = home.parent / "bin/setsid"
    slow.write_text(f'#!/bin/sh\nsleep 1.5; exec {shutil.which("setsid")} "$@"\n')
    slow.chmod(0o755)
    assert (await ran(machine, sh("exit 3"))).code == 3


async def test_it_goes_on_without_the_line_and_its_end_is_found(home: Path, tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    command = sh(f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done; echo late; exit 6")
    # Another test run on this host may be at the same.
    target = Target("db", "db", errand=secrets.token_hex(8))
    first = SshMachine(target, Gate())
    waiting = asyncio.create_task(ran(first, command, name="one"))
    while not begun.exists():  # noqa: ASYNC110 - a program's own doing
        await asyncio.sleep(0.01)
    waiting.cancel()
    first.close()
    second = SshMachine(target, Gate())
    try:
        go.touch()
        found = await second.ended("one", command, limit=LIMIT, deadline=60.0)
    finally:
        second.close()
    assert found == Finished(End.EXITED, 6, b"late\n")


async def test_a_keeper_that_is_gone_is_said(machine: SshMachine, home: Path) -> None:
    folder = home / ".cache/opsconsole/one"
    folder.mkdir(parents=True)
    (folder / "keeper").symlink_to("1 1")
    with pytest.raises(MachineError, match="nobody at db saw how sh ended") as raised:
        await machine.ended("one", sh(":"), limit=LIMIT, deadline=60.0)
    assert raised.value.begun


async def test_nothing_is_begun_whose_end_could_not_be_kept(
    machine: SshMachine, home: Path
) -> None:
    (home / ".cache").write_text("no folder")
    with pytest.raises(MachineError, match="cannot be written to") as raised:
        await ran(machine, sh(":"))
    assert not raised.value.begun
    assert raised.value.remedy


async def test_it_leaves_nothing_that_others_may_read_and_no_secret(
    machine: SshMachine, home: Path
) -> None:
    command = Command(("sh", "-c", "echo done"), environment={"TOKEN": "s3cret-value"})
    await ran(machine, command, name="one")
    kept = home / ".cache/opsconsole"
    assert kept.stat().st_mode & 0o077 == 0
    for path in kept.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert b"s3cret-value" not in path.read_bytes()
    assert [each.name for each in kept.iterdir()] == ["one"]


async def test_a_late_message_of_a_line_that_is_gone_does_nothing(
    home: Path, tmp_path: Path
) -> None:
    """What is looked up over a new line stays as it is found."""
    file, begun, go = (tmp_path / each for each in ("file", "begun", "go"))
    errand = secrets.token_hex(8)
    first = SshMachine(Target("db", "db", errand=errand), Gate())
    slow = f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done; touch {file}"
    task = asyncio.create_task(first.ask(slow, limit=LIMIT, deadline=60.0))
    while not begun.exists():  # noqa: ASYNC110 - a program's own doing
        await asyncio.sleep(0.01)
    second = SshMachine(Target("db", "db", errand=errand), Gate())
    other = SshMachine(Target("db", "db", errand=secrets.token_hex(8)), Gate())
    try:
        await other.ask(":", limit=LIMIT, deadline=60.0)
        assert not task.done()
        await second.ask(":", limit=LIMIT, deadline=60.0)
        with pytest.raises(MachineError):
            await task
        go.touch()
        await asyncio.sleep(0.5)
        assert not file.exists()
    finally:
        for each in (first, second, other):
            each.close()


def test_a_host_may_be_away_for_a_while() -> None:
    assert named.AWAY >= 60
