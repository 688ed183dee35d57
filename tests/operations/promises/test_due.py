"""What is left until a promise is due, by the boot's clock and after a reboot by the wall."""

import time
from dataclasses import replace

import pytest

from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.promises.due import due_at, due_in, left
from tests.operations.journal.samples import op

# A test that is held up for less than this much notices nothing of it.
ROUGHLY = 3600.0
LATER = 1_000_000.0
PROMISE = Promise(op("one"), PromiseKind.END, "web", 0.0)


def test_what_is_due_later_is_due_by_both_clocks() -> None:
    promise = due_in(PROMISE, LATER)
    assert promise.boot_id
    assert promise.due == pytest.approx(time.time() + LATER, abs=ROUGHLY)
    assert left(promise) == pytest.approx(LATER, abs=ROUGHLY)
    assert due_at(promise) == promise.due


def test_what_is_overdue_has_less_than_nothing_left() -> None:
    assert left(due_in(PROMISE, -LATER)) == pytest.approx(-LATER, abs=ROUGHLY)


@pytest.mark.parametrize("step", [-LATER, LATER, 5.0, -5.0])
def test_a_wall_that_was_stepped_changes_nothing_while_the_machine_is_up(step: float) -> None:
    promise = due_in(PROMISE, LATER)
    stepped = replace(promise, due=promise.due + step)
    assert left(stepped) == pytest.approx(LATER, abs=ROUGHLY)
    assert due_at(stepped) != stepped.due
    assert due_at(stepped) == pytest.approx(promise.due, abs=1.0)


@pytest.mark.parametrize("boot", ["", "another boot"])
def test_after_a_reboot_the_wall_decides(boot: str) -> None:
    promise = replace(due_in(PROMISE, LATER), boot_id=boot, due_boottime=0.0)
    assert left(promise) == pytest.approx(LATER, abs=ROUGHLY)
    assert due_at(promise) == promise.due
