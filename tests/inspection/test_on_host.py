"""What actions and logs name on this host: there, missing, not to be looked at, or elsewhere."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.actions import DRIVERS
from opsconsole.config.service_log import LogKind
from opsconsole.config.settings import Settings
from opsconsole.inspection import on_host
from opsconsole.inspection.finding import Finding, Weight
from opsconsole.inspection.inspection import inspect
from opsconsole.machines.machines import Machines
from opsconsole.model.running.machine import Failure, FileStatus, MachineError
from opsconsole.operations.drivers.git_calls import Answer

ERROR, WARNING, NOTE = Weight.ERROR, Weight.WARNING, Weight.NOTE

_SYSTEMCTL = """#!/bin/sh
for unit; do :; done
case "$unit" in
  there*|*" there"*) echo "Id=$unit"; echo LoadState=loaded ;;
  *) echo "Id=$unit"; echo LoadState=not-found ;;
esac
"""
_NO_SYSTEMD = """#!/bin/sh
echo "System has not been booted with systemd as init system (PID 1)."
exit 1
"""


@dataclass(frozen=True)
class Row:
    """An action or a log of one kind, as it is when all is there, and when nothing is."""

    good: dict[str, Any]
    bad: dict[str, Any]
    found: tuple[tuple[Weight, str], ...]
    """What is found of ``bad``; ``good`` gives nothing."""
    here: bool = True
    """Whether it is about this host."""


def action(kind: str, driver: str, target: Any) -> dict[str, Any]:
    return {"actions": {kind: {driver: target}}}


def log(kind: str, what: str) -> dict[str, Any]:
    return {"logs": [{kind: what}]}


_OF_OTHERS = ("no engine is read", "dns: http://lo:3100")
"""What is not on this host: an engine that is not read, a Loki of no address."""

SILENT = {"post": "/restart"}

ROWS = {
    "systemd": Row(
        action("restart", "systemd", "there"),
        action("restart", "systemd", "gone"),
        ((ERROR, "unit gone is not-found"),),
    ),
    "systemd of the user": Row(
        action("restart", "systemd", {"unit": "there", "user": True}),
        action("restart", "systemd", {"unit": "gone", "user": True}),
        ((ERROR, "unit gone is not-found"),),
    ),
    "pid_file": Row(
        action("restart", "pid_file", "run/web.pid"),
        action("restart", "pid_file", "gone/web.pid"),
        ((WARNING, "there is no folder {base}/gone"),),
    ),
    "pid_file with a program": Row(
        action("restart", "pid_file", {"path": "run/web.pid", "start": ["true"]}),
        action("restart", "pid_file", {"path": "run/web.pid", "start": ["/no/such"]}),
        ((ERROR, "there is no program /no/such"),),
    ),
    "env_file": Row(
        action("degrade", "env_file", {"file": "web.env", "set": {"A": "1"}}),
        action("degrade", "env_file", {"file": "gone.env", "set": {"A": "1"}}),
        ((ERROR, "there is no file {base}/gone.env"),),
    ),
    "env_file with a pid file": Row(
        action("degrade", "env_file",
               {"file": "web.env", "set": {"A": "1"}, "then": "reload", "pid_file": "run/a"}),
        action("degrade", "env_file",
               {"file": "run", "set": {"A": "1"}, "then": "reload", "pid_file": "gone/a"}),
        ((ERROR, "{base}/run is no file but a folder"),
         (WARNING, "there is no folder {base}/gone")),
    ),
    "files": Row(
        action("backup", "files", ["web.env", "run"]),
        action("backup", "files", ["web.env", "gone"]),
        ((WARNING, "there is no file or folder {base}/gone"),),
    ),
    "git": Row(
        action("rollback", "git", {"path": "checkout"}),
        action("rollback", "git", {"path": "run"}),
        ((ERROR, "{base}/run is no git work tree"),),
    ),
    "git without a folder": Row(
        action("rollback", "git", {"path": "checkout"}),
        action("rollback", "git", {"path": "gone"}),
        ((ERROR, "there is no folder {base}/gone"),),
    ),
    "git in its own folder": Row(
        action("rollback", "git", {"path": "checkout"}),
        action("rollback", "git", {"path": "checkout/.git"}),
        ((ERROR, "{base}/checkout/.git is no git work tree"),),
    ),
    "releases": Row(
        action("rollback", "releases", {"current": "current", "releases": "releases"}),
        action("rollback", "releases", {"current": "run", "releases": "gone"}),
        ((ERROR, "there is no folder {base}/gone"), (ERROR, "{base}/run is no link but a folder")),
    ),
    "logs file": Row(
        log("file", "run/later.log"),
        log("file", "gone/web.log"),
        ((WARNING, "there is no folder {base}/gone"),),
    ),
    "logs file that is a folder": Row(
        log("file", "web.env"), log("file", "run"), ((ERROR, "{base}/run is a folder, not a file"),)
    ),
    "logs journal": Row(
        log("journal", "there"), log("journal", "gone"), ((ERROR, "unit gone is not-found"),)
    ),
    "logs journal by a pattern": Row(log("journal", "go*"), log("journal", "go?e"), (), here=True),
    # What is on no host of its own: engines are asked elsewhere, calls know what they reach.
    "docker": Row({}, action("restart", "docker", "web"), (), here=False),
    "swarm": Row({}, action("restart", "swarm", "web"), (), here=False),
    "kubernetes": Row({}, action("restart", "kubernetes", "deployment/web"), (), here=False),
    "volume": Row({}, action("backup", "volume", {"volume": "web"}), (), here=False),
    "http": Row({}, action("restart", "http", SILENT), (), here=False),
    "command": Row(
        action("restart", "command", ["true"]),
        action("restart", "command", ["no-such-program", "x"]),
        ((ERROR, "there is no program no-such-program"),),
        here=False,
    ),
    "command by its path": Row(
        action("restart", "command", ["/bin/true"]),
        action("restart", "command", ["/no/such/program"]),
        ((ERROR, "there is no program /no/such/program"),),
        here=False,
    ),
    "backup": Row({}, action("restore", "backup", "latest"), (), here=False),
    "logs docker": Row({}, log("docker", "web"), (), here=False),
    "logs swarm": Row({}, log("swarm", "web"), (), here=False),
    "logs loki": Row({}, {"logs": [{"loki": "{}", "url": "http://lo:3100"}]}, (), here=False),
    "logs kubernetes": Row({}, log("kubernetes", "deployment/web"), (), here=False),
}  # fmt: skip
"""By the name of the kind; after it, of what else of it is tried."""


def kind_of(name: str) -> str:
    return " ".join(name.split()[: 2 if name.startswith("logs") else 1])


def test_every_kind_of_action_and_of_log_has_a_row() -> None:
    kinds = {*DRIVERS, *(f"logs {each}" for each in get_args(LogKind))}
    assert {kind_of(name) for name in ROWS} == kinds


Systemctl = Callable[[str], None]


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    """Puts a program of that name before all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write(program: str) -> None:
        (folder / "systemctl").write_text(program)
        (folder / "systemctl").chmod(0o700)

    write(_SYSTEMCTL)
    return write


