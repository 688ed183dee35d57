"""What the overview lists: services as sorted and filtered, alerts folded, events latest first.

Invariant: what was made from a part of a snapshot is cached until the part is another object.
"""

from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.events import Event
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.alerts.folding import FoldedAlert, fold_rows
from opsconsole.render.alerts.rows import order
from opsconsole.render.ink.cells import Line, Role, Span
from opsconsole.render.ink.matching import Filter
from opsconsole.render.service import table as services
from opsconsole.render.timeline import rows as events

SORTS = tuple(services.Sort)


class ServiceRows:
    """Which services are listed, in which order."""

    def __init__(self) -> None:
        self.filter = Filter()
        self.failing_only = False
        self.sort = services.Sort.STATE

    @property
    def filtered(self) -> bool:
        """Whether the list may leave out some services."""
        return not self.filter.empty or self.failing_only

    def clear(self) -> None:
        """List all of them."""
        self.filter, self.failing_only = Filter(), False

    def sort_by_next(self, step: int) -> None:
        """Sort by the next column, or the one before."""
        self.sort = SORTS[(SORTS.index(self.sort) + step) % len(SORTS)]

    def of(self, snapshot: Snapshot | None) -> dict[str, ServiceView]:
        """The services by name, in order."""
        if snapshot is None:
            return {}
        ordered = services.order(snapshot, self.sort, self.filter, failing_only=self.failing_only)
        return {service.name: service for service in ordered}

    def note(self, chosen: int) -> Line:
        """The words for the choice of rows in the panel's title."""
        parts = (
            "" if self.filter.empty else f"filter {self.filter.text}",
            "failing only" if self.failing_only else "",
            f"{chosen} chosen" if chosen else "",
        )
        return tuple(Span(f"{part}  ", Role.ACCENT) for part in parts if part)


class AlertRows:
    """Alerts by key, folded under their causes unless the user unfolded them."""

    def __init__(self) -> None:
        self._unfolded: set[str] = set()
        self._rows: dict[str, FoldedAlert] = {}
        self._of: tuple[Alert, ...] | None = None

    def of(self, snapshot: Snapshot | None) -> dict[str, FoldedAlert]:
        """The rows of a snapshot's alerts."""
        found = snapshot.alerts if snapshot is not None else ()
        if found is not self._of:
            rows = fold_rows(order(found), self._unfolded)
            self._rows = {row.alert.key: row for row in rows}
            self._of = found
        return self._rows

    def unfold(self, alert: Alert, *, wanted: bool) -> str:
        """Unfold or fold the alerts under ``alert`` or beside it. Returns the key of the row to go
        to."""
        rows = list(self._rows.values())
        at = next(index for index, row in enumerate(rows) if row.alert.key == alert.key)
        root = next(row.alert for row in reversed(rows[: at + 1]) if not row.depth)
        if wanted:
            self._unfolded.add(root.key)
        else:
            self._unfolded.discard(root.key)
        self._of = None
        return alert.key if wanted else root.key


class EventRows:
    """Events by key, latest first."""

    def __init__(self) -> None:
        self._rows: dict[str, Event] = {}
        self._of: tuple[Event, ...] | None = None

    def of(self, snapshot: Snapshot | None) -> dict[str, Event]:
        """The rows of a snapshot's events."""
        if snapshot is not None and snapshot.events is not self._of:
            self._of = snapshot.events
            self._rows = {events.key(event): event for event in events.gathered(snapshot.events)}
        return self._rows
