"""Following the logs of all pods of a workload, through restarts and replacements.

Invariant: a line is passed on once, under the name of its pod; the run before the latest one comes
first, and what a run that ended wrote last comes before the next one. A pod that cannot be read
hides no other. Everything is asked of the API server; nothing here changes it.
"""

import asyncio
import heapq
import os
import random
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import field
from typing import Final
from urllib.parse import quote

from opsconsole.config.kubernetes import KubernetesCluster, KubernetesTarget
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import FaultKind
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError, unusable
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.logs.base import LogContext, LogSink, Sought, Stretch
from opsconsole.sources.logs.follower import Follower
from opsconsole.sources.logs.pod_runs import Run, runs_of, selector_of
from opsconsole.sources.logs.position import Position
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.sources.logs.stamped_lines import StampedLine, StampedSplitter
from opsconsole.text import sanitize

TAIL: Final = 1_000
"""Lines of the past that are asked for at first, of each run."""

MOST: Final = 40
"""Containers that are followed at once, each on its own connection."""

EVERY: Final = 2.0
"""Seconds between two looks at which pods there are, while somebody reads."""

SILENCE: Final = 60.0
"""Seconds without a line after which a log is asked for again: a dead peer is silent too."""

_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 15.0
_PAST_BYTES: Final = 32 << 20
"""Bytes that are read of the past of one run; a kubelet turns a log at ten megabytes."""

_BATCH: Final = 1_000
_RESOURCES: Final = {
    "deployment": "deployments",
    "statefulset": "statefulsets",
    "daemonset": "daemonsets",
}


@dataclass(slots=True)
class _Tail:
    """One container that is followed: the run that was read last, and the last that is read whole.

    ``left``: its pod is gone.
    """

    run: Run
    read: str = ""
    done: str = ""
    restarts: int = 0
    position: Position = field(default_factory=Position)
    task: "asyncio.Task[None] | None" = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    left: bool = False


