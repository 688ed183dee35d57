"""What an earlier version left is there after an upgrade, and this version goes on with it.

``upgrade/VERSION.tar.gz`` was written by the program of that version, run at ``/mnt`` beside a
service on port 8080: a recording with an outage, a note, a restart, a verified backup, a run of a
runbook and a degradation that has not ended.
"""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from opsconsole.demo.processes import start
from tools.delivery.network import LOOPBACK_UP
from tools.delivery.proof import SERVICE
from tools.terminal import Terminal

VERSIONS: Final = Path(__file__).with_name("upgrade")
SHOP: Final = SERVICE.replace('("127.0.0.1", 0)', '("127.0.0.1", 8080)')
CONSOLE: Final = (sys.executable, "-m", "opsconsole", "--config", "/mnt/config/opsconsole.yaml")
BEGAN: Final = "2026-12-01 02:41:00"
ENVIRONMENT: Final = {"XDG_STATE_HOME": "/mnt", "HOME": "/mnt", "XDG_RUNTIME_DIR": "/mnt"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs namespaces of its own")


class Left:
    """What a version left at ``/mnt``, where its service runs again and nothing else is."""

    def __init__(self, enter: tuple[str, ...]) -> None:
        self.enter = enter

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self.enter, *CONSOLE, *words],
            env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def said(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def document(self, *words: str) -> Any:
        return json.loads(self.said(*words, "--json"))


@pytest.fixture(params=sorted(path.name for path in VERSIONS.glob("*.tar.gz")))
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Left]:
    place, log = tmp_path / "place", tmp_path / "service.log"
    with tarfile.open(VERSIONS / request.param) as archive:
        archive.extractall(place, filter="fully_trusted")
    place.chmod(0o755)
    script = (
        f'mount --bind {place} /mnt && cd /mnt && exec python3 -c "$0" python3 -c "$1" broken m'
    )
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with ExitStack() as cleanup:
        service = start(
            "shop", [*apart, "sh", "-c", script, LOOPBACK_UP, SHOP], log=log,
            ready=lambda: log.exists() and "8080" in log.read_text(),
        )  # fmt: skip
        cleanup.callback(service.stop, grace=0.1)
        spaces = Path(f"/proc/{service.pid}/ns")
        names = {"mount": "mnt", "net": "net", "pid": "pid_for_children"}
        yield Left(("nsenter", *(f"--{each}={spaces / name}" for each, name in names.items())))


def test_all_of_it_is_there(left: Left) -> None:
    assert "shop" in left.said("status")
    done = left.document("operations")
    assert [(each["action"], each["state"]) for each in done] == [
        ("degrade", "verified"), ("backup", "verified"), ("restart", "verified"),
    ]  # fmt: skip
    assert "the chain is whole" in left.said("audit", "verify")
    assert "verified" in left.said("backups", "--verify")
    assert "The shop is down" in left.said("runbook", "list")
    report = left.said("incident", "export", "--from", BEGAN, "--to", "2026-12-01 02:43:00")
    assert "`shop` went wrong at 02:41:3" in report
    assert "it was ok again at 02:41:4" in report
    assert "the shop is being restarted" in report
    assert "began restart of `shop`" in report


def test_nothing_of_it_is_told_twice(left: Left) -> None:
    events = left.document("timeline", "--since", BEGAN)["events"]
    told = [(round(each["at"]), each["kind"], each.get("state"), each["service"]) for each in events
            if each["kind"] != "runbook"]  # fmt: skip
    assert sorted(set(told)) == sorted(told)
    assert {"health", "note", "operation"} <= {kind for _, kind, *_ in told}


def test_what_was_begun_then_is_ended_now(left: Left) -> None:
    assert "verified" in left.said("recover", "shop", "--yes", "--reason", "the sale is over")
    (latest, *_) = left.document("operations")
    assert (latest["action"], latest["state"]) == ("recover", "verified")
    assert "the chain is whole" in left.said("audit", "verify")


def test_the_screen_opens_on_it(left: Left) -> None:
    with Terminal([*left.enter, *CONSOLE], size=(120, 36), environment=ENVIRONMENT) as terminal:
        terminal.until("1 ok")
        terminal.press("u")
        terminal.until("backup shop")
        terminal.press("\x1b")
        terminal.read(0.5)
        terminal.press(":q\r")
        terminal.wait(20)
