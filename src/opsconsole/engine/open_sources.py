"""The sources that an engine reads: opened at its start, replaced at a reload, closed at its end.

Invariant: the sources of settings that cannot be assembled are none, and why is reported; a source
that stays is never closed in between. Call it on the engine's loop.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Final

from opsconsole.config.settings import Settings
from opsconsole.engine import assemble
from opsconsole.engine.assemble import Assembly
from opsconsole.sources.base import AnySource

CLOSE_WITHIN: Final = 1.0
"""Seconds that sources have to release what they hold."""

Failed = Callable[[str, Exception], None]
"""Reports what could not be opened, and by which defect."""


class OpenSources:
    """Those that are ``given``, or else those that the settings ask for."""

    def __init__(self, given: Sequence[AnySource] | None, failed: Failed) -> None:
        self._given, self._failed = given, failed
        self._assembly: Assembly | None = None
        self._now: Sequence[AnySource] = ()

    def __iter__(self) -> Iterator[AnySource]:
        return iter(self._now)

    def open(
        self,
        settings: Settings,
        assembly: Callable[[assemble.Failed], Assembly],
        cleanup: AsyncExitStack,
    ) -> Sequence[AnySource]:
        """Open the sources of ``settings``; ``cleanup`` closes those that are read at its end."""
        if self._given is None:
            self._assembly = assembly(lambda who, error: self._failed(str(who), error))
        self._now = self._assembled(settings)
        # What sources share was opened with them, and is closed after them.
        cleanup.push_async_callback(lambda: close(self._now))
        return self._now

    def replace(self, settings: Settings) -> tuple[Sequence[AnySource], list[AnySource]]:
        """Read those of ``settings``. Returns them, and those to ``close`` since they are not."""
        before, self._now = self._now, self._assembled(settings)
        kept = set(map(id, self._now))
        return self._now, [each for each in before if id(each) not in kept]

    def _assembled(self, settings: Settings) -> Sequence[AnySource]:
        if self._assembly is None:
            return self._given or ()
        try:
            return self._assembly.sources(settings)
        except Exception as error:  # noqa: BLE001 - reported on the screen, unlike a dead thread
            self._failed("sources", error)
            return ()


async def close(sources: Iterable[AnySource]) -> None:
    """Close them, at once, and wait no longer than ``CLOSE_WITHIN``."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_WITHIN):
            await asyncio.gather(*(each.close() for each in sources), return_exceptions=True)
