"""How the services are looked at, as commands: grouping, saved views, columns.

Invariant: what is chosen here stays for the next console of this user; nothing of the configuration
is changed.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from opsconsole.model.choices import Choices, SavedView
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.fleet.grouping import Grouping
from opsconsole.render.fleet.saved_views import (
    NAME_LIMIT,
    all_views,
    grouping_of,
    sort_of,
    view_called,
)
from opsconsole.render.fleet.wanted import Wanted
from opsconsole.render.ink.own_keys import key_of
from opsconsole.render.service.columns import CHOOSABLE
from opsconsole.text import sanitize
from opsconsole.ui.choosing import Choosing
from opsconsole.ui.contracts import Typed
from opsconsole.ui.screens.overview.rows import ServiceRows

_GROUPINGS = "group, environment, place, team or none"


class WaysToLook:
    """Changes ``rows`` as the person says, and keeps it by ``choosing``.

    Each method returns what is to be said.
    """

    def __init__(self, rows: ServiceRows, choosing: Choosing) -> None:
        self._rows = rows
        self._choosing = choosing

    def typed(self, snapshot: Snapshot | None, shown: Callable[[str], object]) -> Iterable[Typed]:
        """The commands; ``shown`` is called with what is to be said."""
        yield Typed("group", f"the headings of services: {_GROUPINGS}",
                    lambda words: shown(self.group_by(words)))  # fmt: skip
        yield Typed("view", "a saved view by name; save NAME keeps this one, drop NAME forgets one",
                    lambda words: shown(self.view(words, snapshot)))  # fmt: skip
        yield Typed("columns", f"the figures to show: {', '.join(CHOOSABLE)}; none for the usual",
                    lambda words: shown(self.columns(words)))  # fmt: skip

    def follow(self, choices: Choices) -> None:
        """Show what is chosen."""
        if not self._rows.view:
            self._rows.grouping = grouping_of(choices.grouping)

    def group_by(self, words: str) -> str:
        """Put services together by ``words``; by what is usual where there are none."""
        word = words.strip().lower()
        found = grouping_of(word)
        if word and found is None:
            return f"services are grouped by {_GROUPINGS}, not by {sanitize(word, limit=40)}"
        self._rows.grouping = found
        self._keep(replace(self._choosing.now, grouping=word))
        return f"grouped by {found}" if found is not None else "grouped as usual"

    def view(self, words: str, snapshot: Snapshot | None) -> str:
        """Show the view that ``words`` name, keep the present one, or forget one."""
        verb, _, rest = words.strip().partition(" ")
        name = sanitize(rest.strip(), limit=NAME_LIMIT)
        views = all_views(self._choosing.now, snapshot)
        if verb in {"save", "drop"} and not name:
            return f":view {verb} needs a name"
        if verb == "save":
            self._keep(self._choosing.now.with_view(self._present(name)))
            self._rows.view = name
            return f"kept as {name}: :view {name}, or {key_of('view-next', 'v')}, shows it again"
        if verb == "drop":
            return self._drop(name)
        if not words.strip():
            return f"views: {', '.join(each.name for each in views) or 'none yet: :view save NAME'}"
        found = view_called(words, views)
        if found is None:
            known = ", ".join(each.name for each in views)
            there = f"there are: {known}" if known else "there is none: :view save NAME"
            return f"no view is called {sanitize(words.strip(), limit=NAME_LIMIT)}; {there}"
        return self.show(found)

    def _drop(self, name: str) -> str:
        own = view_called(name, self._choosing.now.views)
        if own is None:
            return f"no view of yours is called {name}: what the configuration names stays"
        self._keep(self._choosing.now.without_view(own.name))
        return f"{own.name} is forgotten"

    def step(self, snapshot: Snapshot | None) -> str:
        """Show the next saved view; after the last one everything again."""
        views = all_views(self._choosing.now, snapshot)
        if not views:
            return "no view is saved: :view save NAME keeps what is shown"
        names = ["", *(each.name for each in views)]
        at = names.index(self._rows.view) + 1 if self._rows.view in names else 0
        if at < len(names):
            return self.show(views[at - 1])
        self.leave()
        return "all services"

    def count(self, snapshot: Snapshot | None) -> int:
        """How many views are saved."""
        return len(all_views(self._choosing.now, snapshot))

    def number(self, number: int, snapshot: Snapshot | None) -> str:
        """Show the view of that number, counted from one."""
        views = all_views(self._choosing.now, snapshot)
        if number > len(views):
            return f"there is no view {number}: :view save NAME keeps what is shown"
        return self.show(views[number - 1])

    def show(self, view: SavedView) -> str:
        """Look at the services by ``view``."""
        rows = self._rows
        rows.filter, rows.failing_only = Wanted(view.filter), view.failing
        rows.sort, rows.grouping = sort_of(view), grouping_of(view.grouping)
        self._rows.view = view.name
        return f"view {view.name}"

    def leave(self) -> bool:
        """Show everything again. Returns whether a view was shown."""
        shown, self._rows.view = bool(self._rows.view), ""
        self._rows.clear()
        return shown

    def _present(self, name: str) -> SavedView:
        rows = self._rows
        grouping: Grouping | None = rows.grouping
        return SavedView(name, rows.filter.text, rows.sort.value, grouping or "", rows.failing_only)

    def columns(self, words: str) -> str:
        """Show the figures that ``words`` name, in their order; the usual ones where none."""
        names = words.replace(",", " ").lower().split()
        wrong = [each for each in names if each not in CHOOSABLE]
        if wrong:
            return f"no column is called {sanitize(wrong[0], limit=40)}: {', '.join(CHOOSABLE)}"
        self._keep(replace(self._choosing.now, columns=tuple(dict.fromkeys(names))))
        return f"columns: {', '.join(names)}" if names else "the usual columns"

    def _keep(self, choices: Choices) -> None:
        self._choosing.keep(choices)
