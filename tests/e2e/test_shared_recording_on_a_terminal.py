"""Bastion A sees red; on bastion B a console is opened afterwards, and shows the hours that A saw.

Each is a process of its own, with a host's name and a state folder of its own; one PostgreSQL.
"""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from opsconsole.operations.postgresql.database import PostgresqlDatabase
from tests.cli.conftest import Shop
from tests.operations.place import end_waiting
from tests.patience import until
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

PROGRAM = (sys.executable, "-m", "opsconsole")
_NEW_NAMES = 0x04000000  # CLONE_NEWUTS, of unshare(2)


def called(name: str) -> Callable[[], None]:
    """Makes a process one of a host called ``name``, where a user may."""
    libc = ctypes.CDLL(None)

    def become() -> None:
        if os.geteuid() == 0 and libc.unshare(_NEW_NAMES) == 0:
            socket.sethostname(name)

    return become


def host(name: str) -> str:
    """What ``name`` is called there."""
    line = "import socket; print(socket.gethostname())"
    argv = [sys.executable, "-c", line]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, preexec_fn=called(name))
    return done.stdout.strip()


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A healthy shop."""
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def config(tmp_path: Path, shop: Shop, postgresql_database: str) -> Iterator[Callable[[str], Path]]:
    """The configuration of a bastion."""

    def of(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        settings = {
            "environment": {"name": "production"},
            "state": {"postgresql": postgresql_database},
            "state_dir": str(folder / "state"),
            "host": {"enabled": False},
            "docker": {"enabled": False},
            "services": {"shop": {"instances": [shop.url], "interval": "300ms"}},
        }
        path = folder / "opsconsole.yaml"
        path.write_text(json.dumps(settings))
        path.chmod(0o600)
        return path

    yield of
    for name in ("bastion-a", "bastion-b"):
        end_waiting(tmp_path / name / "state")


def is_sent(where: str, moment: float) -> bool:
    """Whether the server has what was seen then."""
    with closing(PostgresqlDatabase(where)) as database:
        query = "SELECT 1 FROM recorded WHERE kind = 'segment' AND ends_at >= ?"
        return bool(database.read(query, (moment,)))


def leave(terminal: Terminal) -> None:
    """Leave by the usual way."""
    terminal.press(":q\r")
    assert terminal.wait(60)[0] == 0


def test_a_console_on_another_bastion_shows_what_the_first_one_saw(
    config: Callable[[str], Path], shop: Shop, tmp_path: Path, postgresql_database: str
) -> None:
    healthy, home = dict(shop.body), {"HOME": str(tmp_path)}
    a, b = config("bastion-a"), config("bastion-b")
    seen_by = f"@{host('bastion-a')} saw it"
    argv = [*PROGRAM, "--config", str(a)]
    with Terminal(argv, size=(140, 40), environment=home, prepare=called("bastion-a")) as terminal:
        terminal.until("1 ok")
        shop.lose_database()
        terminal.until("1 down")
        terminal.read(2.0)
        red = time.time() - 0.5
        shop.code, shop.body = 200, healthy
        terminal.until("1 ok")
        terminal.read(1.5)
        leave(terminal)
    while not is_sent(postgresql_database, red):
        # It was in a hurry to end; the next console there sends what it left.
        with Terminal(
            argv, size=(140, 40), environment=home, prepare=called("bastion-a")
        ) as terminal:
            terminal.until("1 ok")
            until(lambda: is_sent(postgresql_database, red))
            leave(terminal)

    argv = [*PROGRAM, "--config", str(b)]
    with Terminal(argv, size=(140, 40), environment=home, prepare=called("bastion-b")) as terminal:
        terminal.until("1 ok")
        terminal.until("down → ok")
        terminal.press(f":at {time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(red))}\r")
        terminal.until("REPLAY")
        terminal.until(lambda _: "1 down" in terminal.lines[0])
        terminal.until(lambda _: seen_by in terminal.lines[1])
        terminal.press("p")
        terminal.until(lambda _: "1 ok" in terminal.lines[0])
        leave(terminal)

    listed = subprocess.run(
        [*PROGRAM, "timeline", "--config", str(b)], env={**os.environ, **home},
        preexec_fn=called("bastion-b"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "ok → down" in listed.stdout
    assert seen_by in listed.stderr

    wall = json.loads(b.read_text())
    b.write_text(json.dumps({**wall, "recording": {"enabled": False}}))
    shutil.rmtree(tmp_path / "bastion-b" / "state" / "recordings")
    listed = subprocess.run(
        [*PROGRAM, "timeline", "--config", str(b), "--json"], env={**os.environ, **home},
        preexec_fn=called("bastion-b"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    hosts = {each["by"].partition("@")[2] for each in json.loads(listed.stdout)["seen_by"]}
    assert host("bastion-a") in hosts, "one that records nothing sees what others recorded"
