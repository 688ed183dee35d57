"""Knowing all objects of one kind at any time: one list, then a watch of what changes.

Invariant: the store holds what the server had, object by object, and nothing else: a list takes
effect whole, an event that is cut, garbled or out of order takes none. Once the server is quiet and
answers, the store equals what is there. No more than one list in ``LIST_GAP`` seconds is begun.
``standing`` says until when the store was right and what is wrong since.

It is client-go's reflector (``tools/cache/reflector.go``): pages, bookmarks, 410 as a code and as
an event, full jitter. Its watches are short, because only the end that the server was asked for, or
a line, shows that a watch still stands: one that is dead without being closed is known by then.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from types import MappingProxyType
from typing import Final, Generic, Protocol, TypeVar

from opsconsole.clock import Clock
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.kubernetes.api.client import MOST, too_many
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError, refused, unusable
from opsconsole.sources.kubernetes.api.wire import JsonObject, page_of
from opsconsole.sources.one_of_many import each_alone

PAGE: Final = 250
"""Objects of one page; half of client-go's, which needs 40 MB for 5,000 pods rather than 60."""

LIST_GAP: Final = 30.0
"""Seconds from the beginning of one list to that of the next."""

FIRST_PAUSE: Final = 0.8
LONGEST_PAUSE: Final = 30.0
HEALTHY: Final = 120.0
"""Seconds without trouble after which the next pause is a first one again."""

WATCHED: Final = (15, 20)
"""Seconds after which the server is to end a watch, at least and at most; just before it sends a
bookmark."""

PROOF: Final = 3
"""The same of the first watch after one that was not ended: until then it is not believed."""

GRACE: Final = 5.0
"""Seconds by which the server may end a watch late."""

SILENCE: Final = WATCHED[1] + GRACE
"""Seconds for which a dead line is taken for one on which nothing changes, at most."""

SHORT: Final = 1.0
"""Seconds that a watch lasts at least, if the server works."""

LINE_LIMIT: Final = 8 << 20
"""Bytes of one event; etcd takes objects of 1.5 MiB."""

_LEAST_PAGE: Final = 10
_LARGEST_PAGE: Final = 8000
_GONE: Final = frozenset({"Expired", "Gone"})
_TOO_NEW: Final = "ResourceVersionTooLarge"
_ANSWERED: Final = frozenset(
    {FaultKind.PERMISSION, FaultKind.ABSENT, FaultKind.UNSUPPORTED, FaultKind.TOO_LARGE}
)
"""What another try soon does not change."""

_CUT: Final = frozenset({FaultKind.PROTOCOL, FaultKind.TIMEOUT, FaultKind.TLS})
"""How a connection ends that worked."""

T = TypeVar("T")

Key = tuple[str, str]
"""Namespace and name."""


class Api(Protocol):
    """What is needed of a ``ClusterClient``."""

    @property
    def endpoint(self) -> str: ...

    @property
    def silent_for(self) -> float: ...

    @property
    def trouble(self) -> Fault | None: ...

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> JsonObject: ...

    def stream(
        self, path: str, params: Mapping[str, str] | None = None, *, silence: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]: ...


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One object that came, changed or went: None is where it was not there."""

    key: Key
    before: T | None
    after: T | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Until when a store was known to be right, None before the first list, and what is wrong."""

    right_at: float | None = None
    fault: Fault | None = None


class _Store(Generic[T]):
    """Values and the uids of the objects that they are of, by the same keys."""

    def __init__(self) -> None:
        self.values: dict[Key, T] = {}
        self.uids: dict[Key, str] = {}

    def put(self, key: Key, uid: str, value: T) -> None:
        self.values[key], self.uids[key] = value, uid

    def drop(self, key: Key) -> None:
        self.values.pop(key, None)
        self.uids.pop(key, None)

    def get(self, key: Key) -> tuple[str, T] | None:
        value = self.values.get(key)
        return None if value is None else (self.uids[key], value)


