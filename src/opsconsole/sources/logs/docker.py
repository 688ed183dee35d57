"""Following the log of a container or of a Swarm service through the Docker Engine.

Invariant: a line is passed on once, also when the stream breaks: the stream is asked for again
from the time of the last line, and as many lines of that very time are left out as were passed
on. A container that was created again under the same name is followed from its beginning. A break
is reported as a gap.

The tasks of a Swarm service share one stream that is not in the order of time: after a break,
lines of a slower task that are older than the last one passed on are missing.
"""

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from opsconsole.config.settings import Docker
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.docker.client import (
    classify,
    connect,
    fault_in,
    get_json,
    open_stream,
    read_chunks,
)
from opsconsole.sources.docker.endpoint import DockerEndpoint, DockerUnavailableError, resolve
from opsconsole.sources.logs.base import LogSink, Sought, Stretch
from opsconsole.sources.logs.docker_frames import FrameReader, NotFramesError
from opsconsole.sources.logs.follower import Follower
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.sources.logs.stamped_lines import NANO, StampedLine
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from docker import DockerClient
    from requests import Response

TAIL: Final = 1_000
"""Lines of the past that are asked for at first."""

SILENCE: Final = 60.0
"""Seconds without a line after which the stream is renewed: a dead peer is silent too."""

_CATCH_UP: Final = 1.5
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 15.0
_STEADY: Final = 5.0


