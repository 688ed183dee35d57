"""What can be made to go wrong inside a platform's process.

Invariant: a fault lives in the process it was given to; it ends when the process is replaced or
when it is cleared. A dead process is no fault of this kind: the fleet kills it (see `fleet`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opsconsole.dataclass import dataclass

COMPONENT: Final = "component"
LATENCY: Final = "latency"
ERRORS: Final = "errors"
GARBAGE: Final = "garbage"
CLEAR: Final = "clear"
KINDS: Final = (COMPONENT, LATENCY, ERRORS, GARBAGE, CLEAR)
STATES: Final = ("down", "degraded")


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One fault; only the fields of its kind mean something.

    component: `component` becomes `state`, with `message` in the health body.
    latency: response times climb linearly to `factor` times the usual within `over_s` seconds.
    errors: the share `rate` (0 to 1) of application requests fails with 500.
    garbage: bodies of health and metrics become bytes that are neither JSON nor text.
    clear: all of the above end.
    """

    kind: str
    component: str = ""
    state: str = "down"
    message: str = ""
    factor: float = 1.0
    over_s: float = 0.0
    rate: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError, naming the field, for what no platform could play."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; known: {', '.join(KINDS)}")
        if self.kind == COMPONENT and not self.component:
            raise ValueError("a component fault names its component")
        if self.state not in STATES:
            raise ValueError(f"unknown state {self.state!r}; known: {', '.join(STATES)}")
        if self.factor < 1 or self.over_s < 0:
            raise ValueError("latency needs factor >= 1 and over_s >= 0")
        if not 0 <= self.rate <= 1:
            raise ValueError("errors need a rate from 0 to 1")

    def as_message(self) -> dict[str, object]:
        """The fault as a plain object, read back by `parse_fault`."""
        return {name: getattr(self, name) for name in InjectedFault.__slots__}


def parse_fault(message: Mapping[str, object]) -> InjectedFault:
    """A fault from a plain object; raises ValueError for a wrong kind, type or range."""

    def text(name: str, default: str) -> str:
        return str(message.get(name, default))

    def number(name: str, default: float) -> float:
        value = message.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError(f"{name} is not a number")
        return float(value)

    return InjectedFault(
        kind=text("kind", ""),
        component=text("component", ""),
        state=text("state", "down"),
        message=text("message", ""),
        factor=number("factor", 1.0),
        over_s=number("over_s", 0.0),
        rate=number("rate", 0.0),
    )
