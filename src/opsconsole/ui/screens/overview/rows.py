"""What the overview lists: services as sorted and filtered, alerts folded, events latest first.

Invariant: what was made from a part of a snapshot is cached until the part is another object.
"""

from dataclasses import replace
from typing import Final

from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.events import Event
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.alerts.folding import FoldedAlert, fold_rows
from opsconsole.render.alerts.rows import order
from opsconsole.render.fleet.grouping import Grouping, Groups, usual
from opsconsole.render.fleet.rows import Alike, Heading, Rows, Unfolded, flat, grouped
from opsconsole.render.fleet.wanted import Wanted
from opsconsole.render.ink.cells import Line, Role, Span
from opsconsole.render.ink.own_keys import esc, key_of
from opsconsole.render.service import table as services
from opsconsole.render.service.standing import is_well
from opsconsole.render.timeline import rows as events

SORTS = tuple(services.Sort)
NOTHING: Final = Rows()


class ServiceRows:
    """Which services are listed, in which order and under which headings.

    ``grouping`` is what the user chose; None: by group, where there are many services in several.
    ``view`` is the saved view that is shown, '' for none.
    """

    def __init__(self) -> None:
        self.filter = Wanted()
        self.sort = services.Sort.STATE
        self.grouping: Grouping | None = None
        self.view = ""
        self.folds = Unfolded()
        self._groups = Groups()
        self._of: tuple[object, ...] = ()
        self._asked: tuple[object, ...] = ()
        self._rows = NOTHING

    @property
    def failing_only(self) -> bool:
        """Whether nothing is listed that is well."""
        return self.folds.failing_only

    @failing_only.setter
    def failing_only(self, wanted: bool) -> None:
        self.folds = replace(self.folds, failing_only=wanted)

    @property
    def filtered(self) -> bool:
        """Whether the list may leave out some services."""
        return bool(self.ways_back)

    @property
    def ways_back(self) -> str:
        """Which keys list all of them again; '' where none is left out."""
        if not self.filter.empty:
            back = esc()
            return f"{back} lists all again" if self.failing_only else f"{back} clears the filter"
        return f"{key_of('failing', 'f')} lists all again" if self.failing_only else ""

    def clear(self) -> None:
        """List all of them."""
        self.filter, self.failing_only = Wanted(), False

    def sort_by_next(self, step: int) -> None:
        """Sort by the next column, or the one before."""
        self.sort = SORTS[(SORTS.index(self.sort) + step) % len(SORTS)]

    def of(self, snapshot: Snapshot | None, *, headings: bool = True, held: str = "") -> Rows:
        """The rows in order; ``held`` is the key of the row that stays, whatever becomes of it."""
        if snapshot is None:
            return NOTHING
        about_alerts = self.sort is services.Sort.ALERTS or bool(self.filter.conditions)
        by_alerts = snapshot.alerts if about_alerts else None
        seen = (snapshot.services, snapshot.environments, by_alerts)
        asked = (self.filter, self.sort, self.grouping, self.folds, headings)
        same = all(before is now for before, now in zip(self._of, seen, strict=False))
        if not self._of or not same or (*asked, self._kept_by(held)) != self._asked:
            self._rows = self._made(snapshot, headings=headings, held=held)
            self._of, self._asked = seen, (*asked, self._kept_by(held))
        return self._rows

    def _kept_by(self, held: str) -> str:
        """``held`` where a row stays for its sake; '' for a service that is listed anyhow."""
        rows = self._rows
        row = rows.rows.get(held)
        listed = isinstance(row, ServiceView) and is_well(row) and not self.failing_only
        return "" if listed and not rows.order and not rows.beside else held

    def _made(self, snapshot: Snapshot, *, headings: bool, held: str) -> Rows:
        if not self.filter.empty:
            found = services.sorter(snapshot, self.sort)(self.filter.of(snapshot))
            return flat(self.filter.likeliest_first(found), self.folds, held=held)
        groups = self._groups.of(snapshot, self.grouping or Grouping.GROUP)
        wanted = self.grouping is not None or usual(snapshot.services, groups)
        sort = services.sorter(snapshot, self.sort)
        if not wanted or self.grouping is Grouping.NONE:
            return flat(sort(snapshot.services), self.folds, held=held)
        return grouped(
            groups, sort, self.folds, headings=headings, held=held, before=self._rows.order
        )

    def unfold(self, key: str, *, wanted: bool) -> str | None:
        """Unfold or fold what the row ``key`` is, or is in. Returns the key of the row to go to;
        None where there is nothing to do."""
        at = self.above(key)
        if at is None or wanted is (at in self.folds.keys):
            return None
        keys = self.folds.keys | {at} if wanted else self.folds.keys - {at}
        self.folds = replace(self.folds, keys=keys)
        if not wanted:
            # A group that is folded by hand does not stay for the cursor's sake.
            order = tuple(each for each in self._rows.order if each != at)
            self._rows = replace(self._rows, order=order)
        return key if wanted else at

    def above(self, key: str) -> str | None:
        """The key of the row that folds ``key``: itself, or the nearest above; None without one."""
        rows = self._rows.rows
        row = rows.get(key)
        if row is None or not isinstance(row, ServiceView):
            return key if row is not None else None
        head: str | None = None
        for each, found in rows.items():
            match found:
                case Heading():
                    head = each
                case Alike(services=members, is_open=True) if key in {m.name for m in members}:
                    return each
                case Alike() | ServiceView():
                    pass
            if each == key:
                break
        return head

    def note(self, chosen: int) -> Line:
        """The words for the choice of rows in the panel's title."""
        parts = (
            f"view {self.view}" if self.view else "",
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
