"""Once, whatever breaks: the line to a host cut at each message of each driver, and in each way."""

import asyncio
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opsconsole.machines.ssh.line import Line
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.operations.running.verification import Verdict
from tests.operations.cut_lines import Messages, Site
from tests.patience import soon
from tests.servers.hosts import Fleet, Host

K, S = ActionKind, OperationState
ALL = os.environ.get("OPSCONSOLE_TEST_CUTS") == "all"
QUICK = {"min_healthy": "100ms", "deadline": "20s"}
PREPARE = r"""
set -e; test ! -e /srv/cut || exit 0
mkdir -p /srv/cut/v1 /srv/cut/v2; cd /srv/cut; touch v1/page v2/page; ln -s v2 current
printf 'MODE=full\n' >.env
cat >/etc/systemd/system/counted.service <<END
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStartPre=/bin/sh -c 'echo x >>/srv/cut/systemd'
ExecStart=/bin/sleep infinity
END
systemctl daemon-reload; systemctl start counted
own=/root/.config/systemd/user; mkdir -p $own; mkdir -pm 700 /run/user/0
systemd-run -q --unit=manager -p Type=notify -p Delegate=yes -E HOME=/root \
  -E XDG_RUNTIME_DIR=/run/user/0 /lib/systemd/systemd --user
# As pam_systemd would say it.
printf 'Match User root\n  SetEnv XDG_RUNTIME_DIR=/run/user/0\n' >/etc/ssh/sshd_config.d/user.conf
systemctl reload ssh
sed s,/systemd,/user, /etc/systemd/system/counted.service >$own/counted.service
export XDG_RUNTIME_DIR=/run/user/0; systemctl --user daemon-reload; systemctl --user start counted
git init -q code; cd code; git config user.email ops@example.org; git config user.name ops
for tag in v1.0.0 v1.1.0; do echo $tag >version; git add .; git commit -qm $tag; git tag $tag; done
"""
RESET = r"""
cd /srv/cut; rm -rf .env.*
: >systemd; : >user; : >command; : >pid_file; ln -sfn v2 current; printf 'MODE=full\n' >.env
git -C code checkout -q v1.1.0; git -C code reflog expire --expire=now --all
sleep infinity </dev/null >/dev/null 2>&1 & echo $! >pid
"""
START = (
    "echo x >>/srv/cut/pid_file; sleep infinity </dev/null >/dev/null 2>&1 & echo $! >/srv/cut/pid"
)


FILES = {"backup": {"files": ["/srv/cut/.env"], **QUICK}, "restore": {"backup": "latest", **QUICK}}


@dataclass(frozen=True)
class Case:
    """One driver: its action, and what says at the host how often it was done."""

    actions: Mapping[str, Any]
    kind: ActionKind
    done: str
    name: str = ""
    spoil: str = ":"
    needs_backup: bool = False
    best: OperationState = S.VERIFIED


CASES: dict[str, Case] = {
    "systemd": Case(
        {"restart": {"systemd": "counted", **QUICK}}, K.RESTART, "wc -l <systemd",
    ),
    "systemd of a user": Case(
        {"restart": {"systemd": {"unit": "counted", "user": True}, **QUICK}},
        K.RESTART, "wc -l <user",
    ),
    "command": Case(
        {"call": {"job": {"command": ["sh", "-c", "echo x >>/srv/cut/command; sleep 0.5"]}}},
        K.CALL, "wc -l <command", "job",
    ),
    "git": Case(
        {"rollback": {"git": {"path": "/srv/cut/code", "then": "nothing"}, **QUICK}},
        K.ROLLBACK, "git -C code reflog | wc -l",
    ),
    "releases": Case(
        {"rollback": {
            "releases": {"current": "/srv/cut/current", "releases": "/srv/cut", "then": "nothing"},
            **QUICK,
        }},
        K.ROLLBACK, "readlink current | grep -c v1 || :",
    ),
    "env_file": Case(
        {"degrade": {
            "env_file": {"file": "/srv/cut/.env", "set": {"MODE": "low"}, "then": "nothing"},
            **QUICK,
        }},
        K.DEGRADE, "grep -c low .env || :", best=S.INCONCLUSIVE,
    ),
    "pid_file": Case(
        {"restart": {
            "pid_file": {"path": "/srv/cut/pid", "start": ["/bin/sh", "-c", START]}, **QUICK,
        }},
        K.RESTART, "wc -l <pid_file",
    ),
    "backup": Case(FILES, K.BACKUP, ":"),
    "restore": Case(
        FILES, K.RESTORE, "grep -c full .env || :; ls -A | grep -c before || :",
        spoil="echo lost >/srv/cut/.env", needs_backup=True,
    ),
}  # fmt: skip


