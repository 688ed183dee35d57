"""A wrong change is made to what is imported, and a test that looks notices it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutant import VARIABLE, changed
from tools.mutation import ROOT, TARGETS, mutants

SOURCE = "def f(a, b):\n    if a:\n        return a < b and b + 1 > 2\n    return True\n"


@pytest.mark.parametrize(
    ("what", "line", "has"),
    [
        ("condition", 2, "not a"),
        ("comparison", 3, "a >= b"),
        ("operator", 3, "b - 1"),
        ("comparison", 3, "<= 2"),
        ("and or", 3, " or "),
        ("returned value", 3, "return None"),
        ("returned value", 4, "return not True"),
    ],
)
def test_each_change_is_made_alone(what: str, line: int, has: str) -> None:
    changes = changed(SOURCE, -1)[1].found
    numbers = [number for number, each in enumerate(changes) if each == (what, line)]
    assert any(has in ast.unparse(changed(SOURCE, number)[0]) for number in numbers)
    assert len(changes) == 7


def test_without_a_number_nothing_changes() -> None:
    assert ast.unparse(changed(SOURCE, -1)[0]) == ast.unparse(ast.parse(SOURCE))


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_files_changes_and_tests(name: str) -> None:
    target = TARGETS[name]
    found = mutants(target.sources)
    assert len(found) >= 10
    assert all(any(each.path.match(pattern) for each in found) for pattern in target.sources)
    assert [path for path in target.tests if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("number", [-1, 0])
def test_the_module_is_changed_where_it_is_imported(number: int, tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "from opsconsole.text import sanitize\n"
        "def test_it():\n    assert sanitize('a\\nb', multiline=True) == 'a\\nb'\n"
    )
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "tools.mutant", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*argv, "-c", os.devnull, "--rootdir", str(tmp_path), str(test)],
        env={
            **os.environ,
            VARIABLE: f"opsconsole.text:{number}",
            "PYTHONPATH": ".",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert (ran.returncode == 0) is (number == -1), ran.stdout.decode()
