"""What a remedy waits for: a condition of the language of rules, and how long it must hold.

    state == down for 60s        error_rate > 5% for 3m        p95(latency) > 2s

Invariant: ``parse_trigger(str(trigger))`` is the same trigger.
"""

import re
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State
from opsconsole.model.written.expressions import (
    Availability,
    Comparison,
    ExpressionError,
    StateIs,
    parse,
)
from opsconsole.model.written.units import format_duration, parse_duration

USUAL_HOLD: Final = 60.0
"""Seconds for which a condition must hold where none are written."""

_FOR: Final = re.compile(r"(.*\S)\s+for\s+(\S+)\s*", re.DOTALL)
_LONGEST: Final = 240


@dataclass(frozen=True, slots=True)
class Trigger:
    """``condition`` holds without a break for ``hold`` seconds."""

    condition: Comparison | StateIs
    hold: float = USUAL_HOLD

    def __str__(self) -> str:
        return f"{self.condition} for {format_duration(self.hold)}"


def parse_trigger(text: str) -> Trigger:
    """Read a trigger. Raises ValueError with what to write instead."""
    if len(text) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters")
    match = _FOR.fullmatch(text)
    written = match[1] if match else text
    hold = parse_duration(match[2]) if match else USUAL_HOLD
    try:
        condition = parse(written)
    except ExpressionError as error:
        raise ValueError(f"at character {error.position + 1}: {error.message}") from None
    if isinstance(condition, Availability):
        raise ValueError("availability is an objective; write state == down, or error_rate > 5%")
    if isinstance(condition, StateIs) and condition.state in {State.OK, State.UNKNOWN}:
        raise ValueError(f"nothing is to be done while a service is {condition.state}")
    if hold < 1:
        raise ValueError("it must hold for 1s at least")
    return Trigger(condition, hold)