def _ssh_killed(site: Site) -> Callable[[Line], None]:
    return lambda line: line.end()


def _sshd_restarted(site: Site) -> Callable[[Line], None]:
    script = (
        "systemctl reset-failed ssh; systemctl restart ssh; pkill -KILL -f '[s]shd: root@notty'; :"
    )

    def restart(line: Line) -> None:
        site.host.sh(script)

    return restart


def _runner_killed(site: Site) -> Callable[[Line], None]:
    return lambda line: site.kill()


CUTS = {
    "ssh killed": _ssh_killed,
    "sshd restarted": _sshd_restarted,
    "runner killed": _runner_killed,
}
POINTS = 1
"""Messages at which it is cut; at each of them where all is wanted."""


@pytest.fixture(scope="module")
def host(hosts: Fleet) -> Host:
    host = hosts["app-1"]
    host.sh(PREPARE)
    return host


@pytest.fixture
def site(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site(host, tmp_path, Messages(monkeypatch))
    host.sh(RESET)
    yield site
    site.threads.close()


@pytest.mark.timeout(0 if ALL else 600)
@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("driver", CASES)
async def test_it_is_done_once_wherever_the_line_is_cut(
    site: Site, host: Host, driver: str, how: str
) -> None:
    case = CASES[driver]
    site.messages.cut = CUTS[how](site)

    async def performed(at: int = -1) -> tuple[Verdict, int]:
        host.sh(RESET)
        shutil.rmtree(site.store, ignore_errors=True)
        if case.needs_backup:
            await site.performs(case.actions, K.BACKUP)
        host.sh(case.spoil)
        verdict = await site.performs(case.actions, case.kind, case.name, at=at)
        if case.kind is K.BACKUP:
            return verdict, len(list(site.store.glob("backup-*[0-9a-f]")))
        times = host.sh(f"cd /srv/cut; {case.done}").split()
        return verdict, max(map(int, times)) if len(set(times)) == 1 else -1

    verdict, times = await performed()
    assert (verdict.state, times) == (case.best, 1), verdict
    messages = range(1, site.messages.sent + 1)
    for at in messages if ALL else random.Random(driver + how).sample(messages, POINTS):
        for after in (False, True) if ALL else (True,):
            site.messages.after = after
            verdict, times = await performed(at)
            _check(case, verdict, times)


async def test_the_verdict_waits_until_the_line_is_back(site: Site, host: Host) -> None:
    """The cable is out while it runs, and learns nothing of it."""
    job = "echo x >>/srv/cut/command; sleep 1; echo over >>/srv/cut/command"
    actions = {"call": {"job": {"command": ["sh", "-c", job]}}}
    running = asyncio.create_task(site.performs(actions, K.CALL, "job"))
    try:
        await soon(lambda: "x" in host.sh("cat /srv/cut/command"), every=0.1)
        host.cut()
        await soon(lambda: "over" in host.sh("cat /srv/cut/command"), every=0.1)
        assert not running.done()
    finally:
        host.reconnect()
    verdict = await running
    assert verdict.state is S.VERIFIED, verdict
    assert host.sh("cat /srv/cut/command").split() == ["x", "over"]


def _check(case: Case, verdict: Verdict, times: int) -> None:
    assert times in {0, 1}, "done again, or in part"
    assert (verdict.state is case.best) == (times == 1), verdict
    # Where it was not done it is known, and said.
    assert times == 1 or verdict.state is S.FAILED, verdict
