"""The hosts that are read, each as it was last seen.

Invariant: ``views`` is the same object until a host is seen again or is no longer read.
"""

from collections.abc import Container

from opsconsole.model.running.hosts import Host, HostView
from opsconsole.model.source_id import SourceId


class HostBook:
    """Each host is looked at every ``interval`` seconds; with what was known ``before``."""

    def __init__(self, interval: float, before: "HostBook | None" = None) -> None:
        self._interval = interval
        known = before._views if before is not None else {}
        self._views: dict[SourceId, HostView] = {
            who: view.every(interval) for who, view in known.items()
        }
        self.views: tuple[HostView, ...] = tuple(self._views.values())

    @property
    def own(self) -> HostView | None:
        """The console's own host, on which every service runs: no other can be named."""
        return next(iter(self.views), None)

    def note(self, source: SourceId, host: Host, at: float) -> None:
        """Take in what ``source`` saw."""
        self._views[source] = HostView(host, at, self._interval)
        self.views = tuple(self._views.values())

    def retain(self, kept: Container[SourceId]) -> None:
        """Forget what sources saw that are not in ``kept``."""
        self._views = {who: view for who, view in self._views.items() if who in kept}
        self.views = tuple(self._views.values())
