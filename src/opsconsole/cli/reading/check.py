"""``opsconsole check``: every problem of a configuration, at once, then of the world it names.

Invariant: imports neither Textual nor the Docker SDK; prints no secret; exit 0 when all is good,
1 for warnings, 2 when something named does not exist or does not answer, 78 when the
configuration itself cannot be used.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsconsole.cli.keymap import keymap_problems
from opsconsole.cli.parsing import EX_CONFIG
from opsconsole.config.files.finding import find
from opsconsole.config.files.problems import KeyPath, Problem
from opsconsole.config.loader import load, positions
from opsconsole.config.runbooks.files import load_runbooks
from opsconsole.config.settings import Settings
from opsconsole.errors import ConfigError
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from opsconsole.inspection.finding import Finding

_WARNED = 1
_FAILED = 2


def run(arguments: argparse.Namespace) -> int:
    """Check the file named, else the one that would be used."""
    named = arguments.file or getattr(arguments, "config", None)
    path = find(named, os.environ)
    if path is None:
        print("no configuration found: the console would show this host; nothing to check")
        return 0
    try:
        settings = load(path)
        runbooks = load_runbooks(settings, _base(path))
        unusable = (*keymap_problems(settings.keys, path), *map(str, runbooks.problems))
        if unusable:
            raise ConfigError(unusable)
    except ConfigError as error:
        _report_bad(path, error.problems, as_json=arguments.json)
        return EX_CONFIG
    findings = () if getattr(arguments, "offline", False) else _look(path, settings)
    located = _locate(path, findings)
    code = _code(findings)
    if arguments.json:
        _print_json(path, located, code)
    else:
        _print_text(path, settings, located)
    return code


def _look(path: Path, settings: Settings) -> "tuple[Finding, ...]":
    from opsconsole.clock import SystemClock
    from opsconsole.inspection.inspection import inspect
    from opsconsole.watcher.notify.looks import check_notified

    base = _base(path)
    found = inspect(settings, base=base, clock=SystemClock(), environ=os.environ)
    return (*found, *check_notified(settings, base))


def _base(path: Path) -> Path:
    """The folder that relative paths of the configuration start at."""
    return (path if path.is_dir() else path.parent).absolute()


def _locate(path: Path, findings: "Sequence[Finding]") -> "list[tuple[Finding, Problem]]":
    """Each finding with its position, in the order of the file."""
    if not findings:
        return []
    tree = positions(path)
    located = []
    for each in findings:
        where = _as_written(each.path, tree.positions)
        problem = Problem.at(
            each.position or tree.position(where), where, each.message, each.remedy
        )
        located.append((each, problem))
    return sorted(located, key=lambda pair: (pair[1].file, pair[1].line, pair[1].column))


def _as_written(path: KeyPath, known: Collection[KeyPath]) -> KeyPath:
    """``path`` without the index of a list that was written as its only item."""
    written: KeyPath = ()
    for key in path:
        if isinstance(key, str) or (*written, key) in known:
            written = (*written, key)
    return written


def _code(findings: "Sequence[Finding]") -> int:
    weights = {str(finding.weight) for finding in findings}
    return _FAILED if "error" in weights else _WARNED if "warning" in weights else 0


def _print_text(
    path: Path, settings: Settings, located: "Sequence[tuple[Finding, Problem]]"
) -> None:
    for finding, problem in located:
        print(f"{problem} [{finding.weight}]")
    instances = sum(len(service.instances) for service in settings.services.values())
    counts = Counter(str(finding.weight) for finding, _ in located)
    verdict = ", ".join(
        f"{counts[weight]} {weight}{'s' if counts[weight] != 1 else ''}"
        for weight in ("error", "warning", "note")
        if counts[weight]
    )
    named = f"{_counted(len(settings.services), 'service')}, {_counted(instances, 'instance')}"
    print(f"{sanitize(str(path))}: {verdict or 'good'}; {named}")


def _print_json(path: Path, located: "Sequence[tuple[Finding, Problem]]", code: int) -> None:
    document: dict[str, Any] = {
        "file": str(path),
        "valid": True,
        "problems": [],
        "exit_code": code,
        "findings": [
            {
                "severity": str(finding.weight),
                "file": problem.file,
                "line": problem.line,
                "where": problem.where,
                "message": problem.message,
                "remedy": problem.suggestion,
            }
            for finding, problem in located
        ],
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _report_bad(path: Path, problems: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        document = {
            "file": str(path),
            "valid": False,
            "problems": list(problems),
            "exit_code": EX_CONFIG,
            "findings": [],
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for problem in problems:
        print(problem)
    print(f"{sanitize(str(path))}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")


def _counted(number: int, noun: str) -> str:
    """``1 service``, ``2 services``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
