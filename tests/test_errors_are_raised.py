"""Every error of the package is raised somewhere, or is the base of one that is."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src/opsconsole"


def _named(node: ast.expr | None) -> str:
    """``Name`` of ``Name``, ``Name(…)`` and ``Name.of(…)``."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Call(func=inner) | ast.Attribute(value=inner):
            return _named(inner)
        case _:
            return ""


def never_raised(trees: list[ast.Module]) -> set[str]:
    """The errors that are defined, and neither made nor raised nor a base."""
    errors: set[str] = set()
    used: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef(name=name, bases=bases):
                    named = {_named(each) for each in bases}
                    used |= named
                    if any(each.endswith(("Error", "Exception")) for each in named):
                        errors.add(name)
                case ast.Call():
                    used.add(_named(node))
                case ast.Raise(exc=raised):
                    used.add(_named(raised))
                case _:
                    pass
    return errors - used


def test_every_error_is_raised() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")]
    assert not never_raised(trees)


def test_one_that_is_only_caught_is_found() -> None:
    defined = "class {}Error(OSError): ...\n"
    text = "".join(map(defined.format, ("Caught", "Raised", "Made", "Base")))
    text += "class OtherError(BaseError): ...\n"
    text += "try:\n    raise RaisedError\nexcept CaughtError:\n    MadeError.of(1), OtherError()"
    assert never_raised([ast.parse(text)]) == {"CaughtError"}
