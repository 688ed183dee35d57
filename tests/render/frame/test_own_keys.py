"""Texts name a key as whoever reads them has it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import opsconsole
from opsconsole.render.frame.keys import KEYS, first_shown

SOURCE = Path(opsconsole.__file__).parent


def named() -> Iterator[tuple[str, str]]:
    """Each id that a text names, and what it is there called where nothing was remapped."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                given = [each.value for each in node.args if isinstance(each, ast.Constant)]
                if node.func.id == "key_of" and len(given) == 2:
                    yield str(given[0]), str(given[1])


def test_a_text_names_what_is_usual_for_the_key_that_it_means() -> None:
    known = {each.id: each.shown.split() for each in KEYS}
    found = set(named())
    assert found
    assert [each for each in found if each[1] not in known.get(each[0], ())] == []


def test_a_key_that_was_remapped_is_named_by_its_first_one_and_without_any_by_its_command() -> None:
    own = {"stop-automation": "f9,ctrl+k", "logs": "greater_than_sign", "tray": ""}
    assert first_shown(own) == {"stop-automation": "f9", "logs": ">", "tray": ":found"}
