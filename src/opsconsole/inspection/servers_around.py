"""Servers of metrics and alerts that answer here, for a configuration that names none yet.

Invariant: only addresses that are known are asked: the usual port of each kind on this host, and
the ports that containers of their images publish. Each is asked once, all side by side, and is
what its own API says that it is; nothing is scanned.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from opsconsole.config.http import HttpConfig
from opsconsole.config.offers import ServerAround
from opsconsole.model.running.workloads import Inventory, Replica
from opsconsole.model.source_id import SourceKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.prometheus.series_index import PatientApi

_USUAL: Final = {SourceKind.PROMETHEUS: 9090, SourceKind.ALERTMANAGER: 9093}
_ASKED: Final = {
    SourceKind.PROMETHEUS: "/api/v1/status/buildinfo",
    SourceKind.ALERTMANAGER: "/api/v2/status",
}


def servers_around(inventories: Iterable[Inventory], within: float) -> tuple[ServerAround, ...]:
    """Those that answered ``within`` seconds. Runs its own event loop."""
    candidates = {(each.kind, each.url): each for each in _candidates(inventories)}
    return asyncio.run(_answering(tuple(candidates.values()), within))


def _candidates(inventories: Iterable[Inventory]) -> Iterator[ServerAround]:
    for inventory in inventories:
        if inventory.endpoint.startswith("unix:"):
            for replica in inventory.replicas:
                yield from _published(replica)
    for kind, port in _USUAL.items():
        yield ServerAround(kind, f"http://127.0.0.1:{port}", f"answers at its usual port {port}")


def _published(replica: Replica) -> Iterator[ServerAround]:
    image = replica.image.rpartition("/")[2].partition(":")[0]
    for kind, port in _USUAL.items():
        if image != kind:
            continue
        for each in replica.ports:
            if each.private == port and each.public is not None:
                url = f"http://127.0.0.1:{each.public}"
                yield ServerAround(kind, url, f"container {replica.name} of image {replica.image}")


async def _answering(
    candidates: tuple[ServerAround, ...], within: float
) -> tuple[ServerAround, ...]:
    async with AsyncExitStack() as stack:
        connector = Connector()
        stack.push_async_callback(connector.close)
        answers = await asyncio.gather(*(_answers(each, connector, within) for each in candidates))
    return tuple(each for each, answers_so in zip(candidates, answers, strict=True) if answers_so)


async def _answers(asked: ServerAround, connector: Connector, within: float) -> bool:
    """Whether it answers, and as one of its kind."""
    api = PatientApi(
        asked.url, http=HttpConfig(), timeout=within, connector=connector, base=Path.cwd()
    )
    try:
        answer = await api.get(_ASKED[asked.kind])
    finally:
        await api.close()
    if not isinstance(answer, dict):
        return False
    if asked.kind is SourceKind.ALERTMANAGER:
        return "versionInfo" in answer
    build = answer.get("data")
    return isinstance(build, dict) and "version" in build
