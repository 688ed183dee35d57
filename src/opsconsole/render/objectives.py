"""Objectives with what was measured, and the figures that they are about.

Invariant: a share below 100% is never shown as 100%; an objective whose figure is unknown is
unknown, never met, and one with too little data is early, never missed. Parts that do not fit whole
are left out, the most urgent last.
"""

import math
import re
from collections.abc import Iterator
from typing import Final

from opsconsole.model.objectives import Attainment
from opsconsole.model.snapshot import ServiceView
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Align, Line, Role, Span, fit, line_width, wrap


def objective_line(item: Attainment, width: int = 200, *, stale: bool = False) -> Line:
    """One objective with what was measured, and as many further parts as fit whole.

    Figures of a ``stale`` service look stale, met or not.
    """
    glyph, word, role = _met(item)
    glyph, role = ("◌", Role.STALE) if stale else (glyph, role)
    name = 30 if width >= 70 else 28
    line: Line = (
        Span(f" {glyph} {word:<8}", role),
        Span(fit(item.objective, name), Role.STALE if stale else Role.TEXT),
        Span(fit(_actual(item), 9, Align.RIGHT), Role.STALE if stale else Role.STRONG),
    )
    for span in _budget(item):
        if line_width((*line, span)) <= width:
            line = (*line, span)
    return line


def _budget(item: Attainment) -> Iterator[Span]:
    """The error budget in words, the most urgent first."""
    if item.burning:
        yield Span(f"  too fast: {item.burning}", Role.DOWN)
    if item.copy:
        yield Span(f"  on {item.copy}", Role.MUTED)
    witness = _witness(item)
    if witness:
        yield Span(f"  {witness}", Role.MUTED)
    if item.budget_left is not None:
        yield Span(f"  {figures.percent(item.budget_left)} budget", Role.MUTED)
    if item.burn_rate is not None:
        yield Span(f"  burns {item.burn_rate:.1f}×", Role.MUTED)


def _standing(item: Attainment, width: int) -> list[Line]:
    """The line below the figure: how close it is (100% of its limit is the target itself, above it
    is missed), its trend, and what is left of its budget.
    """
    said: list[str] = []
    if item.closeness is not None and math.isfinite(item.closeness):
        said.append(f"at {figures.percent(item.closeness)} of its limit")
    if item.early:
        said.append("early: too little was seen to judge it")
    if item.trend:
        said.append(item.trend)
    if item.budget_left is not None:
        buys = item.budget_seconds or 0.0
        lasts = f", or {figures.age(buys)} of complete failure" if buys > 0 else ""
        said.append(f"budget left {figures.percent(item.budget_left)}{lasts}")
    if item.burn_rate is not None:
        said.append(f"burns {item.burn_rate:.1f}×{_lasts(item)}")
    witness = _witness(item)
    if witness:
        own = item.origin.startswith("own ")
        said.append(f"by this console's {witness}" if own else witness)
    if item.copy:
        said.append(f"the worst copy is {item.copy}")
    role = Role.TEXT if item.met is False else Role.MUTED
    lines: list[Line] = []
    if item.burning:
        lines.append((Span(f"     too fast: {item.burning}", Role.DOWN),))
    text = "; ".join(said)
    lines += [(Span(f"     {part}", role),) for part in wrap(text, max(8, width - 6)) if part]
    return lines


def _lasts(item: Attainment) -> str:
    """For how long what is left of the budget lasts, if it goes on as in the last hour."""
    left, rate, window = item.budget_left, item.burn_rate, _window_of(item.objective)
    if not left or left <= 0 or not rate or rate <= 1 or not math.isfinite(window):
        return ""
    return f", lasts {figures.age(left * window / rate)} at this rate"


def _actual(item: Attainment) -> str:
    """Shares are fractions: 0.99834 is ``99.834%``; anything below 1 is never 100."""
    if item.unit == "%" and item.actual is not None and math.isfinite(item.actual):
        return f"{math.floor(item.actual * 1e5 + 1e-6) / 1e3:.5g}%"
    return figures.number(item.actual, item.unit)


def _witness(item: Attainment) -> str:
    """Who saw it and over how long; '' if its whole window was seen, as far as is known."""
    if item.seen is None:
        return ""
    seen = figures.age(item.seen).replace("d0h", "d")
    if item.origin:
        return f"{item.origin}, {seen}"
    return f"seen over {seen}" if item.seen < 0.99 * _window_of(item.objective) else ""


_OVER: Final = re.compile(r"\bover (\d+(?:\.\d+)?)(s|m|h|d|w)$")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}


def _window_of(objective: str) -> float:
    """The window of an objective in seconds; infinite if it declares none."""
    found = _OVER.search(objective.strip())
    return float(found[1]) * _UNITS[found[2]] if found else math.inf


def _met(item: Attainment) -> tuple[str, str, Role]:
    if item.early:
        return "?", "early", Role.UNKNOWN
    if item.met is None:
        return "?", "unknown", Role.UNKNOWN
    return ("●", "met", Role.OK) if item.met else ("△", "missed", Role.DEGRADED)


def objectives(service: ServiceView, width: int) -> list[Line]:
    """Objectives with what was measured, then the scaling advice."""
    lines: list[Line] = [(Span(" objectives", Role.HEADER),)]
    for item in service.objectives:
        lines += [objective_line(item, 50, stale=service.stale), *_standing(item, width)]
    if not service.objectives:
        lines.append(
            (Span("   none are declared: objectives: [p95(latency) < 300ms]", Role.MUTED),)
        )
    for index, sentence in enumerate(service.advice):
        lines += [BLANK, (Span(" scaling", Role.HEADER),)] if index == 0 else []
        lines += [(Span(f"   {part}", Role.TEXT),) for part in wrap(sentence, max(8, width - 4))]
    return lines
