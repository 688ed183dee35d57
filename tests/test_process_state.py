"""What a process of the program knows in module variables, which tests would otherwise share."""

import ast
from pathlib import Path

import opsconsole

SOURCE = Path(opsconsole.__file__).parent
BEGUN_ANEW = {
    "hiding._values",
    "render.ink.own_keys._own",
    "zones._shown",
    "ui.terminal.crash._remembered",
    "ui.terminal.crash._afterwards",
}
"""Set again for each test by ``tests/conftest.py``."""
THE_SAME_FOR_ALL = {
    "__init__.__version__",
    "demo.supervisor._log",
    "engine.recording.segment._dump",
    "operations.journal.sqlite_database._making",
    "operations.postgresql.pool._guard",
    "operations.postgresql.pool._pools",
    "programs._under_way",
    "sources.logs.stamped_lines._seconds_of",
    "sources.prometheus.long_json._read",
    "ui.incident_export._writing",
}
"""Loggers, locks, what is ended with the process or with its last user, and what a text is always
read as."""


def variables(file: Path) -> set[str]:
    """The module's variables that are neither constants nor types by their names."""
    module = ".".join(file.relative_to(SOURCE).with_suffix("").parts)
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Assign):
            targets = node.targets
        names = {each.id for each in targets if isinstance(each, ast.Name)} - {"__all__", "_"}
        found |= {f"{module}.{name}" for name in names if not name.lstrip("_")[:1].isupper()}
    return found


def test_what_a_process_knows_is_begun_anew_for_each_test() -> None:
    known: set[str] = set().union(*(variables(file) for file in SOURCE.rglob("*.py")))
    assert known == BEGUN_ANEW | THE_SAME_FOR_ALL
