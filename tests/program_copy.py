"""A copy of the program to which something made up is added, as a page on adding says."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def places_on(page: str) -> list[str]:
    """The files that the table of a page in ``docs/`` names, in its order."""
    text = (_ROOT / "docs" / page).read_text()
    return re.findall(r"^\| `([a-z_/]+/[A-Za-z_]+\.py)` \|", text, re.MULTILINE)


def _reuse_what_is_known(cache: Path) -> None:
    """Give a copy's cache what mypy knows of libraries, from the program's own where it has one."""
    if cache.exists():
        return
    for kept in (_ROOT / ".mypy_cache").glob("*/*.db"):
        own = cache / kept.relative_to(_ROOT / ".mypy_cache")
        own.parent.mkdir(parents=True, exist_ok=True)
        # As sqlite copies it: somebody may be checking types meanwhile.
        with (
            closing(sqlite3.connect(f"file:{kept}?mode=ro", uri=True)) as known,
            closing(sqlite3.connect(own)) as copied,
        ):
            known.backup(copied)


class Copy:
    """A copy of the program, and which of its files were changed or added."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "opsconsole"
        shutil.copytree(
            _ROOT / "src" / "opsconsole",
            self.package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        self.touched: set[str] = set()

    def put(self, place: str, text: str, *, before: str = "", after: str = "") -> None:
        """Write ``text`` beside a mark, or at the end of the file, which may be a new one."""
        path = self.package / place
        there = path.read_text() if path.exists() else ""
        mark = before or after
        assert not mark or there.count(mark) == 1, f"{place} has no single {mark}"
        if mark:
            text = there.replace(mark, f"{text}{mark}" if before else f"{mark}{text}")
        else:
            text = there + text
        path.write_text(text)
        self.touched.add(place)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """What ``opsconsole`` with these arguments says."""
        return self.python("-m", "opsconsole", *arguments)

    def python(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """What Python says that imports this copy."""
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": str(self.package.parent)},
            capture_output=True,
            text=True,
            check=False,
        )

    def type_errors(self, *modules: str) -> str:
        """What mypy says of modules, and of what they import; '' where it is content."""
        mypy = [sys.executable, "-m", "mypy", "--config-file", str(_ROOT / "pyproject.toml")]
        _reuse_what_is_known(self.package.parent / ".mypy_cache")
        named = [word for module in modules for word in ("-m", module)]
        done = subprocess.run(
            [*mypy, "--no-error-summary", *named],
            cwd=self.package.parent,
            env={**os.environ, "MYPYPATH": str(self.package.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout + done.stderr).replace("opsconsole/", "")
