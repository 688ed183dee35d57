"""What happened while nobody looked is on the timeline with its time, once, and is no guess."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.judge.causes import Question, what_changed
from opsconsole.engine.past import learnt
from opsconsole.engine.past.learnt import Learning
from opsconsole.engine.records.event_log import EventLog
from opsconsole.machines.machines import Machines
from opsconsole.model.causes import Ties, Topology
from opsconsole.model.events import Event, EventCode
from opsconsole.render.timeline.words import words
from tests.engine.desks.test_unit_book import GOOD, Systemctl


class Host:
    """Records below a folder, and a console that begins now and looks at them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.clock, self.machines = folder, SystemClock(), Machines()
        self.log, self.owned, self.boot = folder / "dpkg.log", folder / "info", folder / "stat"
        self.owned.mkdir()
        monkeypatch.setattr(learnt, "PACKAGE_LOG", self.log)
        monkeypatch.setattr(learnt, "PACKAGE_FILES", self.owned)
        monkeypatch.setattr(learnt, "BOOT", self.boot)
        self.timeline = EventLog()
        self.learning: Learning | None = None

    def upgraded(self, package: str, ago: float, *files: str) -> None:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.clock.now() - ago))
        with self.log.open("a") as log:
            log.write(f"{at} upgrade {package}:amd64 1.0 1.1\n")
        (self.owned / f"{package}.list").write_text("\n".join(files))

    async def learnt(self, services: dict[str, object]) -> list[Event]:
        settings = Settings.model_validate({"docker": [], "services": services})
        if self.learning is None:
            self.learning = Learning(settings, self.folder, self.machines, self.clock)
        self.learning.use(settings)
        await self.learning.learn(self.timeline)
        return list(self.timeline.view())

    def close(self) -> None:
        if self.learning is not None:
            self.learning.close()
        self.machines.close()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    made = Host(tmp_path, monkeypatch)
    yield made
    made.close()


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Kim", "-c", "user.email=kim@example.invalid")
    subprocess.run(("git", *who, *arguments), cwd=folder, check=True)


def checkout(folder: Path, *subjects: str) -> None:
    folder.mkdir()
    git(folder, "init", "--quiet")
    for each in subjects:
        git(folder, "commit", "--quiet", "--allow-empty", "--message", each)


GIT = {"actions": {"rollback": {"git": {"path": "app", "then": "nothing"}}}}
UNIT = {"actions": {"restart": {"systemd": "api"}}}


async def test_a_move_of_a_checkout(host: Host) -> None:
    checkout(host.folder / "app", "one", "two \x1b]52;c;AA\x07")
    first, second = await host.learnt({"web": GIT})
    assert (first.code, second.code) == (EventCode.CHECKED_OUT, EventCode.CHECKED_OUT)
    assert second.service == "web"
    assert abs(second.at - time.time()) < 600
    said = words(second)
    assert "by Kim: commit: two ␛]52;c;AA␇" in said
    assert said.endswith("learnt afterwards")
    assert len(await host.learnt({"web": GIT})) == 2, "once"
    checkout_line = (host.folder / "app/.git/logs/HEAD").read_text().splitlines()[-1]
    later = checkout_line.replace(str(int(second.at)), str(int(time.time()) + 30))
    with (host.folder / "app/.git/logs/HEAD").open("a") as log:
        log.write(f"{later}\n")
    assert len(await host.learnt({"web": GIT})) == 2, "of the future nothing is known"


async def test_a_work_tree_beside_others(host: Host) -> None:
    checkout(host.folder / "main", "one")
    git(host.folder / "main", "worktree", "add", "--quiet", "../app", "-b", "x")
    git(host.folder / "app", "commit", "--quiet", "--allow-empty", "--message", "beside")
    *_, last = await host.learnt({"web": GIT})
    assert (last.subject, last.detail) == ("app", "commit: beside")


