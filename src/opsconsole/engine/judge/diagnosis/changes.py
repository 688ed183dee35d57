"""What was changed about a service shortly before it went wrong. Pure.

Invariant: only what people and pipelines change is a change here: what happens to a process is no
change. A refused operation changed nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.causes_kinds import (
    CONFIGURATION,
    IMAGE,
    LIMITS,
    OPERATION,
    PACKAGES,
    VERSION,
    kind_of,
)
from opsconsole.engine.judge.diagnosis.known import PRECISION, Known
from opsconsole.model.diagnosis import Fact, FactCode
from opsconsole.model.events import Event, EventCode
from opsconsole.model.snapshot import ServiceView

_CODES: Final = {
    IMAGE: FactCode.IMAGE_CHANGED,
    VERSION: FactCode.VERSION_CHANGED,
    PACKAGES: FactCode.CONFIGURATION_CHANGED,
    CONFIGURATION: FactCode.CONFIGURATION_CHANGED,
    LIMITS: FactCode.CONFIGURATION_CHANGED,
    OPERATION: FactCode.OPERATED,
}
OF_CHANGES: Final = frozenset(_CODES.values())


@dataclass(frozen=True, slots=True)
class Changes:
    """``facts`` by time, alike ones together; ``of`` says for each what was changed, and ``called``
    what each copy is called, by any of its names."""

    facts: tuple[Fact, ...]
    of: Mapping[Fact, frozenset[str]]
    called: Mapping[str, frozenset[str]]

    def before(self, fact: Fact) -> Fact | None:
        """The change that ``fact`` may follow from: the latest before it, a new image first."""
        if fact.at is None:
            return None
        until = fact.at + PRECISION
        earlier = [
            each
            for each in self.facts
            if each.at is not None and each.at <= until and self._may_concern(each, fact)
        ]
        return max(earlier, key=_nearness, default=None)

    def _may_concern(self, change: Fact, fact: Fact) -> bool:
        """Not where other copies were changed, and the one that ``fact`` is about was not."""
        mine = self.called.get(fact.subject)
        if mine is None or fact.copies > 1:
            return True
        changed = self.of[change]
        return not mine.isdisjoint(changed) or not changed <= self.called.keys()


def changes_of(service: ServiceView, known: Known, since: float, until: float) -> Changes:
    """The changes of ``service`` between ``since`` and ``until``."""
    found: dict[tuple[object, ...], Fact] = {}
    of: dict[Fact, set[str]] = {}
    for event in known.events.get(service.name, ()):
        kind = kind_of(event)
        code = _CODES.get(kind) if kind is not None else None
        if code is None or not since <= event.at <= until + PRECISION:
            continue
        if event.code in {EventCode.UPDATE_MOVED, EventCode.REPLICAS_CHANGED}:
            # How an update goes is known from its workload.
            continue
        fact = _fact(code, event)
        # An operation acted from its start on, and several copies are changed one by one.
        first = found.setdefault((code, fact.before, fact.after, fact.by), fact)
        of.setdefault(first, set()).add(fact.subject)
    subjects = {fact: frozenset(each) for fact, each in of.items()}
    return Changes(tuple(found.values()), subjects, dict(_called(service, known)))


def _called(service: ServiceView, known: Known) -> Iterable[tuple[str, frozenset[str]]]:
    copies = {each.id: each.name for each in known.copies(service)}
    for name in copies.values():
        yield name, frozenset({name})
    for each in service.instances:
        ran = (copies[one] for one in each.replicas if one in copies)
        names = frozenset(filter(None, (each.name, each.runs_as, *ran)))
        yield from ((name, names) for name in names)


def _fact(code: FactCode, event: Event) -> Fact:
    if code is FactCode.OPERATED:
        return Fact(
            code, event.at, event.subject, after=f"{event.action} {event.name}".strip(), by=event.by
        )
    after = event.after or event.detail
    if event.code is EventCode.LIMITS_CHANGED:
        after = "limits"
    elif event.code is EventCode.PACKAGES_CHANGED:
        after = f"package {event.subject} {after}"
    elif event.code is EventCode.RECREATED:
        after = ", ".join(filter(None, (event.detail, event.after)))
    before, by = event.before, event.by
    return Fact(
        code, event.at, event.subject, before=before, after=after, by=by, source=event.place
    )


def _nearness(change: Fact) -> tuple[bool, float, str, str]:
    deployed = change.code in {FactCode.IMAGE_CHANGED, FactCode.VERSION_CHANGED}
    return deployed, change.at or 0.0, change.code, repr(change)
