"""What was done about alerts names the alert, who and why, and never a silence's id."""

from dataclasses import replace

import pytest

from opsconsole.engine.judge.events import operation_moved
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.render import operations
from opsconsole.render.alerts.silence_words import of_run
from opsconsole.render.ink.cells import plain
from opsconsole.render.timeline.words import words

RUN = Operation(
    "1", "p", "alertmanager", ActionKind.ACKNOWLEDGE, "", OperationState.VERIFIED, "kim", "b-1",
    100.0, 104.0, reason="killed on purpose", summary="silence 0009bda7", ended_at=104.0,
    about="ApiDown",
)  # fmt: skip
ENDED = replace(RUN, kind=ActionKind.EXPIRE_SILENCE, who="root", reason="it has resolved")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (RUN, "ApiDown acknowledged by kim: killed on purpose"),
        (
            replace(RUN, kind=ActionKind.SILENCE, reason="disk change"),
            "ApiDown silenced by kim: disk change",
        ),
        (
            replace(ENDED, by_promise=True),
            "acknowledgement of ApiDown ended by itself: resolved",
        ),
        (replace(ENDED, who="ann"), "silence of ApiDown ended by ann: it has resolved"),
        (
            replace(RUN, state=OperationState.FAILED, summary="refused"),
            "failed to acknowledge ApiDown, by kim: refused",
        ),
    ],
)
def test_the_same_sentence_everywhere(run: Operation, said: str) -> None:
    event = operation_moved(run, OperationState.VERIFYING)
    assert event is not None
    assert words(event) == said
    assert of_run(run) == said
    assert operations.missed(run, 200.0).partition(" ")[2].startswith(said)
    row = plain([operations.row(run, 160, 200.0)])
    assert said.partition(" by ")[0] in row
    assert "0009bda7" not in row


def test_that_it_began_is_no_news() -> None:
    begun = replace(RUN, state=OperationState.DISPATCHED, ended_at=None)
    assert operation_moved(begun, None) is None
