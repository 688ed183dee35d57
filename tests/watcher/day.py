"""A day of a watcher on a clock of its own, killed every ten minutes, and what became of it.

Invariant: the watcher is the real one, its state a real journal on the disk, its webhook and its
Alertmanagers real servers; the fleet and the clock alone are made up. It is killed between two
rounds, or right before or after it sends or keeps something.
"""

import json
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from opsconsole.config.notify import Notify, Receiver, Webhook
from opsconsole.config.settings import Alertmanager, Settings
from opsconsole.model.fault import Fault
from opsconsole.model.notices import Message
from opsconsole.model.state import State
from opsconsole.operations.state_place import LateJournal, place_from
from opsconsole.sources.http.connector import Connector
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.notify.kept import KeptNotices
from opsconsole.watcher.notify.notifying import Notifying
from opsconsole.watcher.notify.ways.alertmanager import LASTS, AlertmanagerWay
from opsconsole.watcher.notify.ways.webhook import WebhookWay
from tests.watcher.post_office import Hook
from tests.watcher.world import World

KILL_EVERY: Final = 600.0
ROUND: Final = 5.0
WAIT: Final = 30.0
WELL: Final = 60.0
SYMPTOMS: Final = 8
LONE: Final = 12
_NOTIFY: Final = Notify.model_validate({"wait": WAIT, "wait_well": WELL, "together": 50})


class Killed(BaseException):
    """The process is gone from here on."""


@dataclass
class Doom:
    """Kills at one of the next things that are sent or kept, once it is armed."""

    left: int | None = None

    def strike(self) -> None:
        """One thing is about to be done, or was."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed


@dataclass(frozen=True)
class Outage:
    """``services`` are down from ``begins`` to ``ends``; the first of them is why."""

    services: tuple[str, ...]
    begins: float
    ends: float

    @property
    def is_noticed(self) -> bool:
        """Whether it lasts long enough for anybody to be notified."""
        return self.ends - self.begins > WAIT


class DoomedWebhook(WebhookWay):
    """The webhook, which may be the last thing that happens."""

    doom: Doom

    async def send(self, message: Message) -> Fault | None:
        """Send ``message``, unless it ends before; or end after."""
        self.doom.strike()
        fault = await super().send(message)
        self.doom.strike()
        return fault


class DoomedPush(AlertmanagerWay):
    """The push, which may be the last thing that happens; ``at`` are the times of those made."""

    doom: Doom
    world: World
    at: dict[str, list[tuple[float, bool]]]

    async def push(self, alerts: Sequence[Mapping[str, object]]) -> Mapping[str, Fault | None]:
        """Push ``alerts``, unless it ends before; or end after."""
        self.doom.strike()
        faults = await super().push(alerts)
        for each in alerts:
            labels: Any = each["labels"]
            self.at.setdefault(labels["service"], []).append((self.world.now, _is_over(each)))
        self.doom.strike()
        return faults


def _is_over(alert: Mapping[str, object]) -> bool:
    return datetime.fromisoformat(str(alert["endsAt"])).timestamp() < time.time() + LASTS / 2


class DoomedNotices(KeptNotices):
    """The ledger, which may be the last thing that is written."""

    doom: Doom

    def add(self, records: Sequence[Mapping[str, object]], now: float) -> bool:
        """Keep ``records``, unless it ends before; or end after."""
        self.doom.strike()
        kept = super().add(records, now)
        self.doom.strike()
        return kept


@dataclass
class MadeUpClock:
    """The world's time; the wall's is that of the servers."""

    world: World

    def now(self) -> float:
        """The world's time."""
        return self.world.now

    def wall(self) -> float:
        """The time of day."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Nobody sleeps here."""
        raise NotImplementedError


@dataclass
class Outcome:
    """What a day came to."""

    outages: int = 0
    notified: int = 0
    over: int = 0
    repeated: int = 0
    lives: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    flapped: list[str] = field(default_factory=list)
    pushes: int = 0


def outages(seed: int, seconds: float, began: float) -> list[Outage]:
    """What fails in ``seconds`` from ``began``: short and long, alone and through one cause."""
    chance = random.Random(seed)
    found: list[Outage] = []
    groups: list[tuple[str, ...]] = [(f"lone-{each}",) for each in range(LONE)]
    groups.append(("db", *(f"web-{each}" for each in range(SYMPTOMS))))
    for services in groups:
        at = began + chance.uniform(60, 900)
        while at < began + seconds - 900:
            long = chance.random() < 0.7
            lasts = chance.uniform(90, 1500) if long else chance.uniform(5, WAIT - 2 * ROUND)
            # The end of each is seen before the day is over.
            found.append(Outage(services, at, min(at + lasts, began + seconds - 300)))
            at += lasts + chance.uniform(300, 3600)
    return found


