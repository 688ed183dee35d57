"""One HTTP health, liveness, readiness or startup probe.

Invariant: a look ends within ``timeout`` seconds, raises nothing, and says either what the target
said of itself or, classified, why that could not be read. A fault that is not the target's (name,
certificate files, descriptors, a body that we do not understand) never blames it.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol, Self

import httpx

from opsconsole.clock import Clock
from opsconsole.model.certificate import Validity
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.reading import Reading, is_stale
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State
from opsconsole.sources.base import Source
from opsconsole.sources.health.body import BY_CODE, read_health, status_fault
from opsconsole.sources.health.expect import TOO_MANY, accepts_status, phrase
from opsconsole.sources.health.factory import Asked
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.header_times import age, retry_after
from opsconsole.sources.http.http1 import HTTP2_HINT
from opsconsole.sources.http.target import KEPT_LOOKS, HttpTarget
from opsconsole.sources.http.transport import BLUR, BODY, CERTIFICATE, TOOK
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize, sanitize_bytes

ACCEPT: Final = "application/health+json, application/json;q=0.9, text/plain;q=0.8, */*;q=0.5"
"""Frameworks that negotiate give JSON to this and an HTML page to ``*/*``."""

HEADERS_KEPT: Final = 50
_NAME_LIMIT: Final = 80
_HEADER_LIMIT: Final = 300
# Of no use to a person or a metric, and different in every answer.
_DROPPED: Final = frozenset({b"date", b"set-cookie", b"authorization", b"www-authenticate"})


class Answering(Protocol):
    """Where one look goes. ``ask`` raises ``TransportFaultError``."""

    async def ask(self, deadline: float) -> httpx.Response: ...

    async def close(self) -> None: ...


class HttpProbe(Source[HealthReport]):
    """Asks ``target``, which it closes."""

    def __init__(self, asked: Asked, target: Answering, *, clock: Clock) -> None:
        self._asked = asked
        self._health = asked.health
        self._clock = clock
        self._target = target
        self._last: tuple[object, HealthReport | Fault] | None = None

    @classmethod
    def at_its_url(
        cls,
        asked: Asked,
        *,
        clock: Clock,
        connector: Connector,
        base: Path,
        looks: int = KEPT_LOOKS,
    ) -> Self:
        """One that dials. ``base`` is the configuration's folder; the connector stays open.

        A connection carries ``looks`` looks at most: a process that is draining goes on answering
        on one that it has, while it takes no new ones.
        """
        target = HttpTarget(
            asked.url,
            method=asked.health.method,
            accept=ACCEPT,
            http=asked.http,
            timeout=asked.timeout,
            connector=connector,
            base=base,
            looks=looks,
        )
        return cls(asked, target, clock=clock)

    @property
    def id(self) -> SourceId:
        """``service/instance:kind``."""
        return self._asked.id

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._asked.interval

    @property
    def endpoint(self) -> str:
        """All probes are one place on the screen, which is at no address."""
        return ""

    async def collect(self) -> Reading[HealthReport]:
        """Look once."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        result: HealthReport | Fault
        try:
            answer = await self._target.ask(started + self._asked.timeout)
            result = self._read(answer)
            took, blur = answer.extensions[TOOK], answer.extensions[BLUR]
            shown = answer.extensions[CERTIFICATE]
            return _reading(self._asked.id, self._clock.now(), took, result, blur, shown)
        except TransportFaultError as error:
            result, shown = self._from_fault(error), error.certificate
        except Exception as error:  # noqa: BLE001
            # The boundary of one probe: a defect is shown as such and stops nothing else.
            result, shown = _internal_fault(error), None
        took = loop.time() - started
        return _reading(self._asked.id, self._clock.now(), took, result, None, shown)

    async def close(self) -> None:
        """Close the kept connection; idempotent."""
        await self._target.close()

    def _read(self, response: httpx.Response) -> HealthReport | Fault:
        """The report or fault of an answer; one that equals the last is not read again."""
        encoded = "content-encoding" in response.headers
        body: bytes = response.read() if encoded else response.extensions[BODY]
        headers = _kept_headers(response.headers.raw)
        answer = (response.status_code, body, headers)
        if self._last is not None and self._last[0] == answer:
            return self._last[1]
        result = self._judge(response, body, headers)
        self._last = (answer, result)
        return result

    def _judge(
        self, response: httpx.Response, body: bytes, headers: dict[str, str]
    ) -> HealthReport | Fault:
        status = response.status_code
        kept_for = age(response.headers)
        if is_stale(-kept_for, self._asked.interval, 0.0):
            hint = "looks ask for no cache: let it pass them on"
            return Fault(
                FaultKind.CACHED,
                f"a cache answered, {kept_for:.0f} s old",
                hint=hint,
                status=status,
            )
        accepted = accepts_status(self._health.expect, status)
        if not accepted and (refusal := self._refusal(response)) is not None:
            return refusal
        rest = retry_after(status, response.headers)
        if not accepted and rest and status == TOO_MANY:
            fault = status_fault(status)
            message = f"{fault.message}; it asks for {rest:.0f} s of rest"
            return replace(fault, message=message, retry_after=rest)
        content_type = headers.get("content-type", "")
        found = read_health(
            body, status=status, accepted=accepted, content_type=content_type, health=self._health
        )
        if accepted:
            found = self._by_code(found, status, content_type)
        return found if isinstance(found, Fault) else replace(found, headers=headers)

    def _by_code(
        self, found: HealthReport | Fault, status: int, content_type: str
    ) -> HealthReport | Fault:
        """A liveness, readiness or startup probe goes by its code where its body says nothing."""
        if self._asked.kind is ProbeKind.HEALTH or self._health.expect is not None:
            return found
        if isinstance(found, Fault):
            return HealthReport(State.OK, BY_CODE, status_code=status, content_type=content_type)
        if found.state is State.UNKNOWN and not found.components:
            return replace(found, state=State.OK, format=BY_CODE, message="")
        return found

    def _refusal(self, response: httpx.Response) -> Fault | None:
        """Answers that are about the request, not about the target's health."""
        status = response.status_code
        if status in (401, 403, 407):
            hint = "look at the service's http: settings"
            message = f"HTTP {status} {phrase(status)}"
            return Fault(FaultKind.AUTH, message, hint=hint, status=status)
        if status in (426, 505):
            message = f"HTTP {status} {phrase(status)}"
            return Fault(FaultKind.UNSUPPORTED, message, hint=HTTP2_HINT, status=status)
        if status in (301, 302, 303, 307, 308):
            target = _shown_target(response.headers.get("location", ""))
            hint = "set the URL or health.path to where it points, if that is the service"
            message = f"redirect to {target} not followed"
            return Fault(FaultKind.STATUS, message, hint=hint, status=status)
        return None

    def _from_fault(self, error: TransportFaultError) -> Fault:
        status = error.fault.status
        if status is not None and not accepts_status(self._health.expect, status):
            # The code was read: whatever its body is like, this answer is no success.
            fault = status_fault(status)
            return replace(fault, message=f"{fault.message}; {error.fault.message}")
        return error.fault


def _reading(
    source: SourceId,
    at: float,
    took: float,
    result: HealthReport | Fault,
    blur: float | None,
    certificate: Validity | None,
) -> Reading[HealthReport]:
    fault = result if isinstance(result, Fault) else None
    value = None if isinstance(result, Fault) else result
    return Reading(source, at, took, value, fault, blur, certificate)


def _internal_fault(error: Exception) -> Fault:
    """Name the place of a defect; its text might hold what was being read."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return Fault(FaultKind.INTERNAL, f"probe failed by itself: {type(error).__name__} at {place}")


def _shown_target(location: str) -> str:
    """Where a redirect leads, without credentials and query."""
    try:
        url = httpx.URL(location).copy_with(userinfo=b"", query=None, fragment=None)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return sanitize(location.split("?")[0], limit=80)
    return sanitize(str(url), limit=120) or "nowhere"


def _kept_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers for a person and for metrics, sanitised, names in lower case."""
    kept: dict[str, str] = {}
    for name, value in raw:
        lowered = name.lower()
        if lowered in _DROPPED:
            continue
        if len(kept) >= HEADERS_KEPT:
            break
        shown = sanitize_bytes(lowered, limit=_NAME_LIMIT)
        kept[shown] = sanitize_bytes(value, limit=_HEADER_LIMIT)
    return kept
