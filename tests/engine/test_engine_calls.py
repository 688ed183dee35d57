"""Asking an engine: every question has one way in, and an answer."""

from typing import get_args

from opsconsole.model.asked.questions import AnyQuestion, Question


def test_every_question_is_one_that_the_engine_answers() -> None:
    # By name: a dataclass with slots is a copy of the class that was written.
    written = {each.__name__ for each in Question.__subclasses__()}
    assert {each.__name__ for each in get_args(AnyQuestion)} == written
