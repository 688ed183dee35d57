"""What `check` says of a Loki: that nobody answers, that it does not understand, or nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.inspection.finding import Weight
from opsconsole.inspection.inspection import inspect
from tests.sources.logs.test_loki import Loki


@pytest.fixture
def loki() -> Iterator[Loki]:
    made = Loki()
    yield made
    made.close()


def said(url: str) -> list[tuple[str | int, Weight, str]]:
    log = {"loki": '{app="web"}', "url": url}
    services = {"web": {"health": None, "logs": [log]}}
    settings = Settings.model_validate(
        {"docker": [], "host": {"enabled": False}, "services": services}
    )
    found = inspect(settings, base=Path(), clock=SystemClock(), environ={})
    return [(each.path[-1], each.weight, each.message) for each in found]


def test_one_that_has_lines_is_not_spoken_of(loki: Loki) -> None:
    loki.write("a line", ago=60.0)
    assert said(loki.url) == []


def test_one_that_selects_nothing_is_a_note(loki: Loki) -> None:
    assert said(loki.url) == [("loki", Weight.NOTE, "selects no line of the last hour")]


def test_what_it_does_not_understand_is_an_error_at_the_query(loki: Loki) -> None:
    loki.refuses = (400, "parse error at line 1, col 6: unexpected IDENTIFIER\n")
    [(key, weight, message)] = said(loki.url)
    assert (key, weight) == ("loki", Weight.ERROR)
    assert "parse error" in message


def test_nobody_there_is_an_error_at_the_url(loki: Loki) -> None:
    url = loki.url
    loki.close()
    [(key, weight, _)] = said(url)
    assert (key, weight) == ("url", Weight.ERROR)
