"""Remedies and their episodes as rows: for the screen and for ``opsconsole remedies list``.

Invariant: each remedy has a row, whatever it does; the latest episodes follow, the latest first.
"""

from collections.abc import Iterator
from typing import Final

from opsconsole.model.remedies.automation import Automation, RemedyView
from opsconsole.model.remedies.episodes import Episode
from opsconsole.model.remedies.rules import Act, Hold, RemedyMode, Rule
from opsconsole.render.automation.words import (
    breaker_words,
    going_on,
    hold_words,
    mode_words,
    standing,
    switched_off,
)
from opsconsole.zones import written

EPISODES: Final = 30
"""Episodes that are listed."""


def automation_lines(known: Automation, now: float) -> list[str]:
    """Everything that is known of automation, in lines."""
    lines = []
    off = switched_off(known.switch, now)
    if off:
        lines += [off, ""]
    for rule in known.rules:
        lines += _of_rule(rule, known, now)
    if not known.rules:
        lines.append("no remedy is configured: docs/remedies.md")
    recent = known.episodes[:EPISODES]
    if recent:
        lines += ["", "what they saw, the latest first"]
    for each in recent:
        lines += _of_episode(each, now)
    return lines


def _of_rule(rule: RemedyView, known: Automation, now: float) -> Iterator[str]:
    yield f"{rule.name}  {rule.mode}  {rule.action} of {rule.service} when {rule.when}"
    breaker = known.breakers.get(rule.name)
    if breaker is not None:
        yield f"    breaker {breaker_words(breaker, now)}"
    if rule.summary:
        yield f"    within {rule.summary}"
    present = next((each for each in known.episodes if each.rule == rule.name), None)
    if present is not None and present.open:
        yield f"    now: {going_on(present, now)}"


def _of_episode(episode: Episode, now: float) -> Iterator[str]:
    stands = standing(episode, now)
    yield f"{written(episode.at)}  {episode.rule}  {episode.service}: {stands}"
    for line in episode.evidence:
        yield f"    {line}"


def foreseen(rule: Rule, decision: Act | Hold, now: float) -> str:
    """What a remedy would do if what it waits for held now."""
    begin = f"{rule.name}: if {rule.trigger.condition} of {rule.service} held now"
    if isinstance(decision, Hold):
        return f"{begin}, nothing would be done: {hold_words(decision, now)}"
    how = mode_words(decision.mode)
    asks = " (too little of its error budget is left)" if _lowered(rule, decision) else ""
    return f"{begin}, {rule.action} would follow: it {how}{asks}"


def _lowered(rule: Rule, decision: Act) -> bool:
    return rule.mode is RemedyMode.AUTO and decision.mode is RemedyMode.ASK
