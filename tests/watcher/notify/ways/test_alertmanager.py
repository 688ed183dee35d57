"""A real Alertmanager: what lasts does not flap, what is over ends, nothing is there twice."""

import json
import re
import time
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.notify import Notify, Receiver
from opsconsole.config.settings import Alertmanager
from opsconsole.model.alerting.alerts import Severity
from opsconsole.model.notices import Episode, Member, Message, What
from opsconsole.model.state import State
from opsconsole.operations.state_place import FolderPlace, LateJournal
from opsconsole.sources.http.connector import Connector
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.notify.episodes import folded, opened
from opsconsole.watcher.notify.kept import KeptNotices
from opsconsole.watcher.notify.notifying import Notifying
from opsconsole.watcher.notify.ways.alertmanager import (
    BATCH,
    LASTS,
    OVER_FOR,
    PUSH_EVERY,
    AlertmanagerWay,
    pushed,
)
from tests.fakes import FakeClock
from tests.servers.fixtures import MonitoringStack
from tests.watcher.post_office import hook
from tests.watcher.world import World

NOW = 1_700_000_000.0
MEMBER = Member(
    "k", "ServiceDown", Severity.CRITICAL, NOW - 60, "db", "refused 3 times", {"service": "db"}
)
EPISODE = Episode("e", (MEMBER,), NOW)


def words(title: str) -> dict[str, Message]:
    return {"e": Message("e-new", "e", What.NEW, title, "all", "critical", folded=3)}


def test_labels_are_identity_alone() -> None:
    (first,) = pushed([EPISODE], words("down: db: 3 times"), "prod", NOW)
    (later,) = pushed([EPISODE], words("down: db: 9 times"), "prod", NOW + 600)
    assert first["labels"] == later["labels"] == {
        "alertname": "ServiceDown", "severity": "critical", "service": "db",
        "environment": "prod", "reported_by": "opsconsole",
    }  # fmt: skip
    assert first["startsAt"] == later["startsAt"]
    assert first["annotations"] == {
        "summary": "down: db: 3 times", "description": "all", "folded": "3"
    }  # fmt: skip


def test_no_label_has_a_name_for_which_all_others_are_refused() -> None:
    strange = replace(MEMBER, labels={"com.docker/x": "a", "9": "b", "é": "c", "": "d"})
    (alert,) = pushed([replace(EPISODE, members=(strange,))], {}, "prod", NOW)
    labels = alert["labels"]
    assert isinstance(labels, dict)
    assert all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) for name in labels)
    assert labels["com_docker_x"] == "a"


@pytest.mark.parametrize("name", ["a\r\nX: 1", "é", "a>b", "", "x" * 500])
def test_no_record_gives_an_episode_a_name_that_is_no_word(name: str) -> None:
    said = {**opened(EPISODE), "id": name}
    assert not folded([said]).episodes
    assert folded([opened(EPISODE)]).episodes


def test_what_lasts_ends_after_several_missed_pushes_and_what_is_over_at_its_end() -> None:
    assert LASTS >= 4 * PUSH_EVERY
    (alert,) = pushed([EPISODE], {}, "prod", NOW, skew=30.0)
    assert alert["endsAt"] == "2023-11-14T22:17:50.000+00:00"
    over = replace(EPISODE, over_at=NOW + 10)
    (alert,) = pushed([over], {}, "prod", NOW + 500)
    assert alert["endsAt"] == "2023-11-14T22:13:30.000+00:00"
    assert list(pushed([over], {}, "prod", NOW + 11 + OVER_FOR)) == []


def test_an_end_is_never_its_beginning() -> None:
    at_once = replace(EPISODE, members=(replace(MEMBER, since=NOW),), over_at=NOW)
    (alert,) = pushed([at_once], {}, "prod", NOW)
    assert str(alert["startsAt"]) < str(alert["endsAt"])


