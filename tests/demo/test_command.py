"""`python -m opsconsole.demo` and its control, as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from opsconsole.demo import binaries, command
from opsconsole.demo.channel import ChannelError, ask
from opsconsole.demo.processes import ServerError
from opsconsole.errors import OpsconsoleError

HEADLESS = (sys.executable, "-m", "opsconsole.demo", "--scenario", "calm")


class Demo:
    """A headless demo, its configuration file and its control socket."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*HEADLESS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.config = Path(self.process.stdout.readline().rstrip("\n"))
        self.state = json.loads((self.config.parent / "demo.json").read_bytes())
        self.socket = Path(self.state["socket"])

    def status(self) -> dict[str, dict[str, object]]:
        """The members by instance."""
        members = ask(self.socket, {"do": "status"}, 5)["members"]
        assert isinstance(members, dict)
        return members

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the control's command line."""
        argv = [sys.executable, "-m", "opsconsole.demo.control", "--socket", str(self.socket)]
        return subprocess.run(
            [*argv, *arguments], capture_output=True, text=True, timeout=60, check=False
        )

    def end(self, number: int = signal.SIGTERM) -> str:
        """Send a signal and return what was written to standard error."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[1]


@pytest.fixture(scope="module", name="demo")
def _demo() -> Iterator[Demo]:
    demo = Demo()
    yield demo
    if demo.process.poll() is None:
        demo.end()


def exists(pid: object) -> bool:
    """Whether a process of that id exists."""
    return Path(f"/proc/{pid}").exists()


def gone(pids: list[object], seconds: float = 10.0) -> bool:
    """Whether all processes end in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(exists(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_a_context_that_is_not_there_is_said_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(OpsconsoleError, match="kubeconfig"):
        command.run(headless=True, kubernetes="production", state_dir=tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_control_restarts_and_returns_when_the_new_process_answers(demo: Demo) -> None:
    before = demo.status()["ai-backend"]
    done = demo.control("restart", "ai-backend")
    assert (done.returncode, done.stderr) == (0, "")
    after = demo.status()["ai-backend"]
    assert after["pid"] != before["pid"]
    assert done.stdout == f"ai-backend runs as pid {after['pid']}\n"
    assert httpx.get(f"{after['url']}/health", trust_env=False).json()["status"] == "healthy"


def test_control_injects_and_clears_a_fault(demo: Demo) -> None:
    url = str(demo.status()["oatie"]["url"])
    fault = ("--component", "database", "--state", "degraded", "--message", "slow disk")
    assert demo.control("fault", "oatie", "component", *fault).returncode == 0
    body = httpx.get(f"{url}/health/detailed", trust_env=False).json()
    assert body["services"]["database"]["message"] == "slow disk"
    assert demo.control("fault", "oatie", "clear").returncode == 0
    assert httpx.get(f"{url}/health", trust_env=False).json()["status"] == "healthy"


def test_process_killed_from_outside_stays_dead_until_started(demo: Demo) -> None:
    pid = demo.status()["ai-service-2"]["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    assert gone([pid])
    assert demo.status()["ai-service-2"]["pid"] is None
    assert not (demo.socket.parent / "ai-service-2.pid").exists()
    assert demo.control("start", "ai-service").returncode == 0
    assert demo.status()["ai-service-2"]["pid"] not in (None, pid)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("restart", "nothing"), "known: errorscope"),
        (("fault", "oatie", "component"), "names its component"),
        (("fault", "oatie", "component", "--component", "x"), "known: database"),
    ],
)
def test_control_says_why_not(demo: Demo, arguments: tuple[str, ...], why: str) -> None:
    done = demo.control(*arguments)
    assert done.returncode == 1
    assert why in done.stderr


def test_socket_refuses_what_is_no_command(demo: Demo) -> None:
    for message in ({}, {"do": "dance"}, {"do": ["restart"]}):
        with pytest.raises(ChannelError, match="known: restart"):
            ask(demo.socket, message, 5)


@pytest.mark.servers
@pytest.mark.skipif(binaries.find("prometheus") is None, reason="prometheus is not here")
def test_prometheus_scrapes_every_platform_that_has_metrics(demo: Demo) -> None:
    line = next(
        line for line in demo.config.read_text().splitlines() if line.startswith("  url: http")
    )
    url = line.partition(": ")[2]
    end = time.monotonic() + 15
    up: dict[str, str] = {}
    while time.monotonic() < end and (len(up) < 6 or set(up.values()) != {"1"}):
        answer = httpx.get(f"{url}/api/v1/query?query=up", trust_env=False).json()
        up = {r["metric"]["instance"]: r["value"][1] for r in answer["data"]["result"]}
        time.sleep(0.2)
    assert len(up) == 6
    assert set(up.values()) == {"1"}
    rules = httpx.get(f"{url}/api/v1/rules", trust_env=False).json()["data"]["groups"][0]["rules"]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert {
        "HighErrorRate",
        "LowModelAccuracy",
        "HighLLMLatency",
        "HighLatency",
        "ServiceDown",
    } <= {rule["name"] for rule in rules}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_end_leaves_nothing(number: int) -> None:
    demo = Demo()
    pids = [member["pid"] for member in demo.status().values()]
    assert all(map(exists, pids))
    assert demo.end(number) == ""
    assert demo.process.returncode == 0
    assert gone(pids)
    assert not demo.config.parent.exists()


def test_killed_supervisor_takes_its_processes_along(tmp_path: Path) -> None:
    demo = Demo("--state-dir", str(tmp_path))
    pids = [member["pid"] for member in demo.status().values()]
    demo.end(signal.SIGKILL)
    assert gone(pids)
    assert demo.config.exists()


def test_console_is_opened_on_a_fleet_that_ends_with_it() -> None:
    seen: list[object] = []

    def open_console(config: Path) -> int:
        state = json.loads((config.parent / "demo.json").read_bytes())
        seen.extend([config.parent, state["pid"]])
        return 7

    assert command.run(headless=False, scenario="calm", open_console=open_console) == 7
    folder, pid = seen
    assert isinstance(folder, Path)
    assert not folder.exists()
    assert gone([pid])


def test_a_fleet_that_cannot_start_says_why(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ServerError, match=r"did not start: .*file"):
        command.run(headless=False, state_dir=blocked, open_console=lambda _: 0)


CONSOLE = """
import sys, time
from opsconsole.demo import command

def open_console(config):
    print(config, flush=True)
    time.sleep(60)
    return 0

command.run(headless=False, scenario="calm", open_console=open_console)
"""


def test_fleet_ends_in_order_when_the_console_is_killed() -> None:
    argv = [sys.executable, "-c", CONSOLE]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as console:
        assert console.stdout is not None
        folder = Path(console.stdout.readline().rstrip("\n")).parent
        state = json.loads((folder / "demo.json").read_bytes())
        console.kill()
    assert gone([state["pid"]], 20)
    assert not folder.exists()
