"""Themes: colours by what they are for, from YAML files.

Invariant: every theme that is returned is complete and legible: each colour is ``#rrggbb``, and
text, states and header reach a contrast of 4.5 to 1 with what is behind them (WCAG 2.1). A file
that does not is one problem and is left out.

A file is ``themes/NAME.yaml`` of the package or ``opsconsole/themes/NAME.yaml`` in the user's
configuration folder; a user's file replaces one of the package. ``base:`` names a theme that
gives the colours which the file does not.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from opsconsole.config.files.opening import FileError, read_text
from opsconsole.config.files.problems import Position, Problem, did_you_mean
from opsconsole.config.files.yaml_tree import Tree, TreeError, read_tree
from opsconsole.dataclass import dataclass
from opsconsole.model.contrast import READABLE, contrast, is_colour


@dataclass(frozen=True, slots=True)
class Theme:
    """State colours mean state and nothing else; ``accent`` is the only other one.

    ``surface`` is behind bars, ``panel`` behind dialogs, ``selection`` behind the cursor's row.
    ``mono`` asks for weight and reverse instead of colour.
    """

    name: str
    dark: bool
    background: str
    surface: str
    panel: str
    selection: str
    text: str
    strong: str
    muted: str
    faint: str
    rule: str
    accent: str
    ok: str
    degraded: str
    down: str
    unknown: str
    header_background: str
    header_text: str
    danger_low: str
    danger_high: str
    mono: bool = False

    @property
    def raised(self) -> str:
        """What is behind the cursor's row."""
        return self.selection


@dataclass(frozen=True, slots=True)
class Themes:
    """The themes by name, and one line for each file that could not be used."""

    themes: dict[str, Theme]
    problems: tuple[str, ...] = ()


COLOURS: Final = tuple(
    field.name for field in fields(Theme) if field.name not in {"name", "dark", "mono"}
)
STATES: Final = ("ok", "degraded", "down", "unknown")

_KEYS: Final = ("base", "dark", "mono", "colours")
_INKS: Final = ("text", "strong", "muted", "accent", *STATES)


def read_themes(environ: Mapping[str, str] = os.environ) -> Themes:
    """Read the themes of the package and of the user."""
    drafts: dict[str, _Draft] = {}
    problems: list[Problem] = []
    for folder in (_packaged(), *_of_user(environ)):
        for path in sorted(folder.glob("*.yaml")):
            draft, problem = _read(path)
            if draft:
                drafts[path.stem] = draft
            if problem:
                problems.append(problem)
    themes: dict[str, Theme] = {}
    for name in drafts:
        problem = _complete(name, drafts, themes, ())
        if problem:
            problems.append(problem)
    return Themes(dict(sorted(themes.items())), tuple(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class _Draft:
    """One file as written. ``colours`` may lack some when there is a ``base``."""

    tree: Tree
    base: str | None
    dark: bool | None
    mono: bool | None
    colours: dict[str, str]


def _packaged() -> Path:
    """The folder of the installed package, or of the source tree it runs from."""
    installed = Path(__file__).parents[1] / "themes"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "themes"


def _of_user(environ: Mapping[str, str]) -> Iterator[Path]:
    folder = environ.get("XDG_CONFIG_HOME") or ""
    home = environ.get("HOME") or ""
    if Path(folder).is_absolute():
        yield Path(folder, "opsconsole", "themes")
    elif Path(home).is_absolute():
        yield Path(home, ".config", "opsconsole", "themes")


def _read(path: Path) -> tuple[_Draft | None, Problem | None]:
    try:
        tree = read_tree(read_text(path).text, str(path))
    except FileError as error:
        return None, Problem.at(Position(str(path), error.line), (), error.message, error.remedy)
    except TreeError as error:
        return None, error.problems[0]
    problem = next(_shape_problems(tree), None)
    if problem:
        return None, problem
    value: dict[str, Any] = tree.value if isinstance(tree.value, dict) else {}
    draft = _Draft(
        tree, value.get("base"), value.get("dark"), value.get("mono"), value.get("colours") or {}
    )
    return draft, None


def _shape_problems(tree: Tree) -> Iterator[Problem]:
    value = tree.value
    if not isinstance(value, dict):
        yield Problem.at(tree.position(()), (), "a theme has the keys base, dark, mono, colours")
        return
    for key, item in value.items():
        kind = {"base": str, "dark": bool, "mono": bool, "colours": dict}.get(key)
        if kind is None:
            yield Problem.at(tree.position((key,)), (key,), "unknown key", did_you_mean(key, _KEYS))
        elif not isinstance(item, kind):
            words = {str: "text", bool: "true or false", dict: "names and colours"}
            yield Problem.at(tree.position((key,)), (key,), f"takes {words[kind]}")
    colours = value.get("colours")
    for name, colour in colours.items() if isinstance(colours, dict) else ():
        where = ("colours", name)
        if name not in COLOURS:
            hint = did_you_mean(name, COLOURS)
            yield Problem.at(tree.position(where), where, "unknown colour", hint)
        elif not isinstance(colour, str) or not is_colour(colour):
            yield Problem.at(tree.position(where), where, "takes '#rrggbb', with the quotes")


def _complete(
    name: str, drafts: Mapping[str, _Draft], themes: dict[str, Theme], above: tuple[str, ...]
) -> Problem | None:
    """Add the theme ``name``, after the one it is based on, to ``themes``."""
    if name in themes:
        return None
    draft = drafts[name]
    base = None
    if draft.base is not None:
        if draft.base in (*above, name) or draft.base not in drafts:
            hint = did_you_mean(draft.base, set(drafts) - {name, *above})
            message = f"no theme that it can be based on is called {draft.base!r}"
            return Problem.at(draft.tree.position(("base",)), ("base",), message, hint)
        _complete(draft.base, drafts, themes, (*above, name))
        base = themes.get(draft.base)
    colours = {**({key: getattr(base, key) for key in COLOURS} if base else {}), **draft.colours}
    lacking = [key for key in COLOURS if key not in colours]
    if lacking:
        message = f"lacks {', '.join(lacking)}"
        return Problem.at(
            draft.tree.position(()), (), message, "give them, or a base: to take them of"
        )
    theme = Theme(
        name=name,
        dark=draft.dark if draft.dark is not None else base.dark if base else True,
        mono=draft.mono if draft.mono is not None else base.mono if base else False,
        **colours,
    )
    problem = _illegible(theme, draft.tree)
    if problem is None:
        themes[name] = theme
    return problem


def _illegible(theme: Theme, tree: Tree) -> Problem | None:
    pairs = [(ink, "background") for ink in _INKS] + [("header_text", "header_background")]
    for ink, paper in pairs:
        ratio = contrast(getattr(theme, ink), getattr(theme, paper))
        if ratio < READABLE:
            where = ("colours", ink)
            message = f"has a contrast of {ratio:.2f} with {paper}; text needs {READABLE}"
            return Problem.at(tree.position(where), where, message)
    return None
