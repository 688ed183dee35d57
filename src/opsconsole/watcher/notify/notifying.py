"""Notifies one receiver of what is due to it, and keeps what was reported.

Invariant: what begins and what is over is kept before it is sent, what was taken after it was: a
watcher that ends at any moment leaves its successor what to send, and what is sent twice for that
has the same id. Where it cannot be kept, people are notified all the same. Nothing is sent that
``may_send`` forbids, or while this watcher is blind; an Alertmanager alone then goes on hearing of
what it knows, because its silence would mean that all is well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

from opsconsole.clock import Clock, skew
from opsconsole.config.notify import Notify, Receiver
from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.model.fault import Fault
from opsconsole.model.notices import Episode, Message, What
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.notices import message
from opsconsole.threads import BoundedExecutor, QueueFullError
from opsconsole.watcher.notify.book import Book, notice_of
from opsconsole.watcher.notify.episodes import Notified, Record
from opsconsole.watcher.notify.kept import KeptNotices
from opsconsole.watcher.notify.troubles import Troubles
from opsconsole.watcher.notify.ways.alertmanager import (
    OVER_FOR,
    PUSH_EVERY,
    AlertmanagerWay,
    pushed,
)

T = TypeVar("T")

STATE_WITHIN: Final = 15.0
"""Seconds for one look at what was reported."""

UNREAD_FOR: Final = 60.0
"""Seconds after which people are notified although nobody knows of what before."""

_RETRY: Final = 5.0
_RETRY_AT_MOST: Final = 60.0


class Way(Protocol):
    """How a message gets to a receiver."""

    async def send(self, message: Message) -> Fault | None:
        """Send ``message``; None when it was taken."""
        ...

    async def close(self) -> None:
        """Release what is held; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """How notifying a receiver goes.

    ``fault`` is why the last message was not taken, '' if it was; ``unkept`` why it is not kept.
    """

    receiver: str
    fault: str = ""
    unkept: str = ""
    accepted: int = 0
    refused: int = 0
    lasting: int = 0


