"""How many errors and warnings a page of logs has, minute by minute: when it began.

Invariant: pure; counts are of what is held, an entry that continues over lines is one. The columns
are minutes, the last one that of the last line.
"""

from typing import Final

from opsconsole.model.logs import LogLevel, LogPage
from opsconsole.render.ink.cells import Line, Role, Span
from opsconsole.render.ink.spark import BLOCKS

_MINUTE: Final = 60.0
_COLUMNS: Final = 30


def counts(page: LogPage, width: int) -> Line:
    """``error ▁▁▂▅█ 12  warn 6``; nothing where there is neither, or no room."""
    lines = [line for line in page.lines if not line.notice]
    errors = [line.at for line in lines if line.level >= LogLevel.ERROR]
    warned = sum(line.level is LogLevel.WARNING for line in lines)
    if not errors and not warned:
        return ()
    spans: list[Span] = []
    if errors:
        end = lines[-1].at
        minutes = int((end - lines[0].at) // _MINUTE) + 1
        columns = max(1, min(_COLUMNS, minutes, width - 30))
        spans += [
            Span("  error ", Role.DOWN),
            Span(_by_minute(errors, end, columns), Role.DOWN),
            Span(f" {len(errors)}", Role.STRONG),
            Span(f" in {columns} min" if columns > 1 else "", Role.MUTED),
        ]
    if warned:
        spans += [Span("  warn ", Role.DEGRADED), Span(str(warned), Role.TEXT)]
    return tuple(spans)


def _by_minute(moments: list[float], end: float, columns: int) -> str:
    found = [0] * columns
    last = end // _MINUTE
    for at in moments:
        column = columns - 1 - int(last - at // _MINUTE)
        if 0 <= column < columns:
            found[column] += 1
    most = max(found, default=0) or 1
    return "".join(
        BLOCKS[-(-count * (len(BLOCKS) - 1) // most)] if count else " " for count in found
    )
