"""What stands in braces is filled in once, and stays where it stands."""

import json

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.notices import Message, What
from opsconsole.watcher.notify.ways.filling import in_argument, in_json, in_text

TEXTS = st.text(max_size=40) | st.sampled_from(['"}', "{text}", "\\", "-rf", "--", "a\nb", "{id}"])


def message(title: str, text: str = "all of it") -> Message:
    return Message("i-new", "i", What.NEW, title, text, "critical", "db", "prod", 0.0, 3)


@given(TEXTS, TEXTS)
def test_no_value_leaves_its_json_string(title: str, text: str) -> None:
    filled = in_json('{"t": "{title}", "x": ["{text}", {folded}]}', message(title, text))
    assert json.loads(filled) == {"t": title, "x": [text, 3]}


@given(TEXTS)
def test_no_value_becomes_an_option(title: str) -> None:
    assert not in_argument("{title}", message(title)).startswith("-")
    assert in_argument("--title={title}", message(title)) == f"--title={title}"


def test_a_value_is_not_read_again() -> None:
    assert in_text("{title} {severity} {since}", message("{text}")) == (
        "{text} critical 1970-01-01T00:00:00.000Z"
    )
