"""What automation does, what holds it back, and announced work, in words.

Invariant: each code has its words here and is judged nowhere by them.
"""

from itertools import takewhile
from typing import Final

from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import OperationState
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.remedies.breaker import Breaker, BreakerState
from opsconsole.model.remedies.episodes import Ending, Episode, HeldBack, Stage
from opsconsole.model.remedies.rules import Hold, HoldCode, RemedyMode
from opsconsole.model.remedies.switch import Switch
from opsconsole.render.ink import figures
from opsconsole.render.ink.own_keys import enter, key_of
from opsconsole.zones import written

MAINTENANCE: Final = "⊘"
"""One cell before what is worked on."""

_HOLDS: Final = {
    HoldCode.EVIDENCE: "not seen for long enough, by enough looks",
    HoldCode.DARK: "nothing else is seen to be well: it may be the console that does not see",
    HoldCode.CAUSE: "{subject}, which it depends on, is not well: that is the cause",
    HoldCode.PEERS: "only {subject} of the others of its group are well",
    HoldCode.LAST: "it is the last of its group that serves",
    HoldCode.BUSY: "something else is being done already: {subject}",
    HoldCode.STORM: "too much is bad at once",
    HoldCode.RATE: "done {subject} times already: it is for a person, until it was well for long",
    HoldCode.SPACING: "the last time was too short ago",
    HoldCode.BREAKER: "its breaker is {subject}: acting has not helped",
    HoldCode.LOCKED: "somebody is at it: {subject}",
    HoldCode.PLANNED: "somebody has a plan of it open: {subject}",
    HoldCode.ACKNOWLEDGED: "its alert is acknowledged by {subject}",
    HoldCode.SILENCED: "it is silenced by {subject}",
    HoldCode.MAINTENANCE: "it is worked on: {subject}",
    HoldCode.OFF: "automation is switched off by {subject}",
    HoldCode.STOPPED: "stopped by {subject}",
    HoldCode.HOURS: "it may act in its hours alone: {subject}",
    HoldCode.NOT_ACTING: "another process acts",
    HoldCode.NOT_RECORDED: "nothing can be recorded",
    HoldCode.REFUSED: "refused: {subject}",
    HoldCode.NOT_LOOKED_UP: "it is not known whether it was begun: {subject}",
}

_ENDINGS: Final = {
    Ending.ALONE: "it came back alone",
    Ending.BY_REMEDY: "this remedy brought it back",
    Ending.SAME_ACTION: "{by} brought it back by the same action",
    Ending.OTHER_ACTION: "{by} brought it back by another action",
    Ending.WENT_ON: "it was still so afterwards",
    Ending.NOT_SEEN: "nobody watched how it ended",
}


def hold_words(held: Hold | HeldBack, now: float) -> str:
    """Why nothing is done, and until when where that is known."""
    said = _HOLDS[held.code].format(subject=held.subject or "not named")
    left = None if held.until is None else held.until - now
    return f"{said}, {figures.age(left)} more" if left is not None and left > 0 else said


def ending_words(episode: Episode) -> str:
    """How it ended, and after how long."""
    if episode.ending is None or episode.lasted is None:
        return "it goes on"
    by = episode.ended_by or "somebody"
    return f"{_ENDINGS[episode.ending].format(by=by)} after {figures.spoken(episode.lasted)}"


def standing(episode: Episode, now: float) -> str:
    """Where an episode stands, in one line."""
    act = episode.action
    match episode.stage:
        case Stage.HELD:
            return hold_words(episode.holds[-1], now)
        case Stage.COUNTING:
            left = (episode.counting_to or now) - now
            return f"{act} in {max(0, round(left))}s"
        case Stage.NOT_BEGUN:
            held = episode.not_begun
            return f"not begun: {hold_words(held, now)}" if held else "not begun"
        case Stage.OVER:
            return ending_words(episode)
        case _:
            return _STANDING[episode.stage].format(
                act=act, by=episode.stopped, verdict=verdict_words(episode.verdict)
            )


