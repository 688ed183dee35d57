"""The states of an operation: only forward, and always to an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.operation import OperationState
from opsconsole.operations.journal.transitions import (
    ALLOWED,
    TransitionError,
    check,
)

_STATES = st.sampled_from(list(OperationState))


@given(_STATES, _STATES)
def test_check_says_what_the_table_says(now: OperationState, then: OperationState) -> None:
    if then in ALLOWED[now]:
        check(now, then)
    else:
        with pytest.raises(TransitionError):
            check(now, then)


@given(st.lists(_STATES, max_size=40))
def test_no_walk_leaves_a_final_state_or_undoes_an_action(walk: list[OperationState]) -> None:
    state = OperationState.INTENT
    for then in walk:
        try:
            check(state, then)
        except TransitionError:
            continue
        assert not state.final
        if state is not OperationState.INTENT:
            assert then not in {OperationState.REFUSED, OperationState.INTENT}
        state = then


@pytest.mark.parametrize("state", list(OperationState))
def test_every_state_is_final_or_reaches_a_final_one(state: OperationState) -> None:
    seen, waiting = {state}, [state]
    while waiting:
        for then in ALLOWED[waiting.pop()] - seen:
            seen.add(then)
            waiting.append(then)
    assert any(each.final for each in seen)
    assert (not ALLOWED[state]) is state.final
