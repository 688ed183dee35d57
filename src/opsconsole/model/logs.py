"""What is known of a service's logs: lines, what is asked of them, and the page that answers.

Invariant: every text here is sanitised; a line's ``number`` is its own for as long as its source
is followed, so that a place in a log is a source and a number, never a row.
"""

from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import Protocol

from opsconsole.dataclass import dataclass
from opsconsole.patterns import Pattern

LINES_KEPT = 5_000
"""Lines that are kept of one source by default."""


class LogLevel(IntEnum):
    """How severe a line says it is, the most severe highest; UNKNOWN where it says nothing."""

    UNKNOWN = 0
    TRACE = 1
    DEBUG = 2
    INFO = 3
    NOTICE = 4
    WARNING = 5
    ERROR = 6
    CRITICAL = 7


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of a log with the lines that continue it, which follow line feeds in ``text``.

    ``at`` is in Unix seconds: the line's own time, or when it came where it has none
    (``stamped`` says which). ``notice`` marks a line of the console's own, such as a gap.
    ``replica`` is whose line it is, '' where the log has one writer.
    """

    source: str
    number: int
    at: float
    level: LogLevel
    text: str
    stamped: bool = True
    notice: bool = False
    replica: str = ""

    @property
    def writer(self) -> str:
        """Whose line it is, as it is shown."""
        return self.replica or self.source


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How one source is followed.

    ``seen`` counts all its lines: those ``held``, those ``pushed_out`` by later ones, and those
    ``dropped`` in a flood before they were read. ``drop_rate`` is dropped lines per second at
    present. ``lag`` is how many seconds after its own time the last line came; None where lines
    bear no time or none came yet. ``trouble`` says why nothing is read, '' when it is.
    """

    source: str
    seen: int = 0
    held: int = 0
    pushed_out: int = 0
    dropped: int = 0
    drop_rate: float = 0.0
    lag: float | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What is to be shown of the whole buffer.

    ``pattern`` selects lines, ``invert`` those that it does not match; ``mark_only`` shows all
    and marks the selected; ``context`` keeps so many lines around each. ``level`` is the least
    that is shown; lines without a level count as INFO. ``window`` is in seconds before now,
    ``since`` a moment. ``back`` asks for what was logged before the buffer, too.
    """

    pattern: Pattern | None = None
    invert: bool = False
    mark_only: bool = False
    context: int = 0
    level: LogLevel = LogLevel.UNKNOWN
    window: float | None = None
    since: float | None = None
    back: bool = False

    def selects(self, line: LogLine) -> bool:
        """Whether the pattern alone selects ``line``."""
        if self.pattern is None:
            return True
        return self.pattern.search(line.text) is not self.invert


class PastEnd(StrEnum):
    """Where a reading of the past ended: at the log's beginning (or the moment that was asked
    for), or at one of its bounds."""

    BEGINNING = "beginning"
    LINES = "lines"
    SECONDS = "seconds"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LogPast:
    """How far back a page goes beyond the buffer. ``end`` is None while it is being read.

    ``read`` counts bytes; ``reach`` is the time of the earliest line that was read;
    ``troubles`` say what could not be.
    """

    end: PastEnd | None
    read: int = 0
    reach: float | None = None
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogPage:
    """The answer to a query: lines by time, ``matches`` the positions of the selected ones.

    ``looked_at`` is less than ``held`` when the filter was too slow to look at every line; the
    latest were looked at first.
    """

    query: LogQuery
    lines: tuple[LogLine, ...] = ()
    matches: tuple[int, ...] = ()
    sources: tuple[LogStatus, ...] = ()
    held: int = 0
    looked_at: int = 0
    past: LogPast | None = None


class LogReader(Protocol):
    """A service's logs as a screen reads them; every method returns at once."""

    def ask(self, query: LogQuery) -> None:
        """Answer this query from this moment on."""
        ...

    def close(self) -> None:
        """Stop answering; idempotent."""
        ...


PageListener = Callable[[LogPage], object]
"""Called with each page, on a thread of the logs."""
