"""The keys of a screen as a page, in columns if there is room.

Invariant: made from the registry of keys; a key that is not in the registry is not in the help.
"""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Final, NamedTuple

from opsconsole.render.ink.cells import BLANK, Line, Role, Span, fit, line_width, wrap

_FIRST: Final = ("look", "change")


class HelpEntry(NamedTuple):
    """One key: what to press, what it does, and its heading."""

    keys: str
    text: str
    group: str


WORDS: Final = (
    ("early", "too little was seen to say that an objective is met or missed"),
    (
        "own looks",
        "counted from the looks of this console, not by a Prometheus: it knows only the time since "
        "it was started",
    ),
    (
        "p95 over",
        "95 of 100 answers were quicker than this; 'so far' until all the time that "
        "display.window names was seen",
    ),
    ("▁▂▅█", "lines of latency run from 10 ms to 10 s, the same for every service"),
    ("● ▲ ✖ ?", "below a chart: from here on it was ok, degraded, down, unknown"),
    ("! ▶ # ≡", "below a chart: an alert began, a change was begun, a note, a runbook"),
    ("↻ ⇧ □ §", "below a chart: a restart, another version, a container, a certificate"),
    ("△ missed", "it says ok, and misses an objective or has a critical alert"),
    ("◌ stale", "not read for too long; ~ stands before what was known last"),
    ("4.0G", "sizes are binary: 1G is 1024M"),
)
"""What the screens say in a word, explained."""


def words() -> list[HelpEntry]:
    """The words, as entries of a page."""
    return [HelpEntry(word, text, "words") for word, text in WORDS]


def first_page(entries: Iterable[HelpEntry], width: int) -> list[Line]:
    """The keys of most use, then the words."""
    lines: list[Line] = []
    for entry in entries:
        key, *rest = wrap(entry.text, max(10, width - 18))
        lines.append((Span(f"   {fit(entry.keys, 14)}", Role.ACCENT), Span(key, Role.STRONG)))
        lines += [(Span(" " * 17), Span(text, Role.STRONG)) for text in rest]
    return [*lines, BLANK, *_group("words", words(), width)]


def page(entries: Iterable[HelpEntry], width: int) -> list[Line]:
    """All entries by group, looking and changing first; two columns from 110 cells on."""
    groups: dict[str, list[HelpEntry]] = {name: [] for name in _FIRST}
    for entry in entries:
        groups.setdefault(entry.group, []).append(entry)
    groups = {name: found for name, found in groups.items() if found}
    if width < 110:
        return [line for name, found in groups.items() for line in _group(name, found, width)]
    half = (width - 2) // 2
    blocks = [_group(name, found, half) for name, found in groups.items()]
    left, right = _balanced(blocks)
    return [
        (*_padded(one, half), Span("  "), *other)
        for one, other in zip_longest(left, right, fillvalue=BLANK)
    ]


def _group(name: str, entries: list[HelpEntry], width: int) -> list[Line]:
    lines: list[Line] = [(Span(f" {name}", Role.TITLE),)]
    for entry in entries:
        for index, text in enumerate(wrap(entry.text, max(10, width - 18))):
            keys = entry.keys if index == 0 else ""
            lines.append((Span(f"   {fit(keys, 14)}", Role.ACCENT), Span(text)))
    return [*lines, BLANK]


def _balanced(blocks: list[list[Line]]) -> tuple[list[Line], list[Line]]:
    left: list[Line] = []
    right: list[Line] = []
    for block in blocks:
        target = left if len(left) <= len(right) else right
        target += block
    return left, right


def _padded(line: Line, width: int) -> Line:
    return (*line, Span(" " * max(0, width - line_width(line))))
