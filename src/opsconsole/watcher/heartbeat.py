"""Notifies another program that this watcher sees and is heard, so that its silence is noticed.

Invariant: a heartbeat is sent only by the watcher that leads, only while it sees, and only if every
receiver took the last message to it; otherwise the same address hears at once that it fails, and
why. Nothing more often than each ``every`` seconds, but for the first failure.

Format: that of healthchecks.io, as others have it: a request for *well*, one below it for *fail*.
"""

import asyncio
from pathlib import Path
from typing import Final

from opsconsole.config.notify import Heartbeat
from opsconsole.hiding import hidden
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.outgoing import Outgoing
from opsconsole.watcher.own_health import Blind, OwnHealth

_TEXT: Final = {"Content-Type": "text/plain; charset=utf-8"}
_LONGEST: Final = 1000


class Beating:
    """One heartbeat. ``fault`` is why the last one was not taken, '' if it was."""

    def __init__(self, settings: Heartbeat, base: Path, connector: Connector) -> None:
        self._settings = settings
        self._outgoing = Outgoing(settings, base, connector)
        self._sent_at: float | None = None
        self._said_fail = False
        self.fault = ""

    async def follow(self, health: OwnHealth) -> None:
        """Say how it is, when it is time to."""
        if not health.leads or health.blind is Blind.STARTING:
            return
        why = health.why_no_heartbeat
        last, every = self._sent_at, self._settings.every
        turns = bool(why) and not self._said_fail
        if not turns and last is not None and health.at - last < every:
            return
        self._sent_at, self._said_fail = health.at, bool(why)
        body = hidden(why)[:_LONGEST].encode("utf-8")
        suffix = self._settings.fail if why else ""
        fault = await self._outgoing.send("POST", body, _TEXT, suffix)
        self.fault = "" if fault is None else str(fault)

    async def close(self) -> None:
        """Close the connection; idempotent."""
        await asyncio.shield(self._outgoing.close())
