"""The declared pages of services: read on request, with the previous look kept.

Invariant: no page is read unless a person asks for it; one answer holds every page of the service,
and takes at most the service's timeout per ``AT_ONCE`` pages. Lives on the engine's loop.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from opsconsole.clock import Clock
from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.desks.page_changes import marked
from opsconsole.hiding import without_query
from opsconsole.model.asked.pages import PageBody, PageView
from opsconsole.model.fault import Fault
from opsconsole.sources.health.factory import join_url

if TYPE_CHECKING:
    from opsconsole.sources.http.connector import Connector
    from opsconsole.sources.page import PageAddress

AT_ONCE: Final = 4
INSTANCES: Final = 8
"""The most instances of a service that a page is read from."""

SERVICES_KEPT: Final = 4
"""Number of services whose last look is kept, to compare the next one with."""


@dataclass(slots=True)
class _Kept:
    """The latest body of a page and the last different one before it."""

    body: PageBody
    at: float
    before: PageBody | None = None
    before_at: float | None = None


class PageBook:
    """The pages that ``settings`` declare; ``base`` is the configuration's folder."""

    def __init__(self, settings: Settings, base: Path, clock: Clock) -> None:
        self._settings = settings
        self._base = base
        self._clock = clock
        self._connector: Connector | None = None
        self._kept: OrderedDict[str, dict[str, _Kept]] = OrderedDict()

    def use(self, settings: Settings) -> None:
        """Use ``settings`` from now on; secrets are read again."""
        self._settings = settings
        if self._connector is not None:
            self._connector.renew()

    async def look(self, service: str) -> tuple[PageView, ...]:
        """Every declared page of ``service``; () where it declares none."""
        from opsconsole.sources.page import look_at

        config = self._settings.services.get(service)
        if config is None or not config.endpoints:
            return ()
        kept = self._kept.setdefault(service, {})
        self._kept.move_to_end(service)
        while len(self._kept) > SERVICES_KEPT:
            self._kept.popitem(last=False)
        turns = asyncio.Semaphore(AT_ONCE)
        timeout = config.timeout or self._settings.defaults.timeout

        async def one(address: "PageAddress") -> PageView:
            async with turns:
                found = await look_at(address, self._shared(), self._base, timeout)
            return self._view(address, found, kept)

        addresses = addresses_of(self._settings, service, config)
        return tuple(await asyncio.gather(*(one(address) for address in addresses)))

    async def close(self) -> None:
        """Release the threads; idempotent."""
        connector, self._connector = self._connector, None
        if connector is not None:
            await connector.close()

    def _shared(self) -> "Connector":
        """The connector, made on the loop when it is first needed."""
        if self._connector is None:
            from opsconsole.sources.http.connector import Connector

            self._connector = Connector()
        return self._connector

    def _view(
        self, address: "PageAddress", found: PageBody | Fault, looks: dict[str, _Kept]
    ) -> PageView:
        now = self._clock.now()
        key = f"{address.name}\0{address.url}"
        if isinstance(found, PageBody):
            looks[key] = _after(looks.get(key), found, now)
        shown = without_query(address.url, address.http.plain_query)
        view = PageView(address.name, address.instance, shown, now)
        kept = looks.get(key)
        if kept is not None:
            body = kept.body
            if kept.before is not None:
                body = replace(body, entries=marked(kept.before.entries, body.entries))
            view = replace(view, body=body, taken_at=kept.at, before_at=kept.before_at)
        return view if isinstance(found, PageBody) else replace(view, fault=found)


def _after(kept: _Kept | None, body: PageBody, now: float) -> _Kept:
    """What is kept after ``body`` was seen; an equal body leaves the comparison unchanged."""
    if kept is None:
        return _Kept(body, now)
    if body.entries == kept.body.entries:
        return _Kept(body, now, kept.before, kept.before_at)
    return _Kept(body, now, kept.body, kept.at)


def addresses_of(settings: Settings, name: str, service: Service) -> Iterator["PageAddress"]:
    """Each page at each instance; a full URL once, with credentials only for the service's
    hosts."""
    from opsconsole.sources.page import PageAddress

    names = settings.instance_names(name)
    copies = list(zip(names, service.instances, strict=True))[:INSTANCES]
    for page, target in service.endpoints.items():
        if not target.startswith("/"):
            http = service.http if _is_own(service, target) else HttpConfig()
            yield PageAddress(page, "", target, http)
            continue
        for called, instance in copies:
            yield PageAddress(page, called, join_url(instance.url, target), service.http)


def _is_own(service: Service, url: str) -> bool:
    """Whether ``url`` is at one of the service's own instances."""
    origins = {_origin(instance.url) for instance in service.instances}
    return _origin(url) in origins


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3]).lower()
