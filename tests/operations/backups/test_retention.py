"""Which backups may go: never the newest whole one, never below three, never a damaged one."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.operations.backups.catalogue import Listed
from opsconsole.operations.backups.retention import LEAST, surplus

LISTS = st.lists(
    st.tuples(st.integers(0, 10**6), st.booleans()), max_size=30, unique_by=lambda t: t[0]
)


@given(made=LISTS, keep=st.integers(-5, 20), to_come=st.integers(0, 1))
def test_what_stays(made: list[tuple[int, bool]], keep: int, to_come: int) -> None:
    listed = [
        Listed(str(moment), created_ns=moment, fault="" if whole else "damaged")
        for moment, whole in made
    ]
    gone = surplus(listed, keep, to_come=to_come)
    whole = sorted(each.created_ns for each in listed if each.whole)
    left = [moment for moment in whole if moment not in {each.created_ns for each in gone}]
    assert all(each.whole for each in gone)
    assert len(left) + to_come >= min(len(whole) + to_come, LEAST)
    assert len(left) == min(len(whole), max(keep, LEAST) - to_come)
    assert left == whole[len(whole) - len(left) :]
