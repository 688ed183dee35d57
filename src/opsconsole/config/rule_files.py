"""Prometheus rule files, as they are, for a server that has not loaded them.

Invariant: every group and every rule of a file is read, or is a problem with its position; nothing
is left out silently. Recording rules are counted by name, since the console cannot record.

Format: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from opsconsole.config.files import FileError, read_text
from opsconsole.config.problems import KeyPath, Position, Problem, did_you_mean
from opsconsole.config.yaml_tree import Tree, TreeError, read_tree
from opsconsole.model.rules import FileRule
from opsconsole.model.units import parse_duration
from opsconsole.text import sanitize

RULES: Final = 5000
"""Rules of all files of one server."""

_KNOWN: Final = frozenset(
    {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
)
_YEARS: Final = "y"


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """What the files of one server hold. ``recordings`` are names of recording rules."""

    rules: tuple[FileRule, ...] = ()
    recordings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def load_rule_files(patterns: Iterable[str], base: Path) -> RuleFiles:
    """Read the files that ``patterns`` name below ``base``; ``*`` in a name stands for any."""
    rules: list[FileRule] = []
    recordings: list[str] = []
    problems: list[Problem] = []
    for pattern in patterns:
        paths = _matching(pattern, base)
        if not paths:
            problems.append(Problem.at(Position(pattern), (), "there is no such rule file"))
        for path in paths:
            found = read_rule_file(path)
            rules.extend(found.rules)
            recordings.extend(found.recordings)
            problems.extend(found.problems)
    if len(rules) > RULES:
        message = f"{len(rules)} rules; at most {RULES} are evaluated here"
        problems.append(Problem.at(Position(str(base)), (), message, "load them into Prometheus"))
    return RuleFiles(tuple(rules[:RULES]), tuple(recordings), tuple(problems))


def read_rule_file(path: Path) -> RuleFiles:
    """Read one file."""
    name = str(path)
    try:
        tree = read_tree(read_text(path).text, name)
    except FileError as error:
        problem = Problem.at(Position(name, error.line), (), error.message, error.remedy)
        return RuleFiles(problems=(problem,))
    except TreeError as error:
        return RuleFiles(problems=error.problems)
    return _Reader(tree, name).read()


def _matching(pattern: str, base: Path) -> list[Path]:
    path = base / pattern
    if "*" not in path.name:
        return [path]
    return sorted(each for each in path.parent.glob(path.name) if each.is_file())


class _Reader:
    """One pass over one file's tree. One use."""

    def __init__(self, tree: Tree, file: str) -> None:
        self._tree = tree
        self._file = file
        self._recordings: list[str] = []
        self._problems: list[Problem] = []

    def read(self) -> RuleFiles:
        rules = tuple(self._groups())
        return RuleFiles(rules, tuple(self._recordings), tuple(self._problems))

    def _groups(self) -> Iterator[FileRule]:
        value = self._tree.value
        groups = value.get("groups") if isinstance(value, dict) else None
        if value is None or (isinstance(value, dict) and groups is None and not value):
            return
        if not isinstance(groups, list):
            self._note((), "a rule file holds groups: and a list of them")
            return
        for number, group in enumerate(groups):
            path: KeyPath = ("groups", number)
            rules = group.get("rules") if isinstance(group, dict) else None
            if not isinstance(group, dict) or not isinstance(group.get("name"), str):
                self._note(path, "a group has a name and rules")
            elif rules is not None and not isinstance(rules, list):
                self._note((*path, "rules"), "takes a list of rules")
            else:
                for index, rule in enumerate(rules or ()):
                    yield from self._rule(rule, group, (*path, "rules", index))

    def _rule(self, rule: Any, group: dict[str, Any], path: KeyPath) -> Iterator[FileRule]:
        if not isinstance(rule, dict):
            self._note(path, "a rule is a mapping with alert: or record:, and expr:")
            return
        for key in rule:
            if key not in _KNOWN:
                self._note((*path, key), "unknown key", did_you_mean(key, _KNOWN))
        alert, record, expr = rule.get("alert"), rule.get("record"), rule.get("expr")
        if (alert is None) == (record is None) or expr is None or str(expr).strip() == "":
            self._note(path, "a rule has either alert: or record:, and an expr:")
        elif record is not None:
            self._recordings.append(sanitize(str(record), limit=200))
        else:
            # A number, such as expr: 1, is an expression too.
            yield FileRule(
                name=sanitize(str(alert), limit=200),
                expr=str(expr).strip(),
                for_=self._duration(rule, "for", path),
                keep_firing_for=self._duration(rule, "keep_firing_for", path),
                labels={
                    **self._texts(group, "labels", path[:2]),
                    **self._texts(rule, "labels", path),
                },
                annotations=self._texts(rule, "annotations", path),
                group=sanitize(str(group["name"]), limit=200),
                file=self._file,
                line=self._tree.position((*path, "expr")).line,
            )

    def _duration(self, rule: dict[str, Any], key: str, path: KeyPath) -> float:
        value = rule.get(key)
        if value is None or value in {0, "0"}:
            return 0.0
        try:
            return _prometheus_duration(str(value))
        except ValueError:
            self._note((*path, key), "takes a duration such as 5m or 1h30m")
            return 0.0

    def _texts(self, holder: dict[str, Any], key: str, path: KeyPath) -> dict[str, str]:
        value = holder.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._note((*path, key), "takes names and texts")
            return {}
        return {sanitize(str(name), limit=200): _text(text) for name, text in value.items()}

    def _note(self, path: KeyPath, message: str, suggestion: str = "") -> None:
        self._problems.append(Problem.at(self._tree.position(path), path, message, suggestion))


def _text(value: object) -> str:
    """A label as Prometheus reads it: what YAML calls true is the text true."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _prometheus_duration(text: str) -> float:
    """Prometheus' durations are ours, with years of 365 days. Raises ValueError."""
    years, _, rest = text.rpartition(_YEARS)
    seconds = int(years) * 365 * 86400.0 if years else 0.0
    return seconds + (parse_duration(rest) if rest else 0.0)
