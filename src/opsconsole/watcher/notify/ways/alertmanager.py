"""Alerts pushed to every Alertmanager of a receiver, as Prometheus does it.

Invariant: labels are the identity of an alert and nothing else: no value, no time, no reason is in
one, and they stay as they were when it began. An alert that lasts is pushed each minute with an end
four minutes on, so that it neither flaps nor outlives this program; what is over is pushed for a
quarter of an hour, so that a server that was away hears of it.

Format: Alertmanager's v2 API, https://prometheus.io/docs/alerting/latest/clients/.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from opsconsole.config.settings import Alertmanager
from opsconsole.model.fault import Fault
from opsconsole.model.notices import Episode, Message
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.prometheus.server_api import ServerApi

PUSH_EVERY: Final = 60.0
"""Seconds between two pushes of an alert that lasts; Prometheus' own resend delay."""

LASTS: Final = 240.0
"""Seconds from a push to the end that it names: four times the pause between two."""

OVER_FOR: Final = 900.0
"""Seconds for which what is over is pushed; Prometheus' own retention of resolved alerts."""

BATCH: Final = 256
"""Alerts in one request, as Prometheus has it."""

_PATH: Final = "/api/v2/alerts"
_OURS: Final = "opsconsole"
_NO_NAME: Final = re.compile(r"^[0-9]|[^A-Za-z0-9_]")


class AlertmanagerWay:
    """The Alertmanagers of one receiver."""

    def __init__(self, servers: Iterable[Alertmanager], base: Path, connector: Connector) -> None:
        self._servers = {
            each.name: ServerApi(
                each.url, http=each.http, timeout=each.timeout, connector=connector, base=base
            )
            for each in servers
        }

    async def push(self, alerts: Sequence[Mapping[str, object]]) -> Mapping[str, Fault | None]:
        """Push ``alerts`` to every server at once; what became of it, by the server's name."""
        names = list(self._servers)
        faults = await asyncio.gather(*(self._push(name, alerts) for name in names))
        return dict(zip(names, faults, strict=True))

    async def close(self) -> None:
        """Close the connections; idempotent."""
        for each in self._servers.values():
            await each.close()

    async def _push(self, name: str, alerts: Sequence[Mapping[str, object]]) -> Fault | None:
        api = self._servers[name]
        try:
            for start in range(0, len(alerts), BATCH):
                await api.call("POST", _PATH, document=alerts[start : start + BATCH])
        except TransportFaultError as error:
            return error.fault
        return None


def pushed(
    episodes: Iterable[Episode],
    words: Mapping[str, Message],
    environment: str,
    now: float,
    skew: float = 0.0,
) -> Iterator[dict[str, object]]:
    """``episodes`` as the API takes them; ``words`` are what is said of each, by its id.

    ``skew`` are the seconds by which the wall's time, which the servers go by, is ahead of ``now``.
    """
    for episode in episodes:
        if episode.over_at is not None and now - episode.over_at > OVER_FOR:
            continue
        said = words.get(episode.id)
        ends = now + LASTS if episode.over_at is None else episode.over_at
        for member in episode.members:
            # An end that is its beginning would be no alert at all.
            starts = min(member.since, ends - 1.0)
            yield {
                "labels": {
                    "environment": environment,
                    **_labels(member.labels),
                    "alertname": member.name,
                    "severity": member.severity.value,
                    "reported_by": _OURS,
                },
                "annotations": _annotations(member.summary, said),
                "startsAt": _written(starts + skew),
                "endsAt": _written(ends + skew),
            }


def _labels(found: Mapping[str, str]) -> dict[str, str]:
    """Labels with names that every Alertmanager takes: it refuses a whole push for one that is
    none."""
    return {_NO_NAME.sub("_", name): value for name, value in found.items() if name}


def _annotations(summary: str, said: Message | None) -> dict[str, str]:
    if said is None:
        return {"summary": summary}
    found = {"summary": said.title, "description": said.text}
    if said.folded:
        found["folded"] = str(said.folded)
    return found


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
