"""Reading a file or a folder into validated settings, or into every problem at once.

Invariant: ``load`` returns consistent settings or raises ConfigError, whatever the files hold. A
configuration that names programs to run, actions or secrets is obeyed only if nobody else can write
any of its files: they would decide what is run, what is changed and where secrets are sent. The
secrets that it names are hidden from then on.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from opsconsole.config.discovery import Discovery, DockerDiscovery, SystemdDiscovery
from opsconsole.config.files.opening import FileError, FileText, read_text
from opsconsole.config.files.other_formats import other_program, other_text
from opsconsole.config.files.problems import KeyPath, Position, Problem, in_order
from opsconsole.config.files.taken import taken_files
from opsconsole.config.files.yaml_tree import Tree, TreeError, read_tree
from opsconsole.config.references import check_references
from opsconsole.config.secrets.interpolation import Interpolated, interpolate
from opsconsole.config.secrets.learning import learn, learn_variables, secret_references
from opsconsole.config.secrets.patterns import find_secrets
from opsconsole.config.settings import Settings
from opsconsole.config.usual_engines import usual_engines
from opsconsole.config.validation import problems_of, stray_references
from opsconsole.dataclass import dataclass
from opsconsole.errors import ConfigError

_SYSTEMD: Final = Path("/run/systemd/system")
"""Is there where systemd runs: sd_booted(3)."""

# Mappings of names that may be spread over several files.
_SHARED: Final = ("services", "environments", "keys", "views")
# Lists that may be; each item has a name of its own.
_LISTED: Final = ("prometheus", "alertmanager", "remedies", "maintenance")


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ``path``, or every ``*.yaml`` of it when it is a folder. Raises ConfigError."""
    reading = _read_all(path)
    settings = _validate(reading, environ)
    if settings is not None and not reading.problems:
        reading.problems.extend(_obeyed_though_loose(settings, reading.loose))
    if settings is None or reading.problems:
        raise ConfigError(tuple(str(problem) for problem in in_order(reading.problems)))
    settings.came_from(path)
    learn(settings, path.absolute() if path.is_dir() else path.absolute().parent, environ)
    return settings


def positions(path: Path) -> Tree:
    """The position of every key in ``path``, to say where a problem that is found later is."""
    reading = _read_all(path)
    return Tree(reading.value, reading.positions)


def default_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """What is shown with no configuration: this host, what its engines run, and units that failed.

    Where no systemd runs, none of its units is asked for.
    """
    discover = Discovery(docker=DockerDiscovery(), systemd=usual_units(()))
    engines = usual_engines(environ)
    if engines == Settings.model_fields["docker"].default:
        return Settings(discover=discover)
    return Settings(discover=discover, docker=engines)


def usual_units(hosts: Collection[str]) -> SystemdDiscovery | None:
    """Where units that failed are looked for without being asked to: on ``hosts``, and on this one
    where systemd runs; None for nowhere."""
    if _SYSTEMD.is_dir():
        return SystemdDiscovery()
    return SystemdDiscovery(hosts=tuple(hosts)) if hosts else None


