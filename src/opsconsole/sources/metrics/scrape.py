"""The console's own scrape of an instance's metrics, where no Prometheus does it.

Invariant: a look ends within ``timeout`` seconds, raises nothing, holds at most ``BODY_LIMIT``
bytes, and either adds one scrape to the service's samples or says, classified, why it could not.
The event loop is not held up by a large body: that is parsed in the given executor.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock, skew
from opsconsole.config.http import HttpConfig
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.observations import ScrapeSeen
from opsconsole.model.reading import Reading
from opsconsole.model.running.processes import ProcessStart
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import Source
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.header_times import retry_after
from opsconsole.sources.http.target import KEPT_LOOKS, HttpTarget
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.metrics.exposition import (
    ACCEPT,
    Exposition,
    ExpositionError,
    TooManySeriesError,
    read_exposition,
)
from opsconsole.sources.metrics.process_starts import read_body
from opsconsole.sources.metrics.sample_book import SERIES_LIMIT
from opsconsole.sources.metrics.service_samples import ServiceSamples
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of

BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of one exposition; that of a large application is of some hundred KiB."""

DEFAULT_PATH: Final = "/metrics"

_INLINE: Final = 128 * 1024
"""Bytes that are parsed on the loop: about a millisecond, less than a hand-over costs."""

_NARROW: Final = "narrow the declared metrics with labels"


class MetricsPage:
    """The exposition of one target, read by ``deadline`` (the loop's time)."""

    def __init__(
        self, url: str, *, http: HttpConfig, timeout: float, connector: Connector, base: Path
    ) -> None:
        self._target = HttpTarget(
            url,
            accept=ACCEPT,
            http=http,
            timeout=timeout,
            connector=connector,
            base=base,
            body_limit=BODY_LIMIT,
            looks=KEPT_LOOKS,
        )

    @property
    def instance(self) -> str:
        """``host:port``, what a Prometheus would name the instance."""
        url = self._target.url
        if url is None:
            return ""
        port = url.port or (443 if url.scheme == "https" else 80)
        return f"{url.host}:{port}"

    async def read(self, deadline: float) -> tuple[bytes, str]:
        """The body and its content type. Raises ``TransportFaultError``."""
        response = await self._target.ask(deadline)
        status = response.status_code
        if status != 200:
            raise TransportFaultError.of(_refusal(status, response.headers))
        return response.read(), response.headers.get("content-type", "")

    async def close(self) -> None:
        """Close the kept connection; idempotent."""
        await self._target.close()


class ScrapeSource(Source[ScrapeSeen]):
    """One instance. ``samples`` is shared by all instances of the service.

    ``interval`` and ``timeout`` are in seconds. Connector and executor are shared and stay open.
    """

    def __init__(
        self,
        *,
        service: str,
        instance: str,
        url: str,
        samples: ServiceSamples,
        http: HttpConfig,
        interval: float,
        timeout: float,
        clock: Clock,
        connector: Connector,
        executor: BoundedExecutor,
        base: Path,
    ) -> None:
        self._service, self._instance = service, instance
        self._id = scrape_id(service, instance)
        self._interval = interval
        self._timeout = timeout
        self._samples = samples
        self._clock = clock
        self._executor = executor
        self._start: ProcessStart | None = None
        self._page = MetricsPage(url, http=http, timeout=timeout, connector=connector, base=base)

    @property
    def id(self) -> SourceId:
        """``service/instance``."""
        return self._id

    @property
    def interval(self) -> float:
        """Seconds between scrapes."""
        return self._interval

    @property
    def endpoint(self) -> str:
        """All scrapes are one place on the screen, which is at no address."""
        return ""

    async def collect(self) -> Reading[ScrapeSeen]:
        """Scrape once."""
        loop = asyncio.get_running_loop()
        started, began = loop.time(), self._clock.now()
        found: Exposition | Fault
        try:
            found = await self._look(started + self._timeout)
        except TransportFaultError as error:
            found = error.fault
        except (TimeoutError, QueueFullError) as error:
            found = fault_of(error, "the parser of the metrics", self._timeout)
        except Exception as error:  # noqa: BLE001 - the boundary of one source: a defect of ours
            found = Fault(FaultKind.INTERNAL, f"scrape failed by itself: {type(error).__name__}")
        if not isinstance(found, Fault):
            found = self._keep(began, found)
        now, took = self._clock.now(), loop.time() - started
        if isinstance(found, Fault):
            self._samples.failed(self._page.instance)
            return Reading(self._id, now, took, fault=found)
        counts = tuple(self._samples.counts(self._page.instance, began))
        starts = () if self._start is None else (self._start,)
        problems = (*found.problems, *self._samples.mistaken(found))
        figures = self._samples.values(now)
        view = ScrapeSeen(figures, counts=counts, starts=starts, problems=problems)
        return Reading(self._id, now, took, value=view)

    async def close(self) -> None:
        """Close the kept connection; idempotent."""
        await self._page.close()

    async def _look(self, deadline: float) -> Exposition | Fault:
        body, content_type = await self._page.read(deadline)
        try:
            if len(body) <= _INLINE:
                found, self._start = self._read(body, content_type)
            else:
                left = max(0.1, deadline - asyncio.get_running_loop().time())
                run = self._executor.run
                found, self._start = await run(self._read, body, content_type, deadline=left)
            return found
        except ExpositionError as error:
            hint = "is metrics_path the right path?"
            return Fault(FaultKind.NOT_UNDERSTOOD, str(error), hint)
        except TooManySeriesError as error:
            return Fault(FaultKind.TOO_LARGE, str(error), _NARROW)

    def _read(self, body: bytes, content_type: str) -> tuple[Exposition, ProcessStart | None]:
        found = read_exposition(body, content_type, self._samples.names)
        return found, read_body(body, self._service, self._instance, skew(self._clock))

    def _keep(self, at: float, found: Exposition) -> Exposition | Fault:
        if self._samples.add(self._page.instance, at, found.samples):
            return found
        message = f"more than {SERIES_LIMIT} series of declared metrics"
        return Fault(FaultKind.TOO_LARGE, message, _NARROW)


def scrape_id(service: str, instance: str) -> SourceId:
    """The id of the scrape of one instance; names hold neither slash nor colon."""
    return SourceId(SourceKind.SCRAPE, f"{service}/{instance}")


def _refusal(status: int, headers: Mapping[str, str]) -> Fault:
    message = f"HTTP {status}"
    if status in (401, 403, 407):
        hint = "look at the service's http: settings"
        return Fault(FaultKind.AUTH, message, hint, status=status)
    rest = retry_after(status, headers)
    if status == 429:
        return Fault(
            FaultKind.OVERLOADED, message, "lengthen the interval", status=status, retry_after=rest
        )
    hint = "is metrics_path the right path?" if status in (404, 405) else ""
    return Fault(FaultKind.STATUS, message, hint, status=status, retry_after=rest)