class Notifying:
    """One receiver. ``kept`` is asked on ``threads``; ``may_send`` right before each message."""

    def __init__(
        self,
        name: str,
        notify: Notify,
        receiver: Receiver,
        way: Way | AlertmanagerWay,
        kept: KeptNotices,
        threads: BoundedExecutor,
        clock: Clock,
        may_send: Callable[[], bool],
    ) -> None:
        self._notify = notify
        self._receiver = receiver
        self._way = way
        self._kept = kept
        self._threads = threads
        self._clock = clock
        self._may_send = may_send
        self._book: Book | None = None
        self._unsaved = False
        self._asked_from: float | None = None
        self._delivery = Delivery(name)
        self._retry_at = 0.0
        self._pause = _RETRY
        self._pushed_at: float | None = None

    @property
    def delivery(self) -> Delivery:
        """How it goes."""
        return self._delivery

    def forget(self) -> None:
        """Another may have notified this receiver: what was reported is read again."""
        self._book, self._pushed_at, self._asked_from = None, None, None

    async def round(
        self, troubles: Troubles, snapshot: Snapshot, now: float, *, blind: bool
    ) -> None:
        """Send what is due at ``now``, which ``troubles`` of ``snapshot`` say."""
        book = await self._opened(now)
        if book is None:
            return
        if not blind:
            records = book.decide(troubles, snapshot, now)
            if records and not await self._keep(book, records, now):
                return
        match self._way:
            case AlertmanagerWay() as way:
                await self._push(book, way, troubles, snapshot, now)
            case way:
                if not blind:
                    await self._send(book, way, troubles, snapshot, now)
        lasting = sum(each.over_at is None for each in book.notified.episodes.values())
        self._note(lasting=lasting)

    async def close(self) -> None:
        """Close the way; idempotent."""
        await self._way.close()

    async def _send(
        self, book: Book, way: Way, troubles: Troubles, snapshot: Snapshot, now: float
    ) -> None:
        if now < self._retry_at:
            return
        for notice in list(book.notices(troubles, snapshot, now)):
            if not self._may_send():
                return
            fault = await way.send(message(notice, snapshot, now))
            self._count(fault, now)
            if fault is not None:
                return
            if not await self._keep(book, [book.sent(notice, now)], now):
                return

    async def _push(
        self,
        book: Book,
        way: AlertmanagerWay,
        troubles: Troubles,
        snapshot: Snapshot,
        now: float,
    ) -> None:
        episodes = tuple(book.notified.episodes.values())
        news = any(each.taken_at is None and each.over_at is None for each in episodes)
        ended = any(self._ended_since_push(each) for each in episodes)
        due = self._pushed_at is None or now - self._pushed_at >= PUSH_EVERY
        if not episodes or not (news or ended or due):
            return
        if now < self._retry_at or not self._may_send():
            return
        words = _words(book, troubles, snapshot, now)
        environment = snapshot.environment.name
        alerts = tuple(pushed(episodes, words, environment, now, skew(self._clock)))
        faults = await way.push(alerts)
        taken = any(fault is None for fault in faults.values())
        self._count(None if taken else next(iter(faults.values()), None), now)
        if not taken:
            return
        self._pushed_at = now
        failing = [f"{name}: {fault}" for name, fault in faults.items() if fault is not None]
        self._note(fault="; ".join(failing))
        records = [record for each in episodes for record in _after_push(each, now)]
        if records:
            await self._keep(book, records, now)

    def _ended_since_push(self, episode: Episode) -> bool:
        ended, last = episode.over_at, self._pushed_at
        return ended is not None and (last is None or ended > last)

    async def _opened(self, now: float) -> Book | None:
        if self._book is not None:
            return self._book
        self._asked_from = now if self._asked_from is None else self._asked_from
        notified: Notified | None = await self._state(self._kept.read)
        if notified is None:
            if now - self._asked_from < UNREAD_FOR:
                return None
            notified, self._unsaved = Notified(), True
        self._book = Book(self._notify, self._receiver, notified)
        return self._book

    async def _keep(self, book: Book, records: Sequence[Record], now: float) -> bool:
        """Keep ``records`` and go on with them; False when another watcher wrote meanwhile."""
        if self._unsaved:
            for each in records:
                book.notified.apply(each)
            self._unsaved = not await self._state(self._kept.replace, book.notified, now)
            return True
        kept = await self._state(self._kept.add, records, now)
        if kept is False:
            self.forget()
            return False
        self._unsaved = kept is None
        for each in records:
            book.notified.apply(each)
        return True

    async def _state(self, ask: Callable[..., T], *values: object) -> T | None:
        """What the state says; None where it cannot be used, and ``unkept`` says why."""
        try:
            found = await self._threads.run(ask, *values, deadline=STATE_WITHIN)
        except StateError as error:
            self._note(unkept=str(error))
        except (TimeoutError, QueueFullError) as error:
            self._note(unkept=f"the state did not answer: {error}")
        else:
            self._note(unkept="")
            return found
        return None

    def _count(self, fault: Fault | None, now: float) -> None:
        known = self._delivery
        if fault is None:
            self._pause, self._retry_at = _RETRY, 0.0
            self._note(fault="", accepted=known.accepted + 1)
            return
        self._retry_at = now + max(self._pause, fault.retry_after)
        self._pause = min(self._pause * 2, _RETRY_AT_MOST)
        hint = f"; {fault.hint}" if fault.hint else ""
        self._note(fault=f"{fault}{hint}", refused=known.refused + 1)

    def _note(self, **changed: Any) -> None:
        self._delivery = replace(self._delivery, **changed)


def _words(book: Book, troubles: Troubles, snapshot: Snapshot, now: float) -> Mapping[str, Message]:
    """What is said of each episode that lasts, by its id; what is over keeps its summary."""
    below = book.below(troubles)
    found: dict[str, Message] = {}
    for each in book.notified.episodes.values():
        if each.over_at is None:
            notice = notice_of(f"{each.id}-new", What.NEW, each, troubles, below)
            found[each.id] = message(notice, snapshot, now)
    return found


def _after_push(episode: Episode, now: float) -> Iterator[Record]:
    """What is to be kept once an Alertmanager took ``episode``."""
    if episode.over_at is None and episode.taken_at is None:
        yield {"do": "taken", "id": episode.id, "at": now}
    elif episode.over_at is not None and now - episode.over_at > OVER_FOR:
        yield {"do": "closed", "id": episode.id, "at": now}