@dataclass(slots=True)
class _Reading:
    """What was read so far. ``complete`` is False when a file could not be parsed."""

    value: dict[str, Any] = field(default_factory=dict)
    positions: dict[KeyPath, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    loose: dict[str, FileText] = field(default_factory=dict)
    complete: bool = True


def _read_all(path: Path) -> _Reading:
    reading = _Reading()
    files = [path]
    if path.is_dir():
        files = sorted(item for item in path.glob("*.yaml") if not item.name.startswith("."))
        if not files:
            message = "the folder holds no *.yaml file"
            reading.problems.append(Problem.at(Position(str(path)), (), message))
            reading.complete = False
    reading.positions[()] = Position(str(path))
    for file in (*files, *taken_files(path)):
        _read_file(file, reading)
    return reading


def _read_file(path: Path, reading: _Reading) -> None:
    """Add one file to ``reading``, or what is wrong with it."""
    name = str(path)
    try:
        file = read_text(path)
        tree = read_tree(file.text, name)
    except FileError as error:
        position = Position(name, error.line)
        reading.problems.append(Problem.at(position, (), error.message, error.remedy))
        reading.complete = False
        return
    except TreeError as error:
        reading.problems.extend(_of_another(name, file.text, None) or error.problems)
        reading.complete = False
        return
    another = _of_another(name, file.text, tree)
    if another:
        reading.problems.extend(another)
        reading.complete = False
        return
    if tree.value is not None and not isinstance(tree.value, dict):
        message = "a configuration is a mapping of keys, such as services:, to values"
        reading.problems.append(Problem.at(Position(name, 1, 1), (), message))
        reading.complete = False
        return
    if file.loose:
        reading.loose[name] = file
    if file.loose and _names_programs(tree.value):
        reading.problems.append(
            Problem.at(
                Position(name),
                (),
                f"names programs to run but {file.loose}; its writers could run anything",
                file.remedy,
            )
        )
    _merge(tree, reading)


def _obeyed_though_loose(settings: Settings, loose: Mapping[str, FileText]) -> Iterator[Problem]:
    """Each file that others can change, where what is declared acts or has secrets."""
    what = ""
    if any(True for service in settings.services.values() if service.actions.model_fields_set):
        what = "actions"
    elif any(True for _ in secret_references(settings)):
        what = "secrets"
    for name, file in loose.items() if what else ():
        message = f"the configuration names {what} but this file {file.loose}"
        yield Problem.at(Position(name), (), message, file.remedy)


def _of_another(name: str, text: str, tree: Tree | None) -> tuple[Problem, ...]:
    """The one problem of a file that is another program's; () where it may be ours.

    ``tree`` is None where it could not be read whole.
    """
    found = ("", "")
    try:
        value = tree.value if tree is not None else read_tree(text, name, first=True).value
    except TreeError:
        value = ""
    if isinstance(value, dict | list):
        found = other_program(value, Settings.model_fields.keys())
    elif isinstance(value, str):
        found = other_text(text)
    what, remedy = found
    if not what:
        return ()
    message = f"this is {what}, not a configuration of opsconsole"
    return (Problem.at(Position(name, 1, 1), (), message, remedy),)


def _merge(tree: Tree, reading: _Reading) -> None:
    """Add a file's keys; one that an earlier file has is a problem that names both positions.

    Keys that begin with ``x-`` hold anchors, as in Compose files, and mean nothing here.
    """
    value = tree.value if isinstance(tree.value, dict) else {}
    for key, inner in value.items():
        if key.startswith("x-"):
            continue
        known = reading.value.get(key)
        if key in _SHARED and isinstance(known, dict) and isinstance(inner, dict):
            for name in inner:
                _add(known, (key, name), inner[name], tree, reading)
        elif key in _LISTED and isinstance(known, dict | list) and isinstance(inner, dict | list):
            _extend(key, known, inner, tree, reading)
        else:
            _add(reading.value, (key,), inner, tree, reading)
    for path, position in tree.positions.items():
        reading.positions.setdefault(path, position)


def _add(into: dict[str, Any], path: KeyPath, value: Any, tree: Tree, reading: _Reading) -> None:
    key = str(path[-1])
    if key in into:
        message = f"is given twice, the first time in {reading.positions[path]}"
        reading.problems.append(Problem.at(tree.position(path), path, message))
    else:
        into[key] = dict(value) if isinstance(value, dict) else value


def _extend(key: str, known: Any, inner: Any, tree: Tree, reading: _Reading) -> None:
    """Add the items that a file has to those of earlier files."""
    before = known if isinstance(known, list) else [known]
    items = inner if isinstance(inner, list) else [inner]
    reading.value[key] = [*before, *items]
    for index in range(len(items)):
        path: KeyPath = (key, index) if isinstance(inner, list) else (key,)
        reading.positions[(key, len(before) + index)] = tree.position(path)


def _validate(reading: _Reading, environ: Mapping[str, str]) -> Settings | None:
    """The settings, or None with the reasons added to ``reading``.

    Not tried on a part of the files: what only the others have would be reported as missing.
    """
    if not reading.complete:
        return None
    tree = Tree(reading.value, reading.positions)
    for path, kind in find_secrets(reading.value):
        message = f"looks like {kind}, which does not belong in a file"
        reading.problems.append(
            Problem.at(tree.position(path), path, message, "refer to it instead")
        )
    filled = interpolate(reading.value, environ)
    learn_variables((text for text, _ in filled.originals.values()), environ)
    for path, message in filled.problems:
        reading.problems.append(Problem.at(tree.position(path), path, message))
    for path, message, suggestion in check_references(filled.value):
        reading.problems.append(Problem.at(tree.position(path), path, message, suggestion))
    return _apply_schema(tree, filled, reading)


def _apply_schema(tree: Tree, filled: Interpolated, reading: _Reading) -> Settings | None:
    known = {(problem.where, problem.line) for problem in reading.problems}
    try:
        settings = Settings.model_validate(filled.value)
        if not filled.plain:
            given = settings.model_dump(by_alias=True, exclude_unset=True)
            reading.problems.extend(stray_references(given, tree))
        return settings
    except ValidationError as error:
        for problem in problems_of(error, tree, filled.originals, Settings):
            # A variable that is not set leaves a value that is wrong for that reason alone.
            if (problem.where, problem.line) not in known:
                reading.problems.append(problem)
    return None


def _names_programs(value: Any) -> bool:
    """Whether an argv stands anywhere in ``value``."""
    if isinstance(value, list):
        return any(_names_programs(item) for item in value)
    if not isinstance(value, dict):
        return False
    return any(
        key in {"command", "argv"} or (key == "start" and "path" in value) or _names_programs(item)
        for key, item in value.items()
    )
