"""Who may log in where, and what is said of it: on a real host, with the shells there are."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.machines.ssh.line import LostError
from opsconsole.machines.ssh.logins import Gate, Target, explained
from opsconsole.machines.ssh.machine import SshMachine
from opsconsole.model.running.machine import Command, Failure, Finished, MachineError
from tests.patience import Patience, soon, until
from tests.servers.hosts import Fleet, Host

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def host(hosts: Fleet) -> Host:
    return hosts["app-1"]


@contextlib.contextmanager
def reached(host: Host, ssh: str = "app-1", config: Path | None = None) -> Iterator[SshMachine]:
    machine = SshMachine(Target("app-1", ssh, str(config or host.ssh_config)), Gate())
    try:
        yield machine
    finally:
        machine.close()


async def said(machine: SshMachine, script: str) -> Finished:
    return await machine.run(Command(("sh", "-c", script)), limit=10_000, deadline=60)


async def refused(machine: SshMachine) -> MachineError:
    with pytest.raises(MachineError) as raised:
        await said(machine, "true")
    assert not raised.value.begun
    assert raised.value.remedy
    return raised.value


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash", "/usr/bin/fish", "/bin/csh", "busybox"])
async def test_the_login_shell_is_no_matter(host: Host, shell: str) -> None:
    user = f"u-{Path(shell).name}"
    if shell == "busybox":
        host.sh("printf '#!/bin/sh\\nexec busybox sh \"$@\"\\n' >/bin/bb && chmod 755 /bin/bb")
        shell = "/bin/bb"
    host.add_user(user, shell)
    with reached(host, f"{user}@app-1") as machine:
        words = ("%s|", "a b", "$HOME `id` 'q' \"d\" \\n !x %s", "ü\n;")
        finished = await machine.run(Command(("printf", *words)), limit=1000, deadline=60)
        assert finished.output.decode() == "".join(f"{word}|" for word in words[1:])
        assert (await said(machine, "id -un")).output.decode().strip() == user


_FORCED = r"""
cd /home/forced/.ssh; key=$(cat authorized_keys)
printf 'restrict,command="exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"" %s\n' "$key" >authorized_keys
"""


async def test_a_forced_command_that_runs_what_it_is_sent_is_no_matter(host: Host) -> None:
    host.add_user("forced")
    host.sh(_FORCED)
    with reached(host, "forced@app-1") as machine:
        assert (await said(machine, 'id -un; echo "it is $0"')).output == b"forced\nit is sh\n"
        kept = Command(("sh", "-c", "echo kept; exit 3"))
        found = await machine.run_named("forced", kept, limit=100, deadline=60)
        assert (found.code, found.output) == (3, b"kept\n")


async def test_a_jump_host_is_ssh_s_own_affair(host: Host, hosts: Fleet, tmp_path: Path) -> None:
    jump = hosts["app-2"]
    config = tmp_path / "config"
    config.write_text(f"Host app-1\n  ProxyJump app-2\n\n{host.ssh_config.read_text()}")
    with reached(host, config=config) as machine:
        asked = Command(("sh", "-c", "uname -n; echo $SSH_CONNECTION"), inherits=True)
        seen = await machine.run(asked, limit=1000, deadline=60)
    name, way = seen.output.split(b"\n")[:2]
    assert name == b"app-1"
    assert way.split()[0].decode() == jump.address


async def test_what_a_login_prints_is_no_answer(host: Host) -> None:
    host.add_user("noisy", "/bin/bash")
    rc = "printf '\\033[2J\\000%s\\r\\n' banner; echo complaint >&2; echo 'ocT=forged'"
    host.sh('printf "%s\\n" "$1" >/home/noisy/.bashrc', rc)
    with reached(host, "noisy@app-1") as machine:
        assert await said(machine, "echo words; exit 3") == Finished(
            (await said(machine, "true")).end, 3, b"words\n"
        )


async def test_one_that_asks_or_says_something_without_end_is_named(host: Host) -> None:
    host.add_user("floods", "/bin/bash")
    host.sh("echo 'while :; do echo 0123456789; done' >/home/floods/.bashrc")
    with reached(host, "floods@app-1") as machine:
        assert "no shell" in str(await refused(machine))
    host.add_user("nobody-in", "/usr/sbin/nologin")
    with reached(host, "nobody-in@app-1") as machine:
        await refused(machine)


async def test_without_a_key_nobody_is_asked_for_a_password(host: Host, tmp_path: Path) -> None:
    config = tmp_path / "config"
    text = host.ssh_config.read_text()
    config.write_text(text.replace(f"{host.ssh_config.parent}/key", f"{tmp_path}/no-key"))
    with reached(host, config=config) as machine:
        error = await refused(machine)
    assert error.failure is Failure.DENIED
    assert "none of the keys" in str(error)


async def test_another_host_key_is_named_and_nobody_is_let_in(host: Host, tmp_path: Path) -> None:
    kind, public = (host.ssh_config.parent / "key.pub").read_text().split()[:2]
    config = tmp_path / "config"
    known = f"{host.ssh_config.parent}/known_hosts"
    config.write_text(host.ssh_config.read_text().replace(known, f"{tmp_path}/known"))
    for line, words in (
        (f"{host.address} {kind} {public}\n", "another host key"),
        ("", "not known"),
    ):
        (tmp_path / "known").write_text(line)
        with reached(host, config=config) as machine:
            error = await refused(machine)
        assert words in str(error)
        assert error.failure is Failure.DENIED


async def test_an_address_that_nobody_knows_and_a_port_where_nothing_listens(host: Host) -> None:
    with reached(host, "nowhere.invalid") as machine:
        error = await refused(machine)
    assert "no address is known" in str(error)
    assert error.failure is not Failure.NOT_FOUND
    with reached(host, "ssh://ops@127.0.0.1:1") as machine:
        assert "nothing listens" in str(await refused(machine))
        assert "(ops@127.0.0.1 port 1)" in str(await refused(machine))


async def test_what_failed_is_not_tried_again_at_once(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = tmp_path / "ssh"
    counting.write_text(f'#!/bin/sh\necho >>{tmp_path}/count\nexec /usr/bin/ssh "$@"\n')
    counting.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with reached(host, "ssh://127.0.0.1:1") as machine:
        errors = {str(await refused(machine)) for _ in range(5)}
    assert len(errors) == 1
    assert len((tmp_path / "count").read_text()) < 5


async def test_one_session_for_a_connection_is_enough(host: Host) -> None:
    host.sh("echo MaxSessions 1 >/etc/ssh/sshd_config.d/one.conf && systemctl restart ssh")
    try:
        with reached(host) as machine:
            running = [said(machine, f"sleep 0.1; echo {number}") for number in range(6)]
            assert [each.output for each in await asyncio.gather(*running)] == [
                b"%d\n" % number for number in range(6)
            ]
    finally:
        host.sh("rm /etc/ssh/sshd_config.d/one.conf && systemctl restart ssh")


async def test_a_line_that_was_ended_there_is_replaced(host: Host) -> None:
    with reached(host) as machine:
        await said(machine, "true")
        assert (await machine.stat(Path("/etc"))).size
        host.sh("pkill -f '[s]shd: root@notty'")
        # What is sent before the end of the line is known here may have been begun there.
        patience = Patience(lambda: "the line is replaced")
        while True:
            try:
                assert (await said(machine, "echo again")).output == b"again\n"
                assert (await machine.stat(Path("/etc"))).size
                break
            except MachineError as error:
                if not error.begun:
                    raise
                patience.spent()


async def test_a_line_that_breaks_in_between_leaves_it_open_what_happened(host: Host) -> None:
    with reached(host) as machine:
        running = asyncio.create_task(said(machine, "touch /run/began; sleep 1000"))
        await soon(lambda: "began" in host.sh("ls /run"))
        host.sh("pkill -f '[s]shd: root@notty'; rm /run/began")
        with pytest.raises(MachineError) as raised:
            await running
        assert raised.value.begun


def test_a_console_that_is_killed_leaves_nothing_there(host: Host) -> None:
    program = textwrap.dedent(f"""
        import asyncio
        from opsconsole.machines.ssh.logins import Gate, Target
        from opsconsole.machines.ssh.machine import SshMachine
        from opsconsole.model.running.machine import Command
        async def main():
            machine = SshMachine(Target("app-1", "app-1", {str(host.ssh_config)!r}), Gate())
            await machine.launch(Command(("sleep", "7654")))
            await machine.run(Command(("true",)), limit=9, deadline=60)
            await machine.stat(__import__("pathlib").Path("/etc"))
            running = machine.run(Command(("sleep", "4567")), limit=9, deadline=600)
            stream = machine.stream(Command(("sh", "-c", "echo on; sleep 3456")))
            task = asyncio.create_task(running)
            next(iter(stream))
            await asyncio.sleep(0.5)
            print("on", flush=True)
            await task
        asyncio.run(main())
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as console:
        assert console.stdout is not None
        assert console.stdout.readline() == "on\n"
        until(lambda: "sleep 4567" in host.sh("ps -eo args"))
        os.kill(console.pid, signal.SIGKILL)

    def left() -> list[str]:
        ours = ("sleep", "/bin/sh -c eval", "sh -c echo on", "cat", "sshd: root")
        return [each for each in host.sh("ps -eo args").splitlines() if each.startswith(ours)]

    until(lambda: left() == ["sleep 7654"], every=0.2)
    host.sh("pkill -f '[s]leep 7654'")