async def test_packages_of_a_unit_and_others(host: Host) -> None:
    host.upgraded("api", 3600, "/lib/systemd/system/api.service", "/usr/bin/api")
    host.upgraded("tool", 3500, "/opt/tool/bin/tool")
    host.upgraded("libc6", 3400)
    host.upgraded("openssl", 3399)
    host.upgraded("older", 2 * 86_400)
    started = {"actions": {"restart": {"pid_file": {"path": "p", "start": ["/opt/tool/bin/tool"]}}}}
    found = await host.learnt({"web": UNIT, "tool": started})
    told = [(each.service, words(each)) for each in found]
    assert told == [
        ("web", "package api 1.0 → 1.1, learnt afterwards"),
        ("tool", "package tool 1.0 → 1.1, learnt afterwards"),
        ("", "packages: libc6, openssl, learnt afterwards"),
    ]
    assert abs(found[0].at - (host.clock.now() - 3600)) < 5


async def test_a_boot_of_today_alone(host: Host) -> None:
    host.boot.write_text(f"btime {int(time.time()) - 60}\n")
    assert await host.learnt({"far": {"instances": ["http://127.0.0.1:1"]}}) == []
    (event,) = await host.learnt({"web": UNIT})
    assert words(event) == "the host booted, learnt afterwards"
    host.timeline, host.learning = EventLog(), None
    host.boot.write_text(f"btime {int(time.time()) - 3 * 86_400}\n")
    assert await host.learnt({"web": UNIT}) == []


async def test_a_unit_and_the_copy_that_it_is(host: Host) -> None:
    systemctl = Systemctl(host.folder / "bin")
    began = time.monotonic() - 30
    text = GOOD % (1, 1) + f"\nExecMainStartTimestampMonotonic={int(began * 1e6)}"
    systemctl.says(text)
    instances = {"instances": [{"url": "http://127.0.0.1:1", "unit": "api", "name": "web-1"}]}
    (event,) = await host.learnt({"web": {**UNIT, **instances}})
    assert (event.code, event.subject, event.service) == (EventCode.UNIT_STARTED, "web-1", "web")
    assert 0 <= abs(event.at - (time.time() - 30)) < 60
    assert words(event) == "api.service started, learnt afterwards"
    assert len(await host.learnt({"web": {**UNIT, **instances}})) == 1
    systemctl.says(text.replace("=active", "=failed"))
    assert len(await host.learnt({"web": {**UNIT, **instances}})) == 1


async def test_what_is_learnt_can_be_the_cause(host: Host) -> None:
    host.upgraded("api", 300, "/lib/systemd/system/api.service")
    host.upgraded("libc6", 3000)
    events = await host.learnt({"web": UNIT})
    now = host.clock.now()
    topology = Topology({"web": Ties((), frozenset())})
    found = what_changed(Question("web", "web", now, now), events, {}, topology, 3600.0)
    assert [cause.event.service for cause in found.likely] == ["web", ""]


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _sparse(path: Path) -> None:
    with path.open("wb") as sparse:
        sparse.truncate(1 << 40)


def _folder(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    import socket

    server = socket.socket(socket.AF_UNIX)
    os.chdir(path.parent)
    server.bind(path.name)
    server.close()


@pytest.mark.parametrize("trap", [_fifo, _sparse, _folder, _socket])
@pytest.mark.parametrize("record", ["dpkg.log", "stat", "app/.git/logs/HEAD", "app/.git"])
async def test_what_is_no_record_says_nothing_and_holds_up_nobody(
    host: Host, trap: "object", record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(host.folder)
    path = host.folder / record
    path.parent.mkdir(parents=True, exist_ok=True)
    trap(path)  # type: ignore[operator]
    assert await host.learnt({"web": GIT}) == []


async def test_a_live_change_is_not_called_learnt_afterwards(host: Host) -> None:
    assert await host.learnt({"web": GIT}) == []
    assert host.learning is not None
    host.learning._began = 1.0
    checkout(host.folder / "app", "one")
    (event,) = await host.learnt({"web": GIT})
    assert "afterwards" not in words(event)
    assert "commit (initial): one" in words(event)
