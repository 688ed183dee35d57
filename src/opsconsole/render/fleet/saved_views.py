"""Saved views by name: those of the configuration, and a person's own, which go before them.

Invariant: a view names what is wanted to be seen, in words; a word that is not known changes
nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from opsconsole.model.choices import Choices, SavedView
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.fleet.grouping import Grouping
from opsconsole.render.fleet.wanted import Wanted
from opsconsole.render.service.standing import Standing, seen_standing
from opsconsole.render.service.table import Sort

NAME_LIMIT: Final = 40


def all_views(choices: Choices, snapshot: Snapshot | None) -> tuple[SavedView, ...]:
    """Those of the configuration in its order, then the person's own."""
    appearance = snapshot.appearance if snapshot is not None else None
    given = appearance.views if appearance is not None else ()
    own = {each.name: each for each in choices.views}
    first = [own.pop(each.name, each) for each in given]
    return (*first, *own.values())


def view_called(name: str, views: Sequence[SavedView]) -> SavedView | None:
    """The view of that name, else the only one that begins so."""
    wanted = name.strip().lower()
    for each in views:
        if each.name.lower() == wanted:
            return each
    begun = [each for each in views if each.name.lower().startswith(wanted)]
    return begun[0] if wanted and len(begun) == 1 else None


def sort_of(view: SavedView) -> Sort:
    """What it is sorted by."""
    return Sort(view.sort) if view.sort in set(Sort) else Sort.STATE


def grouping_of(word: str) -> Grouping | None:
    """What a word groups by; None where it says nothing."""
    return Grouping(word) if word in set(Grouping) else None


def narrowed(snapshot: Snapshot, view: SavedView) -> Snapshot:
    """``snapshot`` with the services of ``view`` alone, and the alerts and events of these."""
    services = Wanted(view.filter).of(snapshot)
    if view.failing:
        services = [each for each in services if seen_standing(each) is not Standing.OK]
    names = {each.name for each in services}
    return replace(
        snapshot,
        services=tuple(services),
        alerts=tuple(each for each in snapshot.alerts if each.service in names),
        events=tuple(each for each in snapshot.events if each.service in names),
    )
