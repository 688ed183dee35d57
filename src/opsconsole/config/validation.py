"""pydantic's findings in plain words, at the position they are about.

Invariant: a message never holds the value that was refused, except names and words that the
schema itself knows; what came from the environment is shown as it was written.
"""

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from opsconsole.config.files.problems import KeyPath, Problem, did_you_mean
from opsconsole.config.files.yaml_tree import Tree
from opsconsole.config.secrets.interpolation import REFERENCE

_WORDS: Final = {
    "missing": "is required",
    "extra_forbidden": "unknown key",
    "string_type": "takes text; write a number or a word such as true in quotes",
    "int_type": "takes a whole number",
    "int_parsing": "takes a whole number",
    "int_parsing_size": "takes a smaller number",
    "int_from_float": "takes a whole number",
    "float_type": "takes a number",
    "float_parsing": "takes a number",
    "bool_type": "takes true or false",
    "bool_parsing": "takes true or false",
    "finite_number": "takes a finite number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be one of {expected}",
    "model_type": "takes keys and values",
    "model_attributes_type": "takes keys and values",
    "dict_type": "takes keys and values",
    "tuple_type": "takes a list",
    "list_type": "takes a list",
    "too_short": "needs at least {min_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters",
    "string_pattern_mismatch": "takes letters, digits, dots, dashes and underscores, at most 63",
}
_EMPTY: Final = "is empty; give it a value or remove the key"


def problems_of(
    error: ValidationError, tree: Tree, originals: Mapping[KeyPath, tuple[str, str]], root: type
) -> Iterator[Problem]:
    """One problem for each position that ``error`` is about."""
    seen: set[KeyPath] = set()
    for finding in error.errors(include_url=False, include_input=False):
        path, value = _located(tree.value, finding["loc"])
        shown = (*path, str(finding["loc"][-1])) if finding["type"] == "missing" else path
        if shown in seen:
            continue
        seen.add(shown)
        message, suggestion = _describe(finding, path, value, root)
        for written, filled in (originals[path],) if path in originals else ():
            message = message.replace(filled, written) if filled else message
        yield Problem.at(tree.position(path), shown, message, suggestion)


def stray_references(value: Any, tree: Tree, location: KeyPath = ()) -> Iterator[Problem]:
    """Each ``${env:NAME}`` that stands where no secret is taken, in validated and dumped settings.

    Where one is taken, the validator has made a mapping of it.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            yield from stray_references(item, tree, (*location, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from stray_references(item, tree, (*location, index))
    elif isinstance(value, str) and REFERENCE.search(value):
        path, _ = _located(tree.value, location)
        message = "no secret is taken here, so ${env:NAME} would stay as it is"
        yield Problem.at(tree.position(path), path, message, "for a plain variable write ${NAME}")


def keys_at(root: type, path: KeyPath) -> tuple[str, ...]:
    """The keys that the schema knows at ``path``; () where it takes any or none."""
    kinds: list[Any] = [root]
    for step in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    kinds = [_item(kind) for kind in kinds]
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return tuple(
        field.alias or name for model in models for name, field in model.model_fields.items()
    )


def _located(value: Any, location: tuple[str | int, ...]) -> tuple[KeyPath, Any]:
    """The longest part of pydantic's ``location`` that is in ``value``, and what is there.

    The rest names union members, or keys that a validator made of a shorter form.
    """
    path: KeyPath = ()
    for step in location:
        if step == 0 and isinstance(value, dict):
            continue  # one mapping where a list of them may stand
        holder: Any = value
        if not isinstance(value, (dict, list)):
            break
        try:
            value = holder[step]
        except (LookupError, TypeError):
            continue  # the name of a union's member
        path = (*path, step)
    return path, value


def _describe(finding: Any, path: KeyPath, value: Any, root: type) -> tuple[str, str]:
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "extra_forbidden":
        return _WORDS[kind], did_you_mean(str(path[-1]), keys_at(root, path[:-1]))
    if kind == "value_error":
        return str(context["error"]), ""
    if value is None and kind != "missing":
        return _EMPTY, ""
    message = _WORDS.get(kind, "").format_map(context) or f"cannot be used: {finding['msg']}"
    if kind == "literal_error" and isinstance(value, str):
        return message, did_you_mean(value, context["expected"].replace("'", "").split(", "))
    return message, ""


def _inside(kind: Any, step: str | int) -> list[Any]:
    """The types that ``step`` leads to from a value of type ``kind``."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields
        return [
            member
            for name, field in fields.items()
            if (field.alias or name) == step
            for member in _members(field.annotation)
        ]
    if get_origin(kind) is dict:
        return _members(get_args(kind)[1])
    if get_origin(kind) is tuple:
        return _members(_item(kind)) if isinstance(step, int) else _inside(_item(kind), step)
    return []


def _item(kind: Any) -> Any:
    """What a list holds; the type itself when it is not a list."""
    return get_args(kind)[0] if get_origin(kind) is tuple else kind


def _members(annotation: Any) -> list[Any]:
    """The types of a union, without None; the type itself when it is none."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in {UnionType, Union}:
        members = [_members(argument) for argument in get_args(annotation)]
        return [kind for kinds in members for kind in kinds if kind is not NoneType]
    return [annotation]
