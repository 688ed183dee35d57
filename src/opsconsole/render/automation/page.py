"""The page of automation: remedies, maintenance, the report of a week, and what was seen.

Invariant: each sentence is shown whole, wrapped; what is over follows what goes on.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.model.remedies.automation import Automation
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.automation.report import report
from opsconsole.render.automation.rows import automation_lines
from opsconsole.render.automation.words import maintenance_line
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled, wrap

WEEK: Final = 7 * 86400.0
"""Seconds that the report looks back."""

_MARGIN: Final = 2


def page_lines(snapshot: Snapshot, width: int, now: float) -> list[Line]:
    """The whole page."""
    known = snapshot.automation or Automation()
    lines = _wrapped(automation_lines(known, now), width)
    going = [each for each in snapshot.maintenances if each.ends_at > now]
    over = [each for each in snapshot.maintenances if each.ends_at <= now]
    said = [maintenance_line(each, now) for each in (*going, *over)]
    lines += [BLANK, titled("Maintenance", width), BLANK]
    lines += _wrapped(said or ["nothing is worked on"], width)
    if known.episodes:
        lines += [BLANK, titled("The last 7 days", width), BLANK]
        lines += _wrapped(report(known.rules, known.episodes, now - WEEK, now), width)
    return lines


def _wrapped(texts: Iterable[str], width: int) -> list[Line]:
    return [line for text in texts for line in _one(text, width)]


def _one(text: str, width: int) -> Iterator[Line]:
    """``text`` in as many lines as it takes; its indentation is that of all of them."""
    bare = text.lstrip(" ")
    indent = len(text) - len(bare)
    role = Role.MUTED if indent > _MARGIN else Role.TEXT if indent else Role.STRONG
    if not bare:
        yield BLANK
    for part in wrap(bare, max(8, width - indent - _MARGIN)):
        yield (Span(f" {' ' * indent}{part}", role),)
