"""Everything in the package is reached from the command that a user runs.

What only a test calls is test code and lives in ``tests/``; what nothing calls is gone. It is read
from the source: a definition leads to the names in it, and an attribute to every member of that
name, so what is found here is unused for certain, and what is not found may be.
"""

import ast
import importlib
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

SOURCE: Final = Path(__file__).parents[1] / "src"
ENTRY: Final = "opsconsole.__main__"
"""What else is started is named in a text of what this one reaches, such as ``-m opsconsole.x``."""

NAMED_BELOW: Final = ("", "opsconsole.cli.")
"""Where a text names a module; the commands of the command line are named by their room."""

CALLED_BY_OTHERS: Final = re.compile(r"__\w+__|(on|_on|watch|compute|validate)_\w+")
"""Members that Python and Textual call by their names."""

REGISTERED: Final = re.compile(r"(field|model)_(validator|serializer)\b|on\(")
"""Decorators that have a member called by what gave them."""

ALLOWED: Final = {
    "_": "has the type checker compare a class with its protocol",
    "_conforms": "has the type checker compare a class with its protocol",
    "Usage.": "written whole by asdict",
    "Who.": "written whole by asdict",
    "BlockingApi.cert": "read by prometheus-api-client, as of a session",
    "BoundedExecutor.stuck": "shows a test what else only an exhausted pool would tell",
    "LogStatus.pushed_out": "the third part of the sum that every status keeps to",
}
"""What may stay although nothing uses it, and why; a dot at the end means all members."""

Node = tuple[str, str]
"""A module with ``name``, ``Class`` or ``Class.member`` in it, or "" for its statements."""


@dataclass
class Uses:
    """What a definition leads to."""

    nodes: set[Node] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)


