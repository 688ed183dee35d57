"""Whether what a restart starts again is likely to die again, by how it has died. Pure.

Invariant: only deaths that were seen, or that the engine counted, are spoken of as deaths; the
time for which a verdict is watched on follows from them and is bounded at both ends.
"""

from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.diagnosis import Diagnosis, Fact, FactCode
from opsconsole.model.operation import Plan
from opsconsole.model.snapshot import Snapshot

LEAST: Final = 30.0
MOST: Final = 300.0
"""Seconds for which a verdict is watched on, at least and at most."""

RECENT: Final = 900.0
"""Seconds after which a death says nothing of the next one."""

_DEATHS: Final = frozenset(
    {FactCode.OUT_OF_MEMORY, FactCode.CRASH_LOOP, FactCode.EXITED, FactCode.SIGNALLED}
)
_USUAL: Final = 2.0
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Deaths:
    """How often a copy has died within so many seconds; ``span`` None where that is not known."""

    name: str
    count: int
    span: float | None
    memory: bool

    @property
    def warning(self) -> str:
        """What a person should know before restarting it."""
        within = "" if self.span is None else f" in {_spoken(self.span)}"
        how = "killed for memory" if self.memory else "died"
        return f"{self.name} {how} {self.count}×{within}: a restart will not last"

    @property
    def watch(self) -> float:
        """Seconds after a verdict within which the next death is to be expected."""
        usual = LEAST if self.span is None else self.span / max(1, self.count - 1)
        return min(MOST, max(LEAST, _USUAL * usual))


def deaths_in(diagnosis: Diagnosis, now: float) -> tuple[Deaths, ...]:
    """The copies that died more than once, and not long ago."""
    facts = {fact for each in diagnosis.explanations for fact in (each.lead, *each.facts)}
    found = [_deaths(fact) for fact in facts if _is_recurring(fact, now)]
    return tuple(sorted(found, key=lambda each: (-each.count, each.name)))


def _is_recurring(fact: Fact, now: float) -> bool:
    last = fact.until if fact.until is not None else fact.at
    recent = last is None or now - last <= RECENT
    return fact.code in _DEATHS and fact.count > 1 and recent


def with_deaths(
    plan: Plan, known: tuple[Deaths, ...], snapshot: Snapshot | None, now: float
) -> Plan:
    """``plan`` of a restart with what is known of how its copies died before."""
    service = snapshot.service(plan.service) if snapshot else None
    found = (deaths_in(service.diagnosis, now) if service is not None else ()) or known
    warnings = tuple(each.warning for each in found[:_NAMED])
    watch = max((each.watch for each in found), default=0.0)
    return replace(plan, warnings=(*warnings, *plan.warnings), watch=watch)


def _deaths(fact: Fact) -> Deaths:
    span = None
    if fact.at is not None and fact.until is not None and fact.until > fact.at:
        span = fact.until - fact.at
    return Deaths(fact.subject, fact.count, span, fact.code is FactCode.OUT_OF_MEMORY)


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(1.0, seconds):.0f} s"
