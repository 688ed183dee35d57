"""What keeps copies from being made, from starting or from serving, in words.

Invariant: what it is stands first and is short; which image, volume or copy follows, for where
there is room. Every code has its words.
"""

from collections.abc import Callable, Mapping
from typing import Final

from opsconsole.model.diagnosis import Fact, FactCode
from opsconsole.model.running.troubles import Trouble, TroubleCode

_C = TroubleCode


def held_back(fact: Fact, who: str) -> list[str]:
    """The parts of the sentence, the least important last; ``who`` is whose trouble it is."""
    code = _CODES.get(fact.before, TroubleCode.UNKNOWN)
    return [*_PARTS[code](fact), who]


def _image(said: str) -> Callable[[Fact], list[str]]:
    return lambda fact: [said, fact.part]


def _probe(kind: str) -> Callable[[Fact], list[str]]:
    return lambda fact: [f"{kind} fails: {fact.after}" if fact.after else f"{kind} fails"]


def _not_ready(fact: Fact) -> list[str]:
    if not fact.part:
        return _probe("readiness")(fact)
    return [f"container {fact.part} ended: {fact.after}".removesuffix(": ")]


def _unschedulable(fact: Fact) -> list[str]:
    nodes = "no node fits"
    if fact.figure is not None and fact.limit is not None:
        nodes = f"{fact.figure:.0f} of {fact.limit:.0f} nodes fit"
    return [f"{nodes}: {fact.after}" if fact.after else nodes]


def _init_fails(fact: Fact) -> list[str]:
    code = "" if fact.figure is None else f" exit {fact.figure:.0f}"
    times = f" ×{fact.limit:.0f}" if fact.limit is not None and fact.limit > 1 else ""
    return [f"init container {fact.part}:{code}{times}", fact.after]


def _not_made(fact: Fact) -> list[str]:
    return [f"cannot start: {fact.after}" if fact.after else "cannot start"]


_PARTS: Final[Mapping[TroubleCode, Callable[[Fact], list[str]]]] = {
    _C.IMAGE_NOT_FOUND: _image("image pull: not found"),
    _C.IMAGE_REFUSED: _image("image pull: not authorised"),
    _C.IMAGE_NOT_HERE: _image("image not on the node, never pulled"),
    _C.IMAGE_NOT_PULLED: lambda fact: [f"image pull: {fact.after or 'fails'}", fact.part],
    _C.UNSCHEDULABLE: _unschedulable,
    _C.VOLUME_AWAITED: lambda fact: ["waiting for its volume", fact.part, fact.after],
    _C.NOT_CONFIGURED: _not_made,
    _C.NOT_CREATED: _not_made,
    _C.QUOTA_EXCEEDED: lambda fact: [f"quota exceeded: {fact.part}", fact.after],
    _C.INIT_FAILS: _init_fails,
    _C.NOT_READY: _not_ready,
    _C.NOT_LIVE: _probe("liveness"),
    _C.NOT_STARTED: _probe("startup"),
    _C.EVICTED: lambda fact: [f"evicted: {fact.after}" if fact.after else "evicted"],
    _C.NODE_LOST: lambda fact: [f"node {fact.part} is not ready", fact.after],
    _C.OVERDUE: lambda fact: ["its rollout makes no progress", fact.after],
    _C.UNKNOWN: _not_made,
}
_CODES: Final = {code.value: code for code in TroubleCode}


def said_of(trouble: Trouble) -> str:
    """What keeps a copy back, whole."""
    fact = Fact(
        FactCode.HELD_BACK,
        before=trouble.code.value,
        after=trouble.detail,
        part=trouble.part,
        figure=trouble.count,
        limit=trouble.of,
    )
    return ", ".join(filter(None, held_back(fact, "")))
