"""Themes read for the screen: those that can be used, and what is wrong with the others."""

from pathlib import Path

import pytest

from opsconsole.ui.theme_loader import read


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's themes, none yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    themes = tmp_path / "opsconsole" / "themes"
    themes.mkdir(parents=True)
    return themes


def test_a_theme_of_the_user_is_read(folder: Path) -> None:
    (folder / "mine.yaml").write_text('base: dark\ncolours: {accent: "#c792ea"}\n')
    palettes, problem = read("mine")
    assert "mine" in palettes
    assert problem == ""


def test_what_is_wrong_with_a_theme_is_said_and_the_others_stay(folder: Path) -> None:
    (folder / "dim.yaml").write_text('base: dark\ncolours: {down: "#111111"}\n')
    palettes, problem = read("dim")
    assert "dim" not in palettes
    assert "dark" in palettes
    assert "dim.yaml:2: colours.down: has a contrast of" in problem
    assert read()[1] == problem
    assert read("light")[1] == "", "what is wrong with another does not concern it"
