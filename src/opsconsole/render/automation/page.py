"""The page of automation: what it is about to do, its remedies, announced work, and what they saw.

Invariant: each sentence is shown whole, wrapped; what goes on stands before what is over.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.model.maintenance import Maintenance
from opsconsole.model.remedies.automation import Automation, RemedyView
from opsconsole.model.remedies.episodes import Episode, Stage
from opsconsole.model.remedies.rules import RemedyMode
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.automation.report import report
from opsconsole.render.automation.rows import EPISODES
from opsconsole.render.automation.words import (
    MAINTENANCE,
    breaker_words,
    maintenance_words,
    standing,
    switched_off,
)
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, fit, titled, wrap
from opsconsole.zones import written

WEEK: Final = 7 * 86400.0
"""Seconds that the report looks back."""

_NAME: Final = 20
_MARGIN: Final = 2
_LOOKS: Final = {
    Stage.COUNTING: ("▲", Role.DEGRADED),
    Stage.ASKED: ("?", Role.ACCENT),
    Stage.BEGINNING: ("▶", Role.ACCENT),
    Stage.UNDER_WAY: ("▶", Role.ACCENT),
}
"""What a reader may have to do something about."""


def page_lines(snapshot: Snapshot, width: int, now: float) -> list[Line]:
    """The whole page."""
    known = snapshot.automation or Automation()
    recent = known.episodes[:EPISODES]
    work = sorted(snapshot.maintenances, key=lambda each: each.ends_at <= now)
    parts = {
        "Now": [line for each in recent if each.open for line in _episode(each, width, now)],
        "Remedies": [line for each in known.rules for line in _rule(each, known, width, now)]
        or _texts(["no remedy is configured: docs/remedies.md"], width),
        "Maintenance": [line for each in work for line in _work(each, width, now)]
        or _texts(["nothing is worked on"], width),
        "Before, the latest first": [
            line for each in recent if not each.open for line in _episode(each, width, now)
        ],
        "The last 7 days": _texts(report(known.rules, known.episodes, now - WEEK, now), width)
        if known.episodes
        else [],
    }
    off = switched_off(known.switch, now)
    lines: list[Line] = []
    if off:
        lines += [(Span(f" {part}", Role.DEGRADED),) for part in wrap(off, width - _MARGIN)]
    for name, rows in parts.items():
        if rows:
            lines += [*([BLANK] if lines else []), titled(name, width), *rows]
    return lines


def _episode(episode: Episode, width: int, now: float) -> Iterator[Line]:
    glyph, role = _LOOKS.get(episode.stage, ("·", Role.TEXT))
    at = f"{written(episode.at)}  " if not episode.open else ""
    said = f"{at}{standing(episode, now)} ({episode.rule})"
    yield from _row(glyph, role, episode.service, [said], width)
    yield from _row(" ", Role.MUTED, "", episode.evidence, width)


def _rule(rule: RemedyView, known: Automation, width: int, now: float) -> Iterator[Line]:
    does = f"{rule.mode}: {rule.action} of {rule.service} when {rule.when}"
    role = Role.MUTED if rule.mode is RemedyMode.SUGGEST else Role.TEXT
    yield from _row("·", role, rule.name, [does], width)
    breaker = known.breakers.get(rule.name)
    if breaker is not None:
        yield from _row(" ", Role.DEGRADED, "", [f"breaker {breaker_words(breaker, now)}"], width)
    if rule.summary:
        yield from _row(" ", Role.MUTED, "", [f"within {rule.summary}"], width)


def _work(work: Maintenance, width: int, now: float) -> Iterator[Line]:
    on = work.is_on(now)
    services = ", ".join(work.services) or "all services"
    said = [f"{services} {maintenance_words(work, now)}"]
    yield from _row(
        MAINTENANCE if on else "·", Role.ACCENT if on else Role.MUTED, work.id, said, width
    )


def _row(glyph: str, role: Role, name: str, said: Iterable[str], width: int) -> Iterator[Line]:
    """A name, and beside it what is said, in as many lines as it takes."""
    begin: Line = (Span(f" {glyph} ", role), Span(f"{fit(name, _NAME)}  ", Role.STRONG))
    blank: Line = (Span(" " * (_NAME + 5)),)
    for text in said:
        for part in wrap(text, max(20, width - _NAME - 5 - _MARGIN)):
            yield (*begin, Span(part, role))
            begin = blank


def _texts(texts: Iterable[str], width: int) -> list[Line]:
    return [line for text in texts for line in _text(text, width)]


def _text(text: str, width: int) -> Iterator[Line]:
    """``text`` in as many lines as it takes; its indentation is that of all of them."""
    bare = text.lstrip(" ")
    indent = len(text) - len(bare)
    role = Role.MUTED if indent > _MARGIN else Role.TEXT if indent else Role.STRONG
    for part in wrap(bare, max(8, width - indent - _MARGIN)):
        yield (Span(f" {' ' * indent}{part}", role),)
