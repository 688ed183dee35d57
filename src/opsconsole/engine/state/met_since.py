"""Since when a service that is ok is missed, or is met again.

Invariant: a change from met to missed, or back, begins a new ``since``, and no other does: what was
missed when it was first seen ok keeps its own. While it is stale nobody knows, and nothing changes.
"""

from dataclasses import replace

from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State


class MetSince:
    """What was seen of each service that is ok: whether it is missed, and since when."""

    def __init__(self) -> None:
        self._missed: dict[str, bool] = {}
        self._turned: dict[str, float] = {}

    def dated(self, services: tuple[ServiceView, ...], now: float) -> tuple[ServiceView, ...]:
        """``services`` at ``now``, each with its own ``since``."""
        for each in services:
            self._note(each, now)
        gone = self._missed.keys() - {each.name for each in services}
        for name in gone:
            self._forget(name)
        return tuple(map(self._of, services)) if self._turned else services

    def _note(self, service: ServiceView, now: float) -> None:
        if service.state is not State.OK:
            self._forget(service.name)
        elif not service.stale:
            missed = service.missed
            if self._missed.setdefault(service.name, missed) is not missed:
                self._missed[service.name] = missed
                self._turned[service.name] = now

    def _forget(self, name: str) -> None:
        self._missed.pop(name, None)
        self._turned.pop(name, None)

    def _of(self, service: ServiceView) -> ServiceView:
        turned = self._turned.get(service.name)
        if turned is None or turned <= service.since:
            return service
        return replace(service, since=turned, at_least=False)
