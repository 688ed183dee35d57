"""One receiver is notified, over a state on the disk, with watchers that die at any moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.notify import Notify, Receiver
from opsconsole.errors import StateError
from opsconsole.model.notices import Message, What
from opsconsole.model.state import State
from opsconsole.operations.state_place import FolderPlace, LateJournal
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.notify.kept import KeptNotices
from opsconsole.watcher.notify.notifying import UNREAD_FOR, Notifying
from tests.fakes import FakeClock
from tests.watcher.world import Inbox, World

RECEIVER = Receiver.model_validate({"command": ["/bin/true"]})


class Watcher:
    """One life of a watcher: it notifies ``inbox`` of ``world``, and keeps that in ``place``."""

    def __init__(self, place: FolderPlace, world: World, inbox: Inbox) -> None:
        self.world, self.inbox = world, inbox
        self.leads = True
        self.threads = BoundedExecutor("state", 1)
        self.journal = LateJournal(place, None)
        self.kept = KeptNotices(self.journal, "kim")
        self.notifying = Notifying(
            "kim",
            Notify.model_validate({"wait": "30s", "wait_well": "60s"}),
            RECEIVER,
            inbox,
            self.kept,
            self.threads,
            FakeClock(),
            lambda: self.leads,
        )

    async def watch(self, seconds: float, every: float = 10.0, *, blind: bool = False) -> None:
        for _ in range(int(seconds / every)):
            self.world.pass_(every)
            snapshot, troubles = self.world.snapshot, self.world.troubles()
            await self.notifying.round(troubles, snapshot, self.world.now, blind=blind)

    def die(self) -> None:
        self.journal.close()
        self.threads.close()


@pytest.fixture
def world() -> World:
    found = World()
    found.add("db")
    found.add("mail")
    return found


@pytest.fixture
def begin(tmp_path: Path, world: World) -> Callable[[Inbox], Watcher]:
    return lambda inbox: Watcher(FolderPlace(tmp_path / "state"), world, inbox)


def said(inbox: Inbox) -> list[tuple[What, str]]:
    return [(each.what, each.service) for each in inbox.messages]


async def test_a_watcher_that_follows_another_goes_on(
    begin: Callable[[Inbox], Watcher], world: World
) -> None:
    inbox = Inbox()
    first = begin(inbox)
    world.turn("db", State.DOWN)
    await first.watch(60)
    first.die()
    second = begin(inbox)
    await second.watch(60)
    world.turn("db", State.OK)
    await second.watch(30)
    second.die()
    third = begin(inbox)
    await third.watch(120)
    assert said(inbox) == [(What.NEW, "db"), (What.OVER, "db")]


async def test_what_was_not_taken_is_sent_under_the_same_id_until_it_is(
    begin: Callable[[Inbox], Watcher], world: World
) -> None:
    inbox = Inbox(refuses=3)
    watcher = begin(inbox)
    world.turn("db", State.DOWN)
    await watcher.watch(40)
    assert watcher.notifying.delivery.fault == "connect: nobody is there"
    assert watcher.notifying.delivery.refused == 2
    watcher.die()
    watcher = begin(inbox)
    await watcher.watch(300)
    assert said(inbox) == [(What.NEW, "db")]
    assert watcher.notifying.delivery.fault == ""


async def test_one_killed_between_sending_and_keeping_repeats_the_id(
    begin: Callable[[Inbox], Watcher], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox()
    watcher = begin(inbox)
    world.turn("db", State.DOWN)
    await watcher.watch(20)

    async def killed(message: Message) -> None:
        inbox.messages.append(message)
        raise KeyboardInterrupt

    monkeypatch.setattr(inbox, "send", killed)
    with pytest.raises(KeyboardInterrupt):
        await watcher.watch(60)
    monkeypatch.undo()
    watcher.die()
    watcher = begin(inbox)
    await watcher.watch(60)
    first, second = inbox.messages
    assert first.id == second.id


async def test_nothing_is_told_or_ended_while_the_watcher_is_blind(
    begin: Callable[[Inbox], Watcher], world: World
) -> None:
    inbox = Inbox()
    watcher = begin(inbox)
    world.turn("db", State.DOWN)
    await watcher.watch(600, blind=True)
    assert said(inbox) == []
    await watcher.watch(40)
    world.turn("db", State.OK)
    await watcher.watch(600, blind=True)
    assert said(inbox) == [(What.NEW, "db")]
    await watcher.watch(20)
    assert said(inbox) == [(What.NEW, "db"), (What.OVER, "db")]


async def test_one_that_leads_no_more_sends_nothing(
    begin: Callable[[Inbox], Watcher], world: World
) -> None:
    inbox = Inbox()
    watcher = begin(inbox)
    await watcher.watch(20)
    world.turn("db", State.DOWN)
    watcher.leads = False
    await watcher.watch(120)
    assert said(inbox) == []


async def test_two_that_both_lead_do_not_undo_each_other(
    begin: Callable[[Inbox], Watcher], world: World
) -> None:
    inbox = Inbox()
    one, other = begin(inbox), begin(inbox)
    for each in (one, other):
        await each.watch(10)
    world.turn("db", State.DOWN)
    for _ in range(12):
        for each in (one, other):
            await each.watch(10)
    assert said(inbox) == [(What.NEW, "db")]


async def test_people_are_told_although_the_disk_is_full(
    begin: Callable[[Inbox], Watcher], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox()
    watcher = begin(inbox)
    await watcher.watch(20)

    def full(*_: Any) -> bool:
        raise StateError("no space left on the disk")

    with monkeypatch.context() as broken:
        for name in ("add", "replace"):
            broken.setattr(watcher.kept, name, full)
        world.turn("db", State.DOWN)
        await watcher.watch(60)
        assert said(inbox) == [(What.NEW, "db")]
        assert "no space left" in watcher.notifying.delivery.unkept
    world.turn("mail", State.DOWN)
    await watcher.watch(60)
    assert watcher.notifying.delivery.unkept == ""
    watcher.die()
    # What was notified while nothing could be kept is known again.
    await begin(inbox).watch(120)
    assert said(inbox) == [(What.NEW, "db"), (What.NEW, "mail")]


async def test_people_are_told_although_nobody_knows_what_they_were_told_before(
    begin: Callable[[Inbox], Watcher], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox()
    watcher = begin(inbox)

    def broken(*_: Any) -> bool:
        raise StateError("the database is gone")

    for name in ("read", "add", "replace"):
        monkeypatch.setattr(watcher.kept, name, broken)
    world.turn("db", State.DOWN)
    await watcher.watch(UNREAD_FOR - 10)
    assert said(inbox) == []
    await watcher.watch(40)
    assert said(inbox) == [(What.NEW, "db")]
