"""Child servers start in their own group, answer, end by pid and never outlive their parent."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsconsole.demo.processes import (
    ServerError,
    ServerProcess,
    answers_http,
    free_port,
    spawn,
    start,
)
from tests.patience import until


def accepts_connections(port: int) -> bool:
    """Whether a TCP connection is accepted within a second."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rsplit(")", 1)[1].split()[0] not in "ZX"


@contextmanager
def shell(script: str, log: Path) -> Iterator[ServerProcess]:
    with spawn("shell", ["sh", "-c", script], log=log) as server:
        yield server


def pid_in(file: Path) -> int:
    until(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


def test_a_server_answers_once_started_and_not_after_its_stop(tmp_path: Path) -> None:
    port = free_port()
    server = start(
        "web",
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        log=tmp_path / "log",
        ready=lambda: answers_http(port),
        folder=tmp_path,
    )
    assert server.is_running()
    assert accepts_connections(port)
    server.stop()
    assert not server.is_running()
    assert not accepts_connections(port)
    assert '"GET / HTTP/1.1" 200' in server.log_tail()
    server.stop()


def test_a_server_that_ends_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    command = ["sh", "-c", r"printf 'no such thing\033[2J\n'; exit 3"]
    with pytest.raises(ServerError, match="ended before it answered") as caught:
        start("early", command, log=tmp_path / "log", ready=lambda: False)
    assert "no such thing␛[2J" in str(caught.value)


def test_a_server_that_never_answers_is_stopped_at_its_deadline(tmp_path: Path) -> None:
    with shell("exec sleep 60", tmp_path / "log") as server:
        with pytest.raises(ServerError, match=r"did not answer within 0\.1 s"):
            server.wait_ready(lambda: False, deadline=0.1)
        assert not server.is_running()
        assert not alive(server.pid)


def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="ended before it answered"):
        start("ghost", [tmp_path / "ghost"], log=tmp_path / "log", ready=lambda: False)


def test_stop_kills_what_ignores_term_and_what_outlives_the_leader(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; sleep 60 & echo $! >member; while :; do sleep 0.05; done"
    with spawn("stubborn", ["sh", "-c", stubborn], log=tmp_path / "log", folder=tmp_path) as server:
        member = pid_in(tmp_path / "member")
        server.stop(grace=0.2)
        assert not alive(server.pid)
        until(lambda: not alive(member))


def test_stop_ends_a_suspended_server_without_waiting_for_the_grace(tmp_path: Path) -> None:
    with shell("exec sleep 60", tmp_path / "log") as server:
        server.send_signal(signal.SIGSTOP)
        server.stop(grace=1000)
        assert not server.is_running()


def test_a_server_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import pathlib, signal, sys, threading
        from opsconsole.demo.processes import spawn
        folder = pathlib.Path(sys.argv[1])
        def begin():
            server = spawn("orphan", ["sleep", "60"], log=folder / "log")
            (folder / "pid").write_text(f"{server.pid}\\n")
        thread = threading.Thread(target=begin)
        thread.start()
        thread.join()
        signal.pause()
    """)
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) as parent:
        orphan = pid_in(tmp_path / "pid")
        time.sleep(0.2)
        assert alive(orphan), "a server outlives the thread that started it"
        os.kill(parent.pid, signal.SIGKILL)
    until(lambda: not alive(orphan))


def test_free_ports_can_be_listened_on(tmp_path: Path) -> None:
    ports = {free_port() for _ in range(20)}
    assert len(ports) > 1
    assert not any(accepts_connections(port) for port in ports)
