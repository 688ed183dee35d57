"""Two people on two terminals, one state: an incident from its beginning to the export of it.

Each console is a process of its own, of a login of its own, as the kernel says it.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.operations.place import end_waiting
from tests.operations.recording_server import RecordingServer
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

PROGRAM = (sys.executable, "-m", "opsconsole")
KIM, ANA = (1, "daemon"), (2, "bin")
"""Two logins that every Debian knows."""

CONFIGURATION = """
docker: []
host: {{enabled: false}}
state_dir: {state}
environment: {{name: production, danger: high}}
services:
  shop:
    instances: [{url}]
    health: /health
    interval: 1s
    actions:
      restart: {{http: {{post: /restart, timeout: 5s}}, min_healthy: 300ms, deadline: 30s}}
"""


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    made = RecordingServer()
    yield made
    made.stop()


@pytest.fixture
def config(server: RecordingServer, tmp_path: Path) -> Iterator[Path]:
    path, state = tmp_path / "opsconsole.yaml", tmp_path / "state"
    path.write_text(CONFIGURATION.format(state=state, url=server.url))
    path.chmod(0o600)
    yield path
    end_waiting(state)


def logged_in(uid: int) -> Callable[[], None]:
    """Makes a process one of another login."""

    def become() -> None:
        Path("/proc/self/loginuid").write_text(str(uid))

    return become


def knows_logins() -> bool:
    """Whether this kernel lets a login be recorded."""
    line = "open('/proc/self/loginuid', 'w').write('1')"
    done = subprocess.run([sys.executable, "-c", line], check=False, capture_output=True)
    return done.returncode == 0


def command(config: Path, *words: str) -> str:
    """What a command prints."""
    argv = [*PROGRAM, *words, "--config", str(config)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return done.stdout


def test_two_people_share_an_incident_from_its_beginning_to_the_export(
    config: Path, server: RecordingServer, tmp_path: Path
) -> None:
    if not knows_logins():
        pytest.skip("this kernel records no logins")
    argv = [*PROGRAM, "--config", str(config)]
    home = {"HOME": str(tmp_path)}
    with (
        Terminal(argv, size=(120, 40), environment=home, prepare=logged_in(KIM[0])) as kim,
        Terminal(argv, size=(80, 24), environment=home, prepare=logged_in(ANA[0])) as ana,
    ):
        kim.until("1 ok")
        ana.until("● 1")
        # Kim opens it; Ana sees it, joins with a role, and looks at the service.
        kim.press("I")
        kim.until("enter opens an incident about shop")
        kim.press("checkout slow\r")
        kim.until("! INC-1 daemon")
        ana.until("! INC-1")
        kim.until("2 people")
        ana.until("2 people")
        ana.press("i")
        ana.until("INC-1 checkout slow")
        ana.press("J")
        ana.until("enter joins INC-1")
        ana.press("scribe\r")
        ana.until("joined: scribe")
        ana.press("\x1b")
        ana.until("1 Services")
        ana.press("\r")
        ana.until("1 why")
        kim.until("◇ bin")
        # Kim acts: the plan says who else looks at it.
        kim.press("R")
        kim.until("is looking at this")
        kim.until("the name is missing")
        kim.read(0.8)
        kim.press("shop\rit is slow\r")
        kim.until(lambda text: "is missing" not in text)
        kim.press(" ")
        kim.until("verified")
        kim.press("\x1b")
        # What is typed as a dialog closes is not used.
        kim.read(0.8)
        # How it stands, and the hand-over.
        kim.press("i")
        kim.until("INC-1 checkout slow")
        kim.press("S")
        kim.until("how INC-1 stands")
        kim.press("restarted, watching\r")
        kim.until("status: restarted, watching")
        ana.press(":handover\r")
        ana.until("Hand-over")
        ana.until("restarted, watching")
        ana.press("H")
        ana.until("enter takes over")
        ana.press("\r")
        ana.until("taken by bin")
        assert "taken by bin" in command(config, "handover").replace("\\", "")
        # Ana takes the command, and closes it; Kim sees both.
        ana.press("\x1b")
        ana.until("1 why")
        ana.press(":incident command\r")
        kim.until(lambda text: bool(re.search(r"command +bin@", text)))
        ana.press(":incident close p95 is well\r")
        kim.until("closed by bin: p95 is well")
        kim.until(lambda text: "! INC-1" not in text)
    assert len(server.changes) == 1
    report = command(config, "incident", "export", "1").replace("\\", "")
    assert report.startswith("# INC-1: checkout slow, ")
    told = report.partition("## Who did what")[2].partition("\n## ")[0]
    rows = [line for line in told.splitlines() if line.startswith("| ")][2:]
    said = [(row.split(" | ")[1].split(" at ")[0], row.split(" | ")[2]) for row in rows]
    expected = [
        ("daemon", "opened it: checkout slow"), ("bin", "joined: scribe"),
        ("daemon", "**restart of shop**: verified"), ("daemon", "status: restarted, watching"),
        ("bin", "took the command"), ("bin", "closed it: p95 is well"),
    ]  # fmt: skip
    assert [who for who, _ in said] == [who for who, _ in expected], rows
    for (_, found), (_, wanted) in zip(said, expected, strict=True):
        assert found.startswith(wanted)
    assert "scribe" in command(config, "incident", "show", "INC-1")
