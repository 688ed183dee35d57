"""How much of a ledger is kept: as much as fits, of the newest, or a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.operation import Refusal
from opsconsole.operations.journal.ledger_bounds import BOUNDS, LEDGER_RECORDS, to_be_dropped
from opsconsole.operations.journal.records import LedgerKind

_SIZES = st.lists(st.integers(1, 3 * 1024 * 1024), max_size=12)


@given(st.sampled_from(LedgerKind), _SIZES, _SIZES)
def test_what_stays_fits_and_no_more_goes_than_must(
    kind: LedgerKind, stand: list[int], added: list[int]
) -> None:
    bounds, dropped = BOUNDS[kind], to_be_dropped(kind, stand, added)
    if isinstance(dropped, Refusal):
        least = sum(added) if bounds.rolls else sum([*stand, *added])
        assert least > bounds.size
        return
    assert sum([*stand[dropped:], *added]) <= bounds.size
    assert not dropped or bounds.rolls
    assert not dropped or sum([*stand[dropped - 1 :], *added]) > bounds.size


@pytest.mark.parametrize("kind", LedgerKind)
def test_no_ledger_has_more_records_than_are_read(kind: LedgerKind) -> None:
    found = to_be_dropped(kind, [1] * LEDGER_RECORDS, [1, 1])
    assert found == 2 if BOUNDS[kind].rolls else isinstance(found, Refusal)


def test_every_kind_has_its_bounds() -> None:
    assert set(BOUNDS) == set(LedgerKind)
    assert all(bounds.noun and bounds.noun in bounds.what for bounds in BOUNDS.values())
