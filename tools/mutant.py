"""One small wrong change to one module, as a plugin of pytest: ``-p tools.mutant``.

Invariant: nothing on the disk changes; the module is changed as it is imported. Which change, says
``OPSCONSOLE_MUTANT=MODULE:NUMBER``. The numbers of a module's changes follow from its text alone.
"""

import ast
import importlib.machinery
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from types import CodeType, ModuleType
from typing import Final

VARIABLE: Final = "OPSCONSOLE_MUTANT"

_OPPOSITE: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OTHER: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}


class Change(ast.NodeTransformer):
    """Makes the change number ``wanted``.

    ``found`` has all that there are, in words and with their line, by number.
    """

    def __init__(self, wanted: int = -1) -> None:
        self.wanted = wanted
        self.found: list[tuple[str, int]] = []

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """A comparison turned round."""
        self.generic_visit(node)
        if (
            len(node.ops) == 1
            and type(node.ops[0]) in _OPPOSITE
            and self._is_it(node, "comparison")
        ):
            node.ops = [_OPPOSITE[type(node.ops[0])]()]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """``and`` for ``or``."""
        self.generic_visit(node)
        if self._is_it(node, "and or"):
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Plus for minus, times for divided by."""
        self.generic_visit(node)
        if type(node.op) in _OTHER and self._is_it(node, "operator"):
            node.op = _OTHER[type(node.op)]()
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        """A condition turned round."""
        self.generic_visit(node)
        if self._is_condition(node.test) and self._is_it(node, "condition"):
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """A condition turned round."""
        self.generic_visit(node)
        if self._is_condition(node.test) and self._is_it(node, "condition"):
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """Another value returned."""
        self.generic_visit(node)
        value = node.value
        if value is None or (isinstance(value, ast.Constant) and value.value is None):
            return node
        if self._is_it(node, "returned value"):
            truth = isinstance(value, ast.Constant) and isinstance(value.value, bool)
            node.value = ast.UnaryOp(ast.Not(), value) if truth else ast.Constant(None)
        return node

    @staticmethod
    def _is_condition(test: ast.expr) -> bool:
        """Comparisons are turned round by themselves; what is for type checkers never runs."""
        return not isinstance(test, ast.Compare) and not (
            isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
        )

    def _is_it(self, node: ast.stmt | ast.expr, what: str) -> bool:
        self.found.append((what, node.lineno))
        return len(self.found) == self.wanted + 1


def changed(source: str, number: int) -> tuple[ast.Module, Change]:
    """The module of ``source`` with change ``number``; one of -1 is none."""
    change = Change(number)
    tree = change.visit(ast.parse(source))
    return ast.fix_missing_locations(tree), change


class _Loader(importlib.machinery.SourceFileLoader):
    number: int = -1

    def source_to_code(  # type: ignore[override]  # the base takes more than is ever given here
        self, data: bytes, path: str, *, _optimize: int = -1
    ) -> CodeType:
        tree, _ = changed(data.decode(), self.number)
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    def get_code(self, fullname: str) -> CodeType:
        """Never what an earlier import left compiled."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Finder(MetaPathFinder):
    def __init__(self, module: str, number: int) -> None:
        self._module, self._number = module, number

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        try:
            spec = find_spec(fullname)
        finally:
            sys.meta_path.insert(0, self)
        if spec is None or spec.origin is None:
            raise ImportError(f"there is no module {fullname} to change")
        loader = _Loader(fullname, spec.origin)
        loader.number = self._number
        spec.loader = loader
        return spec


def _given() -> Iterator[tuple[str, int]]:
    module, _, number = os.environ.get(VARIABLE, "").partition(":")
    if module:
        yield module, int(number)


for _module, _number in _given():
    sys.meta_path.insert(0, _Finder(_module, _number))