@dataclass
class Program:
    """The modules of a package, what each definition leads to, and the members of classes."""

    modules: Mapping[str, ast.Module]
    uses: dict[Node, Uses] = field(default_factory=lambda: defaultdict(Uses))
    members: dict[Node, set[Node]] = field(default_factory=lambda: defaultdict(set))
    registered: set[Node] = field(default_factory=set)


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement of a module or of a class defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            parts = [each for target in targets for each in ast.walk(target)]
            return [each.id for each in parts if isinstance(each, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def _decorators(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return [ast.unparse(each) for each in statement.decorator_list]
    return []


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


class Reader:
    """Reads the definitions of one module into a program."""

    def __init__(self, program: Program, module: str) -> None:
        self._program = program
        self._module = module
        tree = program.modules[module]
        self._known: dict[str, Node] = {}
        for each in tree.body:
            self._known.update((name, (module, name)) for name in _bound(each))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                self._import(node.module or "", node.names)

    def _import(self, source: str, names: list[ast.alias]) -> None:
        for each in names if source in self._program.modules else ():
            whole = f"{source}.{each.name}"
            meant = (whole, "") if whole in self._program.modules else (source, each.name)
            self._known[each.asname or each.name] = meant

    def read(self) -> None:
        """Read the module."""
        for each in self._program.modules[self._module].body:
            names = [name for name in _bound(each) if not name.startswith("__")]
            if isinstance(each, ast.ClassDef):
                self._read_class(each)
            elif names:
                for name in names:
                    self._read(each, (self._module, name))
            elif not _is_text(each):
                self._read(each, (self._module, ""))

    def _read_class(self, kind: ast.ClassDef) -> None:
        node = (self._module, kind.name)
        self._program.uses[node] = Uses()
        for outer in (*kind.bases, *kind.decorator_list, *kind.keywords):
            self._read(outer, node)
        for each in kind.body:
            if _is_text(each):
                continue
            for name in _bound(each):
                member = (self._module, f"{kind.name}.{name}")
                self._program.members[node].add(member)
                self._read(each, member)
                if any(REGISTERED.match(one) for one in _decorators(each)):
                    self._program.registered.add(member)
            if not _bound(each):
                self._read(each, node)

    def _read(self, part: ast.AST, node: Node) -> None:
        uses = self._program.uses[node]
        for each in ast.walk(part):
            match each:
                case ast.Name(id=name, ctx=ast.Load()) if name in self._known:
                    uses.nodes.add(self._known[name])
                case ast.Attribute(attr=name, ctx=ast.Load()):
                    uses.attributes.add(name)
                    if isinstance(each.value, ast.Name):
                        module, of = self._known.get(each.value.id, ("", "?"))
                        uses.nodes.update({(module, name)} if not of else ())
                case ast.AugAssign(target=ast.Attribute(attr=name)):
                    uses.attributes.add(name)
                case ast.MatchClass(kwd_attrs=names):
                    uses.attributes.update(names)
                case ast.ImportFrom(module=str(source), names=aliases):
                    uses.modules.update({source, *(f"{source}.{one.name}" for one in aliases)})
                case ast.Constant(value=str(text)):
                    uses.texts.add(text)
        uses.nodes.discard(node)


def read_program(root: Path) -> Program:
    """The package below ``root``."""
    trees = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in root.rglob("*.py")
    }
    program = Program(trees)
    for module in trees:
        Reader(program, module).read()
    return program


class Reached:
    """What a program reaches from one module."""

    def __init__(self, program: Program, entry: str) -> None:
        self._program = program
        self.nodes: set[Node] = set()
        self._attributes: set[str] = set()
        self._words: set[str] = set()
        self._named: set[str] = set()
        self._inherited: dict[Node, set[str]] = {}
        self._waiting: set[Node] = set()
        self._enter(entry)
        while self._waiting:
            self._follow()
            self._waiting |= set(self._led_to()) - self.nodes

    def _enter(self, module: str) -> None:
        """A module that is imported, and with it the packages that it is in."""
        while module in self._program.modules and (module, "") not in self.nodes:
            self._waiting.add((module, ""))
            module = module.rpartition(".")[0]

    def _follow(self) -> None:
        while self._waiting:
            node = self._waiting.pop()
            if node in self.nodes:
                continue
            self.nodes.add(node)
            uses = self._program.uses[node] if node in self._program.uses else Uses()
            self._waiting |= uses.nodes - self.nodes
            self._attributes |= uses.attributes
            for module in uses.modules:
                self._enter(module)
            for text in uses.texts:
                self._name(text)
            if node in self._program.members:
                self._inherited[node] = _inherited(node)

    def _name(self, text: str) -> None:
        if text.isidentifier():
            self._attributes.add(text)
        self._words.update(re.findall(r"\w+", text))
        for below in NAMED_BELOW:
            for module in (below + text, f"{below}{text}.__main__"):
                if module in self._program.modules:
                    self._named.add(module)
                    self._enter(module)

    def _led_to(self) -> Iterator[Node]:
        """What attributes and texts lead to: members, and the names of modules that are named."""
        for module in self._named:
            for name in self._attributes:
                if (module, name) in self._program.uses:
                    yield module, name
        for kind, inherited in self._inherited.items():
            for member in self._program.members[kind]:
                name = member[1].rpartition(".")[2]
                if name in inherited or name in self._attributes or self._is_called(member, name):
                    yield member

    def _is_called(self, member: Node, name: str) -> bool:
        return (
            member in self._program.registered
            or CALLED_BY_OTHERS.fullmatch(name) is not None
            or (name.startswith("action_") and name.removeprefix("action_") in self._words)
        )


def _inherited(node: Node) -> set[str]:
    """The names that a class has from other programs, whose calls it answers."""
    kind = getattr(importlib.import_module(node[0]), node[1])
    package = node[0].partition(".")[0]
    bases = [each for each in kind.__mro__[1:] if each.__module__.partition(".")[0] != package]
    return {name for each in bases for name in dir(each)}


def _unused(program: Program, entry: str) -> set[str]:
    reached = Reached(program, entry).nodes
    return {f"{module} {name}" for module, name in program.uses if (module, name) not in reached}


def _is_allowed(name: str) -> bool:
    last = name.rpartition(" ")[2]
    return last in ALLOWED or f"{last.partition('.')[0]}." in ALLOWED


@pytest.fixture(scope="module")
def unused() -> set[str]:
    return _unused(read_program(SOURCE), ENTRY)


def test_all_is_reached_from_the_command(unused: set[str]) -> None:
    assert not sorted(name for name in unused if not _is_allowed(name))


@pytest.mark.parametrize("allowed", ALLOWED)
def test_nothing_is_allowed_that_is_used(unused: set[str], allowed: str) -> None:
    names = {name.rpartition(" ")[2] for name in unused}
    assert any(name.startswith(allowed) for name in names)


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("def dead(): ...", {"dead"}),
        ("DEAD = 1", {"DEAD"}),
        ("def dead(): return other()\ndef other(): return dead()", {"dead", "other"}),
        ("class Dead:\n    def call(self): ...", {"Dead", "Dead.call"}),
        ("class Kept:\n    dead: int = 0\n    def kept(self): ...\nKept().kept()", {"Kept.dead"}),
        ("class Kept:\n    def on_key(self): ...\nKept()", set()),
        ("class Kept(list):\n    def append(self, each): ...\nKept()", set()),
        ("class Kept:\n    def action_go(self): ...\nprint(Kept(), 'app.go(1)')", set()),
        ("def kept(): ...\nmain = kept\nmain()", set()),
    ],
)
def test_what_nothing_uses_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, found: set[str]
) -> None:
    package = tmp_path / "unused_or_not"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("from unused_or_not import part\n")
    (package / "part.py").write_text(more)
    monkeypatch.syspath_prepend(tmp_path)
    unused = _unused(read_program(tmp_path), "unused_or_not.__main__")
    for name in [each for each in sys.modules if each.startswith("unused_or_not")]:
        del sys.modules[name]
    assert unused == {f"unused_or_not.part {name}" for name in found}
