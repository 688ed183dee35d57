"""All that is known of automation at one moment, for the screens."""

from collections.abc import Mapping
from dataclasses import field

from opsconsole.dataclass import dataclass
from opsconsole.model.remedies.breaker import Breaker
from opsconsole.model.remedies.episodes import Episode, Stage
from opsconsole.model.remedies.rules import RemedyMode
from opsconsole.model.remedies.switch import ON, Switch


@dataclass(frozen=True, slots=True)
class RemedyView:
    """One remedy as it is configured; ``when`` is what it waits for, ``summary`` its limits."""

    name: str
    service: str
    action: str
    mode: RemedyMode
    when: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Automation:
    """``episodes`` are of every console's state, the latest first; ``breakers`` by rule, those that
    are not closed."""

    rules: tuple[RemedyView, ...] = ()
    switch: Switch = ON
    episodes: tuple[Episode, ...] = ()
    breakers: Mapping[str, Breaker] = field(default_factory=dict)

    @property
    def counting(self) -> tuple[Episode, ...]:
        """What begins soon unless somebody stops it, the first to begin first; nothing while all
        is off, whatever the process that acts has recorded of that."""
        if self.switch.off is not None:
            return ()
        found = [each for each in self.episodes if each.stage is Stage.COUNTING]
        return tuple(sorted(found, key=lambda each: each.counting_to or 0.0))

    @property
    def asking(self) -> tuple[Episode, ...]:
        """What waits for somebody to carry it out."""
        return tuple(each for each in self.episodes if each.stage is Stage.ASKED)
