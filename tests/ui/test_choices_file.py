"""A person's choices on disk: what is kept comes back, and what others wrote counts for nothing."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.choices import Choices, SavedView
from opsconsole.ui.choices_file import ChoicesFile, _choices

MINE = Choices(
    "team", ("p95", "cpu"), (SavedView("fires", "state:down", "p95", "place", True),), ("docker:x",)
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChoicesFile:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return ChoicesFile(tmp_path / "opsconsole.yaml")


def test_what_is_kept_comes_back_for_its_configuration_alone(
    file: ChoicesFile, tmp_path: Path
) -> None:
    assert file.read() == Choices()
    file.write(MINE)
    assert file.read() == MINE
    assert ChoicesFile(tmp_path / "other.yaml").read() == Choices()
    assert ChoicesFile(None).read() == Choices()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_could_write_is_not_read(file: ChoicesFile) -> None:
    file.write(MINE)
    file.path.chmod(0o666)
    assert file.read() == Choices()
    file.path.chmod(0o600)
    file.path.parent.chmod(0o777)
    assert file.read() == Choices()


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"views": 3}', "[" * 100_000, "null"])
def test_what_is_no_choice_is_left_out(file: ChoicesFile, text: str) -> None:
    file.write(MINE)
    file.path.write_text(text)
    assert file.read() == Choices()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["grouping", "columns", "views", "ignored", "name", "filter", "failing"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["grouping", "columns", "views", "ignored"]), JSON))
def test_any_file_is_read_as_plain_words(found: dict[str, object]) -> None:
    choices = _choices(json.loads(json.dumps(found)))
    assert isinstance(choices.grouping, str)
    assert all(isinstance(each, str) for each in (*choices.columns, *choices.ignored))
    assert all(each.name and isinstance(each.filter, str) for each in choices.views)
