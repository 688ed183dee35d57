"""When a service is rolled back by itself, and what keeps it from that, case by case."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import SILENCING, ActionKind, Operation, OperationState
from opsconsole.operations.planning import rollback_rules
from opsconsole.operations.planning.rollback_rules import LATEST
from tests.operations.journal.samples import plan

DUE = 5000.0
FAILED = Operation(
    "op-1", "plan", "web", ActionKind.RESTART, "", OperationState.FAILED, "kim", "bastion",
    DUE - 60, DUE - 10, ended_at=DUE - 10, rollback_at=DUE,
)  # fmt: skip
SCALE = replace(FAILED, id="op-2", kind=ActionKind.SCALE, who="sam", rollback_at=None)
NEVER = SILENCING | {
    ActionKind.TEST, ActionKind.BACKUP, ActionKind.ROLLBACK, ActionKind.RESTORE,
}  # fmt: skip


@pytest.mark.parametrize("kind", ActionKind)
def test_what_a_rollback_may_follow(kind: ActionKind) -> None:
    assert rollback_rules.can_follow(kind) is (kind not in NEVER)


@pytest.mark.parametrize("state", OperationState)
def test_only_a_verdict_that_is_not_good_starts_the_countdown(state: OperationState) -> None:
    promised = replace(plan("plan"), rollback_after=30.0)
    bad = state in {OperationState.FAILED, OperationState.INCONCLUSIVE}
    assert rollback_rules.countdown_after(promised, state, begun=True) == (30.0 if bad else 0.0)
    assert rollback_rules.countdown_after(promised, state, begun=False) == 0.0


@pytest.mark.parametrize(
    ("others", "now", "why"),
    [
        ((), DUE, ""),
        ((), DUE + LATEST, ""),
        ((), DUE + LATEST + 1, "not done: its time was long past before anybody could begin it"),
        ((FAILED,), DUE, ""),
        ((SCALE,), DUE, "not done: scale by sam was begun since (op-2)"),
        ((replace(SCALE, kind=ActionKind.BACKUP),), DUE, ""),
        ((replace(SCALE, kind=ActionKind.TEST),), DUE, ""),
        ((replace(SCALE, state=OperationState.REFUSED),), DUE, ""),
        (
            (replace(SCALE, kind=ActionKind.TEST), SCALE),
            DUE,
            "not done: scale by sam was begun since (op-2)",
        ),
    ],
)
def test_what_somebody_has_begun_since_takes_its_place(
    others: tuple[Operation, ...], now: float, why: str
) -> None:
    assert rollback_rules.why_not(FAILED, others, now) == why


def test_it_waits_for_what_leaves_the_service_as_it_is() -> None:
    backup = replace(SCALE, kind=ActionKind.BACKUP)
    assert rollback_rules.waits_for(FAILED, backup, DUE)
    assert rollback_rules.waits_for(FAILED, backup, DUE + LATEST)
    assert not rollback_rules.waits_for(FAILED, backup, DUE + LATEST + 1)
    assert not rollback_rules.waits_for(FAILED, SCALE, DUE)
    assert not rollback_rules.waits_for(replace(FAILED, rollback_at=None), backup, DUE)
