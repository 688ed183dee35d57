"""Silences and acknowledgements as rows: active ones first, the next to end on top.

Invariant: a silence shows what it hides now, its owner and its end; one that has ended is never
shown as active.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.model.alerting.silences import ACK_PREFIX, SilenceState, SilenceView, shown
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Align, Line, Role, Span, clip, fit, wrap
from opsconsole.render.ink.own_keys import key_of

_LOOKS: Final = {
    SilenceState.ACTIVE: ("●", Role.ACCENT),
    SilenceState.PENDING: ("○", Role.TEXT),
    SilenceState.EXPIRED: ("·", Role.MUTED),
}


def order(silences: Iterable[SilenceView]) -> list[SilenceView]:
    """Active ones, then those that begin later, then those that ended, the latest first."""
    return sorted(silences, key=_rank)


def _rank(silence: SilenceView) -> tuple[int, float, str]:
    states = (SilenceState.ACTIVE, SilenceState.PENDING, SilenceState.EXPIRED)
    end = silence.ends_at or 0.0
    ended = silence.state is SilenceState.EXPIRED
    return (states.index(silence.state), -end if ended else end, silence.id)


def row(silence: SilenceView, width: int, now: float) -> Line:
    """State, time left, how many alerts it hides, its owner, and its matchers."""
    glyph, role = _LOOKS[silence.state]
    ended = silence.state is SilenceState.EXPIRED
    text = Role.MUTED if ended else Role.TEXT
    kind = "ack" if silence.acknowledges else "silence"
    hides = "" if ended else f"hides {silence.hides}"
    name = min(18, max(10, width // 6))
    rest = max(0, width - 11 - 14 - 10 - name - 2)
    return (
        Span(f" {glyph} {kind:<8}", role),
        Span(fit(_end(silence, now), 14), text),
        Span(fit(hides, 9, Align.RIGHT), Role.MUTED),
        Span("  "),
        Span(fit(silence.by, name), text),
        Span(" "),
        Span(clip(shown(silence.matchers), rest), text),
    )


def _end(silence: SilenceView, now: float) -> str:
    if silence.ends_at is None:
        return "no end known"
    left = silence.ends_at - now
    if silence.state is SilenceState.EXPIRED:
        return f"ended {figures.age(-left)}"
    return f"for {figures.age(left)}"


def details(silence: SilenceView, width: int, now: float) -> list[Line]:
    """Everything that is known about one silence."""
    what = "acknowledgement" if silence.acknowledges else "silence"
    fields = (
        ("what", f"{what}, {silence.state.value}"),
        ("hides", f"{silence.hides} alert{'' if silence.hides == 1 else 's'} now"),
        ("by", silence.by),
        ("comment", silence.comment.removeprefix(ACK_PREFIX)),
        ("began", _moment(silence.starts_at, now)),
        ("ends", _moment(silence.ends_at, now)),
        ("at", silence.source),
        ("id", silence.id),
    )
    lines = [line for label, text in fields if text for line in _field(label, text, width)]
    for index, matcher in enumerate(sorted(str(each) for each in silence.matchers)):
        lines += _field("matches" if index == 0 else "", matcher, width)
    return lines


def _moment(at: float | None, now: float) -> str:
    if at is None:
        return ""
    ago = f"{figures.age(now - at)} ago" if at <= now else f"in {figures.age(at - now)}"
    return f"{figures.date(at)} {figures.zoned(at)}, {ago}"


def _field(label: str, text: str, width: int) -> list[Line]:
    return [
        (Span(f" {label if index == 0 else '':<10} ", Role.MUTED), Span(part))
        for index, part in enumerate(wrap(text, max(8, width - 14)))
    ]


def none_there() -> list[Line]:
    """What an empty list says."""
    silence, ack = key_of("silence", "S"), key_of("acknowledge", "A")
    return [
        BLANK,
        (Span("  nothing is silenced or acknowledged", Role.TEXT),),
        (Span(f"  {silence} on an alert silences it, {ack} acknowledges it", Role.MUTED),),
    ]