class KubernetesFollower(Follower):
    """Follows the pods of ``what``: ``deployment/web``, or with its namespace before it."""

    def __init__(self, what: str, context: LogContext, sink: LogSink) -> None:
        super().__init__(what, sink)
        self._base = context.base
        *namespace, self._kind, self._name = what.split("/")
        clusters = [each for each in context.settings.kubernetes if each.enabled]
        named = [each for each in clusters if context.engine in {None, each.name}]
        self._cluster: KubernetesCluster | None = named[0] if named else None
        target = KubernetesTarget(workload=f"{self._kind}/{self._name}")
        self._namespace = namespace[0] if namespace else ""
        if self._cluster is not None and not self._namespace:
            self._namespace = target.namespace_in(self._cluster)
        self._tails: dict[tuple[str, str], _Tail] = {}
        self._refused: dict[tuple[str, str], str] = {}
        self._looked = False
        self._failures = 0
        self._broken_at: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def close(self) -> None:
        """End the streams; the thread ends soon after."""
        super().close()
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:
                return  # The loop has ended by itself.

    def follow(self) -> None:
        """The pods until the cluster cannot be asked, then a pause that grows with failures."""
        try:
            asyncio.run(self._until_it_breaks())
        except asyncio.CancelledError:
            return
        except ClusterError as error:
            self._broken_at = self._broken_at or time.monotonic()
            self.sink.trouble(str(error.fault))
        self._failures += 1
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(self._failures - 1, 8))
        self.wait(random.uniform(_FIRST_DELAY / 2, longest))  # noqa: S311 - jitter, no secret

    def past(self, sought: Sought) -> Iterator[Stretch]:
        """All that the cluster still has of its pods: of each container two runs at most."""
        yield Stretch(time.time(), self._batches(sought))

    def _batches(self, sought: Sought) -> Iterator[list[RawLine]]:
        asked = {"sinceTime": _time(sought.since)} if sought.since else {}
        with asyncio.Runner() as runner:
            try:
                lines = runner.run(self._all_of(asked))
            except ClusterError as error:
                raise OSError(str(error.fault)) from error
        for at in range(0, len(lines), _BATCH):
            yield lines[at : at + _BATCH]

    async def _all_of(self, asked: Mapping[str, str]) -> list[RawLine]:
        async with self._connected() as client:
            tails = [_Tail(run) for run in (await self._runs(client))[:MOST]]
            return _merged([await _catch_up(client, tail, asked) for tail in tails])

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ClusterClient]:
        if self._cluster is None:
            hint = "name it under kubernetes: in the configuration"
            raise unusable("no cluster that is looked at has this log", hint)
        client = ClusterClient(
            access_of(self._cluster, os.environ, base=self._base), timeout=self._cluster.timeout
        )
        try:
            yield client
        finally:
            await client.close()

    async def _runs(self, client: ClusterClient) -> tuple[Run, ...]:
        """The containers of the workload's pods. Raises ClusterError."""
        space = quote(self._namespace)
        resource = _RESOURCES[self._kind]
        path = f"/apis/apps/v1/namespaces/{space}/{resource}/{quote(self._name)}"
        labels = selector_of(await client.get(path))
        if not labels:
            return ()
        pods = await client.listing(f"/api/v1/namespaces/{space}/pods", {"labelSelector": labels})
        return runs_of(pods.items)

    async def _until_it_breaks(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self.stopping:
            return
        try:
            async with self._connected() as client:
                while True:
                    runs = await self._runs(client)
                    self._stands()
                    await self._take(client, runs)
                    await asyncio.sleep(EVERY)
        finally:
            self._loop = self._task = None
            tasks = [each.task for each in self._tails.values() if each.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for tail in self._tails.values():
                tail.task = None

    def _stands(self) -> None:
        self._failures = 0
        if self._broken_at is not None:
            lost = time.monotonic() - self._broken_at
            self._broken_at = None
            self.sink.gap(
                f"the cluster was out of reach for {lost:.0f} s; its logs are followed again"
            )

    async def _take(self, client: ClusterClient, runs: tuple[Run, ...]) -> None:
        """Follow the containers that there are; those of pods that are gone end by themselves."""
        there = {run.key for run in runs}
        for key in [key for key in self._tails if key not in there]:
            self._leave(key)
        fresh = [run for run in runs if run.key not in self._tails]
        room = MOST - len(self._tails)
        tails = [_Tail(run) for run in fresh[:room]]
        if not self._looked:
            # What a pod says which was not there at the first look is new.
            tail_of = {"tailLines": str(TAIL)}
            read = await asyncio.gather(*(_catch_up(client, each, tail_of) for each in tails))
            self.sink.lines(_merged(read), live=False)
            self._looked = True
        self._tails |= {tail.run.key: tail for tail in tails}
        for run in runs:
            tail = self._tails.get(run.key)
            if tail is None:
                continue
            if tail.run != run:
                tail.run = run
                tail.changed.set()
            if tail.task is None or tail.task.done():
                tail.task = asyncio.create_task(self._follow_tail(client, tail))
        left = len(fresh) - len(tails)
        words = [f"{MOST} containers are followed, {left} are not"] if left else []
        self.sink.trouble("; ".join([*words, *dict.fromkeys(self._refused.values())]))

    def _leave(self, key: tuple[str, str]) -> None:
        """Read on until the log of a pod that is gone ends, at most one look longer."""
        tail = self._tails[key]
        if tail.task is None or tail.task.done() or tail.left:
            if tail.task is not None:
                tail.task.cancel()
            del self._tails[key]
            self._refused.pop(key, None)
        tail.left = True

    async def _follow_tail(self, client: ClusterClient, tail: _Tail) -> None:
        delay = _FIRST_DELAY
        while not tail.left:
            run = tail.run
            tail.changed.clear()
            try:
                moved = await self._read_runs(client, tail, run)
                self._refused.pop(run.key, None)
                delay = _FIRST_DELAY if moved else delay
            except ClusterError as error:
                self._refused[run.key] = f"{run.writer}: {error.fault}"
            try:
                pause = random.uniform(delay / 2, delay)  # noqa: S311 - jitter, no secret
                await asyncio.wait_for(tail.changed.wait(), pause)
            except TimeoutError:
                delay = min(_LONGEST_DELAY, delay * 2)

    async def _read_runs(self, client: ClusterClient, tail: _Tail, run: Run) -> bool:
        """What is left of the run before, and the current one until it ends or is silent.

        Whether anything was read.
        """
        moved = False
        if run.last and run.last != tail.done:
            missed = run.restarts - tail.restarts - 1
            if missed > 0:
                self.sink.gap(f"{run.writer}: {missed} runs ended between two looks")
            moved |= await self._pass(client, tail, {}, _begin_of_last(tail), previous=True)
            tail.done = run.last
        tail.restarts = run.restarts
        if not run.current or run.current == tail.done:
            return moved
        if run.current != tail.read:
            if tail.done or tail.read:
                self.sink.gap(f"{run.writer}: restart {run.restarts}")
            tail.read = run.current
        moved |= await self._pass(client, tail, {"follow": "true"}, tail.position.last)
        if _is_whole(tail):
            tail.done = run.current
        return moved

    async def _pass(
        self,
        client: ClusterClient,
        tail: _Tail,
        asked: Mapping[str, str],
        since: float,
        *,
        previous: bool = False,
    ) -> bool:
        """Pass on what is fresh of what was written from ``since`` on; whether anything was.

        A run is not named where it is read: what comes may be of one that began just now. So the
        runs of a container share one position.
        """
        run, moved = tail.run, False
        if since:
            asked = {**asked, "sinceTime": _time(since)}
        tail.position.ask_again(since)
        try:
            async for lines in _read(client, run, asked, previous=previous):
                fresh = tail.position.fresh(lines)
                if fresh:
                    moved = True
                    self.sink.lines([_named(each.line, run) for each in fresh], live=True)
        except ClusterError as error:
            # A run may be kept no more, and a container may not have begun. A pod that is gone
            # is known by the next look.
            if not _is_of_one(error):
                raise
        return moved


async def _catch_up(client: ClusterClient, tail: _Tail, asked: Mapping[str, str]) -> list[RawLine]:
    """The runs of a container that can be read, up to this moment. Raises ClusterError."""
    run, lines = tail.run, list[StampedLine]()
    tail.restarts = run.restarts
    for previous in _kept(run):
        try:
            async for some in _read(client, run, asked, previous=previous):
                lines += tail.position.fresh(some)
        except ClusterError as error:
            if not _is_of_one(error):
                raise
        tail.read = run.last if previous else run.current
        if previous or _is_whole(tail):
            tail.done = tail.read
    return [_named(each.line, run) for each in lines]


def _merged(read: Iterable[list[RawLine]]) -> list[RawLine]:
    """The lines of several logs by their times, each log in its own order."""
    return list(heapq.merge(*read, key=lambda each: each.at or 0.0))


async def _read(
    client: ClusterClient, run: Run, asked: Mapping[str, str], *, previous: bool
) -> AsyncIterator[list[StampedLine]]:
    """A container's lines as they come. Raises ClusterError; silence ends it."""
    params = {"container": run.container, "timestamps": "true", **asked}
    if previous:
        params["previous"] = "true"
    if "follow" not in asked:
        params["limitBytes"] = str(_PAST_BYTES)
    splitter = StampedSplitter()
    try:
        async with client.stream(run.path, params, silence=SILENCE) as chunks:
            async for chunk in chunks:
                yield _of_container(splitter.feed(chunk))
    except ClusterError as error:
        if error.fault.kind is not FaultKind.TIMEOUT or "follow" not in asked:
            raise
    yield _of_container(splitter.rest())


def _of_container(lines: list[StampedLine]) -> list[StampedLine]:
    """Without what the kubelet says itself: all that a container says has a time."""
    return [each for each in lines if each.nanoseconds]


def _kept(run: Run) -> tuple[bool, ...]:
    """The runs of a container that can be read: whether each is the previous one."""
    return (*([True] if run.last else []), *([False] if run.current else []))


def _is_of_one(error: ClusterError) -> bool:
    """Whether a refusal is about this run alone: it has not begun, or is kept no more."""
    return error.status in {400, 404}


def _begin_of_last(tail: _Tail) -> float:
    """From when on the run before is to be read: where it was left, or its beginning.

    Its times are whole seconds: what was read in the last of them may be of the run after it.
    """
    run, last = tail.run, tail.position.last
    return last if run.last_began <= last < run.last_ended else run.last_began


def _is_whole(tail: _Tail) -> bool:
    """Whether the current run has ended, and what was read last was still of it."""
    ended = tail.run.ended
    return ended is not None and tail.position.last < ended


def _time(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, at)))


def _named(line: RawLine, run: Run) -> RawLine:
    return line._replace(replica=sanitize(run.writer, limit=300))
