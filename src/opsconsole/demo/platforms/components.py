"""The parts of a platform, each with its state, and the worst of them.

Invariant: a component is in exactly one state, and "ok" carries no message. Whatever made it
degraded or down stays until it is reset: nothing here heals by itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass

OK: Final = "ok"
DEGRADED: Final = "degraded"
DOWN: Final = "down"

_DEGRADED_SLOWNESS: Final = 3.0


@dataclass(slots=True)
class Component:
    """One part; `response_ms` is what a check of it usually takes."""

    name: str
    response_ms: float = 2.0
    state: str = OK
    message: str = ""
    since: float = field(default_factory=time.time)

    def enter(self, state: str, message: str = "") -> None:
        """Be in `state` from this moment on, for the reason `message`."""
        if state != self.state:
            self.since = time.time()
        self.state = state
        self.message = "" if state == OK else message

    @property
    def slowness(self) -> float:
        """By how much work that uses this part takes longer than usual."""
        return _DEGRADED_SLOWNESS if self.state == DEGRADED else 1.0

    @property
    def measured_ms(self) -> float:
        """Response time of one check, in milliseconds."""
        return round(self.response_ms * self.slowness * random.uniform(0.8, 1.25), 2)


class Components:
    """The parts of one platform by name, in the order they are reported."""

    def __init__(self, *parts: Component) -> None:
        """Names must differ."""
        self._parts = {part.name: part for part in parts}

    def __iter__(self) -> Iterator[Component]:
        return iter(self._parts.values())

    def __getitem__(self, name: str) -> Component:
        return self._parts[name]

    def get(self, name: str) -> Component | None:
        """The component of that name, if there is one."""
        return self._parts.get(name)

    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._parts)

    def worst(self) -> str:
        """The worst state of all parts."""
        states = {part.state for part in self}
        return DOWN if DOWN in states else DEGRADED if DEGRADED in states else OK

    def reset(self) -> None:
        """Every part as new."""
        for part in self:
            part.enter(OK)
