"""How many looks a cause took, from what the console itself recorded."""

from collections.abc import Iterator
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
    """What a row said first after it was hurt, and the looks in which it was to be seen by then."""

    said: str
    looks: int


class Record:
    """The recording that belongs to a configuration."""

    def __init__(self, config: Path) -> None:
        self._archive = Archive(place_of(load(config), config).database)

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def snapshots(self, since: float) -> Iterator[Snapshot]:
        """All that was shown from ``since`` on."""
        moment = self._archive.neighbour(since, 1)
        while moment is not None:
            found = self._archive.at(moment)
            assert found is not None
            yield found
            moment = self._archive.neighbour(moment, 1)

    def told(self, service: str, since: float, cause: str) -> Told:
        """When the row of ``service`` named ``cause``, hurt at ``since``.

        Counted are looks that began after that and saw something wrong, at the service or at what
        runs it, until one told the cause. Raises AssertionError if none ever did.
        """
        probed: set[float] = set()
        engine: set[float] = set()
        said: list[str] = []
        for each in self.snapshots(since):
            view = each.service(service)
            assert view is not None
            said.append(why(view, ROW))
            probed.update(_bad_looks(view, since))
            if any(one.state is not State.OK for one in _replicas(each, view)):
                engine.update(one.taken_at for one in each.engines if one.taken_at > since)
            if cause in why(view, 80):
                return Told(
                    said[-1], max(1, min(filter(None, (len(probed), len(engine))), default=1))
                )
        raise AssertionError(f"{service} never said {cause!r}: {list(dict.fromkeys(said))}")


def _bad_looks(view: ServiceView, since: float) -> Iterator[float]:
    for each in view.instances:
        bad = each.fault is not None or (each.report and each.report.state is not State.OK)
        if bad and each.taken_at is not None and each.taken_at > since:
            yield each.taken_at


def _replicas(snapshot: Snapshot, view: ServiceView) -> Iterator[Replica]:
    for engine in snapshot.engines:
        yield from (one for one in engine.inventory.replicas if one.id in view.replicas)
