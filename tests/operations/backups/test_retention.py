"""Which backups may go: never the newest whole one, never below three, never a damaged one."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.operations.backups.catalogue import Listed
from opsconsole.operations.backups.retention import LEAST, surplus

LISTS = st.lists(
    st.tuples(st.integers(0, 10**6), st.booleans()), max_size=30, unique_by=lambda t: t[0]
)


@given(made=LISTS, keep=st.integers(-5, 20))
def test_what_stays(made: list[tuple[int, bool]], keep: int) -> None:
    listed = [
        Listed(str(moment), created_ns=moment, fault="" if whole else "damaged")
        for moment, whole in made
    ]
    gone = surplus(listed, keep)
    whole = sorted(each.created_ns for each in listed if each.whole)
    left = [moment for moment in whole if moment not in {each.created_ns for each in gone}]
    assert all(each.whole for each in gone)
    assert len(left) >= min(len(whole), LEAST, max(keep, LEAST))
    assert len(left) == min(len(whole), max(keep, LEAST))
    assert left == whole[len(whole) - len(left) :]
