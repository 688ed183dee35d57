"""The themes of the package, and those of a user."""

import itertools
import math
from pathlib import Path

import pytest

from opsconsole.config.themes import COLOURS, STATES, Theme, read_themes
from opsconsole.model.contrast import READABLE, contrast, is_colour

NAMES = [
    *("dark", "deuteranopia", "high-contrast", "light"),
    *("mono", "production", "solarized", "tritanopia"),
]
INKS = ("text", "strong", "muted", "accent", *STATES)
PAPERS = ("background", "surface", "panel", "selection")

# Full dichromacy in linear RGB. Source: Machado, Oliveira and Fernandes, "A Physiologically-based
# Model for Simulation of Color Vision Deficiency" (2009), severity 1.0.
DEFICIENCIES = {
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "opsconsole" / "themes"
    folder.mkdir(parents=True)
    return folder


def environ(user: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(user.parents[1])}


def test_the_package_has_its_themes() -> None:
    found = read_themes({})

    assert found.problems == ()
    assert sorted(found.themes) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_ink_is_legible_on_every_paper(name: str) -> None:
    theme = read_themes({}).themes[name]
    least = 7.0 if name == "high-contrast" else READABLE

    assert all(is_colour(getattr(theme, colour)) for colour in COLOURS)
    for ink, paper in itertools.product(INKS, PAPERS):
        assert contrast(getattr(theme, ink), getattr(theme, paper)) >= least, (ink, paper)
    assert contrast(theme.faint, theme.background) >= 3.0
    assert contrast(theme.header_text, theme.header_background) >= least
    assert contrast(theme.strong, theme.danger_high) >= READABLE
    assert contrast(theme.background, theme.danger_low) >= READABLE


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"mono"}))
def test_each_state_has_a_colour_of_its_own(name: str) -> None:
    theme = read_themes({}).themes[name]

    assert len({theme.accent, *(getattr(theme, state) for state in STATES)}) == 5


@pytest.mark.parametrize("name", DEFICIENCIES)
def test_states_differ_to_the_eyes_that_a_theme_is_for(name: str) -> None:
    theme = read_themes({}).themes[name]
    seen = {state: as_seen(getattr(theme, state), name) for state in STATES}

    for first, second in itertools.combinations(STATES, 2):
        assert distance(seen[first], seen[second]) > 20, (first, second)


def test_the_theme_for_red_green_blindness_beats_the_usual_one() -> None:
    def nearest(theme: Theme) -> float:
        seen = [as_seen(getattr(theme, state), "deuteranopia") for state in STATES]
        return min(distance(*pair) for pair in itertools.combinations(seen, 2))

    themes = read_themes({}).themes

    assert nearest(themes["deuteranopia"]) > nearest(themes["dark"])


def test_a_theme_may_be_based_on_another_and_replace_it(user: Path) -> None:
    (user / "mine.yaml").write_text("base: ours\ncolours: {accent: '#003366'}\n")
    (user / "ours.yaml").write_text("base: light\n")
    (user / "dark.yaml").write_text("base: high-contrast\n")
    found = read_themes(environ(user))

    assert found.problems == ()
    assert found.themes["ours"].background == read_themes({}).themes["light"].background
    assert found.themes["dark"].background == "#000000"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base: drak\n", ":1: base: no theme that it can be based on is called 'drak', did you"),
        ("base: bad\n", ":1: base: no theme that it can be based on is called 'bad'"),
        ("base: dark\ncolours: {acent: '#ffffff'}\n", ":2: colours.acent: unknown colour, did you"),
        ("base: dark\ncolours: {text: #ffffff\n  }\n", ":2: colours.text: takes '#rrggbb', with"),
        ("base: dark\ncolours: {text: red}\n", ":2: colours.text: takes '#rrggbb', with"),
        ("base: dark\ncolours: {down: '#7a2020'}\n", ":2: colours.down: has a contrast of 1.8"),
        ("dark: maybe\n", ":1: dark: takes true or false"),
        ("colors: {}\n", ":1: colors: unknown key, did you mean 'colours'?"),
        ("dark: true\n", ": lacks background, surface"),
        ("- a\n", ": a theme has the keys base, dark, mono, colours"),
        ("a: [\n", ":2: not YAML"),
    ],
)
def test_a_bad_file_is_one_problem_and_is_left_out(text: str, said: str, user: Path) -> None:
    (user / "bad.yaml").write_text(text)

    found = read_themes(environ(user))

    assert sorted(found.themes) == NAMES
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"{user / 'bad.yaml'}{said}")


def as_seen(colour: str, deficiency: str) -> tuple[float, float, float]:
    """CIE Lab (D65) of a colour as somebody with the deficiency sees it."""
    linear = [_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5)]
    seen = [
        min(1.0, max(0.0, sum(weight * part for weight, part in zip(row, linear, strict=True))))
        for row in DEFICIENCIES[deficiency]
    ]
    return _lab(*seen)


def distance(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """CIE76: 2.3 is just noticeable."""
    return math.dist(first, second)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _lab(red: float, green: float, blue: float) -> tuple[float, float, float]:
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    cx, cy, cz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * cy - 16, 500 * (cx - cy), 200 * (cy - cz)
