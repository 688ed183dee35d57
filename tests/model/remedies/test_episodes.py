"""What the records of an episode add up to, whatever somebody wrote into them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.operation import OperationState
from opsconsole.model.remedies.episodes import Ending, Stage, fold
from opsconsole.model.remedies.rules import HoldCode

AT = 1_700_000_000.0
BEGIN = {
    "do": "begin", "at": AT, "since": AT - 60, "rule": "r", "service": "web", "kind": "restart",
    "mode": "auto", "who": "ops", "host": "b", "evidence": ["down for 60 s"],
}  # fmt: skip
ID = "1700000000-00000000"

WORDS = st.sampled_from(
    ["begin", "hold", "suggest", "ask", "count", "stop", "act", "begun", "not-begun", "verdict",
     "end", "", "drop"]
)  # fmt: skip
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
)  # fmt: skip
RECORDS = st.fixed_dictionaries(
    {"do": WORDS, "at": st.one_of(st.floats(AT, AT + 100), ANYTHING)},
    optional={
        "plan": st.one_of(st.just("p1"), st.just("p2"), ANYTHING),
        "operation": st.one_of(st.just("o1"), st.just("o2"), ANYTHING),
        "until": st.one_of(st.floats(AT, AT + 200), ANYTHING),
        "state": st.one_of(st.sampled_from(sorted(OperationState)), ANYTHING),
        "code": st.one_of(st.sampled_from(sorted(HoldCode)), ANYTHING),
        "how": st.one_of(st.sampled_from(sorted(Ending)), ANYTHING),
        "who": ANYTHING,
        "summary": ANYTHING,
    },
)


def _ordered(*does: dict[str, Any]) -> list[dict[str, Any]]:
    return [BEGIN, *({"at": AT + number, **each} for number, each in enumerate(does, 1))]


COUNT = {"do": "count", "until": AT + 31}


@given(st.lists(RECORDS, max_size=12))
def test_any_records_add_up_and_act_once_at_most(records: list[dict[str, Any]]) -> None:
    plans, before = set(), None
    for length in range(len(records) + 1):
        episode = fold(ID, [BEGIN, *records[:length]])
        assert episode is not None
        if episode.plan:
            plans.add(episode.plan)
        assert not (episode.stopped and episode.acted_at is not None and before is not None
                    and before.stopped)  # fmt: skip
        if before is not None and not before.open:
            assert episode == before
        assert episode.stage in set(Stage)
        before = episode
    assert len(plans) <= 1


@given(st.lists(RECORDS, max_size=6))
def test_what_does_not_begin_is_nothing(records: list[dict[str, Any]]) -> None:
    assert fold(ID, [{**BEGIN, "rule": ""}, *records]) is None
    assert fold(ID, []) is None


def test_the_way_of_one_that_acted() -> None:
    way: list[tuple[dict[str, Any], Stage]] = [
        ({"do": "hold", "code": "storm"}, Stage.HELD),
        (COUNT, Stage.COUNTING),
        ({"do": "hold", "code": "locked", "subject": "kim"}, Stage.HELD),
        (COUNT, Stage.COUNTING),
        ({"do": "act", "plan": "p"}, Stage.BEGINNING),
        ({"do": "begun", "operation": "o"}, Stage.UNDER_WAY),
        ({"do": "verdict", "state": "verified"}, Stage.JUDGED),
        ({"do": "end", "how": "by this remedy"}, Stage.OVER),
    ]
    for length in range(len(way)):
        episode = fold(ID, _ordered(*(record for record, _ in way[: length + 1])))
        assert episode is not None
        assert episode.stage is way[length][1]
    assert episode is not None
    assert (episode.ending, episode.lasted) == (Ending.BY_REMEDY, 8.0)


def test_nothing_begins_without_a_countdown_or_after_somebody_stopped_it() -> None:
    at_once = fold(ID, _ordered({"do": "act", "plan": "p"}))
    stopped = fold(ID, _ordered(COUNT, {"do": "stop", "who": "kim"}, {"do": "act", "plan": "p"}))
    held = fold(ID, _ordered(COUNT, {"do": "hold", "code": "storm"}, {"do": "act", "plan": "p"}))

    for each in (at_once, stopped, held):
        assert each is not None
        assert each.acted_at is None
    assert stopped is not None
    assert (stopped.stage, str(stopped.stopped)) == (Stage.STOPPED, "kim")


def test_a_stop_after_the_act_changes_nothing() -> None:
    late = fold(ID, _ordered(COUNT, {"do": "act", "plan": "p"}, {"do": "stop", "who": "kim"}))

    assert late is not None
    assert (late.stage, late.stopped) == (Stage.BEGINNING, None)


def test_texts_of_others_are_safe() -> None:
    record = {**BEGIN, "service": "we\x1b[31mb", "evidence": ["\x00\u202e", 7, "ok"]}
    episode = fold(ID, [record, {"do": "stop", "at": AT, "who": "k\nim" * 500}])

    assert episode is not None
    assert "\x1b" not in episode.service
    assert all(text.isprintable() for text in episode.evidence)
    assert episode.stopped is not None
    assert len(episode.stopped.who) < 250
