"""Eleven drills: real containers and servers break; a person at the keys finds out why, and acts.

One console sees them all. Each cause stands on its row within two looks of what can tell it, as the
console's own recording counts them; what the keys do is verified on the screen, and the timeline
and the report tell what happened.
"""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.processes import free_port
from opsconsole.demo.prometheus import MonitoringServer, ScrapeJob
from tests.e2e.drill_fleet import (
    BROKEN,
    BY_TURNS,
    FLOOD,
    LEAK,
    PAGE,
    QUICK,
    SLOW,
    WRITES,
    Fleet,
    TlsServer,
)
from tests.e2e.drill_record import Hurt, told
from tests.operations.place import end_waiting
from tests.servers.fixtures import MonitoringStack
from tools.terminal import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.servers]

SIZE = (160, 50)
NEEDY = [f"needs-{number}" for number in range(5)]
CAUSES = {
    "shop": "shop-2 stopped by SIGKILL",
    "leak": "leak killed, out of memory",
    "db": "db stopped by SIGTERM",
    **dict.fromkeys(NEEDY, "↳ db: db stopped by SIGTERM"),
    "slow": " ms > 100 ms",
    "disk": "disk down: no space left",
    "flap": "flap flaps, ",
    "cert": "certificate ends in 5 days",
    "rollout": "HTTP 500: no table orders since 1.4→1.5",
    "flood": "Refused fires, payment refused",
}

IN_LOOKS = 6
"""Three make a service down; what dies by turns may be met alive by as many again."""


class Drill:
    """A console at the keys of a person."""

    def __init__(self, fleet: Fleet, config: Path, terminal: Terminal) -> None:
        self.fleet = fleet
        self.config = config
        self.terminal = terminal

    def row(self, service: str) -> str:
        """The row of ``service`` on the overview."""
        rows = (line for line in self.terminal.lines[2:20] if f" {service} " in line[:30])
        return next(rows, "")

    def until_row(self, service: str, *said: str) -> None:
        self.terminal.until(lambda _: all(each in self.row(service) for each in said))

    def to_row(self, service: str) -> None:
        """As a person goes: from one row that is not ok to the next, while some come and go."""
        for _ in range(200):
            self.terminal.read(0.2)
            if any(line.startswith(f" {service} ─") for line in self.terminal.lines):
                return
            self.terminal.press("n")
        raise AssertionError(f"{service} was not reached:\n{self.terminal.text}")

    def open(self, service: str) -> None:
        """The service's first tab, by its name."""
        self.terminal.press(f":{service}\r")
        self.terminal.until(lambda text: f" {service} " in text and "1 why" in text)

    def back(self) -> None:
        """To the overview."""
        while "1 Services" not in self.terminal.text:
            self.terminal.press("\x1b")
            for _ in range(7):  # what is pressed as a dialog closes is not used
                self.terminal.read(0.1)
                if "1 Services" in self.terminal.text:
                    break

    def carry_out(self, key: str, *read: str) -> None:
        """Open the plan with ``key``, read it, choose what it offers; return once it is on."""
        self.terminal.press(key)
        self.terminal.until(lambda text: all(each in text for each in ("undone by", *read)))
        self.terminal.read(0.7)  # a plan takes no key in the moment in which it opens
        self.terminal.press("\t")
        self.terminal.until(lambda text: "▸Cancel" not in text)
        self.terminal.press(" ")
        self.terminal.until(lambda text: "undone by" not in text)

    def command(self, *words: str, exits: int = 0) -> str:
        """What another process with the same configuration prints."""
        argv = [sys.executable, "-m", "opsconsole", *words, "--config", str(self.config)]
        ran = subprocess.run(argv, check=False, capture_output=True, text=True)
        assert ran.returncode == exits, f"{ran.returncode}: {ran.stdout}{ran.stderr}"
        return ran.stdout + ran.stderr


@pytest.fixture
def fleet(docker_sandbox: Engine, tmp_path: Path) -> Fleet:
    fleet = Fleet(docker_sandbox, tmp_path)

    def back_to(tag: str, name: str) -> dict[str, object]:
        return {"rollback": {"docker": {"containers": [name], "image": f":{tag}"}, **QUICK}}

    fleet.serve("shop", 3)
    fleet.serve("db")
    address = fleet.services["db"]["instances"][0]["url"]
    for name in NEEDY:
        fleet.declare(name, instances=[address], health=PAGE, depends_on=["db"])
    fleet.serve("leak", actions=back_to("1", "leak"))
    fleet.serve("rollout", image=fleet.answering("1.4"), actions=back_to("1.4", "rollout"))
    fleet.serve("slow", image=fleet.answering("slow", SLOW), objectives=["p95(latency) < 100ms"])
    fleet.serve("disk", image=fleet.answering("disk", WRITES))
    fleet.serve("flap", image=fleet.answering("flap", BY_TURNS))
    refused = {"name": "Refused", "when": "refused > 0", "severity": "warning",
               "summary": "payment refused"}  # fmt: skip
    fleet.serve(
        "flood",
        image=fleet.image("flood", FLOOD),
        health=PAGE,
        logs=[{"docker": "flood", "patterns": {"refused": "payment refused"}}],
        alerts=[refused],
    )
    fleet.serve(
        "metered",
        metrics={"series": {"gauge": "prometheus_tsdb_head_series"}},
        objectives=["series > 0"],
    )
    return fleet


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[TlsServer]:
    server = TlsServer(tmp_path, 300)
    yield server
    server.stop()


