"""What systemd is notified, at a socket as it has."""

import os
import socket
from pathlib import Path

import pytest

from opsconsole.watcher.systemd import ALIVE, READY, Systemd


@pytest.mark.parametrize("abstract", [False, True])
def test_it_hears_each_line(tmp_path: Path, abstract: bool) -> None:
    path = f"@opsconsole-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(path.replace("@", "\0", 1))
        there.settimeout(60)
        systemd = Systemd({"NOTIFY_SOCKET": path})
        systemd.say(READY, "STATUS=leads")
        systemd.say(ALIVE)
        assert there.recv(100) == b"READY=1\nSTATUS=leads"
        assert there.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "relative", "@nobody", "/" * 300])
def test_where_nobody_listens_nothing_fails(address: str) -> None:
    Systemd({"NOTIFY_SOCKET": address}).say(READY)


@pytest.mark.parametrize(
    ("environ", "pause"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_it_shows_life_twice_as_often_as_is_asked(
    environ: dict[str, str], pause: float | None
) -> None:
    assert Systemd(environ).pause == pause
