"""What a person chose to see, kept from one console to the next.

Invariant: plain words; one that a version does not know changes nothing.
"""

from dataclasses import replace

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class SavedView:
    """A way to look at the services: ``filter`` as it is typed, words for the others."""

    name: str
    filter: str = ""
    sort: str = ""
    grouping: str = ""
    failing: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """``grouping`` and ``columns`` are '' and () where nothing was chosen. ``ignored`` are the keys
    of what was found and is never to be offered again.
    """

    grouping: str = ""
    columns: tuple[str, ...] = ()
    views: tuple[SavedView, ...] = ()
    ignored: tuple[str, ...] = ()

    def with_view(self, view: SavedView) -> "Choices":
        """The same with ``view``, in place of the one with its name."""
        others = tuple(each for each in self.views if each.name != view.name)
        return replace(self, views=(*others, view))

    def without_view(self, name: str) -> "Choices":
        """The same without the view called ``name``."""
        return replace(self, views=tuple(each for each in self.views if each.name != name))