@pytest.fixture
def base(tmp_path: Path, systemctl: Systemctl) -> Path:
    """A host on which what the good configurations name is."""
    base = tmp_path / "app"
    for name in ("run", "releases/1", "checkout"):
        (base / name).mkdir(parents=True)
    (base / "web.env").write_text("A=0\n")
    (base / "current").symlink_to("releases/1")
    subprocess.run(["git", "init", "-q", base / "checkout"], check=True)
    return base


def look(base: Path, service: dict[str, Any], url: str = "") -> list[Finding]:
    """What is found of the service on this host, beside what probes, engines and servers say."""
    instances = {"instances": [url]} if url else {}
    web = {"health": None, **instances, **service}
    settings = Settings.model_validate({"docker": [], "services": {"web": web}})
    found = inspect(settings, base=base, clock=SystemClock(), environ={})
    return [each for each in found if not each.message.startswith(_OF_OTHERS)]


@pytest.mark.parametrize("name", ROWS)
def test_what_is_there_is_not_spoken_of_and_what_is_missing_is(name: str, base: Path) -> None:
    row = ROWS[name]
    assert look(base, row.good) == []
    found = look(base, row.bad)
    said = tuple((each.weight, each.message.replace(str(base), "{base}")) for each in found)
    assert said == row.found
    assert all(each.remedy and each.path[:2] == ("services", "web") for each in found)
    assert all(kind_of(name).split()[-1] in each.path for each in found)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.found])
