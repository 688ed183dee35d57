"""A made-up journal, added to a copy of the program in the places that the page names."""

import ast
import json
import re
from pathlib import Path

import pytest

from tests.program_copy import Copy, places_on

_ROOT = Path(__file__).parents[3]
_PACKAGE = _ROOT / "src" / "opsconsole"
_THERE = {"operations/journal/sqlite_journal.py", "operations/locks/file_locks.py"}
"""What stands in the places of a new implementation, for the state in a folder."""

_JOURNAL = '''
"""A journal in a drawer."""

from pathlib import Path

from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.sqlite_journal import SqliteJournal


class DrawerJournal(SqliteJournal):
    def __init__(self, drawer: Path, *, sinks: AuditSinks | None = None) -> None:
        super().__init__(drawer / "papers", sinks=sinks)


def _conforms(journal: DrawerJournal) -> Journal:
    return journal
'''
_LOCKS = '''
"""Locks of a drawer."""

from pathlib import Path

from opsconsole.operations.locks.file_locks import FileLocks
from opsconsole.operations.locks.locks import Locks


class DrawerLocks(FileLocks):
    def __init__(self, drawer: Path) -> None:
        super().__init__(drawer / "keys")


def _conforms(locks: DrawerLocks) -> Locks:
    return locks
'''
_STATE = '''class DrawerPlace(FolderPlace):
    """The state in a drawer."""

    def __init__(self, drawer: Path) -> None:
        super().__init__(drawer)
        self.locks = DrawerLocks(self.folder)

    @property
    def name(self) -> str:
        return f"drawer:{self.folder}"

    def exists(self) -> bool:
        return (self.folder / "papers" / "journal.db").exists()

    def journal(self, sinks: AuditSinks | None = None) -> DrawerJournal:
        for part in ("", "papers", "keys"):
            prepare(self.folder / part, shared=False)
        return DrawerJournal(self.folder, sinks=sinks)

    def audit_rows(self) -> tuple[Row, ...]:
        return audit_of(self.folder / "papers")


'''
_IMPORTS = """from opsconsole.operations.journal.drawer_journal import DrawerJournal
from opsconsole.operations.locks.drawer_locks import DrawerLocks
"""
_FROM = """    if settings.drawer:
        return DrawerPlace(Path(settings.drawer))
"""
_OF = """    if name.startswith("drawer:"):
        return DrawerPlace(Path(name.removeprefix("drawer:")))
"""
_KEY = '    drawer: Text | None = Field(default=None, description="Where the journal is kept.")\n'

_CONFIG = """
docker: []
state_dir: {state}
drawer: {drawer}
services:
  web:
    health: null
    actions:
      restart: {{command: [touch, restarted], min_healthy: 100ms, deadline: 30s}}
"""
_RELOADED = """
import sys
from pathlib import Path
from opsconsole.config.changes import changes
from opsconsole.config.loader import load
before = load(Path(sys.argv[1]))
print(*changes(before, before.model_copy(update={"drawer": "elsewhere"})).at_start_only)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    copy = Copy(tmp_path / "copy")
    state = "operations/state_place.py"
    copy.put("operations/journal/drawer_journal.py", _JOURNAL)
    copy.put("operations/locks/drawer_locks.py", _LOCKS)
    copy.put(state, _IMPORTS, before="from opsconsole.operations.journal.journal import Journal\n")
    copy.put(state, _STATE, before="def place_from(")
    copy.put(state, _FROM, before="    return FolderPlace(state_folder(settings)")
    copy.put(state, _OF, before="    raise StateError(f")
    copy.put("config/settings.py", _KEY, before="    state_dir: Text | None")
    copy.put("config/changes.py", '    "drawer",\n', before='    "operations.audit_file"')
    return copy


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "opsconsole.yaml"
    drawer, state = tmp_path / "drawer", tmp_path / "state"
    path.write_text(_CONFIG.format(drawer=drawer, state=state))
    path.chmod(0o600)
    return str(path)


def test_the_page_names_each_place_and_no_other(copy: Copy) -> None:
    rows = [row.replace("NAME", "drawer") for row in places_on("adding-a-journal.md")]
    suites = {row for row in rows if row.startswith("tests/")}
    assert copy.touched == set(rows) - suites
    assert len(rows) == len(set(rows)) == 7
    assert all((_ROOT / suite).is_file() for suite in suites)


def test_the_types_of_every_place_agree(copy: Copy) -> None:
    said = copy.type_errors(
        "opsconsole.operations.operator", "opsconsole.operations.running.runner"
    )
    assert re.findall(r"([a-z_/]+\.py):\d+: error: .*", said) == [], said


def test_an_operation_is_kept_in_it_by_the_console_and_by_the_runner(
    copy: Copy, config: str, tmp_path: Path
) -> None:
    done = copy.run("restart", "web", "--yes", "--reason", "a test", "-c", config)
    assert (tmp_path / "restarted").exists(), done.stdout + done.stderr
    (operation,) = json.loads(copy.run("operations", "--json", "-c", config).stdout)
    assert operation["service"] == "web"
    assert [step["state"] for step in operation["steps"]] == ["done"]
    assert operation["state"] == "inconclusive", "the service has nothing to be verified by"
    assert (tmp_path / "drawer/papers/journal.db").exists()
    assert not (tmp_path / "state").exists()


def test_its_audit_is_verified(copy: Copy, config: str) -> None:
    copy.run("restart", "web", "--yes", "--reason", "a test", "-c", config)
    done = copy.run("audit", "verify", "-c", config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 rows" not in done.stdout


def test_it_is_not_changed_while_the_console_runs(copy: Copy, config: str) -> None:
    assert copy.python("-c", _RELOADED, config).stdout.split() == ["drawer"]


def imported(path: Path) -> set[str]:
    """The modules that a file names, wherever in it."""
    tree = ast.parse(path.read_text())
    return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_nothing_but_the_state_names_an_implementation() -> None:
    naming = {str(path.relative_to(_PACKAGE)): imported(path) for path in _PACKAGE.rglob("*.py")}
    for place in _THERE:
        module = "opsconsole." + place.removesuffix(".py").replace("/", ".")
        assert [each for each in naming if module in naming[each]] == ["operations/state_place.py"]
