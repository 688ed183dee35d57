"""How many looks a cause took, from what the console itself recorded."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from opsconsole.config.loader import load
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.place import place_of
from opsconsole.model.running.workloads import Replica
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.service.why import why

ROW = 40
"""Cells that a row's why has on a narrow terminal."""


class Told(NamedTuple):
    """What a row said when it named its cause, and in how many looks that could be seen by then."""

    said: str
    looks: int


class Hurt(NamedTuple):
    """What was done to a service at ``since``, and what its row is to say of it."""

    since: float
    cause: str


def told(config: Path, hurt: Mapping[str, Hurt]) -> dict[str, Told]:
    """When the row of each service named its cause, in the recording that belongs to ``config``.

    Counted are looks after it was hurt that saw something wrong, at the service or at what runs it,
    until one told the cause. What never did is not in it.
    """
    archive = Archive(place_of(load(config), config).database)
    try:
        return _told(archive, hurt)
    finally:
        archive.close()


def _told(archive: Archive, hurt: Mapping[str, Hurt]) -> dict[str, Told]:
    found: dict[str, Told] = {}
    probed: dict[str, set[float]] = {name: set() for name in hurt}
    engine: dict[str, set[float]] = {name: set() for name in hurt}
    moment = archive.neighbour(min(each.since for each in hurt.values()), 1)
    while moment is not None and len(found) < len(hurt):
        snapshot = archive.at(moment)
        assert snapshot is not None
        for name in hurt.keys() - found.keys():
            view, since = snapshot.service(name), hurt[name].since
            assert view is not None
            probed[name].update(_bad_looks(view, since))
            if any(each.state is not State.OK for each in _replicas(snapshot, view)):
                engine[name].update(e.taken_at for e in snapshot.engines if e.taken_at > since)
            if moment >= since and hurt[name].cause in why(view, 80):
                seen = [len(looks) for looks in (probed[name], engine[name]) if looks]
                found[name] = Told(why(view, ROW), min(seen, default=1))
        moment = archive.neighbour(moment, 1)
    return found


def _bad_looks(view: ServiceView, since: float) -> Iterator[float]:
    for each in view.instances:
        bad = each.fault is not None or (each.report and each.report.state is not State.OK)
        if bad and each.taken_at is not None and each.taken_at > since:
            yield each.taken_at


def _replicas(snapshot: Snapshot, view: ServiceView) -> Iterator[Replica]:
    for engine in snapshot.engines:
        yield from (one for one in engine.inventory.replicas if one.id in view.replicas)