class DockerFollower(Follower):
    """Follows container ``name``, or service ``name`` when ``swarm``, on the first engine that
    knows it. ``timeout`` of each engine's settings bounds connecting."""

    def __init__(
        self, name: str, engines: Sequence[Docker], sink: LogSink, *, swarm: bool = False
    ) -> None:
        super().__init__(name, sink)
        self._name = name
        self._engines = [engine for engine in engines if engine.enabled] or [Docker()]
        self._kind = "services" if swarm else "containers"
        self._swarm = swarm
        self._id = ""
        self._last = 0
        self._told_at_last = 0
        self._skip = 0
        self._awaited = False
        self._failures = 0
        self._broken_at: float | None = None
        self._response: Response | None = None

    def close(self) -> None:
        """End the stream; its thread ends soon after."""
        super().close()
        response = self._response
        if response is not None:
            _shut(response)

    def follow(self) -> None:
        """One connection to its end, then a pause that grows with failures."""
        began = time.monotonic()
        fault = self._until_it_breaks()
        if self.stopping:
            return
        if fault is not None:
            self._broken_at = self._broken_at or time.monotonic()
            self.sink.trouble(str(fault))
        if time.monotonic() - began > _STEADY:
            self._failures = 0
        self._failures += 1
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(self._failures - 1, 8))
        self.wait(random.uniform(_FIRST_DELAY / 2, longest))  # noqa: S311 - jitter, no secret

    def past(self, sought: Sought) -> Iterator[Stretch]:
        """All that the engine still has of it."""
        yield Stretch(time.time(), self._batches(sought))

    def _batches(self, sought: Sought) -> Iterator[list[RawLine]]:
        fault: Fault | None = None
        for settings in self._engines:
            try:
                endpoint = resolve(settings, os.environ)
                timeout = settings.timeout or 2.0
                with closing(connect(endpoint, timeout)) as client:
                    yield from self._all_of(client, timeout, sought)
                return
            except DockerUnavailableError as error:
                fault = error.fault
                if fault.kind is not FaultKind.ABSENT:
                    break
            except NotFramesError as error:
                raise OSError(str(error)) from error
        raise OSError(str(fault))

    def _all_of(
        self, client: "DockerClient", timeout: float, sought: Sought
    ) -> Iterator[list[RawLine]]:
        found = self._inspect(client, timeout)
        params = {"stdout": "1", "stderr": "1", "timestamps": "1"}
        if sought.since is not None:
            params["since"] = f"{max(0.0, sought.since):.9f}"
        path = f"/{self._kind}/{quote(self._name, safe='')}/logs"
        with open_stream(client, path, params, timeout=(timeout, SILENCE)) as response:
            if response.status_code != 200:
                raise DockerUnavailableError(fault_in(response, timeout))
            reader = FrameReader(terminal=self._has_terminal(found))
            for chunk in read_chunks(response):
                yield [each.line for each in reader.feed(chunk)]
            yield [each.line for each in reader.rest()]

    def _until_it_breaks(self) -> Fault | None:
        fault: Fault | None = None
        for settings in self._engines:
            try:
                endpoint = resolve(settings, os.environ)
            except DockerUnavailableError as error:
                fault = error.fault
                continue
            fault = self._at(endpoint, settings.timeout or 2.0)
            if fault is None or fault.kind is not FaultKind.ABSENT:
                return fault
        return fault

    def _at(self, endpoint: DockerEndpoint, timeout: float) -> Fault | None:
        try:
            client = connect(endpoint, timeout)
            try:
                return self._follow_here(client, timeout)
            finally:
                client.close()
        except DockerUnavailableError as error:
            return error.fault
        except NotFramesError as error:
            return Fault(FaultKind.NOT_UNDERSTOOD, str(error))
        except OSError as error:
            return None if _was_silence(error) else classify(error, endpoint, timeout)

    def _follow_here(self, client: "DockerClient", timeout: float) -> Fault | None:
        found = self._inspect(client, timeout)
        params = {"follow": "1", "stdout": "1", "stderr": "1", "timestamps": "1"}
        past = self._resume(str(found.get("Id") or found.get("ID") or ""), params)
        path = f"/{self._kind}/{quote(self._name, safe='')}/logs"
        with open_stream(client, path, params, timeout=(timeout, SILENCE)) as response:
            if response.status_code != 200:
                raise DockerUnavailableError(fault_in(response, timeout))
            self._stands(response)
            reader = FrameReader(terminal=self._has_terminal(found))
            live_from = time.monotonic() + (_CATCH_UP if past else 0.0)
            for chunk in read_chunks(response):
                if self.stopping:
                    return None
                self._pass_on(reader.feed(chunk), live=time.monotonic() >= live_from)
            self._pass_on(reader.rest(), live=time.monotonic() >= live_from)
        return self._why_it_ended(client, timeout)

    def _inspect(self, client: "DockerClient", timeout: float) -> dict[str, Any]:
        suffix = "" if self._swarm else "/json"
        path = f"/{self._kind}/{quote(self._name, safe='')}{suffix}"
        try:
            found = get_json(client, path, deadline=timeout)
        except DockerUnavailableError as error:
            # All that a container says which was not there before is new.
            self._awaited = error.fault.kind is FaultKind.ABSENT
            raise
        return found if isinstance(found, dict) else {}

    def _has_terminal(self, found: dict[str, Any]) -> bool:
        if not self._swarm:
            return bool(_at_path(found, "Config", "Tty"))
        return bool(_at_path(found, "Spec", "TaskTemplate", "ContainerSpec", "TTY"))

    def _resume(self, identity: str, params: dict[str, str]) -> bool:
        """From where to ask; whether that is the past."""
        known, self._id = self._id, identity
        if known and known != identity:
            self._last = self._told_at_last = self._skip = 0
            self.sink.gap(f"{sanitize(self._name, limit=100)} was created again: another container")
            return False
        if self._last:
            seconds, rest = divmod(self._last, NANO)
            self._skip = self._told_at_last
            params["since"] = f"{seconds}.{rest:09d}"
            return False
        if self._awaited:
            return False
        params["tail"] = str(TAIL)
        return True

    def _stands(self, response: "Response") -> None:
        self._response = response
        if self.stopping:
            raise ConnectionError("closed")
        if self._broken_at is not None:
            lost = time.monotonic() - self._broken_at
            self._broken_at = None
            self.sink.gap(f"the log was out of reach for {lost:.0f} s and is followed again")
        self.sink.trouble("")

    def _pass_on(self, lines: list[StampedLine], *, live: bool) -> None:
        fresh = [each for each in lines if self._is_fresh(each)]
        if fresh:
            self.sink.lines([each.line for each in fresh], live=live)

    def _is_fresh(self, each: StampedLine) -> bool:
        """Whether a line was not passed on yet; the engine sends the last ones again."""
        at = each.nanoseconds
        if self._skip and at == self._last:
            self._skip -= 1
            return False
        if at > self._last:
            self._last, self._told_at_last, self._skip = at, 1, 0
        elif at == self._last:
            self._told_at_last += 1
        return True

    def _why_it_ended(self, client: "DockerClient", timeout: float) -> Fault | None:
        state = _at_path(self._inspect(client, timeout), "State", "Status")
        if isinstance(state, str) and state not in ("running", "restarting"):
            name = sanitize(self._name, limit=100)
            return Fault(FaultKind.ABSENT, f"{name} is {sanitize(state, limit=40)}")
        return None


def _at_path(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _was_silence(error: OSError) -> bool:
    from urllib3.exceptions import ReadTimeoutError

    return isinstance(error.__cause__, ReadTimeoutError)


def _shut(response: "Response") -> None:
    """Close a stream that another thread reads; it may be closing at the same moment."""
    from docker.types import CancellableStream

    close: Callable[[], None] = CancellableStream(iter(()), response).close
    try:
        close()
    except (OSError, AttributeError):
        return
