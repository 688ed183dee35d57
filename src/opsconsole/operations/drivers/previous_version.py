"""Which version ran before the one that runs, by what was observed for earlier operations.

Invariant: a version that a rollback has led away from is never offered again. The fact of a
version that runs has one name in every plan, by which a rollback's goal is found as well.
"""

from collections.abc import Iterator

from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.operations.journal.records import Past


def goal_fact(fact: str) -> str:
    """How the goal is called among the facts that pin a plan."""
    return f"{fact} target"


def seen_before(past: tuple[Past, ...], fact: str, current: str) -> Iterator[str]:
    """Values of ``fact`` other than ``current``, the latest first, each once."""
    left = led_away(past, fact)
    offered = {current}
    for each in past:
        ended_there = _is_rollback(each) and each.state is OperationState.VERIFIED
        seen = each.plan.goals if ended_there else each.plan.fingerprint
        value = seen.get(fact, "")
        if value and value not in offered and value not in left:
            offered.add(value)
            yield value


def led_away(past: tuple[Past, ...], fact: str) -> frozenset[str]:
    """The values of ``fact`` that a verified rollback has led away from."""
    return frozenset(
        each.plan.fingerprint.get(fact, "")
        for each in past
        if _is_rollback(each) and each.state is OperationState.VERIFIED
    )


def known_to_fail(past: tuple[Past, ...], fact: str) -> frozenset[str]:
    """The values of ``fact`` with which the last operation that has a verdict has failed.

    Of what is known by others' word alone nothing is passed over: it would lead to what is older.
    """
    found: dict[str, OperationState] = {}
    for each in (each for each in past if not each.said_by):
        seen = each.plan.goals if _is_rollback(each) else each.plan.fingerprint
        if each.state in {OperationState.VERIFIED, OperationState.FAILED}:
            found.setdefault(seen.get(fact, ""), each.state)
    return frozenset(value for value, state in found.items() if state is OperationState.FAILED)


def _is_rollback(past: Past) -> bool:
    return past.plan.kind is ActionKind.ROLLBACK
