"""The switch of all automation, as its ledger has it: off by whom, storms, breakers closed by hand.

Invariant: ``fold`` is total. Anybody's record switches automation off; that it is on begins
nothing, as what is done is decided by the configuration of the process that watches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.ledger_record import Record, moment_in, text_in
from opsconsole.model.remedies.episodes import Hand, hand_in

SWITCH: Final = "automation"
"""The id of its ledger."""

PLAN_HOLDS: Final = 300.0
"""Seconds for which a plan that somebody opened holds automation back."""

_CLOSINGS: Final = 200

SAID_AGAIN: Final = 100
"""Records after which it is said again that all is off: the oldest ones of its ledger go."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Somebody closed the breaker of ``rule``."""

    rule: str
    by: Hand


@dataclass(frozen=True, slots=True)
class Planned:
    """Somebody opened a plan of a change to ``service``."""

    service: str
    by: Hand


@dataclass(frozen=True, slots=True)
class Switch:
    """``off`` is who switched it off, None while it is on. ``stormy_at`` is when a storm was last
    seen to begin, ``calm_at`` when the last one was seen to be over, None while it goes on.

    ``planned`` are the plans that people opened last, of each service one.
    """

    off: Hand | None = None
    stormy_at: float | None = None
    calm_at: float | None = None
    closings: tuple[Closing, ...] = ()
    planned: tuple[Planned, ...] = ()

    def plans_open(self, now: float) -> dict[str, str]:
        """Who has a plan of a service open, as far as that can be: it is not known when it is
        closed."""
        return {
            each.service: str(each.by)
            for each in self.planned
            if abs(now - each.by.at) < PLAN_HOLDS
        }


ON: Final = Switch()


def fold(records: Iterable[Record]) -> Switch:
    """What the records add up to; nothing is a switch that is on."""
    switch = ON
    for record in records:
        switch = applied(switch, record)
    return switch


def applied(switch: Switch, record: Record) -> Switch:
    """``switch`` after one more record; the same one where it means nothing."""
    at = moment_in(record)
    if at is None:
        return switch
    match record.get("do"):
        case "off":
            return replace(switch, off=hand_in(record, at))
        case "on":
            return replace(switch, off=None)
        case "storm":
            return replace(switch, stormy_at=at, calm_at=None)
        case "calm":
            return switch if switch.stormy_at is None else replace(switch, calm_at=at)
        case "close":
            rule, by = text_in(record, "rule"), hand_in(record, at)
            if not rule or not by.reason:
                return switch
            kept = switch.closings[-_CLOSINGS + 1 :]
            return replace(switch, closings=(*kept, Closing(rule, by)))
        case "plan":
            service = text_in(record, "service")
            others = tuple(each for each in switch.planned if each.service != service)
            opened = Planned(service, hand_in(record, at))
            return replace(switch, planned=(*others[-_CLOSINGS:], opened)) if service else switch
        case _:
            return switch


def kept_in(records: Sequence[Record]) -> Sequence[Record]:
    """What is said again before more is added, so that who switched it off is never forgotten."""
    said = fold(records).off
    if said is None:
        return ()
    last = max(number for number, each in enumerate(records) if _is_off(each))
    if len(records) - last <= SAID_AGAIN:
        return ()
    return [{"do": "off", "at": said.at, "who": said.who, "host": said.host, "reason": said.reason}]


def _is_off(record: Record) -> bool:
    return record.get("do") == "off" and moment_in(record) is not None
