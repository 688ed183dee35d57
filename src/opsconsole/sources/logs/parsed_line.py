"""What one line of a log says, once it is read.

Invariant: every text is safe to be shown. How it is read is ``line``'s, which is imported only
where a log is followed: its patterns take longer to compile than a look at a service.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.logs import LogLevel


class Part(StrEnum):
    """What a line is of an entry. ``ENTRY`` begins one; the others may belong to one before.

    ``MORE`` always does: what is indented, a cause, a frame. ``TRACE`` begins the report of an
    error that nobody caught, or follows the line that reports it. ``REASON`` names an error, as
    the end of a trace or its beginning. ``CHAIN`` says that another trace follows.
    """

    ENTRY = "entry"
    MORE = "more"
    TRACE = "trace"
    REASON = "reason"
    CHAIN = "chain"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """``at`` is in Unix seconds, None where neither the line nor its place gives a time.

    ``own``: the line itself bears its time. ``clocked``: it begins with a time of a day that is not
    named. ``awaits``: its level or message is in the next.
    ``matched`` names the declared patterns that it matches, ``replica`` is whose line it is.
    """

    text: str
    level: LogLevel = LogLevel.UNKNOWN
    at: float | None = None
    part: Part = Part.ENTRY
    own: bool = False
    awaits: bool = False
    clocked: bool = False
    matched: tuple[str, ...] = ()
    replica: str = ""