def going_on(episode: Episode, now: float) -> str:
    """The same of one that is open; of one that is held back by which rule, and since when."""
    if episode.stage is not Stage.HELD:
        return standing(episode, now)
    last = episode.holds[-1]
    earlier = takewhile(lambda each: each.code is last.code, reversed(episode.holds))
    since = written(min(each.at for each in earlier))
    return f"held back by {last.code} since {since}: {hold_words(last, now)}"


_STANDING: Final = {
    Stage.SEEN: "just seen",
    Stage.SUGGESTED: "would {act} it",
    Stage.ASKED: "asks somebody to {act} it",
    Stage.STOPPED: "stopped by {by}",
    Stage.BEGINNING: "begins to {act}",
    Stage.UNDER_WAY: "{act} is under way",
    Stage.JUDGED: "{act}: {verdict}",
}


def verdict_words(verdict: OperationState | None) -> str:
    """What was observed after an act."""
    return "no verdict yet" if verdict is None else verdict.value


def countdown(episode: Episode, now: float) -> str:
    """``restart of ai-backend by itself in 24s (restart-ai-backend)``."""
    left = max(0, round((episode.counting_to or now) - now))
    return f"{episode.action} of {episode.service} by itself in {left}s ({episode.rule})"


def asked(episode: Episode) -> str:
    """``restart of ai-backend is suggested (restart-ai-backend): …``."""
    why = f": {episode.summary}" if episode.summary else ""
    return f"{episode.action} of {episode.service} is asked for ({episode.rule}){why}"


def switched_off(switch: Switch, now: float) -> str:
    """``automation is off, by kim@bastion 4m ago: …``; '' while it is on."""
    off = switch.off
    if off is None:
        return ""
    why = f": {off.reason}" if off.reason else ""
    return f"automation is off, by {off} {figures.age(now - off.at)} ago{why}"


def urgent(known: Automation | None, now: float) -> tuple[str, ...]:
    """What everybody should know at once: what begins soon, what is asked for, that all is off."""
    if known is None:
        return ()
    off = switched_off(known.switch, now) if known.rules else ""
    return (
        *(
            f"{countdown(each, now)}: {key_of('stop-automation', 'K')} stops it"
            for each in known.counting
        ),
        *(f"{asked(each)}; :automation, then {enter()} opens its plan" for each in known.asking),
        *((off,) if off else ()),
    )


def breaker_words(breaker: Breaker, now: float) -> str:
    """Where a breaker stands."""
    match breaker.state:
        case BreakerState.CLOSED:
            return "closed"
        case BreakerState.OPEN:
            left = None if breaker.until is None else breaker.until - now
            more = f" for {figures.age(left)} more" if left is not None and left > 0 else ""
            return f"open{more}: acting has not helped"
        case BreakerState.HALF_OPEN:
            return "half open: it may try once"
        case BreakerState.PERSON:
            return "with a person: it does nothing until somebody closes it"


def mode_words(mode: RemedyMode) -> str:
    """What a mode does."""
    match mode:
        case RemedyMode.SUGGEST:
            return "only records what it would do"
        case RemedyMode.ASK:
            return "asks who is there"
        case RemedyMode.AUTO:
            return "acts after a countdown"


def worked_on(work: Maintenance, now: float) -> str:
    """``⊘ maintenance, 1h12m more, by kim: new disks``."""
    by = "" if work.scheduled else f", by {work.who}"
    why = f": {work.reason}" if work.reason else ""
    return f"{MAINTENANCE} maintenance, {figures.age(work.ends_at - now)} more{by}{why}"


def maintenance_line(work: Maintenance, now: float) -> str:
    """One maintenance in a list: its id, what for, until when, by whom and why."""
    services = ", ".join(work.services) or "all services"
    return f"{work.id}  {services}  {maintenance_words(work, now)}"


def maintenance_words(work: Maintenance, now: float) -> str:
    """Until when, by whom and why."""
    by = "the configuration's hours" if work.scheduled else f"{work.who}@{work.host}"
    until = "until" if work.is_on(now) else "over since"
    ended = f", ended by {work.ended_by}" if work.ended_by else ""
    return f"{until} {written(work.ends_at)}{ended}; announced by {by}: {work.reason}"
