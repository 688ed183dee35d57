"""A cluster that fails in every way: the screen stays alive, says so, and is right afterwards.

The API server is killed and suspended, its past forgotten, its lines cut, tokens are
refused, and the program that hands out tokens asks, hangs and talks nonsense.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.cluster_fleet import ClusterFleet
from tests.patience import until
from tests.servers.fixtures import need
from tests.servers.kubernetes.api import Namespace, RefusedError, create_namespace
from tests.servers.kubernetes.control_plane import ControlPlane, why_no_control_plane
from tests.servers.line import Line
from tools.terminal import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.servers]

SIZE: Final = (160, 40)
CUTS: Final = 8

# A token is used until a minute before it ends.
PLUGIN: Final = """#!/bin/sh
mode=$(cat {folder}/mode)
echo "$mode" >> {folder}/runs
case $mode in
  asks) printf 'Password: ' > /dev/tty; read -r word < /dev/tty; read -r word; echo "$word" ;;
  hangs) sleep 1000 ;;
  babbles) printf '\\033[2J\\033[31m{{"kind":' ;;
  *) printf '{{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
       "status": {{"token": "%s", "expirationTimestamp": "%s"}}}}' "$(cat {folder}/token)" \\
       "$(date -u -d "+$(cat {folder}/lasts) seconds" +%Y-%m-%dT%H:%M:%SZ)" ;;
esac
"""


class Person:
    """Who looks at the console, reaches the cluster over a line, and has tokens of a program."""

    def __init__(self, plane: ControlPlane, line: Line, folder: Path) -> None:
        self.plane = plane
        self.line = line
        self.folder = folder
        self.namespace: Namespace = create_namespace(plane.api())
        self.terminal: Terminal
        self.copies = 1
        self.fleet = ClusterFleet(self.kubeconfig(), self.namespace, folder)
        self.fleet.kubernetes["timeout"] = "2s"
        self.fleet.run("web")

    def kubeconfig(self) -> Path:
        """Leads over the line, with tokens of the plugin."""
        plugin = self.folder / "plugin"
        plugin.write_text(PLUGIN.format(folder=self.folder))
        plugin.chmod(0o700)
        self.plugin_does("gives", token="token-1", lasts=3600)
        config = json.loads(self.plane.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self.line.port}"
        run = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": str(plugin)}
        config["users"][0]["user"] = {"exec": run}
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path

    def plugin_does(self, mode: str, *, token: str = "", lasts: int = 0) -> None:
        """What it does from its next run on."""
        (self.folder / "runs").write_text("")
        (self.folder / "mode").write_text(mode)
        if token:
            (self.folder / "token").write_text(token)
            (self.folder / "lasts").write_text(str(lasts))

    def plugin_ran(self) -> bool:
        """Whether it did what it does now."""
        mode = (self.folder / "mode").read_text()
        return mode in (self.folder / "runs").read_text().split()

    @property
    def row(self) -> str:
        """The service's row."""
        return next((line for line in self.terminal.lines[2:12] if " web " in line[:30]), "")

    def is_right(self) -> None:
        """What changes now is on the screen soon."""
        self.copies += 1
        until(self.is_scaled)
        self.terminal.until(lambda _: f"0/{self.copies}" in self.row and "✖ down" in self.row)

    def is_scaled(self) -> bool:
        """Whether the API server, which may have just begun, takes the change."""
        try:
            self.namespace.patch("Deployment", "web", {"spec": {"replicas": self.copies}})
        except (OSError, RefusedError):
            return False
        return True

    def is_told(self, *said: str) -> None:
        """The row is known no more, the screen says why, and answers keys meanwhile."""
        self.terminal.until(lambda _: "◌ stale" in self.row or "? unknown" in self.row)
        self.terminal.until(lambda text: all(each in text for each in said))
        self.is_alive()

    def is_alive(self) -> None:
        self.terminal.press("?")
        self.terminal.until(lambda text: "1 Services" not in text)
        self.terminal.press("\x1b")
        self.terminal.until("1 Services")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    lack = why_no_control_plane()
    need("kubernetes", available=not lack, remedy=lack)
    made = ControlPlane(tmp_path / "cluster")
    made.admit("token-1")
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def person(plane: ControlPlane, tmp_path: Path) -> Iterator[Person]:
    with Line(plane.port) as line:
        made = Person(plane, line, tmp_path)
        argv = [sys.executable, "-m", "opsconsole", "--config", str(made.fleet.write())]
        with Terminal(argv, size=SIZE, environment={"HOME": str(tmp_path)}) as terminal:
            made.terminal = terminal
            terminal.until(lambda _: "0/1" in made.row)
            yield made
            terminal.press("\x03\x03")
            assert terminal.wait(20)[0] == 0


def test_it_is_right_after_every_fault(person: Person) -> None:
    the_lines_are_cut_again_and_again(person)
    the_api_server_is_suspended(person)
    it_is_killed(person)
    it_forgets_the_past_and_knows_another_token(person)
    the_plugin_fails(person)


def the_lines_are_cut_again_and_again(person: Person) -> None:
    for _ in range(CUTS):
        person.line.cut()
        person.is_right()


def the_api_server_is_suspended(person: Person) -> None:
    """Its connections stand, and nothing comes."""
    server = person.plane.process("kube-apiserver")
    server.send_signal(signal.SIGSTOP)
    person.is_told("tests silent", "not read: tests: ")
    server.send_signal(signal.SIGCONT)
    person.is_right()


def it_is_killed(person: Person) -> None:
    person.plane.stop_api_server()
    person.is_told("tests silent", "not read: tests: ")
    person.plane.start_api_server()
    person.is_right()


def it_forgets_the_past_and_knows_another_token(person: Person) -> None:
    """The version from which the console would go on is gone; the plugin has the token as well."""
    person.plane.stop_api_server()
    person.plane.forget_the_past()
    person.plane.admit("token-2")
    person.plugin_does("gives", token="token-2", lasts=62)
    person.plane.start_api_server()
    person.is_right()


def the_plugin_fails(person: Person) -> None:
    """It asks on the terminal, talks nonsense and hangs: the screen is the console's."""
    person.plugin_does("asks")
    person.terminal.until(lambda _: is_cut_until(person, person.plugin_ran))
    person.is_told("tests silent", "plugin")
    assert "Password" not in person.terminal.text
    for mode in ("babbles", "hangs"):
        person.plugin_does(mode)
        person.terminal.until(lambda _: person.plugin_ran())
        person.is_told("tests silent", "plugin")
    person.plugin_does("gives")
    person.is_right()


def is_cut_until(person: Person, holds: Callable[[], bool]) -> bool:
    """Whether it ``holds``; else the line is cut: credentials are asked for when it is dialled."""
    if not holds():
        person.line.cut()
    return holds()