@pytest.mark.parametrize(
    ("ssh", "words", "shown"),
    [
        ("ssh://ops@127.0.0.1:22422", "connect to host 127.0.0.1 port 22422: Connection refused",
         "app-1 (ops@127.0.0.1 port 22422)"),
        ("ssh://ops@127.0.0.1:22422", "Permission denied", "app-1 (ops@127.0.0.1 port 22422)"),
        ("app-1", "connect to host ::1 port 22: Connection refused", "app-1 (::1 port 22)"),
        ("app-1", "Could not resolve hostname app-1: Name or service not known", "app-1"),
        ("ops@app-1", "Could not resolve hostname b: Name or service not known", "app-1 (b)"),
        ("ops@10.0.0.7", "connect to host jump port 22: Connection timed out",
         "app-1 (jump port 22)"),
        ("ops@10.0.0.7", "Connection closed", "app-1 (ops@10.0.0.7)"),
    ],
)  # fmt: skip
def test_the_address_that_was_tried_is_named(ssh: str, words: str, shown: str) -> None:
    error = explained(LostError(words.encode(), 255), Target("app-1", ssh))
    assert re.search(rf"(?<!\S){re.escape(shown)}(?! \()", error.what)
    assert error.failure is not Failure.NOT_FOUND


def test_without_ssh_nothing_is_called_missing_there() -> None:
    error = explained(FileNotFoundError(2, "no"), Target("app-1", "app-1"))
    assert error.failure is not Failure.NOT_FOUND
