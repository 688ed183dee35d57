"""What remedies did, or would have done, and what then happened: the page that decides on them.

Invariant: it counts episodes that are over, each once, by what was recorded; what goes on is named
apart, and what nobody watched is called that. Nothing is advised that the figures do not show.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import OperationState
from opsconsole.model.remedies.automation import RemedyView
from opsconsole.model.remedies.episodes import Ending, Episode
from opsconsole.model.remedies.rules import HoldCode
from opsconsole.model.written.triggers import parse_trigger
from opsconsole.model.written.units import format_duration
from opsconsole.render.automation.words import going_on, mode_words
from opsconsole.render.ink import figures
from opsconsole.zones import written

FEW: Final = 5
"""Episodes below which nothing is advised."""

_STEPS: Final = (60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0)
"""Times in whole minutes by which things are said to have come back."""

_BY_HAND: Final = (Ending.SAME_ACTION, Ending.OTHER_ACTION)


@dataclass(frozen=True, slots=True)
class Tally:
    """The episodes of one rule, by what became of them. Each list is in order of time."""

    rule: str
    meant: tuple[Episode, ...] = ()
    acted: tuple[Episode, ...] = ()
    held: tuple[Episode, ...] = ()
    stopped: tuple[Episode, ...] = ()
    going_on: tuple[Episode, ...] = ()


def tally(rule: str, episodes: Iterable[Episode]) -> Tally:
    """Each episode of ``rule`` in one place. ``meant`` are those that would have been acted on or
    were asked for, and were not."""
    mine = sorted((each for each in episodes if each.rule == rule), key=lambda each: each.at)
    over = [each for each in mine if not each.open]
    acted = [each for each in over if each.acted_at is not None and each.not_begun is None]
    rest = [each for each in over if each not in acted]
    stopped = [each for each in rest if each.stopped is not None]
    meant = [each for each in rest if each not in stopped and _was_meant(each)]
    held = [each for each in rest if each not in stopped and each not in meant]
    return Tally(
        rule,
        tuple(meant),
        tuple(acted),
        tuple(held),
        tuple(stopped),
        tuple(each for each in mine if each.open),
    )


def _was_meant(episode: Episode) -> bool:
    return episode.suggested_at is not None or episode.asked_at is not None


def report(
    rules: Sequence[RemedyView], episodes: Sequence[Episode], since: float, now: float
) -> list[str]:
    """The whole report of what began after ``since``, in lines."""
    recent = [each for each in episodes if each.at >= since]
    names = list(dict.fromkeys([each.name for each in rules] + [each.rule for each in recent]))
    known = {each.name: each for each in rules}
    lines: list[str] = []
    for name in names:
        if lines:
            lines.append("")
        lines += _of_rule(name, known.get(name), tally(name, recent), since, now)
    return lines or ["no remedy is configured, and none did anything"]


def _of_rule(
    name: str, view: RemedyView | None, seen: Tally, since: float, now: float
) -> list[str]:
    lines = [_head(name, view, now - since)]
    if seen.meant:
        lines += [f"  {_verb(seen.meant)} {_times(len(seen.meant))}", *_endings(seen.meant)]
    if seen.acted:
        lines += _acted(seen.acted)
    if seen.stopped:
        who = Counter(str(each.stopped) for each in seen.stopped)
        by = ", ".join(f"{count} by {person}" for person, count in who.most_common())
        lines.append(f"  stopped by hand {_times(len(seen.stopped))}: {by}")
    if seen.held:
        why = Counter(each.holds[-1].code for each in seen.held if each.holds)
        said = ", ".join(f"{count} {_NOUNS[code]}" for code, count in why.most_common())
        lines.append(f"  held back {_times(len(seen.held))}{f': {said}' if said else ''}")
        lines += _endings(seen.held)
    for each in seen.going_on:
        lines.append(f"  goes on since {written(each.since)}: {going_on(each, now)}")
    if len(lines) == 1:
        lines.append("  it has seen nothing that it waits for")
    lines += _advice(view, seen)
    return lines


def _head(name: str, view: RemedyView | None, span: float) -> str:
    days = f"the last {figures.spoken(span) if span < 86400 * 2 else f'{span / 86400:.0f} days'}"
    if view is None:
        return f"{name}: no longer configured; {days}"
    what = f"{view.action} of {view.service} when {view.when}"
    return f"{name}: {what}; {view.mode}, {mode_words(view.mode)}; {days}"


def _verb(meant: Sequence[Episode]) -> str:
    asked = sum(each.asked_at is not None for each in meant)
    return "was asked for" if asked == len(meant) else "would have acted"


def _endings(episodes: Sequence[Episode]) -> list[str]:
    """What then happened, in the order of what is most often so."""
    lines: list[tuple[int, str]] = []
    alone = _lasted(episodes, Ending.ALONE)
    if alone:
        within = _within(alone)
        lines.append((len(alone), f"came back alone{within}"))
    for ending, said in (
        (Ending.SAME_ACTION, "brought back by hand with the same action"),
        (Ending.OTHER_ACTION, "brought back by hand with another action"),
    ):
        found = _lasted(episodes, ending)
        if found:
            middle = figures.spoken(sorted(found)[len(found) // 2])
            lines.append((len(found), f"{said}, usually after {middle}"))
    unseen = sum(each.ending is Ending.NOT_SEEN for each in episodes)
    if unseen:
        lines.append((unseen, "ended while nobody watched"))
    went_on = sum(each.ending is Ending.WENT_ON for each in episodes)
    if went_on:
        lines.append((went_on, "went on, and began again as another episode"))
    return [f"    {count} {said}" for count, said in sorted(lines, reverse=True)]


def _lasted(episodes: Iterable[Episode], ending: Ending) -> list[float]:
    return [each.lasted or 0.0 for each in episodes if each.ending is ending]


def _within(lasted: Sequence[float]) -> str:
    """`` within 2 min``, or how many of them did so, and the longest."""
    longest = max(lasted)
    step = next((each for each in _STEPS if longest <= each), None)
    if step is not None:
        return f" within {figures.spoken(step)}"
    return f", the slowest after {figures.spoken(longest)}"


def _acted(acted: Sequence[Episode]) -> list[str]:
    verdicts = Counter(each.verdict for each in acted)
    said = ", ".join(
        f"{count} {'without a verdict' if verdict is None else verdict}"
        for verdict, count in verdicts.most_common()
    )
    lines = [f"  acted {_times(len(acted))}: {said}"]
    helped = [each for each in acted if each.ending is Ending.BY_REMEDY]
    if helped:
        middle = figures.spoken(sorted(each.lasted or 0.0 for each in helped)[len(helped) // 2])
        lines.append(f"    {len(helped)} well again by it, usually after {middle}")
    others = [each for each in acted if each.ending is not Ending.BY_REMEDY]
    return [*lines, *_endings(others)]


def _advice(view: RemedyView | None, seen: Tally) -> list[str]:
    """What the figures show, where there are enough of them."""
    meant = [each for each in seen.meant if each.ending not in {None, Ending.NOT_SEEN}]
    if view is None or len(meant) < FEW:
        few = view is not None and bool(seen.meant)
        return [f"  too few to judge it by: {len(meant)} of {FEW}"] if few else []
    alone = _lasted(meant, Ending.ALONE)
    hand = [each for each in meant if each.ending in _BY_HAND]
    same = sum(each.ending is Ending.SAME_ACTION for each in hand)
    lines = []
    if len(alone) * 2 > len(meant):
        step = next((each for each in _STEPS if max(alone) <= each), None)
        if step is not None:
            left = sum((each.lasted or 0.0) > step for each in meant)
            hold = _longer(view.when, step)
            lines.append(
                f"  most of it was for nothing: waiting {figures.spoken(step)} longer ({hold})"
                f" would have left {left} of {len(meant)}"
            )
        else:
            lines.append("  most of it was for nothing: they come back alone")
    elif same * 2 > len(meant):
        lines.append(
            "  people did the same by hand most of the time: it would have saved them that"
        )
    elif hand and not same:
        lines.append("  people did something else each time: another action may be what it needs")
    bad = [each for each in seen.acted if each.verdict is not OperationState.VERIFIED]
    if bad and len(bad) * 2 > len(seen.acted):
        lines.append("  most acts were not verified: this action is not what it needs")
    return lines


def _longer(when: str, step: float) -> str:
    """``when`` with its time longer by ``step``."""
    trigger = parse_trigger(when)
    return f"{trigger.condition} for {format_duration(trigger.hold + step)}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


_NOUNS: Final = {
    HoldCode.EVIDENCE: "for lack of evidence",
    HoldCode.DARK: "as nothing was seen to be well",
    HoldCode.CAUSE: "as the cause was elsewhere",
    HoldCode.PEERS: "for too few healthy peers",
    HoldCode.LAST: "as it was the last that served",
    HoldCode.BUSY: "by another act",
    HoldCode.STORM: "by a storm",
    HoldCode.RATE: "as it had been done too often",
    HoldCode.SPACING: "as it had just been done",
    HoldCode.BREAKER: "by its breaker",
    HoldCode.LOCKED: "by somebody at it",
    HoldCode.PLANNED: "by an open plan",
    HoldCode.ACKNOWLEDGED: "by an acknowledgement",
    HoldCode.SILENCED: "by a silence",
    HoldCode.MAINTENANCE: "by a maintenance",
    HoldCode.OFF: "as automation was off",
    HoldCode.STOPPED: "by hand",
    HoldCode.HOURS: "outside its hours",
    HoldCode.NOT_ACTING: "as another process acted",
    HoldCode.NOT_RECORDED: "as nothing could be recorded",
    HoldCode.REFUSED: "by policy",
    HoldCode.NOT_LOOKED_UP: "as its outcome is not known",
}