@pytest.fixture
def prometheus(monitoring_stack: MonitoringStack) -> MonitoringServer:
    port = free_port()
    itself = ScrapeJob("prometheus", [f"127.0.0.1:{port}"])
    return monitoring_stack.prometheus(jobs=[itself], port=port)


@pytest.fixture
def drill(
    fleet: Fleet, tls: TlsServer, prometheus: MonitoringServer, tmp_path: Path
) -> Iterator[Drill]:
    fleet.declare(
        "cert",
        instances=[tls.url],
        health={"path": "/health"},
        http={"tls_config": {"insecure_skip_verify": True}},
    )
    config = fleet.write(prometheus={"url": prometheus.url, "interval": "1s", "timeout": "1s"})
    argv = [sys.executable, "-m", "opsconsole", "--config", str(config)]
    with Terminal(argv, size=SIZE, environment={"HOME": str(tmp_path)}) as terminal:
        yield Drill(fleet, config, terminal)
    end_waiting(tmp_path / "state")


def test_what_breaks_is_found_out_and_mended_by_keys(
    drill: Drill, tls: TlsServer, prometheus: MonitoringServer, monitoring_stack: MonitoringStack
) -> None:
    terminal = drill.terminal
    terminal.until(f"{len(drill.fleet.services)} ok")
    prometheus_dies(drill, prometheus, monitoring_stack)
    hurt = broken(drill, tls)
    for name, cause in CAUSES.items():
        drill.until_row(name, cause)
    mended_by_itself(drill, tls)
    a_copy_is_restarted(drill)
    what_five_need_is_restarted(drill)
    new_images_are_taken_back(drill)
    the_line_is_found(drill)
    two_at_once(drill)
    for name in ("shop", "db", *NEEDY, "leak", "rollout", "disk", "flap"):
        drill.until_row(name, "● ok")
    terminal.press("u")
    terminal.until(lambda text: sum(" verified" in line for line in text.splitlines()) >= 5)
    terminal.press("\x03\x03")
    assert terminal.wait(20)[0] == 0
    the_causes_were_told_in_time(drill, hurt)
    the_story_is_told(drill)


def prometheus_dies(
    drill: Drill, prometheus: MonitoringServer, monitoring_stack: MonitoringStack
) -> None:
    """It hangs, is gone, and comes back: what it alone knows is unknown meanwhile, never calm."""
    terminal = drill.terminal

    def says(*wanted: str) -> None:
        def holds(text: str) -> bool:
            assert "no alert is firing" not in text, "nobody could tell"
            return all(each in text for each in wanted)

        terminal.until(holds)

    drill.open("metered")
    terminal.press("3")
    terminal.until("● met")
    drill.back()
    terminal.until("no alert is firing")
    prometheus.process.send_signal(signal.SIGSTOP)
    terminal.until(lambda text: "no alert is firing" not in text)
    says("unknown: prometheus does not answer", "timeout")
    prometheus.process.kill()
    prometheus.stop()
    says("unknown: prometheus does not answer", "connect")
    drill.open("metered")
    terminal.press("3")
    says("? unknown series > 0", "prometheus silent")
    itself = ScrapeJob("prometheus", [prometheus.address])
    monitoring_stack.prometheus(jobs=[itself], port=prometheus.port)
    terminal.until("● met")
    drill.back()
    terminal.until("no alert is firing")


def mended_by_itself(drill: Drill, tls: TlsServer) -> None:
    """The disk has room again and the certificate is another: nobody presses a key."""
    drill.fleet.container("disk").exec_run(["rm", "/dev/shm/full"])
    tls.shows(300)
    drill.until_row("disk", "● ok")
    assert "no space left" not in drill.row("disk")
    drill.terminal.until(lambda _: "certificate" not in drill.row("cert"))


def a_copy_is_restarted(drill: Drill) -> None:
    """From the row that is not ok, by ``n``, enter and ``R``: the copy that is away, alone."""
    terminal = drill.terminal
    drill.to_row("shop")
    terminal.press("\r")
    terminal.until(lambda text: "1 ✖ shop-2 stopped by SIGKILL" in text)
    assert "starts it again" in terminal.text
    drill.carry_out("R", "restart 1 of 3 copies of shop", "2 of 3 copies are well")
    terminal.until("● verified")
    drill.back()
    drill.until_row("shop", "● ok", "3/3")


