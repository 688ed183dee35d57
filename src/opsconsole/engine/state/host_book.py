"""The hosts that are read, each as it was last seen.

Invariant: ``views`` is the same object until a host is seen again or is no longer read; this host
is first, the others are in the order of their names.
"""

from collections.abc import Container, Mapping

from opsconsole.model.running.hosts import Host, HostView
from opsconsole.model.source_id import THIS_HOST, SourceId


class HostBook:
    """Each host is looked at every ``intervals`` seconds; with what was known ``before``."""

    def __init__(
        self, intervals: Mapping[SourceId, float], before: "HostBook | None" = None
    ) -> None:
        self._intervals = intervals
        known = before._views if before is not None else {}
        self._views: dict[SourceId, HostView] = {
            who: view.every(self._every(who)) for who, view in known.items()
        }
        self.views = self._in_order()

    def of(self, source: SourceId) -> HostView | None:
        """The host that ``source`` reads."""
        return self._views.get(source)

    def note(self, source: SourceId, host: Host, at: float) -> None:
        """Take in what ``source`` saw."""
        self._views[source] = HostView(host, at, self._every(source), elsewhere=source != THIS_HOST)
        self.views = self._in_order()

    def retain(self, kept: Container[SourceId]) -> None:
        """Forget what sources saw that are not in ``kept``."""
        self._views = {who: view for who, view in self._views.items() if who in kept}
        self.views = self._in_order()

    def _every(self, source: SourceId) -> float:
        return self._intervals.get(source, self._intervals[THIS_HOST])

    def _in_order(self) -> tuple[HostView, ...]:
        ordered = sorted(self._views, key=lambda who: (who != THIS_HOST, who.name))
        return tuple(self._views[who] for who in ordered)
