"""What may be added to an incident, also when two people ask at the same moment."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.incidents import (
    Incident,
    IncidentRequest,
    IncidentSeverity,
    IncidentVerb,
    fold,
)
from opsconsole.model.ledger_record import Record
from opsconsole.model.operation import Refusal
from opsconsole.model.people import Person
from opsconsole.operations.people.incidents import deciding, opening

KIM, ANA, BO = Person("kim", "bastion-1"), Person("ana", "bastion-2"), Person("bo", "bastion-2")


class Kept:
    """The records of one incident, extended as a ledger is: nobody adds in between."""

    def __init__(self) -> None:
        first = opening(14, IncidentRequest(IncidentVerb.OPEN, text="checkout slow"), KIM, 100.0)
        assert not isinstance(first, Refusal)
        self.records: list[Record] = [first]

    def ask(
        self, person: Person, request: IncidentRequest, at: float
    ) -> Sequence[Record] | Refusal:
        """What was added, or why not."""
        answer = deciding(request, person, at)(tuple(self.records))
        if not isinstance(answer, Refusal):
            self.records += answer
        return answer

    @property
    def incident(self) -> Incident:
        """What they add up to."""
        folded = fold(14, self.records)
        assert folded is not None
        return folded


def asked(verb: IncidentVerb, text: str = "", commander: str = "") -> IncidentRequest:
    """A request about the incident 14."""
    return IncidentRequest(verb, 14, text, commander=commander)


@pytest.mark.parametrize("title", ["", "   ", "\t"])
def test_an_incident_without_a_title_is_not_opened(title: str) -> None:
    answer = opening(1, IncidentRequest(IncidentVerb.OPEN, text=title), KIM, 1.0)
    assert isinstance(answer, Refusal)
    assert answer.code == "no-title"


def test_what_is_opened_says_by_whom_and_about_what() -> None:
    request = IncidentRequest(
        IncidentVerb.OPEN, text="slow \x1b[2J", services=("shop", "db", "shop"),
        severity=IncidentSeverity.MINOR,
    )  # fmt: skip
    first = opening(3, request, KIM, 5.0)
    assert not isinstance(first, Refusal)
    incident = fold(3, [first])
    assert incident is not None
    assert (incident.title, incident.services) == ("slow ␛[2J", ("shop", "db"))
    assert (incident.severity, incident.commander) == (IncidentSeverity.MINOR, KIM)


def test_joining_twice_is_one_record() -> None:
    kept = Kept()
    assert len(kept.ask(ANA, asked(IncidentVerb.JOIN), 110.0)) == 1  # type: ignore[arg-type]
    assert kept.ask(ANA, asked(IncidentVerb.JOIN), 111.0) == ()
    assert [each.person for each in kept.incident.members] == [KIM, ANA]


def test_two_who_take_the_command_at_once_do_not_take_it_from_each_other_unseen() -> None:
    for first, second in permutations([ANA, BO]):
        kept = Kept()
        seen = str(KIM)
        assert kept.ask(first, asked(IncidentVerb.COMMAND, commander=seen), 110.0)
        refused = kept.ask(second, asked(IncidentVerb.COMMAND, commander=seen), 110.0)
        assert isinstance(refused, Refusal)
        assert refused.code == "command-moved"
        assert str(first) in refused.message
        assert kept.incident.commander == first
        # Once it is seen who has it, it can be taken from them.
        assert kept.ask(second, asked(IncidentVerb.COMMAND, commander=str(first)), 111.0)
        assert kept.incident.commander == second


def test_of_two_who_close_at_once_one_is_refused_with_who_did() -> None:
    kept = Kept()
    assert kept.ask(ANA, asked(IncidentVerb.CLOSE, "well again"), 120.0)
    refused = kept.ask(BO, asked(IncidentVerb.CLOSE), 120.0)
    assert isinstance(refused, Refusal)
    assert refused.code == "closed"
    assert str(ANA) in refused.message


@pytest.mark.parametrize("verb", [IncidentVerb.STATUS, IncidentVerb.NOTE, IncidentVerb.ROLE])
def test_nothing_is_not_said(verb: IncidentVerb) -> None:
    answer = Kept().ask(ANA, asked(verb, "  "), 110.0)
    assert isinstance(answer, Refusal)
    assert answer.code == "no-text"


def test_where_there_is_no_incident_nothing_is_added() -> None:
    answer = deciding(asked(IncidentVerb.JOIN), ANA, 1.0)([])
    assert isinstance(answer, Refusal)
    assert answer.code == "no-such-incident"


REQUESTS = st.builds(
    IncidentRequest,
    verb=st.sampled_from([each for each in IncidentVerb if each is not IncidentVerb.OPEN]),
    number=st.just(14),
    text=st.sampled_from(["", "rolling back", "\x1b[2J", "x" * 900]),
    services=st.lists(st.sampled_from(["shop", "db"]), max_size=2).map(tuple),
    severity=st.sampled_from([None, *IncidentSeverity]),
    commander=st.sampled_from(["", str(KIM), str(ANA), str(BO)]),
)


@given(st.lists(st.tuples(st.sampled_from([KIM, ANA, BO]), REQUESTS), max_size=20))
def test_whoever_asks_whatever_each_record_that_is_added_says_something(
    asks: list[tuple[Person, IncidentRequest]],
) -> None:
    kept = Kept()
    for at, (person, request) in enumerate(asks, start=101):
        before, count = kept.incident, len(kept.records)
        answer = kept.ask(person, request, float(at))
        after = kept.incident
        if isinstance(answer, Refusal) or not answer:
            assert after == before
            continue
        assert len(kept.records) == count + 1
        assert len(after.entries) == len(before.entries) + 1
        assert after.entries[-1].person == person
        if after.commander != before.commander:
            assert request.commander in {"", str(before.commander)}
