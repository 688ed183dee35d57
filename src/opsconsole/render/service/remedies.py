"""What can be done about a service, and what each would do to its likeliest cause.

Invariant: an effect is said of the cause that is known, never of one that is guessed; what would
not help says so; what is blocked stays, with its reason in whole.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from opsconsole.model.diagnosis import Fact, FactCode
from opsconsole.model.operation import ActionKind, ActionView
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.forms.actions import KEYS
from opsconsole.render.forms.decision import verb
from opsconsole.render.runbooks import listed


class Help(IntEnum):
    """How much a remedy does for the cause; the best first."""

    TAKES_AWAY = 0
    RELIEVES = 1
    GATHERS = 2
    NOT_KNOWN = 3
    NOT = 4


class Remedy(NamedTuple):
    """One thing to do: its key, what it is, what it does for the cause, and by which action.

    ``action`` is None for a runbook, which is then named.
    """

    key: str
    what: str
    effect: str
    help: Help
    action: ActionView | None = None
    runbook: str = ""
    blocked: bool = False


_DIES: Final = frozenset({FactCode.OUT_OF_MEMORY, FactCode.CRASH_LOOP, FactCode.EXITED})
_ELSEWHERE: Final = frozenset(
    {FactCode.DEPENDENCY, FactCode.DISK_FULL, FactCode.HOST_MEMORY, FactCode.CERTIFICATE,
     FactCode.HOST_CERTIFICATE,
     FactCode.CERTIFICATE_ENDS, FactCode.NOT_READ}
)  # fmt: skip
_VERSIONS: Final = frozenset({FactCode.IMAGE_CHANGED, FactCode.VERSION_CHANGED})


def remedies(service: ServiceView, snapshot: Snapshot) -> list[Remedy]:
    """What can be done, the most helpful first; none that belong to another mode of the service."""
    lead = service.diagnosis.lead
    lasting = any(each.service == service.name for each in snapshot.degradations)
    hidden = ActionKind.DEGRADE if lasting else ActionKind.RECOVER
    found = [_of(view, lead) for view in service.actions if view.kind is not hidden]
    found += _runbooks(service, snapshot)
    return sorted(found, key=lambda each: each.help)


def _of(view: ActionView, lead: Fact | None) -> Remedy:
    named = f" {view.name}" if view.name and view.name != view.kind.value else ""
    key, what = KEYS.get(view.kind.value, "x"), f"{verb(view.kind)}{named}"
    helps, effect = _effect(view.kind, lead)
    if view.refusal is not None:
        before = f"{effect}, but " if helps is Help.TAKES_AWAY else ""
        return Remedy(key, what, f"{before}blocked: {view.refusal}", helps, view, blocked=True)
    said = f"{effect} · {view.summary}" if view.summary else effect
    return Remedy(key, what, said, helps, view)


def _effect(kind: ActionKind, lead: Fact | None) -> tuple[Help, str]:
    if lead is None:
        return Help.NOT_KNOWN, "no cause is known that it would take away"
    match kind:
        case ActionKind.ROLLBACK:
            return _rollback(lead)
        case ActionKind.RESTART:
            return _restart(lead)
        case ActionKind.SCALE if lead.code is FactCode.OBJECTIVE_MISSED:
            return Help.RELIEVES, "relieves, if load is what makes it slow"
        case ActionKind.DEGRADE:
            return Help.RELIEVES, "takes load away while it lasts, 1 stays"
        case ActionKind.TEST | ActionKind.CALL:
            return Help.GATHERS, "shows more of it"
        case ActionKind.BACKUP:
            return Help.GATHERS, "keeps what is there now, 1 stays"
        case _:
            return Help.NOT_KNOWN, "whether it helps is not known"


def _rollback(lead: Fact) -> tuple[Help, str]:
    change = next((each for each in (lead, *lead.because) if each.code in _VERSIONS), None)
    if change is not None:
        return Help.TAKES_AWAY, "takes 1 away"
    return Help.NOT_KNOWN, "1 did not begin with a version"


def _restart(lead: Fact) -> tuple[Help, str]:
    if lead.code is FactCode.SIGNALLED:
        return Help.TAKES_AWAY, "starts it again"
    if lead.code is FactCode.NEVER_STARTED and lead.after:
        return Help.NOT, "▲ would not start either: 1 stays"
    if lead.code is FactCode.GONE:
        return Help.NOT, "▲ there is nothing left to start: 1 stays"
    if lead.code in _DIES:
        if lead.count > 1 or lead.because:
            return Help.NOT, "▲ would die again: it starts as it started before"
        return Help.RELIEVES, "starts it again; why it died stays"
    if lead.code in _ELSEWHERE:
        return Help.NOT, "▲ does not help: the cause is not in it"
    if lead.code in {FactCode.IMAGE_CHANGED, FactCode.VERSION_CHANGED}:
        return Help.NOT, "▲ the same version starts again"
    return Help.NOT_KNOWN, "helps if it hangs"


def _runbooks(service: ServiceView, snapshot: Snapshot) -> Iterator[Remedy]:
    for item in listed(snapshot.runbooks, service.name, snapshot.environment.name):
        book = item.runbook
        steps = f"{len(book.steps)} step{'s' * (len(book.steps) != 1)}"
        yield Remedy("b", f"runbook: {book.title}", steps, Help.GATHERS, None, book.name)
