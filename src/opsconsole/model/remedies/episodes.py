"""One episode of a remedy: from what was seen to how it ended, as its ledger has it.

Invariant: ``fold`` is total. Whatever the records are, an episode acts at most once, begins nothing
after somebody stopped it, and changes no more once it has ended; a record that would do otherwise
is ignored. Texts are safe to show. It says what was recorded and orders nothing.
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeVar

from opsconsole.dataclass import dataclass
from opsconsole.model.ledger_record import SAID, Record, moment_in, text_in, texts_in
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.model.remedies.rules import HoldCode, RemedyMode

_EVIDENCE: Final = 12
_HOLDS: Final = 40

E = TypeVar("E", bound=StrEnum)


class Ending(StrEnum):
    """How what was wrong came to its end."""

    ALONE = "alone"
    BY_REMEDY = "by this remedy"
    SAME_ACTION = "by hand, the same action"
    OTHER_ACTION = "by hand, another action"
    WENT_ON = "went on"
    """It was still so long after the remedy had acted."""
    NOT_SEEN = "not seen"
    """Nobody watched when it ended."""


class Stage(StrEnum):
    """Where an episode stands."""

    SEEN = "seen"
    HELD = "held"
    SUGGESTED = "suggested"
    ASKED = "asked"
    COUNTING = "counting down"
    STOPPED = "stopped"
    BEGINNING = "beginning"
    UNDER_WAY = "under way"
    JUDGED = "judged"
    NOT_BEGUN = "not begun"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Hand:
    """What somebody did, and when."""

    who: str
    host: str
    at: float
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.who}@{self.host}" if self.host else self.who


@dataclass(frozen=True, slots=True)
class HeldBack:
    """From ``at`` on nothing was done because of ``code``."""

    code: HoldCode
    at: float
    subject: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """What one rule saw once. ``since`` is when it began to be wrong, ``at`` when the rule held.

    ``plan`` is decided once and recorded at ``acted_at``, before it is performed; ``operation`` is
    what performed it. ``ended_by`` is who began what ended it.
    """

    id: str
    rule: str
    service: str
    kind: ActionKind
    action: str
    mode: RemedyMode
    since: float
    at: float
    who: str = ""
    host: str = ""
    evidence: tuple[str, ...] = ()
    holds: tuple[HeldBack, ...] = ()
    suggested_at: float | None = None
    asked_at: float | None = None
    summary: str = ""
    counting_from: float | None = None
    counting_to: float | None = None
    stopped: Hand | None = None
    acted_at: float | None = None
    plan: str = ""
    operation: str = ""
    not_begun: HeldBack | None = None
    verdict: OperationState | None = None
    verdict_at: float | None = None
    ended_at: float | None = None
    ending: Ending | None = None
    ended_by: str = ""

    @property
    def hold(self) -> HeldBack | None:
        """What holds it back now."""
        return self.holds[-1] if self.stage is Stage.HELD else None

    @property
    def open(self) -> bool:
        """Whether what was wrong goes on."""
        return self.ended_at is None

    @property
    def done(self) -> bool:
        """Whether this episode has had its one act, or will have none."""
        return self.acted_at is not None or self.stopped is not None

    @property
    def under_way(self) -> bool:
        """Whether its act may be acting: recorded, and without a verdict."""
        begun = self.acted_at is not None and self.not_begun is None
        return begun and self.verdict is None

    @property
    def lasted(self) -> float | None:
        """Seconds from when the rule held until it was over; None while it is not."""
        return None if self.ended_at is None else max(0.0, self.ended_at - self.at)

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        if self.ended_at is not None:
            return Stage.OVER
        if self.acted_at is not None:
            return self._stage_of_act()
        if self.stopped is not None:
            return Stage.STOPPED
        last = self.holds[-1].at if self.holds else -1.0
        steps = (
            (self.counting_from, Stage.COUNTING),
            (self.asked_at, Stage.ASKED),
            (self.suggested_at, Stage.SUGGESTED),
        )
        at, stage = max(
            ((at, stage) for at, stage in steps if at is not None), default=(-1.0, None)
        )
        if stage is not None and at >= last:
            return stage
        return Stage.HELD if self.holds else Stage.SEEN

    def _stage_of_act(self) -> Stage:
        if self.not_begun is not None:
            return Stage.NOT_BEGUN
        if self.verdict is not None:
            return Stage.JUDGED
        return Stage.UNDER_WAY if self.operation else Stage.BEGINNING


def fold(identity: str, records: Iterable[Record]) -> Episode | None:
    """The episode that ``records`` add up to; None if the first one does not begin one."""
    episode: Episode | None = None
    for record in records:
        episode = _begun(identity, record) if episode is None else applied(episode, record)
        if episode is None:
            return None
    return episode


def applied(episode: Episode, record: Record) -> Episode:
    """``episode`` after one more record; the same one where the record is out of turn."""
    at = moment_in(record)
    if at is None or not episode.open:
        return episode
    does = record.get("do")
    if does == "end":
        ending = _one_of(Ending, record, "how")
        by = text_in(record, "by")
        over = max(at, episode.at)
        return replace(episode, ended_at=over, ending=ending or Ending.NOT_SEEN, ended_by=by)
    if does in {"begun", "not-begun", "verdict"}:
        return _of_act(episode, str(does), record, at)
    return episode if episode.done else _before_act(episode, str(does), record, at)


def _before_act(episode: Episode, does: str, record: Record, at: float) -> Episode:
    if does == "hold":
        held = _held(record, at)
        kept = episode.holds[-_HOLDS + 1 :]
        return episode if held is None else replace(episode, holds=(*kept, held))
    if does == "suggest":
        return replace(episode, suggested_at=at)
    if does == "ask":
        summary = text_in(record, "summary", SAID)
        return replace(episode, asked_at=at, summary=summary)
    if does == "count":
        until = moment_in(record, "until")
        if until is None or until < at:
            return episode
        return replace(episode, counting_from=at, counting_to=until)
    if does == "stop":
        return replace(episode, stopped=hand_in(record, at))
    if does == "act":
        plan = text_in(record, "plan")
        counted = episode.stage is Stage.COUNTING
        return replace(episode, acted_at=at, plan=plan) if plan and counted else episode
    return episode


def _of_act(episode: Episode, does: str, record: Record, at: float) -> Episode:
    if episode.acted_at is None or episode.not_begun is not None or episode.verdict is not None:
        return episode
    if does == "begun":
        operation = text_in(record, "operation")
        known = episode.operation or not operation
        return episode if known else replace(episode, operation=operation)
    if does == "not-begun":
        held = _held(record, at) or HeldBack(HoldCode.REFUSED, at)
        return episode if episode.operation else replace(episode, not_begun=held)
    verdict = _one_of(OperationState, record, "state")
    if verdict is None or not verdict.final or not episode.operation:
        return episode
    return replace(episode, verdict=verdict, verdict_at=at)


def _begun(identity: str, record: Record) -> Episode | None:
    at, since = moment_in(record), moment_in(record, "since")
    kind, mode = _one_of(ActionKind, record, "kind"), _one_of(RemedyMode, record, "mode")
    rule, service = text_in(record, "rule"), text_in(record, "service")
    named = record.get("do") == "begin" and rule and service
    if not named or at is None or since is None or kind is None or mode is None:
        return None
    return Episode(
        id=identity,
        rule=rule,
        service=service,
        kind=kind,
        action=text_in(record, "action") or kind.value,
        mode=mode,
        since=min(since, at),
        at=at,
        who=text_in(record, "who"),
        host=text_in(record, "host"),
        evidence=texts_in(record, "evidence", _EVIDENCE),
    )


def hand_in(record: Record, at: float) -> Hand:
    """Who did what a record says."""
    reason = text_in(record, "reason", SAID)
    return Hand(text_in(record, "who"), text_in(record, "host"), at, reason)


def _held(record: Record, at: float) -> HeldBack | None:
    code = _one_of(HoldCode, record, "code")
    if code is None:
        return None
    return HeldBack(code, at, text_in(record, "subject", SAID), moment_in(record, "until"))


def _one_of(kind: type[E], record: Record, key: str) -> E | None:
    value = record.get(key)
    return kind(value) if isinstance(value, str) and value in set(kind) else None
