"""What real hosts have recorded is learnt of each, with its place, its zone and its clock."""

from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.judge.causes import ELSEWHERE, HOST, Question, what_changed
from opsconsole.engine.past.learnt import Learning
from opsconsole.engine.records.event_log import EventLog
from opsconsole.machines.machines import Machines
from opsconsole.model.causes import Ties, Topology
from opsconsole.model.events import Event, EventCode
from opsconsole.render.timeline.words import words
from tests.servers.hosts import Fleet

UPGRADE = """
date '+%Y-%m-%d %H:%M:%S upgrade linux-image-amd64:amd64 6.1.1 6.1.2' >>/var/log/dpkg.log
printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/clerk.service
systemctl daemon-reload; systemctl restart clerk
"""


async def test_of_each_host_by_its_own_clock(hosts: Fleet, tmp_path: Path) -> None:
    there, beside = hosts["app-1"], hosts["app-2"]
    there.sh("ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime")
    there.sh(UPGRADE)
    config = str(there.ssh_config)
    settings = Settings.model_validate(
        {
            "docker": [],
            "hosts": {each.name: {"ssh_config": config} for each in (there, beside)},
            "services": {"clerk": {"host": "app-1", "units": ["clerk"]}},
        }
    )
    clock, machines, timeline = SystemClock(), Machines(), EventLog()
    learning = Learning(settings, tmp_path, machines, clock)
    try:
        await learning.learn(timeline)
        events = list(timeline.view())
        assert not {each.place for each in events} - {"app-1", "app-2"}, "this host is not asked"
        mine = [each for each in events if each.place == "app-1"]
        (kernel,) = [each for each in mine if each.code is EventCode.PACKAGES_CHANGED]
        assert "package linux-image-amd64 6.1.1 → 6.1.2 on app-1" in words(kernel)
        assert kernel.at == pytest.approx(clock.now(), abs=1800), "by the zone of that host"
        (started,) = [each for each in mine if each.code is EventCode.UNIT_STARTED]
        assert started.service == "clerk"
        await learning.learn(timeline)
        assert len(list(timeline.view())) == len(events), "once"
    finally:
        learning.close()
        machines.close()
        there.sh("rm -f /etc/localtime")


def test_what_a_host_did_is_nearer_to_what_runs_on_it() -> None:
    events = [
        Event(900.0, EventCode.PACKAGES_CHANGED, subject="libc6", place=place)
        for place in ("app-1", "app-2")
    ]
    topology = Topology({"web": Ties((), frozenset({"app-1"}))})
    found = what_changed(Question("web", "web", 1000.0, 1000.0), events, {}, topology)
    assert [each.event.place for each in found.likely] == ["app-1", "app-2"]
    assert "app-1, which it runs on" in found.likely[0].reason
    assert found.likely[0].score / found.likely[1].score == pytest.approx(
        HOST / ELSEWHERE, rel=0.02
    )


def test_another_kernel_is_said_with_the_boot_that_brought_it() -> None:
    booted = Event(1.0, EventCode.HOST_BOOTED, place="app-1", before="6.1.1", after="6.1.2")
    assert words(booted) == "app-1 booted, kernel 6.1.1 → 6.1.2"
    assert words(Event(1.0, EventCode.HOST_BOOTED, place="app-1")) == "app-1 booted"
    assert words(Event(1.0, EventCode.HOST_BOOTED)) == "the host booted"
