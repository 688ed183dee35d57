"""Pages of a service that a person reads: statistics, recommendations, or others that it declares.

Invariant: all text is sanitised, except an entry's ``path``, which is unique in its page, serves to
compare two looks, and is never shown. A look is always compared with the last one that was
different.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault


class EntryKind(StrEnum):
    """What JSON calls it; ``text`` is a line of a page that is not JSON."""

    OBJECT = "object"
    LIST = "list"
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    TEXT = "text"


class Change(StrEnum):
    """How an entry changed since the look before."""

    NONE = ""
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One line of a page: a key and its value, or an object or list whose entries follow deeper.

    ``value`` is as it is read, without quotes; of objects and lists it is how many they hold.
    ``before`` is the value that it had, for what has changed.
    """

    path: str
    depth: int
    key: str
    value: str
    kind: EntryKind
    change: Change = Change.NONE
    before: str = ""


@dataclass(frozen=True, slots=True)
class PageBody:
    """What one answer held. ``more`` entries were left out; ``took`` is in seconds.

    ``note`` says what is wrong with it, such as invalid JSON; '' for nothing.
    """

    entries: tuple[PageEntry, ...]
    status: int
    content_type: str
    took: float
    size: int
    more: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class PageView:
    """A declared page at one instance, or at its own URL (``instance`` is '').

    ``body`` is the last that was received, at ``taken_at``, its changes marked against the last one
    that was different, which was last seen at ``before_at``. ``fault`` is of the latest look, at
    ``looked_at``.
    """

    name: str
    instance: str
    url: str
    looked_at: float
    body: PageBody | None = None
    taken_at: float | None = None
    before_at: float | None = None
    fault: Fault | None = None