class Watcher:
    """One life of a watcher that pushes to ``servers``."""

    def __init__(self, folder: Path, servers: list[Alertmanager], connector: Connector) -> None:
        self.threads = BoundedExecutor("state", 1)
        self.journal = LateJournal(FolderPlace(folder / "state"), None)
        self.notifying = Notifying(
            "am",
            Notify.model_validate({"wait": "30s", "wait_well": "60s"}),
            Receiver.model_validate({"alertmanager": "all"}),
            AlertmanagerWay(servers, folder, connector),
            KeptNotices(self.journal, "am"),
            self.threads,
            FakeClock(),
            lambda: True,
        )

    async def watch(self, world: World, seconds: float, *, blind: bool = False) -> None:
        for _ in range(int(seconds / 10)):
            world.pass_(10)
            await self.notifying.round(world.troubles(), world.snapshot, world.now, blind=blind)

    async def die(self) -> None:
        await self.notifying.close()
        self.journal.close()
        self.threads.close()


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    found = Connector()
    yield found
    await found.close()


@pytest.fixture
def world() -> World:
    # An Alertmanager goes by the time of day.
    found = World(now=time.time() - 7200)
    found.add("db")
    found.add("web", ["db"])
    return found


def alerts_at(url: str) -> list[Any]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=30) as answer:
        return list(json.load(answer))


@pytest.mark.servers
async def test_killed_and_followed_it_shows_each_once_until_it_is_over(
    monitoring_stack: MonitoringStack, tmp_path: Path, connector: Connector, world: World
) -> None:
    both = [monitoring_stack.alertmanager() for _ in range(2)]
    servers = [
        Alertmanager.model_validate({"url": each.url, "name": f"am-{number}"})
        for number, each in enumerate(both)
    ]
    for name in ("db", "web"):
        world.turn(name, State.DOWN)
    world.now = time.time()
    starts = set()
    for _life in range(3):
        watcher = Watcher(tmp_path, servers, connector)
        world.now = time.time()
        await watcher.watch(world, 30)
        for server in both:
            (alert,) = alerts_at(server.url)
            assert alert["labels"]["service"] == "db"
            assert alert["annotations"]["folded"] == "1"
            assert alert["status"]["state"] == "active"
            starts.add(alert["startsAt"])
        await watcher.die()
    assert len(starts) == 1
    # One of the two is away when it ends, and hears of it later.
    both[1].stop()
    watcher = Watcher(tmp_path, servers, connector)
    world.now = time.time() - 120
    for name in ("db", "web"):
        world.turn(name, State.OK)
    await watcher.watch(world, 110)
    assert watcher.notifying.delivery.accepted > 0
    assert "am-1" in watcher.notifying.delivery.fault
    assert alerts_at(both[0].url) == []
    await watcher.die()


async def test_it_goes_on_hearing_while_the_watcher_is_blind(
    tmp_path: Path, connector: Connector, world: World
) -> None:
    with hook() as server:
        servers = [Alertmanager.model_validate({"url": server.url})]
        watcher = Watcher(tmp_path, servers, connector)
        world.turn("db", State.DOWN)
        await watcher.watch(world, 40)
        world.turn("db", State.OK)
        world.turn("web", State.DOWN)
        await watcher.watch(world, 600, blind=True)
        await watcher.die()
    sent = [alert for post in server.posts for alert in post.json]
    assert {each["labels"]["service"] for each in sent} == {"db"}
    assert len(sent) == 1 + 600 // PUSH_EVERY
    assert all(each["endsAt"] > each["startsAt"] for each in sent)


async def test_many_go_in_batches(tmp_path: Path, connector: Connector, world: World) -> None:
    for number in range(BATCH + 10):
        world.add(f"s{number}")
        world.turn(f"s{number}", State.DOWN)
    with hook() as server:
        servers = [Alertmanager.model_validate({"url": server.url})]
        watcher = Watcher(tmp_path, servers, connector)
        await watcher.watch(world, 30)
        await watcher.die()
    assert [len(each.json) for each in server.posts] == [BATCH, 10]
