"""One file of a runbook, as what can be run.

Invariant: it refers only to services, actions and figures that the configuration has, or every
reason why not is given with its position.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from opsconsole.config.files.opening import FileError, read_text
from opsconsole.config.files.problems import Position, Problem
from opsconsole.config.files.yaml_tree import Tree, TreeError, read_tree
from opsconsole.config.runbooks.references import check_runbook
from opsconsole.config.runbooks.steps import RunbookFile
from opsconsole.config.secrets.patterns import find_secrets
from opsconsole.config.settings import Settings
from opsconsole.config.types import NAME_PATTERN
from opsconsole.config.validation import problems_of
from opsconsole.model.runbooks.runbook import Runbook
from opsconsole.text import sanitize


def read_runbook(path: Path, settings: Settings) -> tuple[Runbook | None, list[Problem]]:
    """One file, or all that is wrong with it."""
    name = str(path)
    try:
        file = read_text(path)
        tree = read_tree(file.text, name)
    except FileError as error:
        return None, [Problem.at(Position(name, error.line), (), error.message, error.remedy)]
    except TreeError as error:
        return None, list(error.problems)
    problems = [_secret(tree, where, kind) for where, kind in find_secrets(tree.value)]
    problems += _name_problems(path)
    if file.loose and _has_command(tree.value):
        message = f"names programs to run but {file.loose}; its writers could run anything"
        problems.append(Problem.at(Position(name), (), message, file.remedy))
    written = _validated(tree, problems)
    if written is None:
        return None, problems
    runbook = _made(written, path, settings)
    problems += [
        Problem.at(tree.position(where), where, message, suggestion)
        for where, message, suggestion in check_runbook(written, runbook.services, settings)
    ]
    return runbook, problems


def _validated(tree: Tree, problems: list[Problem]) -> RunbookFile | None:
    value: Any = tree.value if tree.value is not None else {}
    try:
        return RunbookFile.model_validate(value)
    except ValidationError as error:
        problems.extend(problems_of(error, Tree(value, tree.positions), {}, RunbookFile))
    return None


def _made(written: RunbookFile, path: Path, settings: Settings) -> Runbook:
    naming = [name for name, each in settings.services.items() if path.stem in each.runbooks]
    services = tuple(dict.fromkeys((*written.services, *naming)))
    steps = [step.model_dump(mode="json", by_alias=True) for step in written.steps]
    digest = hashlib.sha256(json.dumps(steps, sort_keys=True).encode()).hexdigest()
    return Runbook(
        name=path.stem,
        title=sanitize(written.title),
        steps=tuple(step.made() for step in written.steps),
        purpose=sanitize(" ".join(written.purpose.split())),
        when=written.when,
        services=services,
        file=str(path),
        digest=digest[:16],
        written=written.model_dump_json(by_alias=True),
    )


def runbook_as_written(text: str, name: str, settings: Settings) -> Runbook | None:
    """The runbook called ``name`` that ``text`` was once ``written`` of.

    None where it is none, or names what the configuration no longer has.
    """
    try:
        written = RunbookFile.model_validate_json(text)
    except ValidationError:
        return None
    runbook = _made(written, Path(f"{name}.yaml"), settings)
    wrong = next(iter(check_runbook(written, runbook.services, settings)), None)
    return runbook if wrong is None else None


def _secret(tree: Tree, where: tuple[str | int, ...], kind: str) -> Problem:
    message = f"looks like {kind}, which does not belong in a file"
    return Problem.at(tree.position(where), where, message)


def _name_problems(path: Path) -> list[Problem]:
    if re.fullmatch(NAME_PATTERN, path.stem):
        return []
    message = "a runbook is called by its file: letters, digits, dots, dashes and underscores"
    return [Problem.at(Position(str(path)), (), message, "rename the file")]


def _has_command(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_command(item) for item in value)
    if not isinstance(value, dict):
        return False
    return any(key in {"command", "argv"} or _has_command(item) for key, item in value.items())
