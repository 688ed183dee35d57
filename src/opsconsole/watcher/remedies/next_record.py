"""What is recorded next of an episode: what follows from the decision, and how it ended. Pure.

Invariant: a record is made only where it says something new. An act follows a countdown that was
over and that nobody stopped, once; ``act_record`` is asked on the records as they stand.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.model.ledger_record import Record
from opsconsole.model.operation import SILENCING, ActionKind, Operation, OperationState
from opsconsole.model.remedies.episodes import Ending, Episode, Stage
from opsconsole.model.remedies.rules import Act, Hold, RemedyMode

_HOLDS: Final = 40
_RARELY: Final = 600.0
"""Seconds between records of what holds back an episode that was held back in turns for long."""

_CURES_NOTHING: Final = frozenset({*SILENCING, ActionKind.BACKUP, ActionKind.TEST})


def of_decision(
    episode: Episode, decision: Act | Hold, countdown: float, now: float
) -> Sequence[Record]:
    """What the decision means for an episode that has not acted; a plan to be asked for apart."""
    if episode.done or not episode.open:
        return ()
    if isinstance(decision, Hold):
        return _held(episode, decision, now)
    match decision.mode:
        case RemedyMode.SUGGEST:
            known = episode.suggested_at is not None
            return () if known else [{"do": "suggest", "at": now}]
        case RemedyMode.ASK:
            return ()
        case RemedyMode.AUTO:
            counting = episode.stage is Stage.COUNTING
            return () if counting else [{"do": "count", "at": now, "until": now + countdown}]


def is_due(episode: Episode, decision: Act | Hold, now: float) -> bool:
    """Whether its act is to be begun now."""
    auto = isinstance(decision, Act) and decision.mode is RemedyMode.AUTO
    counted = episode.counting_to is not None and now >= episode.counting_to
    return auto and counted and episode.stage is Stage.COUNTING


def act_record(stood: Episode, plan: str, now: float) -> Sequence[Record]:
    """The act itself, if the episode as it stands still allows it; else nothing."""
    due = stood.stage is Stage.COUNTING and stood.open
    counted = stood.counting_to is not None and now >= stood.counting_to
    return [{"do": "act", "at": now, "plan": plan}] if due and counted else ()


def _held(episode: Episode, hold: Hold, now: float) -> Sequence[Record]:
    last = episode.holds[-1] if episode.holds else None
    if last is not None and episode.stage is Stage.HELD:
        often = len(episode.holds) >= _HOLDS and now - last.at < _RARELY
        if last.code is hold.code or often:
            return ()
    record = {"do": "hold", "at": now, "code": hold.code.value, "subject": hold.subject}
    return [record if hold.until is None else {**record, "until": hold.until}]


def end_record(
    episode: Episode, operations: Iterable[Operation], now: float, *, watched: bool
) -> Record:
    """How what was wrong came to its end: by what was begun last meanwhile, if by anything."""
    did = [
        each
        for each in operations
        if each.service == episode.service
        and each.kind not in _CURES_NOTHING
        and episode.since <= each.started_at <= now
        and each.state is not OperationState.REFUSED
        and not each.begun_nothing
    ]
    last = max(did, key=lambda each: each.started_at, default=None)
    record: dict[str, object] = {"do": "end", "at": now}
    if last is None:
        how = Ending.ALONE if watched else Ending.NOT_SEEN
        return {**record, "how": how.value}
    if last.id == episode.operation:
        return {**record, "how": Ending.BY_REMEDY.value}
    same = last.kind is episode.kind
    how = Ending.SAME_ACTION if same else Ending.OTHER_ACTION
    return {**record, "how": how.value, "by": last.who, "action": last.kind.value}
