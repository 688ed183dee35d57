"""Runbooks beside the configuration: reading a folder of YAML files into what can be run.

Invariant: a runbook that is given out refers only to services, actions and figures that the
configuration has; one that does not is left out, and every reason is reported with its position.
One bad file affects no other.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from opsconsole.config.files.opening import FileError, read_text
from opsconsole.config.files.problems import Position, Problem, did_you_mean, in_order
from opsconsole.config.files.yaml_tree import Tree, TreeError, read_tree
from opsconsole.config.runbooks.references import check_runbook
from opsconsole.config.runbooks.steps import RunbookFile
from opsconsole.config.secrets.patterns import find_secrets
from opsconsole.config.settings import Settings
from opsconsole.config.types import NAME_PATTERN
from opsconsole.config.validation import problems_of
from opsconsole.model.runbooks.runbook import Runbook
from opsconsole.text import sanitize

FOLDER: Final = "runbooks"
"""Beside the configuration, unless ``runbooks:`` names another."""

FILES: Final = 500


@dataclass(frozen=True, slots=True)
class Runbooks:
    """Those that can be run, by name, and what is wrong with the others."""

    runbooks: tuple[Runbook, ...] = ()
    problems: tuple[Problem, ...] = ()


def folder_of(settings: Settings, base: Path) -> Path:
    """Where the runbooks of ``settings`` are; ``base`` is the configuration's folder."""
    return base / Path(settings.runbooks or FOLDER).expanduser()


def load_runbooks(settings: Settings, base: Path) -> Runbooks:
    """Read the folder of ``settings``; none where there is no folder."""
    folder = folder_of(settings, base)
    found: list[Runbook] = []
    problems: list[Problem] = []
    if not folder.is_dir():
        if settings.runbooks is not None:
            position = Position(str(folder))
            problems.append(Problem.at(position, (), "there is no such folder of runbooks"))
        return Runbooks((), (*problems, *_unknown_names(settings, (), folder)))
    paths = sorted(item for item in folder.glob("*.yaml") if not item.name.startswith("."))
    if len(paths) > FILES:
        message = f"{len(paths)} files; at most {FILES} are read"
        problems.append(Problem.at(Position(str(folder)), (), message))
    for path in paths[:FILES]:
        runbook, wrong = _read(path, settings)
        problems.extend(wrong)
        if runbook is not None and not wrong:
            found.append(runbook)
    problems.extend(_unknown_names(settings, [path.stem for path in paths], folder))
    return Runbooks(tuple(found), in_order(problems))


def _read(path: Path, settings: Settings) -> tuple[Runbook | None, list[Problem]]:
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
    )


def _secret(tree: Tree, where: tuple[str | int, ...], kind: str) -> Problem:
    message = f"looks like {kind}, which does not belong in a file"
    return Problem.at(tree.position(where), where, message)


def _name_problems(path: Path) -> list[Problem]:
    if re.fullmatch(NAME_PATTERN, path.stem):
        return []
    message = "a runbook is called by its file: letters, digits, dots, dashes and underscores"
    return [Problem.at(Position(str(path)), (), message, "rename the file")]


def _unknown_names(settings: Settings, known: Iterable[str], folder: Path) -> list[Problem]:
    """Names of runbooks that services give and that do not exist."""
    names = list(known)
    return [
        Problem.at(
            Position(str(folder)),
            ("services", service, "runbooks"),
            f"no runbook is called {name!r}",
            did_you_mean(name, names),
        )
        for service, each in settings.services.items()
        for name in each.runbooks
        if name not in names
    ]


def _has_command(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_command(item) for item in value)
    if not isinstance(value, dict):
        return False
    return any(key in {"command", "argv"} or _has_command(item) for key, item in value.items())