class Reflector(Generic[T]):
    """All objects at ``path`` that ``keep`` makes something of; None leaves one out.

    ``params`` are such as ``labelSelector``. ``changed`` is called for what changes after the first
    list. ``run`` it as a task.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        *,
        keep: Callable[[JsonObject], T | None],
        clock: Clock,
        params: Mapping[str, str] | None = None,
        changed: Callable[[Change[T]], None] | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.path = path
        self._api = api
        self._keep = keep
        self._clock = clock
        self._params = dict(params or {})
        self._changed = changed
        self._chance = chance or random.Random()  # noqa: S311
        self._store = _Store[T]()
        self._version = ""
        self._whole = ""
        self._page = PAGE
        self._listed_at: float | None = None
        self._right_at: float | None = None
        self._fault: Fault | None = None
        self._watching = False
        self._doubted = False
        self._line_at = 0.0
        self._attempts = 0
        self._troubled_at = 0.0
        self._hurry = asyncio.Event()
        self._waits = False

    @property
    def objects(self) -> Mapping[Key, T]:
        """What is known, by namespace and name: a view, which is read at once and not kept."""
        return MappingProxyType(self._store.values)

    @property
    def standing(self) -> Standing:
        """Whether what is known may be believed."""
        if not self._watching:
            return Standing(self._right_at, self._fault)
        # While nothing is heard of the server, nothing is known of what changes there.
        if self._doubted:
            return Standing(self._right_at, self._fault)
        heard_at = self._clock.now() - self._api.silent_for
        return Standing(heard_at, self._fault or self._api.trouble)

    @property
    def waits(self) -> bool:
        """Whether it tries again later, because the server was not reached or cut it off."""
        return self._waits

    def hasten(self) -> None:
        """The server was reached: try again now, if it ``waits``."""
        self._hurry.set()

    async def run(self) -> None:
        """Keep the store right until it is cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except ClusterError as error:
                if _is_outdated(error):
                    self._version, self._fault = "", error.fault
                else:
                    await self._pause(error.fault)

    async def _list(self) -> None:
        """Take all pages, then exchange the store; a page that fails is asked for again."""
        found = _Store[T]()
        first, more = "", ""
        await self._wait_for_turn()
        while True:
            page = await self._one_page(more)
            items, version, more = page_of(page, self._api.endpoint)
            first = first or version
            for item in items:
                self._put(found, item)
            if len(found.values) > MOST:
                self._listed_at = self._clock.now()
                raise too_many(self._api.endpoint, self.path)
            if not more:
                break
            await asyncio.sleep(0)
        self._page = PAGE
        self._exchange(found)
        # What changed while the later pages were read comes again by the watch.
        self._version = self._whole = first
        self._right_at, self._fault = self._clock.now(), None

    async def _wait_for_turn(self) -> None:
        if self._listed_at is not None:
            wait = self._listed_at + LIST_GAP - self._clock.now()
            if wait > 0:
                await self._clock.sleep(wait)
        self._listed_at = None

    async def _one_page(self, more: str) -> JsonObject:
        while True:
            asked = {**self._params, "limit": str(self._page)}
            if more:
                asked["continue"] = more
            try:
                page = await self._api.get(self.path, asked)
            except ClusterError as error:
                if error.status is not None or more:
                    self._listed_at = self._listed_at or self._clock.now()
                if error.status == 410:
                    # The pages took longer than the server keeps one version: take fewer.
                    self._page = min(self._page * 4, _LARGEST_PAGE)
                    raise
                if error.fault.kind is FaultKind.TOO_LARGE and self._page > _LEAST_PAGE:
                    self._page = max(_LEAST_PAGE, self._page // 4)
                    continue
                await self._pause(error.fault)
            else:
                self._listed_at = self._listed_at or self._clock.now()
                return page

    async def _watch(self) -> None:
        """Follow what changes until the server ends the watch."""
        seconds = PROOF if self._doubted else self._chance.randint(*WATCHED)
        asked = {
            **self._params,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._whole,
            "timeoutSeconds": str(seconds),
        }
        started = self._clock.now()
        try:
            async with self._api.stream(self.path, asked, silence=seconds + GRACE) as pieces:
                self._watching, self._line_at = True, started
                self._fault = self._fault if self._doubted else None
                async with aclosing(self._lines(pieces, started + seconds + GRACE)) as lines:
                    async for line in lines:
                        self._take(line)
                        self._believe()
            self._believe()
            if self._clock.now() - started < SHORT:
                message = f"{self._api.endpoint} ends every watch at once"
                raise unusable(message, "", FaultKind.PROTOCOL)
        except ClusterError as error:
            was_cut = error.status is None and error.fault.kind in _CUT
            if not was_cut or not self._watching or self._clock.now() - started < SHORT:
                raise
            # It worked and was cut: nothing speaks against going on at once.
            self._fault = error.fault
            if error.fault.kind is FaultKind.TIMEOUT:
                self._doubt()
            self._stop_watching()
            await self._clock.sleep(self._chance.uniform(0.0, FIRST_PAUSE))
        finally:
            self._stop_watching()

    def _stop_watching(self) -> None:
        if self._watching:
            self._watching = False
            if not self._doubted:
                self._right_at = self._clock.now() - self._api.silent_for

    def _doubt(self) -> None:
        """The line was dead, nobody knows since when: what is known is of its last word."""
        if not self._doubted:
            self._doubted, self._right_at = True, self._line_at

    def _believe(self) -> None:
        """The watch has shown that it stands."""
        self._line_at = self._clock.now()
        if self._doubted:
            self._doubted, self._fault = False, None

    async def _lines(self, pieces: AsyncIterator[bytes], ends: float) -> AsyncGenerator[bytes]:
        """Whole lines. Raises ClusterError for one that is too long or does not end."""
        buffer, whole_at = bytearray(), self._clock.now()
        async for piece in pieces:
            buffer += piece
            *lines, rest = buffer.split(b"\n") if b"\n" in piece else (buffer,)
            now = self._clock.now()
            if lines:
                buffer, whole_at = bytearray(rest), now
            for line in lines:
                if line:
                    yield bytes(line)
            if len(buffer) > LINE_LIMIT:
                raise self._violation(f"an event of more than {LINE_LIMIT >> 20} MiB")
            if now - whole_at > SILENCE or now > ends:
                what = f"{self._api.endpoint} sends an event or a watch that does not end"
                raise unusable(what, "", FaultKind.TIMEOUT)

    def _take(self, line: bytes) -> None:
        """Apply one event. Raises ClusterError where it is none, or ends the watch."""
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            raise self._violation("an event that is no JSON") from None
        kind = event.get("type") if isinstance(event, dict) else None
        item = event.get("object") if isinstance(event, dict) else None
        if not isinstance(kind, str) or not isinstance(item, dict):
            raise self._violation("what is no event")
        if kind == "ERROR":
            code = item.get("code")
            raise refused(code if isinstance(code, int) else 500, item, peer=self._api.endpoint)
        if kind not in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}:
            raise self._violation("an event of an unknown type")
        version = _version_of(item)
        if not version:
            raise self._violation("an object without a version")
        if _is_before(version, self._version):
            # Such as after etcd was restored: what is known may never have been.
            self._version = ""
            raise self._violation("a version older than the last one")
        if kind == "BOOKMARK":
            self._whole = self._version = version
            return
        self._apply(kind, item)
        if version != self._version:
            # Several objects may change at one version, as events do that expire: until something
            # newer comes, it is not known that all of them have come.
            self._whole, self._version = self._version, version

    def _apply(self, kind: str, item: JsonObject) -> None:
        key = _key_of(item)
        before = self._store.get(key)
        if kind == "DELETED":
            self._store.drop(key)
        elif not self._put(self._store, item):
            # It no longer is what is kept.
            self._store.drop(key)
        if len(self._store.values) > MOST:
            self._version = ""
            raise too_many(self._api.endpoint, self.path)
        self._report(key, before, self._store.get(key))

    def _put(self, store: _Store[T], item: JsonObject) -> bool:
        value = each_alone(self._keep, item)
        if value is None:
            return False
        store.put(_key_of(item), _text(_about(item).get("uid")), value)
        return True

    def _exchange(self, found: _Store[T]) -> None:
        old, self._store = self._store, found
        if self._right_at is None:
            return
        for key in old.values.keys() | found.values.keys():
            self._report(key, old.get(key), found.get(key))

    def _report(self, key: Key, before: tuple[str, T] | None, after: tuple[str, T] | None) -> None:
        """Say what changed; another object of the same name is one that went and one that came."""
        if self._changed is None or before == after:
            return
        if before is not None and after is not None and before[0] != after[0]:
            self._changed(Change(key, before[1], None))
            before = None
        self._changed(Change(key, before[1] if before else None, after[1] if after else None))

    async def _pause(self, fault: Fault) -> None:
        """Wait as long as ``fault`` and what went before it ask for."""
        now = self._clock.now()
        if now - self._troubled_at > HEALTHY:
            self._attempts = 0
        self._troubled_at, self._fault = now, fault
        limit = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._attempts, 10))
        self._attempts += 1
        wait = max(self._chance.uniform(0.0, limit), fault.retry_after)
        if fault.kind in _ANSWERED:
            await self._clock.sleep(max(wait, LIST_GAP))
        elif fault.retry_after:
            await self._clock.sleep(wait)
        else:
            await self._slept_or_hastened(wait)

    async def _slept_or_hastened(self, wait: float) -> None:
        self._hurry.clear()
        self._waits = True
        tasks = [
            asyncio.ensure_future(self._clock.sleep(wait)),
            asyncio.ensure_future(self._hurry.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waits = False
            for task in tasks:
                task.cancel()

    def _violation(self, what: str) -> ClusterError:
        return unusable(f"{self._api.endpoint} sends {what}", "", FaultKind.NOT_UNDERSTOOD)


def _about(item: JsonObject) -> Mapping[str, object]:
    about = item.get("metadata")
    return about if isinstance(about, dict) else {}


def _key_of(item: JsonObject) -> Key:
    about = _about(item)
    return sys.intern(_text(about.get("namespace"))), _text(about.get("name"))


def _version_of(item: JsonObject) -> str:
    return _text(_about(item).get("resourceVersion"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_before(one: str, other: str) -> bool:
    """Whether a version is older than another; versions that are no numbers are not compared."""
    if not (one.isascii() and other.isascii() and one.isdigit() and other.isdigit()):
        return False
    return (len(one), one) < (len(other), other)


def _is_outdated(error: ClusterError) -> bool:
    """Whether the version that was asked from is none that the server can begin with."""
    if error.status == 410 or error.reason in _GONE or error.status == 400:
        return True
    causes = error.said.get("causes")
    return isinstance(causes, list) and any(
        isinstance(each, dict) and each.get("reason") == _TOO_NEW for each in causes
    )
