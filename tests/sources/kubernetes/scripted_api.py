"""An API server in a few lines, as the reflector sees one: what it does wrong is said by a script.

It keeps objects, versions and the history since the last compaction; watches are fed from it on
the fake clock. Once it is ``deaf``, watches begin and nothing of them arrives.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError, refused
from opsconsole.sources.kubernetes.api.wire import JsonObject
from tests.fakes import FakeClock

REFUSED = ClusterError(Fault(FaultKind.CONNECT, "connection refused by api:6443"))
CUT = ClusterError(Fault(FaultKind.PROTOCOL, "the connection to api:6443 was broken off"))
SILENT = ClusterError(Fault(FaultKind.TIMEOUT, "api:6443 was silent", phase="body"))
ENDED = b""


@dataclass(eq=False)
class Watch:
    """One open watch; ``held`` says that nothing of it arrives for now."""

    params: Mapping[str, str]
    pieces: list[bytes | ClusterError] = field(default_factory=list)
    held: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, piece: bytes | ClusterError) -> None:
        self.pieces.append(piece)
        self.news.set()

    def hold(self, held: bool) -> None:
        self.held = held
        self.news.set()


class ScriptedApi:
    """One kind of objects. ``was`` has every value that an object ever had, by its key."""

    endpoint = "api:6443"
    silent_for = 0.0
    trouble: Fault | None = None

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.version = 10
        self.compacted = 0
        self.objects: dict[tuple[str, str], JsonObject] = {}
        self.history: list[tuple[int, str, JsonObject]] = []
        self.was: dict[tuple[str, str], set[str]] = {}
        self.watches: list[Watch] = []
        self.lists: list[float] = []
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.failing: list[ClusterError] = []
        self.down = self.deaf = False
        self.gone_in_event = True
        self.uids = count()
        self._pages: dict[str, tuple[int, list[JsonObject]]] = {}

    def put(self, name: str, value: str) -> None:
        """Make or change an object."""
        key = ("ns", name)
        kind = "MODIFIED" if key in self.objects else "ADDED"
        self.version += 1
        uid = _uid(self.objects[key]) if key in self.objects else str(next(self.uids))
        made = _object(name, value, uid, self.version)
        self.objects[key] = made
        self.was.setdefault(key, set()).add(value)
        self._tell(kind, made)

    def delete(self, name: str) -> None:
        """Remove one, if it is there."""
        old = self.objects.pop(("ns", name), None)
        if old is None:
            return
        self.version += 1
        about = {**old["metadata"], "resourceVersion": str(self.version)}  # type: ignore[dict-item]
        self._tell("DELETED", {**old, "metadata": about})

    def expire(self, names: list[str], cut_after: int | None = None) -> None:
        """Remove several at one version; the watches are cut once so many of them were said."""
        self.version += 1
        gone = [name for name in names if ("ns", name) in self.objects]
        for place, name in enumerate(gone):
            if place == cut_after:
                self.restart()
            old = self.objects.pop(("ns", name))
            about = {**old["metadata"], "resourceVersion": str(self.version)}  # type: ignore[dict-item]
            self._tell("DELETED", {**old, "metadata": about})

    def bookmark(self) -> None:
        """Say to all watches how far they are."""
        about = {"metadata": {"resourceVersion": str(self.version)}}
        for watch in self.watches:
            watch.send(_line("BOOKMARK", about))

    def compact(self) -> None:
        """Forget what was before now: versions until now are too old."""
        self.compacted = self.version
        self.history.clear()

    def repeat(self, back: int) -> None:
        """Send an event again that was sent before."""
        for _, kind, item in self.history[-back:][:1]:
            for watch in self.watches:
                watch.send(_line(kind, item))

    def restart(self) -> None:
        """End all watches without a word."""
        for watch in self.watches:
            watch.send(CUT)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> JsonObject:
        asked = dict(params or {})
        self.asked.append((path, asked))
        await asyncio.sleep(0)
        self._fail()
        token = asked.get("continue")
        if token is None:
            self.lists.append(self.clock.now())
            version, rest = self.version, [self.objects[key] for key in sorted(self.objects)]
        else:
            version, rest = self._pages[token]
            if version < self.compacted:
                raise refused(410, {"reason": "Expired", "message": "too old"})
        page, rest = rest[: int(asked["limit"])], rest[int(asked["limit"]) :]
        about = {"resourceVersion": str(version)}
        if rest:
            about["continue"] = f"{version}:{len(self._pages)}"
            self._pages[about["continue"]] = version, rest
        return {"metadata": about, "items": page}

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str] | None = None, *, silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        asked = dict(params or {})
        self.asked.append((path, asked))
        await asyncio.sleep(0)
        self._fail()
        watch = Watch(asked, held=self.deaf)
        begin = int(asked["resourceVersion"])
        if begin < self.compacted:
            if not self.gone_in_event:
                raise refused(410, {"reason": "Expired"})
            watch.send(_line("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"}))
            watch.send(ENDED)
        for version, kind, item in self.history:
            if version > begin:
                watch.send(_line(kind, item))
        self.watches.append(watch)
        try:
            yield self._pieces(watch, silence, self.clock.now() + int(asked["timeoutSeconds"]))
        finally:
            self.watches.remove(watch)

    async def _pieces(self, watch: Watch, silence: float, ends: float) -> AsyncIterator[bytes]:
        while True:
            while watch.pieces and not watch.held:
                piece = watch.pieces.pop(0)
                if isinstance(piece, ClusterError):
                    raise piece
                if piece == ENDED:
                    return
                yield piece
            watch.news.clear()
            left = silence if watch.held else min(silence, ends - self.clock.now())
            quiet = asyncio.ensure_future(self.clock.sleep(left))
            news = asyncio.ensure_future(watch.news.wait())
            try:
                await asyncio.wait({quiet, news}, return_when=asyncio.FIRST_COMPLETED)
                if quiet.done() and not news.done():
                    if left == silence:
                        raise SILENT
                    return
            finally:
                quiet.cancel()
                news.cancel()

    def _fail(self) -> None:
        if self.down:
            raise REFUSED
        if self.failing:
            raise self.failing.pop(0)

    def _tell(self, kind: str, item: JsonObject) -> None:
        self.history.append((self.version, kind, item))
        for watch in self.watches:
            watch.send(_line(kind, item))


def _object(name: str, value: str, uid: str, version: int) -> JsonObject:
    about = {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": str(version)}
    return {"metadata": about, "value": value}


def _uid(item: JsonObject) -> str:
    about = item["metadata"]
    assert isinstance(about, dict)
    return str(about["uid"])


def _line(kind: str, item: JsonObject) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"