def what_five_need_is_restarted(drill: Drill) -> None:
    """One that needs it says what it waits for, and that is restarted."""
    terminal = drill.terminal
    drill.open("needs-3")
    terminal.until("1 ↳ db: db stopped by SIGTERM")
    drill.back()
    drill.open("db")
    terminal.until(lambda text: "5 services need it" in " ".join(text.split()))
    drill.carry_out("R", "restart 1 of 1 copy of db")
    drill.back()


def new_images_are_taken_back(drill: Drill) -> None:
    """``w`` names the new image first, ``U`` goes back to the one before."""
    terminal = drill.terminal
    for name in ("leak", "rollout"):
        drill.open(name)
        assert "takes 1 away" in terminal.text
        terminal.press("w")
        terminal.until(f"What changed before {name} went wrong")
        first = re.compile(rf"^ *1 .*⇧ {name} ", re.MULTILINE)
        terminal.until(lambda text, first=first: first.search(text) is not None)  # type: ignore[misc]
        terminal.press("\x1b")
        terminal.until("1 why")
        drill.carry_out("U", name)
        drill.back()


def the_line_is_found(drill: Drill) -> None:
    """One line of twenty thousand: ``l``, and ``e`` and ``r`` find it."""
    terminal = drill.terminal
    drill.open("flood")
    terminal.press("l")
    terminal.until("flood · logs")
    terminal.until("request 20000 took")
    terminal.press("e")
    terminal.until("no error below: look above")
    terminal.press("r")
    terminal.until("payment refused: card 4711")
    drill.back()


def two_at_once(drill: Drill) -> None:
    """Somebody else restarts what one is about to restart: one runs, the other is told who."""
    terminal = drill.terminal
    drill.open("flap")
    terminal.until("1 ▲ flap flaps")
    argv = [sys.executable, "-m", "opsconsole", "restart", "flap", "--yes", "--reason", "mine"]
    with subprocess.Popen(
        [*argv, "--config", str(drill.config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as other:
        terminal.until("blocked: ")
        terminal.press("R")
        terminal.until("is restarting flap")
        assert "wait until it has ended" in terminal.text
        assert other.wait() == 0
    drill.back()


def the_causes_were_told_in_time(drill: Drill, hurt: dict[str, float]) -> None:
    """By the console's own record, in at most twice the looks that make a service down."""
    found = told(drill.config, {name: Hurt(hurt[name], cause) for name, cause in CAUSES.items()})
    assert found.keys() == CAUSES.keys()
    assert {name: each for name, each in found.items() if each.looks > IN_LOOKS} == {}


def the_story_is_told(drill: Drill) -> None:
    """The timeline and the report say what happened, what was done and how it ended."""
    story = drill.command("timeline", "--since", "-10m")
    for said in (
        r"✖ shop-2 +died, exit 137, after SIGKILL",
        r"✖ leak +died, exit 137, out of memory",
        r"⇧ rollout +image \S+:1\.4 → \S+:1\.5",
        r"● flood|▲ flood +Refused fires",
        r"prometheus +lost: ",
        r"prometheus +is back",
        r"● (shop|db|flap) +restart: verified, by ",
        r"● (leak|rollout) +rollback: verified, by ",
    ):
        assert re.search(said, story), said
    report = drill.command("incident", "export", "--from", "-10m")
    assert "The likeliest cause is what changed before: image " in report
    for service, done in (("shop", "restart"), ("db", "restart"), ("leak", "rollback")):
        assert re.search(rf"began {done} of `{service}` at \S+; verdict verified", report), service
    assert "No other service" not in report


def broken(drill: Drill, tls: TlsServer) -> dict[str, float]:
    """Break everything; when each was hurt, in Unix seconds."""
    fleet, hurt = drill.fleet, {}

    def now(*names: str) -> None:
        hurt.update(dict.fromkeys(names, time.time()))

    leaking, bad = fleet.image("leaking", LEAK), fleet.answering("1.5", BROKEN)
    now("shop")
    fleet.container("shop-2").kill()
    now("leak")
    fleet.replace("leak", leaking, mem_limit="32m", restart="always")
    now("rollout")
    fleet.replace("rollout", bad)
    for name in ("slow", "flap", "flood"):
        now(name)
        fleet.hurt(name)
    now("db", *NEEDY)
    fleet.container("db").stop(timeout=1)
    now("disk")
    fleet.container("disk").exec_run(["dd", "if=/dev/zero", "of=/dev/shm/full", "bs=1M"])
    now("cert")
    tls.shows(6)
    return hurt