def test_what_cannot_be_looked_at_is_not_called_missing(
    name: str, base: Path, systemctl: Systemctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No systemd, no right to look."""

    async def denied(*_: object, **__: object) -> FileStatus:
        raise MachineError(Failure.DENIED, "/app: Permission denied")

    monkeypatch.setattr(type(Machines().of(Settings().host)), "stat", denied)
    systemctl(_NO_SYSTEMD)
    found = look(base, ROWS[name].bad)
    assert found
    assert {each.weight for each in found} == {NOTE}
    assert all("cannot be looked at" in each.message for each in found)


def test_a_checkout_that_git_does_not_read_is_not_called_none(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of another user, whose settings git does not obey."""

    async def refused(*_: object) -> Answer:
        return Answer(128, "", "fatal: detected dubious ownership")

    monkeypatch.setattr(on_host, "ask", refused)
    [found] = look(base, action("rollback", "git", {"path": "checkout"}))
    assert found.weight is NOTE
    assert "cannot be looked at: fatal: detected dubious ownership" in found.message


def test_without_systemctl_no_unit_is_called_missing(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(base))
    [found] = look(base, action("restart", "systemd", "gone"))
    assert found.weight is NOTE
    assert "cannot run systemctl" in found.message


def test_what_an_instance_names_is_looked_for(base: Path) -> None:
    instance = {"url": "http://127.0.0.1:1", "unit": "gone", "pid_file": "gone/pid"}
    found = look(base, {"instances": [instance]})
    said = [(each.path[-1], each.weight) for each in found if each.path[-1] in instance]
    assert said == [("unit", ERROR), ("pid_file", WARNING)]


def test_what_follows_an_action_is_looked_for(base: Path) -> None:
    degrade = {"http": SILENT, "recover": {"systemd": "gone"}}
    [found] = look(base, {"actions": {"degrade": degrade, "test": {"a": {"command": ["true"]}}}})
    assert found.path == ("services", "web", "actions", "degrade", "recover", "systemd")


AWAY = "http://192.0.2.7:8000"
"""An address of documentation, which no machine has."""


@pytest.mark.parametrize("name", ROWS)
def test_what_acts_here_for_a_service_that_is_elsewhere_is_found(name: str, base: Path) -> None:
    row = ROWS[name]
    found = [each for each in look(base, row.good or row.bad, AWAY) if "on this host" in str(each)]
    here = row.here and name != "logs journal by a pattern"
    assert [each.weight for each in found] == [WARNING] * here
    does = "is read" if name.startswith("logs") else "acts"
    for each in found:
        assert each.message == f"{does} on this host, but web is at 192.0.2.7"
        assert each.remedy


@pytest.mark.parametrize(
    "urls",
    [
        ["http://127.0.0.1:1"],
        ["http://localhost:1"],
        ["http://[::1]:1"],
        ["http://web.localhost:1"],
        [f"http://{os.uname().nodename}:1"],
        ["http://no-such-name.invalid:1"],
        [AWAY, "http://127.0.0.1:1"],
        [{"url": AWAY, "unit": "there"}],
    ],
)
def test_one_instance_that_may_be_here_is_enough(urls: list[Any], base: Path) -> None:
    service = {**action("restart", "systemd", "there"), "instances": urls}
    assert not [each for each in look(base, service) if "on this host" in each.message]


def test_all_that_are_elsewhere_are_named(base: Path) -> None:
    service = {**action("restart", "systemd", "there"), "instances": [AWAY, "http://192.0.2.8"]}
    [found] = [each for each in look(base, service) if "on this host" in each.message]
    assert found.message.endswith("web-1 is at 192.0.2.7, web-2 is at 192.0.2.8")


def test_a_host_where_nobody_can_log_in_is_an_error_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    said = "echo 'Permission denied (publickey).' >&2; exit 255"
    honest = 'for last; do :; done; exec /bin/sh -c "$last"'
    ssh.write_text(f'#!/bin/sh\ncase "$*" in *closed*) {said};; esac\n{honest}\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    given = {"docker": [], "hosts": {"open": None, "closed": "ops@closed"}}
    settings = Settings.model_validate(given)
    (found,) = inspect(settings, base=tmp_path, clock=SystemClock(), environ={})
    assert (found.path, found.weight) == (("hosts", "closed"), ERROR)
    assert "accepts none of the keys" in found.message
    assert "ssh -oBatchMode=yes ops@closed true" in found.remedy


_EVERY_LOOK = {
    "host": "app-1",
    "instances": [{"url": "http://127.0.0.1:1", "unit": "web", "pid_file": "/run/web.pid"}],
    "logs": [{"file": "/var/log/x.log"}, {"journal": "web"}],
    "actions": {
        "restart": {"systemd": "web"},
        "rollback": {"git": {"path": "/opt/web", "then": "restart"}},
        "degrade": {"env_file": {"file": "/opt/web/env", "set": {"A": "1"}}},
    },
}


@pytest.mark.parametrize(
    "said",
    [
        "ssh: Could not resolve hostname app-1: Name or service not known",
        "ssh: connect to host app-1 port 22: Connection refused",
        "Permission denied (publickey).",
        "Connection closed by 192.0.2.7 port 22",
        "words that nobody knows",
        None,
    ],
)
def test_a_host_that_is_not_reached_is_said_once_and_nothing_on_it_is_called_missing(
    said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None: there is no ssh here."""
    if said is not None:
        ssh = tmp_path / "ssh"
        ssh.write_text(f"#!/bin/sh\necho '{said}' >&2; exit 255\n")
        ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if said is not None else str(tmp_path))
    given = {
        "docker": [],
        "hosts": {"app-1": {"sudo": True}},
        "services": {"web": _EVERY_LOOK},
    }
    settings = Settings.model_validate(given)
    found = [
        each
        for each in inspect(settings, base=tmp_path, clock=SystemClock(), environ={})
        if each.path != ("services", "web", "instances", 0)  # nothing answers at its url
    ]
    assert [(each.path, each.weight) for each in found] == [
        (("hosts", "app-1"), ERROR),
        (("hosts", "app-1"), NOTE),
    ]
    assert found[0].remedy
    assert found[1].message.startswith("7 things that are named there were not looked at")


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.found])
def test_what_was_not_reached_while_it_was_looked_at_has_the_remedy_of_that(
    name: str, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object, **__: object) -> FileStatus:
        raise MachineError(Failure.OTHER, "nothing listens", remedy="start sshd")

    for method in ("stat", "run"):
        monkeypatch.setattr(type(Machines().of(Settings().host)), method, gone)
    found = look(base, ROWS[name].bad)
    assert found
    assert {(each.weight, each.remedy) for each in found} == {(NOTE, "start sshd")}
    assert not any("start sshd" in each.message for each in found)
