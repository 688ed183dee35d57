"""What is under way, above the keys: each operation with who does it from where, as many as fit."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import OperationState
from opsconsole.render.forms.plan import operation
from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.operations import row, strips
from tests.ui import fleet, working
from tests.ui.fleet import NOW

RUNS = tuple(
    working.operation(number, name, who=who, started_at=NOW - 40 + number, usual_duration=120.0,
                      state=OperationState.DISPATCHED)
    for number, (name, who) in enumerate((("oatie", "ana"), ("redis", "kim"), ("gateway", "ops")))
)  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize(("most", "shown"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_the_oldest_come_first_and_the_others_are_counted(
    width: int, most: int, shown: int
) -> None:
    made = replace(fleet.on_fire(), operations=RUNS[::-1])
    lines = strips(made, width, NOW, away=False, most=most)
    assert len(lines) == shown
    assert all(line_width(line) <= width for line in lines)
    said = plain(lines)
    assert "oatie" in said.splitlines()[0]
    assert "by ana" in said.splitlines()[0] or width == 60
    assert ("+2 more" in said, "+1 more" in said) == (shown == 1, shown == 2)
    assert "u operations" in said.splitlines()[-1]


def test_nothing_is_under_way() -> None:
    assert strips(fleet.on_fire(), 80, NOW, away=False, most=3) == []
    assert strips(None, 80, NOW, away=True) == []


def test_what_ended_while_nobody_was_there_goes_first() -> None:
    made = replace(fleet.on_fire(), operations=RUNS[::-1], missed=RUNS[:1])
    assert len(strips(made, 80, NOW, away=True, most=3)) == 1
    assert len(strips(made, 80, NOW, away=False, most=3)) == 3


@pytest.mark.parametrize("state", OperationState)
def test_no_word_of_the_journal_is_shown(state: OperationState) -> None:
    run = replace(RUNS[0], state=state, steps=())
    shown = [strips(replace(fleet.on_fire(), operations=(run,)), 120, NOW, away=False)]
    shown += [[row(run, 120, NOW)], operation(run, 120, NOW)]
    for lines in shown:
        assert "intent" not in plain(lines)
    if state is OperationState.INTENT:
        assert all("begins" in plain(lines) for lines in shown)
