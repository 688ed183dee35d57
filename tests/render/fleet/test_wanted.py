"""The filter of services: conditions beside text, what is marked, and which match comes first."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.alerting.alerts import Severity
from opsconsole.render.fleet.wanted import Wanted
from opsconsole.render.ink.cells import Role, plain
from opsconsole.render.ink.matching import Filter, marked
from tests.ui import fleet, fleets

LARGE = replace(
    fleets.large(), alerts=(fleet.alert("ServiceDown", Severity.CRITICAL, 60, "ai-service"),)
)


def names(typed: str) -> set[str]:
    return {each.name for each in Wanted(typed).of(LARGE)}


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("env:staging", 18), ("env:prod", 120), ("!env:prod", 24), ("group:shop", 32),
        ("group:shop,mail", 36), ("state:down", 1), ("state:down,degraded", 3), ("!state:ok", 7),
        ("group:ai !state:ok", 3), ("alert:ServiceDown", 1), ("alert:service*", 1),
        ("alert:*", 1), ("team:search-team", 14), ("team:nobody", 0), ("place:web-1 env:eu", 0),
        ("", 144), ("env:", 0), ("group:mail ssh", 2),
    ],
)  # fmt: skip
def test_conditions(typed: str, count: int) -> None:
    assert len(names(typed)) == count


def test_text_stands_beside_conditions_and_can_be_inverted() -> None:
    assert names("group:ai embed") == {"ai-embed"}
    assert "ai-embed" not in names("group:ai !embed")
    assert len(names("group:ai !embed")) == 13


def test_the_beginning_of_a_word_comes_first() -> None:
    wanted = Wanted("ai")
    ordered = wanted.likeliest_first([e for e in LARGE.services if "ai" in e.name])
    begins = [each.name.startswith("ai") for each in ordered]
    assert begins == sorted(begins, reverse=True)
    assert "mailer" in [each.name for each in ordered][begins.index(False) :]
    assert wanted.plain.begins_a_word("my-ai")
    assert not wanted.plain.begins_a_word("mailer")


@pytest.mark.parametrize(
    ("text", "typed", "found"),
    [("mailer", "ai", "ai"), ("ÄÖ-ai", "ai", "ai"), ("mailer", "!ai", ""), ("mailer", "", ""),
     ("mailer", "x", ""), ("mailer", "m.*r", "mailer"), ("mailer", "z*", "")],
)  # fmt: skip
def test_what_is_looked_for_is_marked(text: str, typed: str, found: str) -> None:
    line = marked(text, Role.STRONG, Filter(typed))
    assert plain([line]) == text
    assert "".join(span.text for span in line if span.role is Role.MATCH) == found


@given(st.text(max_size=60), st.text(max_size=30))
def test_anything_can_be_typed(typed: str, name: str) -> None:
    Wanted(typed).of(LARGE)
    assert "".join(span.text for span in marked(name, Role.TEXT, Filter(typed))) == name
