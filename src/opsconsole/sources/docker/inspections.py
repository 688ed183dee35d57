"""Which containers to inspect again, so that a large fleet costs one call and few inspections.

Invariant: what changed is inspected before what only grew old, and no sweep inspects more than
``SWEEP_LIMIT`` containers; one that was not inspected yet shows what the list alone says. One
whose inspection failed is left alone for a minute, so that it costs the others nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.docker.containers import Inspected, Listed

SWEEP_LIMIT: Final = 100
"""Inspections in one sweep; each costs about a millisecond."""

_OLD: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Entry:
    """An inspection, what the list said then, and when on the steady clock."""

    facts: Inspected
    signs: tuple[str, str]
    at: float


class Inspections:
    """The inspections of one engine's containers, by id."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._touched: set[str] = set()
        self._asked: set[str] = set()
        self._failed: dict[str, float] = {}

    def touch(self, container_id: str) -> None:
        """Note that something happened to a container."""
        self._touched.add(container_id)

    def due(self, listed: Iterable[Listed], now: float) -> list[str]:
        """Ids to inspect now, the most wanted first.

        What is touched from here on counts for the next time, also while the engine is asked.
        """
        self._touched |= self._asked
        changed: list[str] = []
        old: list[tuple[float, str]] = []
        for container in listed:
            if now - self._failed.get(container.id, -_OLD) < _OLD:
                continue
            entry = self._entries.get(container.id)
            if entry is None or self._changed(container, entry):
                changed.append(container.id)
            elif now - entry.at > _OLD:
                old.append((entry.at, container.id))
        chosen = [*changed, *(id_ for _, id_ in sorted(old))][:SWEEP_LIMIT]
        self._asked = self._touched.intersection(chosen)
        self._touched -= self._asked
        return chosen

    def record(
        self, listed: Iterable[Listed], found: Mapping[str, Inspected | None], now: float
    ) -> None:
        """Keep what was found, and forget containers that are not in the list.

        None is an inspection that failed.
        """
        self._failed = {id_: at for id_, at in self._failed.items() if now - at < _OLD}
        self._failed.update((id_, now) for id_, facts in found.items() if facts is None)
        entries: dict[str, _Entry] = {}
        for container in listed:
            facts = found.get(container.id)
            if facts is not None:
                entries[container.id] = _Entry(facts, _signs(container), now)
            elif container.id in self._entries:
                entries[container.id] = self._entries[container.id]
        self._entries = entries
        self._touched = (self._touched | (self._asked - found.keys())) & entries.keys()
        self._asked = set()

    def facts(self, container_id: str) -> Inspected | None:
        """The latest inspection."""
        entry = self._entries.get(container_id)
        return entry.facts if entry else None

    def _changed(self, container: Listed, entry: _Entry) -> bool:
        """Whether the list or an event says so. A young container may have restarted unseen."""
        return (
            container.id in self._touched
            or _signs(container) != entry.signs
            or "second" in container.uptime
            or container.health == "unhealthy"
        )


def _signs(container: Listed) -> tuple[str, str]:
    return container.status, container.health