class Day:
    """``seconds`` of a watcher that notifies ``hook`` and the Alertmanagers at ``servers``."""

    def __init__(self, folder: Path, hook: Hook, servers: Sequence[str], seconds: float) -> None:
        self._folder = folder
        self._hook = hook
        self._urls = tuple(servers)
        self._world = World()
        for each in range(LONE):
            self._world.add(f"lone-{each}")
        self._world.add("db")
        for each in range(SYMPTOMS):
            self._world.add(f"web-{each}", ["db"])
        self._began = self._world.now
        self._ends = self._world.now + seconds
        self._outages = outages(7, seconds, self._began)
        self._chance = random.Random(11)
        self._pushed: dict[str, list[tuple[float, bool]]] = {}
        self._lives = 0
        self._wrong_at_servers: list[str] = []

    async def run(self) -> Outcome:
        """Live through it."""
        while self._world.now < self._ends:
            self._lives += 1
            await self._live(self._world.now + KILL_EVERY)
        return self._judged()

    async def _live(self, until: float) -> None:
        doom = Doom()
        connector, threads = Connector(), BoundedExecutor("state", 1)
        journal = LateJournal(place_from(_settings(self._folder)), None)
        both = self._receivers(connector, threads, journal, doom)
        last = 0.0
        try:
            while self._world.now < min(until + KILL_EVERY / 4, self._ends):
                if self._world.now >= until and doom.left is None:
                    doom.left = self._chance.randrange(6)
                self._world.pass_(ROUND)
                self._follow()
                troubles, snapshot = self._world.troubles(), self._world.snapshot
                for each in both:
                    await each.round(troubles, snapshot, self._world.now, blind=False)
                if self._world.now - last >= 300:
                    last = self._world.now
                    self._compare()
        except Killed:
            pass
        finally:
            for each in both:
                await each.close()
            journal.close()
            threads.close()
            await connector.close()

    def _receivers(
        self, connector: Connector, threads: BoundedExecutor, journal: LateJournal, doom: Doom
    ) -> list[Notifying]:
        hook = Webhook.model_validate({"url": self._hook.url})
        way = DoomedWebhook(hook, self._folder, connector)
        push = DoomedPush(
            [
                Alertmanager.model_validate({"url": url, "name": f"am-{number}"})
                for number, url in enumerate(self._urls)
            ],
            self._folder,
            connector,
        )
        push.world, push.at = self._world, self._pushed
        way.doom = push.doom = doom
        clock = MadeUpClock(self._world)
        found = []
        for name, each, written in (
            ("chat", way, {"webhook": {"url": self._hook.url}, "remind": 0}),
            ("am", push, {"alertmanager": "all"}),
        ):
            kept = DoomedNotices(journal, name)
            kept.doom = doom
            receiver = Receiver.model_validate(written)
            found.append(
                Notifying(name, _NOTIFY, receiver, each, kept, threads, clock, lambda: True)
            )
        return found

    def _follow(self) -> None:
        """Have the world be as it is to be now."""
        now = self._world.now
        down = {
            service
            for each in self._outages
            if each.begins <= now < each.ends
            for service in each.services
        }
        for name in self._world.views:
            self._world.turn(name, State.DOWN if name in down else State.OK)

    def _compare(self) -> None:
        """At each server there is what is surely to be there, and nothing that surely is not."""
        now = self._world.now
        certain = [each for each in self._outages if each.is_noticed]
        there = {
            each.services[0]
            for each in certain
            if each.begins + WAIT + 3 * ROUND <= now <= each.ends + WELL - 3 * ROUND
        }
        maybe = {
            each.services[0]
            for each in certain
            if each.begins <= now <= each.ends + WELL + 3 * ROUND
        }
        for url in self._urls:
            with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=30) as answer:
                found = {each["labels"]["service"] for each in json.load(answer)}
            for name in there - found:
                self._wrong_at_servers.append(f"{name} is not there")
            for name in found - maybe:
                self._wrong_at_servers.append(f"{name} is still there")

    def _judged(self) -> Outcome:
        posts = [each.json for each in self._hook.posts]
        ids = Counter(each["id"] for each in posts)
        unique = {each["id"]: each for each in posts}
        new = Counter(each["service"] for each in unique.values() if each["status"] == "new")
        over = Counter(each["service"] for each in unique.values() if each["status"] == "over")
        expected = Counter(each.services[0] for each in self._outages if each.is_noticed)
        outcome = Outcome(
            outages=len(self._outages),
            notified=sum(new.values()),
            over=sum(over.values()),
            repeated=sum(count - 1 for count in ids.values()),
            lives=self._lives,
            pushes=sum(map(len, self._pushed.values())),
        )
        for name in {*expected, *new, *over}:
            wanted = expected[name]
            for what, found in (("new", new[name]), ("over", over[name])):
                said = f"{name}: {found} × {what}, {wanted} outages"
                if found < wanted:
                    outcome.lost.append(said)
                elif found > wanted:
                    outcome.doubled.append(said)
        outcome.flapped = [*self._wrong_at_servers, *self._gaps()]
        return outcome

    def _gaps(self) -> list[str]:
        """Alerts that a server would have ended because nobody pushed them."""
        return [
            f"{name} was not pushed for {later - at:.0f} s"
            for name, pushes in self._pushed.items()
            for (at, over), (later, _) in pairwise(pushes)
            if not over and later - at >= LASTS
        ]


def _settings(folder: Path) -> Settings:
    return Settings.model_validate({"state_dir": str(folder / "state")})
