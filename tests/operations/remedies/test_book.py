"""The episodes and the switch of a state, as several consoles write them at once."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest

from opsconsole.model.ledger_record import Record
from opsconsole.model.operation import Refusal
from opsconsole.model.remedies.episodes import Episode, Stage
from opsconsole.operations.journal.ledger_bounds import BOUNDS
from opsconsole.operations.journal.records import LedgerKind, Scope
from opsconsole.operations.remedies.book import RemedyBook
from tests.operations.place import Place

AT = 1_700_000_000.0
SCOPE = Scope("/etc/opsconsole.yaml", ("production",))
FIRST: Record = {
    "rule": "restart-web", "service": "web", "kind": "restart", "mode": "auto", "since": AT - 60,
}  # fmt: skip


@pytest.fixture
def book(place: Place) -> RemedyBook:
    """The book of one console."""
    return RemedyBook(place.there, SCOPE)


def _another(place: Place) -> RemedyBook:
    return RemedyBook(place.there, SCOPE)


def _refused(answer: object) -> str:
    assert isinstance(answer, Refusal)
    return answer.code


def _counting(book: RemedyBook) -> Episode:
    begun = book.begin(FIRST, AT)
    answer = book.add(begun.id, lambda _: [{"do": "count", "at": AT, "until": AT + 30}], AT)
    assert isinstance(answer, Episode)
    return answer


def test_nothing_is_made_by_looking(place: Place, book: RemedyBook) -> None:
    assert book.episodes() == ()
    assert book.switch().off is None
    assert _refused(book.stop("1700000000-00000000", "", AT)) == "no-such-episode"
    assert place.is_untouched()


def test_what_one_records_another_sees(place: Place, book: RemedyBook) -> None:
    there = _another(place)
    begun = _counting(book)

    assert there.episodes() == (begun,)
    stopped = there.stop(begun.id, "I look at it", AT + 5)
    assert isinstance(stopped, Episode)
    assert stopped.stage is Stage.STOPPED
    assert book.episodes() == (stopped,)
    assert _refused(book.stop("1700000000-ffffffff", "", AT)) == "no-such-episode"


def test_off_is_off_for_every_configuration_until_somebody_switches_it_on(
    place: Place, book: RemedyBook
) -> None:
    other = RemedyBook(place.there, Scope("/elsewhere.yaml", ("staging",)))
    book.switch_to(on=False, reason="deploying", at=AT)

    off = other.switch().off
    assert off is not None
    assert (off.reason, off.at) == ("deploying", AT)
    other.switch_to(on=True, reason="", at=AT + 1)
    assert book.switch().off is None


def test_a_storm_is_remembered_beside_the_switch(place: Place, book: RemedyBook) -> None:
    book.switch_to(on=False, reason="", at=AT)
    book.storm(True, AT + 1)
    assert _another(place).switch().calm_at is None
    after = book.storm(False, AT + 2)

    assert (after.stormy_at, after.calm_at, after.off is None) == (AT + 1, AT + 2, False)
    assert _another(place).switch() == after


def test_a_plan_that_somebody_opened_is_known_for_a_while(place: Place, book: RemedyBook) -> None:
    book.plan_opened("web", AT)
    found = _another(place).switch()

    assert list(found.plans_open(AT + 299)) == ["web"]
    assert found.plans_open(AT + 300) == {}
    book.plan_opened("web", AT + 400)
    assert len(_another(place).switch().planned) == 1


def test_a_breaker_is_closed_with_a_reason_alone(book: RemedyBook) -> None:
    assert _refused(book.close_breaker("restart-web", "  ", AT)) == "reason-missing"
    closed = book.close_breaker("restart-web", "more memory", AT)
    assert not isinstance(closed, Refusal)
    assert [each.rule for each in closed.closings] == ["restart-web"]


def _at_once(
    gate: threading.Barrier, answers: dict[str, object], name: str, does: Callable[[], object]
) -> None:
    gate.wait()
    answers[name] = does()


def test_of_a_hand_and_an_act_at_the_same_moment_exactly_one_is_first(place: Place) -> None:
    for round_ in range(20):
        here, there = _another(place), _another(place)
        begun = _counting(here)
        gate, answers = threading.Barrier(2), dict[str, object]()

        def act(stood: Episode) -> Sequence[Record]:
            counted = stood.stage is Stage.COUNTING
            return [{"do": "act", "at": AT + 30, "plan": "plan"}] if counted else ()

        threads = [
            threading.Thread(target=_at_once, args=(gate, answers, *each))
            for each in (
                ("act", partial(here.add, begun.id, act, AT + 30)),
                ("stop", partial(there.stop, begun.id, "", AT + 30)),
            )
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        (found,) = [each for each in here.episodes() if each.id == begun.id]
        stopped = found.stopped is not None
        assert stopped is (found.acted_at is None), round_
        assert isinstance(answers["stop"], Refusal) is not stopped
        for book in (here, there):
            book.close()


def test_off_outlives_all_that_is_recorded_after_it(
    place: Place, book: RemedyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = LedgerKind.AUTOMATION
    monkeypatch.setattr("opsconsole.model.remedies.switch.SAID_AGAIN", 5)
    monkeypatch.setitem(BOUNDS, kind, replace(BOUNDS[kind], size=3000))
    off = book.switch_to(on=False, reason="deploying", at=AT).off
    for number in range(60):
        assert book.plan_opened("web", AT + number).off == off
    assert _another(place).switch().off == off
    assert book.switch_to(on=True, reason="", at=AT + 99).off is None
    for number in range(20):
        assert book.plan_opened("web", AT + 100 + number).off is None


def test_an_episode_that_goes_on_is_hidden_by_none_that_are_over(
    book: RemedyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(BOUNDS[LedgerKind.REMEDY], listed=3)
    monkeypatch.setitem(BOUNDS, LedgerKind.REMEDY, few)
    stood = _counting(book)
    stopped = book.stop(stood.id, "I look at it", AT + 5)
    for number in range(4):
        other = book.begin({**FIRST, "rule": "other"}, AT + 10 + number)
        book.add(other.id, lambda _: [{"do": "end", "at": AT + 20, "how": "alone"}], AT + 20)
    assert stopped in book.episodes()
