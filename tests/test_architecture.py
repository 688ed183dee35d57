"""The house as the design draws it: who may import what, how long a file is, where text enters.

import-linter checks the static graph; these tests check what a fresh process really loads, and
what neither a linter nor a type checker sees.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "opsconsole"
LINE_LIMIT = 500

CLIENTS = {"httpx", "docker", "psutil", "prometheus_api_client", "prometheus_client", "requests"}
SCREEN = {"textual", "rich"}
FORMATS = {"pydantic", "yaml"}

NEVER_LOADED = {
    "opsconsole": CLIENTS | SCREEN | FORMATS,
    "opsconsole.text": CLIENTS | SCREEN | FORMATS,
    "opsconsole.clock": CLIENTS | SCREEN | FORMATS,
    "opsconsole.errors": CLIENTS | SCREEN | FORMATS,
    "opsconsole.durable": CLIENTS | SCREEN | FORMATS | {"asyncio"},
    "opsconsole.cli.main": CLIENTS | SCREEN | FORMATS | {"asyncio"},
    "opsconsole.model": CLIENTS | SCREEN | FORMATS,
    "opsconsole.config": CLIENTS | SCREEN,
    # httpx itself loads rich where it finds it, for a command line of its own.
    "opsconsole.machines": CLIENTS | SCREEN | FORMATS,
    "opsconsole.sources": {"textual"},
    "opsconsole.operations": {"textual"},
    "opsconsole.engine": {"textual", "docker"},
    "opsconsole.render": SCREEN | CLIENTS | FORMATS,
    "opsconsole.ui": CLIENTS,
    "opsconsole.watcher": {"textual", "docker"},
}


def modules_of(package: str) -> list[str]:
    """Every module at and below ``package``."""
    place = SOURCE.joinpath(*package.split(".")[1:])
    if not place.is_dir():
        return [package]
    if package == "opsconsole":
        return [package]
    found = [
        ".".join(("opsconsole", *path.relative_to(SOURCE).with_suffix("").parts))
        for path in sorted(place.rglob("*.py"))
    ]
    return [name.removesuffix(".__init__") for name in found]


@pytest.mark.parametrize("package", NEVER_LOADED)
def test_a_layer_loads_nothing_that_it_must_not(package: str) -> None:
    script = (
        "import importlib, sys\n"
        f"for name in {modules_of(package)!r}: importlib.import_module(name)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not NEVER_LOADED[package].intersection(ran.stdout.split())


def python_files() -> Iterator[Path]:
    for folder in ("src", "tests", "benchmarks", "tools"):
        yield from (ROOT / folder).rglob("*.py")


def test_no_file_is_too_long_to_have_one_subject() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINE_LIMIT
    }
    assert not long


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Each call with the last name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node, node.func.attr
            elif isinstance(node.func, ast.Name):
                yield node, node.func.id


def test_nothing_runs_in_the_default_thread_pool() -> None:
    """One hung name or daemon there would hold up every other user of the pool."""
    found = []
    for path in SOURCE.rglob("*.py"):
        for call, name in calls(ast.parse(path.read_text(encoding="utf-8"))):
            default = (
                name == "run_in_executor"
                and call.args
                and isinstance(call.args[0], ast.Constant)
                and call.args[0].value is None
            )
            if name in {"to_thread", "getaddrinfo", "getnameinfo"} or default:
                found.append(f"{path.relative_to(ROOT)}:{call.lineno} {name}")
    allowed = {"src/opsconsole/sources/http/resolver.py"}  # blocking look-ups, in its own threads
    assert [each for each in found if each.split(":")[0] not in allowed] == []


def test_no_shell_is_ever_asked_to_run_anything() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCE.rglob("*.py")
        for call, name in calls(ast.parse(path.read_text(encoding="utf-8")))
        if name in {"system", "popen", "create_subprocess_shell"}
        or any(
            keyword.arg == "shell"
            and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
            for keyword in call.keywords
        )
    ]
    assert found == []


def test_only_durable_writes_so_that_a_crash_does_no_harm() -> None:
    """Locks and whole files have one home.

    A backup's store names and syncs whole folders; the demo keeps nothing that matters.
    """
    house = "src/opsconsole/"
    allowed = (f"{house}durable.py", f"{house}operations/backups/", f"{house}demo/")
    found = []
    for path in SOURCE.rglob("*.py"):
        place = str(path.relative_to(ROOT))
        if place.startswith(allowed):
            continue
        for call, _ in calls(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(call.func)
            if called in {
                "os.replace", "os.rename", "os.link", "os.symlink", "os.fsync", "fcntl.flock",
                "tempfile.mkstemp",
            }:  # fmt: skip
                found.append(f"{place}:{call.lineno} {called}")
    assert found == []


def test_programs_are_started_in_one_place() -> None:
    """There they get a group of their own, a bound and an end; a runner outlives its starter."""
    house = "src/opsconsole/"
    allowed = (f"{house}programs.py", f"{house}operations/spawn.py", f"{house}demo/")
    found = []
    for path in SOURCE.rglob("*.py"):
        place = str(path.relative_to(ROOT))
        for call, name in calls(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(call.func)
            starts = called.startswith("subprocess.") or name == "create_subprocess_exec"
            if starts and not place.startswith(allowed):
                found.append(f"{place}:{call.lineno} {called}")
    assert found == []


def test_every_public_thing_says_what_it_is() -> None:
    missing = []
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            missing.append(str(path.relative_to(ROOT)))
        for node in tree.body:
            if (
                isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                missing.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert missing == []


def test_screens_import_no_screen() -> None:
    """Where one can go is data: only ``navigation`` knows the screens by name."""
    screens = SOURCE / "ui" / "screens"
    shown = {
        (path, node.name)
        for path in screens.rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Screen")
    }
    # These are what screens are made of.
    made_of = {"ConsoleScreen", "FormScreen", "ListScreen", "PageScreen"}
    names = {name for _path, name in shown} - made_of
    wrong = [
        f"{path.relative_to(SOURCE)} imports {alias.name}"
        for path in (SOURCE / "ui").rglob("*.py")
        if path.name not in {"navigation.py", "app.py"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in names
    ]
    assert not wrong
