"""No module imports, by whatever way round, one that imports it.

Every import counts: those at a module's top, within a function, under TYPE_CHECKING. Between
packages import-linter's layers allow none; here it is the modules within each package.
"""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGES = sorted(path.name for path in Path(__file__).parents[1].glob("src/opsconsole/*/"))
PACKAGES = [name for name in PACKAGES if not name.startswith("_")]
NOT_YET: set[str] = set()
"""Packages whose circles are known. One that has none any more is to be taken out of here."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("opsconsole", cache_dir=None)


def _circle(graph: grimp.ImportGraph, package: str) -> list[str]:
    """The modules of one circle within ``package``, in the order of their imports, or []."""
    within = f"{package}."
    modules = [each for each in graph.modules if each.startswith(within)]
    imports = {
        each: [
            other
            for other in graph.find_modules_directly_imported_by(each)
            if other.startswith(within)
        ]
        for each in modules
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle[::-1]
    return []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_no_circles(graph: grimp.ImportGraph, package: str) -> None:
    circle = _circle(graph, f"opsconsole.{package}")
    assert bool(circle) == (package in NOT_YET), " imports ".join(circle)


@pytest.mark.parametrize(
    "importing", ["import {}", "def later():\n    import {}", "if TYPE_CHECKING:\n    import {}"]
)
def test_an_import_is_seen_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, importing: str
) -> None:
    package = tmp_path / "circled" / "room"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    (package / "first.py").write_text("import circled.room.second\n")
    text = importing.format("circled.room.first")
    (package / "second.py").write_text(f"from typing import TYPE_CHECKING\n{text}\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = _circle(grimp.build_graph("circled", cache_dir=None), "circled.room")
    assert set(found) == {"circled.room.first", "circled.room.second"}
