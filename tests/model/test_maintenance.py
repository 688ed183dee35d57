"""Announced work: that it ends, and what its records add up to."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.maintenance import LONGEST, Maintenance, fold, maintained

AT = 1_700_000_000.0
ID = "1700000000-00000000"
BEGIN = {"do": "begin", "at": AT, "ends_at": AT + 3600, "services": ["web"], "who": "kim"}
ANY = st.dictionaries(
    st.sampled_from(["do", "at", "ends_at", "services", "who", "reason"]),
    st.one_of(
        st.floats(), st.integers(), st.text(max_size=9), st.none(), st.just("begin"),
        st.just("end"), st.floats(AT, AT + 10**8), st.lists(st.text(max_size=3), max_size=3),
    ),
)  # fmt: skip


@given(st.lists(ANY, max_size=5))
def test_any_records_end(records: list[dict[str, Any]]) -> None:
    found = fold(ID, records)
    ended = fold(ID, [BEGIN, *records])

    if found is not None:
        assert found.starts_at <= found.ends_at <= found.starts_at + LONGEST
    assert ended is not None
    assert AT <= ended.ends_at <= AT + 3600


def test_it_ends_by_itself_or_by_hand_and_never_later() -> None:
    whole = fold(ID, [BEGIN])
    early = fold(ID, [BEGIN, {"do": "end", "at": AT + 60, "who": "ana"}])
    late = fold(ID, [BEGIN, {"do": "end", "at": AT + 7200, "who": "ana"}])

    assert whole == late
    assert whole is not None
    assert early is not None
    assert (whole.is_on(AT + 3599), whole.is_on(AT + 3600)) == (True, False)
    assert (early.is_on(AT + 59), early.is_on(AT + 60), early.ended_by) == (True, False, "ana")


def test_it_is_of_the_services_that_it_names_or_of_all() -> None:
    some = Maintenance("1", ("web",), AT, AT + 10, who="kim")
    everything = Maintenance("2", (), AT, AT + 20, who="kim")

    assert maintained([some, everything], "web", AT) is everything
    assert maintained([some], "web", AT) is some
    assert maintained([some], "api", AT) is None
    assert maintained([some, everything], "web", AT + 20) is None


def test_a_list_that_is_none_is_not_all_services() -> None:
    assert fold(ID, [{**BEGIN, "services": "web"}]) is None
    assert fold(ID, [{**BEGIN, "services": [7]}]) is None
    assert fold(ID, [{**BEGIN, "services": []}]) == Maintenance(ID, (), AT, AT + 3600, who="kim")
