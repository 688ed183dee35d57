"""Acknowledgements of alerts that no Alertmanager reports: kept in the console's own state.

Invariant: one is in force from its verdict to its end, to the end of its alert or until somebody
ends it; it is what the journal records of that, and nothing else. It makes no
alert quiet that began after it. Pure.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.model.alerting.silences import (
    ACK_PREFIX,
    MATCHER_PARAMETER,
    OWN_RULES,
    SilenceState,
    SilenceView,
    parse_matcher,
)
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.operations.journal.journal import OperationRecords
from opsconsole.operations.journal.records import Past

_GOOD: Final = OperationState.VERIFIED


def kept(journal: OperationRecords, now: float) -> tuple[SilenceView, ...]:
    """What ``journal`` has in force. Raises StateError."""
    return in_force(journal.past_plans(OWN_RULES), now)


def in_force(past: Iterable[Past], now: float) -> tuple[SilenceView, ...]:
    """Those of the plans that were performed for ``OWN_RULES`` which hold at ``now``."""
    known = tuple(each for each in past if each.state is _GOOD)
    ended = {
        each.plan.parameters.get("silence")
        for each in known
        if each.plan.kind is ActionKind.EXPIRE_SILENCE
    }
    found = (
        _view(each)
        for each in known
        if each.plan.kind is ActionKind.ACKNOWLEDGE and each.operation not in ended
    )
    return tuple(each for each in found if each is not None and now < (each.ends_at or 0.0))


def _view(past: Past) -> SilenceView | None:
    """As a list of silences has it; None for what cannot be read."""
    plan = past.plan
    texts = (text for key, text in plan.parameters.items() if key.startswith(MATCHER_PARAMETER))
    try:
        matchers = tuple(parse_matcher(text) for text in texts)
    except ValueError:
        return None
    return SilenceView(
        past.operation,
        matchers,
        past.who,
        f"{ACK_PREFIX}{plan.reason}",
        plan.created_at,
        plan.ends_at,
        SilenceState.ACTIVE,
        source=OWN_RULES,
    )
