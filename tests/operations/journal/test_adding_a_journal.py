"""Where a journal goes: the places that the page names are all that there are."""

import ast
from pathlib import Path

from tests.program_copy import places_on

_ROOT = Path(__file__).parents[3]
_PACKAGE = _ROOT / "src" / "opsconsole"
_MADE = {
    "operations/journal/NAME_journal.py": "operations/journal/sqlite_journal.py",
    "operations/locks/NAME_locks.py": "operations/locks/file_locks.py",
}
"""What stands in the places of a new implementation, for the state in a folder."""


def imported(path: Path) -> set[str]:
    """The modules that a file names, wherever in it."""
    tree = ast.parse(path.read_text())
    return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_each_place_on_the_page_is_there() -> None:
    rows = places_on("adding-a-journal.md")
    assert len(rows) == len(set(rows)) == 7
    for row in rows:
        place = _MADE.get(row, row)
        assert (_ROOT if place.startswith("tests/") else _PACKAGE).joinpath(place).is_file(), row


def test_nothing_but_the_state_names_an_implementation() -> None:
    for place in _MADE.values():
        module = "opsconsole." + place.removesuffix(".py").replace("/", ".")
        naming = {
            str(path.relative_to(_PACKAGE))
            for path in _PACKAGE.rglob("*.py")
            if module in imported(path)
        }
        assert naming == {"operations/state_place.py"}
