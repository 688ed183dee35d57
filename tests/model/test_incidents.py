"""An incident is what its records add up to, whatever they hold and whoever wrote them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.incidents import (
    ENTRIES,
    MEMBERS,
    SERVICES,
    Incident,
    IncidentSeverity,
    IncidentVerb,
    apply,
    fold,
    open_ones,
)
from opsconsole.model.people import Person
from opsconsole.text import sanitize

OPENED = {
    "do": "open", "at": 100.0, "who": "kim", "host": "bastion-1", "title": "checkout slow",
    "severity": "critical", "services": ["shop", "db"],
}  # fmt: skip


def record(do: str, at: float, who: str = "ana", **more: object) -> dict[str, object]:
    """One record, of somebody on the second bastion."""
    return {"do": do, "at": at, "who": who, "host": "bastion-2", **more}


def folded(*records: dict[str, object]) -> Incident:
    """The incident of these records, which there is."""
    incident = fold(14, [OPENED, *records])
    assert incident is not None
    return incident


def test_what_a_first_record_says_is_the_incident() -> None:
    incident = folded()
    assert (incident.name, incident.title) == ("INC-14", "checkout slow")
    assert incident.severity is IncidentSeverity.CRITICAL
    assert incident.commander == incident.opened_by == Person("kim", "bastion-1")
    assert incident.services == ("shop", "db")
    assert incident.open
    assert [each.person.who for each in incident.members] == ["kim"]


def test_people_join_take_the_command_and_have_roles() -> None:
    incident = folded(
        record("join", 110.0),
        record("role", 115.0, text="talks to customers"),
        record("command", 120.0, who="bo"),
        record("status", 130.0, text="rolling back"),
        record("services", 131.0, services=["db", "mail"]),
        record("severity", 132.0, text="minor"),
        record("note", 133.0, text="it was the image"),
        record("end", 140.0, text="p95 is well"),
    )
    assert incident.commander == Person("bo", "bastion-2")
    assert [(each.person.who, each.role) for each in incident.members] == [
        ("kim", ""), ("ana", "talks to customers"), ("bo", ""),
    ]  # fmt: skip
    assert (incident.status, incident.status_at) == ("rolling back", 130.0)
    assert incident.services == ("shop", "db", "mail")
    assert incident.severity is IncidentSeverity.MINOR
    assert incident.closed_at == 140.0
    assert [(each.verb.value, each.text) for each in incident.entries] == [
        ("open", "checkout slow"), ("join", ""), ("role", "talks to customers"), ("command", ""),
        ("status", "rolling back"), ("services", "mail"), ("severity", "minor"),
        ("note", "it was the image"), ("end", "p95 is well"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        record("join", 110.0, who="kim"),
        record("severity", 110.0, text="dreadful"),
        record("services", 110.0, services=["db"]),
        record("services", 110.0, services="shop"),
        record("open", 110.0, title="another"),
        record("dance", 110.0),
        record("note", 110.0, text="   "),
        {"do": "join", "who": "ana"},
        {"do": "join", "at": float("nan"), "who": "ana"},
        {"do": "join", "at": 10**400, "who": "ana"},
        {"do": "join", "at": 110.0, "who": ["ana"]},
        {"do": "end", "at": True, "who": "ana"},
    ],
)
def test_a_record_that_says_nothing_new_leaves_the_very_same_incident(said: dict[str, Any]) -> None:
    incident = folded()
    assert apply(incident, said) is incident


def test_nothing_moves_an_incident_that_was_closed() -> None:
    closed = folded(record("end", 140.0))
    for verb in IncidentVerb:
        after = apply(closed, record(verb, 150.0, text="minor", services=["x"], title="again"))
        assert after is closed


def test_open_ones_stand_by_how_grave_they_are_then_by_number() -> None:
    def made(number: int, severity: str, *more: dict[str, object]) -> Incident:
        incident = fold(number, [{**OPENED, "severity": severity}, *more])
        assert incident is not None
        return incident

    all_of_them = [
        made(1, "minor"), made(2, "critical"), made(3, "critical"),
        made(4, "critical", record("end", 101.0)),
    ]  # fmt: skip
    assert [each.number for each in open_ones(all_of_them)] == [2, 3, 1]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
HOSTILE = st.dictionaries(
    st.sampled_from(["do", "at", "who", "host", "text", "title", "severity", "services", "number"]),
    ANYTHING,
)
PLAUSIBLE = st.fixed_dictionaries(
    {
        "do": st.sampled_from([each.value for each in IncidentVerb]),
        "at": st.floats(0, 1e9),
        "who": st.sampled_from(["kim", "ana", "bo", "\x1b[2Jeve", "\u202eana"]),
        "host": st.sampled_from(["bastion-1", "bastion-2", ""]),
        "text": st.sampled_from(["", "minor", "critical", "rolled \x1b]0;x\x07back", "  "]),
        "services": st.lists(st.sampled_from(["shop", "db", "\x9bA"]), max_size=3),
    }
)


@given(st.lists(st.one_of(HOSTILE, PLAUSIBLE), max_size=25))
def test_whatever_the_records_hold_it_is_an_incident_that_somebody_opened(
    records: list[dict[str, Any]],
) -> None:
    incident = folded(*records)
    took = {each.person for each in incident.entries if each.verb is IncidentVerb.COMMAND}
    assert incident.commander in {incident.opened_by, *took}
    assert incident.member(incident.commander.who) is not None
    names = [each.person.who for each in incident.members]
    assert len(names) == len(set(names)) <= MEMBERS
    assert len(incident.services) == len(set(incident.services)) <= SERVICES
    assert len(incident.entries) <= ENTRIES
    for said in (
        incident.title, incident.status, *names, *incident.services,
        *(each.text for each in incident.entries),
        *(each.person.host for each in incident.entries),
    ):  # fmt: skip
        assert sanitize(said) == said, "every text is safe to show"
    ends = [at for at, each in enumerate(incident.entries) if each.verb is IncidentVerb.CLOSE]
    assert ends == ([] if incident.open else [len(incident.entries) - 1])
    assert fold(14, [OPENED, *records]) == incident


@given(st.lists(HOSTILE, max_size=4))
def test_where_the_first_record_opens_nothing_there_is_no_incident(
    records: list[dict[str, Any]],
) -> None:
    first = {**(records[0] if records else {}), "do": "join"}
    assert fold(1, [first, *records, OPENED]) is None
    assert fold(1, []) is None
