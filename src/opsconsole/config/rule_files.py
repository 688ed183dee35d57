"""Prometheus rule files, as they are, for a server that has not loaded them.

Invariant: every group and every rule of a file is read, or is a problem with its position; nothing
is left out silently. What is refused is what Prometheus and promtool refuse, except for
expressions, which a server reads; what they accept and is hardly meant is a hint. Recording rules
are known by name, since the console cannot record.

Format: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from opsconsole.config.files.opening import FileError, read_text
from opsconsole.config.files.problems import KeyPath, Position, Problem, did_you_mean
from opsconsole.config.files.yaml_tree import Tree, TreeError, read_tree
from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.rules import FileRule
from opsconsole.model.written.go_templates import problem_in
from opsconsole.model.written.units import parse_duration
from opsconsole.text import sanitize

RULES: Final = 5000
"""Rules of all files of one server."""

_KNOWN: Final = frozenset(
    {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
)
_ALERTING_ALONE: Final = ("for", "keep_firing_for", "annotations")
_GROUP: Final = frozenset(
    {
        "name", "interval", "limit", "rules", "labels", "query_offset",
        # Of Thanos, Cortex, Loki and vmalert, which read the same files.
        "partial_response_strategy", "source_tenants", "evaluation_delay", "type", "concurrency",
        "params", "headers", "eval_offset", "eval_delay", "eval_alignment", "notifier_headers",
        "tenant", "debug", "namespace", "align_evaluation_time_on_interval",
    }
)  # fmt: skip
_OF_OTHERS: Final = frozenset({"debug", "update_entries_limit"})
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_VARIABLES: Final = frozenset(
    {
        "labels", "externalLabels", "externalURL", "value",
        # Of vmalert.
        "activeAt", "alertID", "groupID", "expr", "for", "type",
    }
)  # fmt: skip
_FUNCTIONS: Final = frozenset(
    {
        # Of Go.
        "and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js",
        "urlquery", "call", "eq", "ne", "lt", "le", "gt", "ge", "true", "false", "nil", "break",
        "continue", "template",
        # Of Prometheus.
        "query", "first", "label", "value", "strvalue", "args", "reReplaceAll", "safeHtml", "match",
        "title", "toUpper", "toLower", "graphLink", "tableLink", "sortByLabel", "stripPort",
        "stripDomain", "humanize", "humanize1024", "humanizeDuration", "humanizePercentage",
        "humanizeTimestamp", "toTime", "toDuration", "now", "pathPrefix", "externalURL", "tmpl",
        "parseDuration", "urlQueryEscape",
        # Of vmalert.
        "jsonEscape", "quotesEscape", "crlfEscape", "htmlEscape", "parseDurationTime",
        "formatTime", "pathEscape", "queryEscape", "add", "sub", "mul", "div",
    }
)  # fmt: skip
_YEARS: Final = "y"


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """What the files of one server hold.

    ``recordings`` are names of recording rules, ``recorded`` these rules themselves. ``hints`` are
    what a server accepts and is hardly meant.
    """

    rules: tuple[FileRule, ...] = ()
    recordings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    hints: tuple[Problem, ...] = ()
    recorded: tuple[FileRule, ...] = ()


def load_rule_files(patterns: Iterable[str], base: Path) -> RuleFiles:
    """Read the files that ``patterns`` name below ``base``; ``*`` in a name stands for any."""
    rules: list[FileRule] = []
    recorded: list[FileRule] = []
    problems: list[Problem] = []
    hints: list[Problem] = []
    for pattern in patterns:
        paths = _matching(pattern, base)
        if not paths:
            problems.append(Problem.at(Position(pattern), (), "there is no such rule file"))
        for path in paths:
            found = read_rule_file(path)
            rules.extend(found.rules)
            recorded.extend(found.recorded)
            problems.extend(found.problems)
            hints.extend(found.hints)
    if len(rules) > RULES:
        message = f"{len(rules)} rules; at most {RULES} are evaluated here"
        problems.append(Problem.at(Position(str(base)), (), message, "load them into Prometheus"))
    return _files(rules[:RULES], recorded, problems, hints)


def _files(
    rules: Iterable[FileRule],
    recorded: Iterable[FileRule],
    problems: Iterable[Problem],
    hints: Iterable[Problem],
) -> RuleFiles:
    kept = tuple(recorded)
    names = tuple(rule.name for rule in kept)
    return RuleFiles(tuple(rules), names, tuple(problems), tuple(hints), kept)


def read_rule_file(path: Path) -> RuleFiles:
    """Read one file."""
    name = str(path)
    try:
        tree = read_tree(read_text(path).text, name, first=True)
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
        self._recorded: list[FileRule] = []
        self._problems: list[Problem] = []
        self._hints: list[Problem] = []

    def read(self) -> RuleFiles:
        rules = tuple(self._groups())
        if self._tree.next is not None:
            said = "a second document begins here; a server reads the first one of a file alone"
            self._hints.append(Problem.at(self._tree.next, (), said, "put it in its own file"))
        self._find_doubles(rules)
        return _files(rules, self._recorded, self._problems, self._hints)

    def _find_doubles(self, rules: Iterable[FileRule]) -> None:
        """As promtool's lint does: rules of one name and the same labels."""
        seen: set[tuple[object, ...]] = set()
        for rule in (*rules, *self._recorded):
            key = (rule.name, frozenset(rule.labels.items()), rule.group, rule.expr)
            if key in seen:
                place = Position(self._file, rule.line, 1)
                self._hints.append(Problem.at(place, (), f"{rule.name} is there twice"))
            seen.add(key)

    def _groups(self) -> Iterator[FileRule]:
        value = self._tree.value
        groups = value.get("groups") if isinstance(value, dict) else None
        if value is None or (isinstance(value, dict) and groups is None and not value):
            return
        if not isinstance(groups, list):
            self._note((), "a rule file holds groups: and a list of them")
            return
        for key in value if isinstance(value, dict) else ():
            if key != "groups":
                self._note((key,), "unknown key", did_you_mean(str(key), {"groups"}))
        names: set[str] = set()
        for number, group in enumerate(groups):
            yield from self._group(group, ("groups", number), names)

    def _group(self, group: Any, path: KeyPath, names: set[str]) -> Iterator[FileRule]:
        named = group.get("name") if isinstance(group, dict) else None
        if not isinstance(group, dict) or not isinstance(named, str) or not named:
            self._note(path, "a group has a name and rules")
            return
        if named in names:
            shown = sanitize(named, limit=100)
            self._note((*path, "name"), f"group {shown} is there twice in this file")
        names.add(named)
        for key in group:
            if key not in _GROUP:
                self._note((*path, key), "unknown key", did_you_mean(str(key), _GROUP))
        for key in ("interval", "query_offset"):
            self._duration(group, key, path)
        rules = group.get("rules")
        if rules is not None and not isinstance(rules, list):
            self._note((*path, "rules"), "takes a list of rules")
            return
        for place, rule in enumerate(rules or ()):
            yield from self._rule(rule, group, (*path, "rules", place))

    def _rule(self, rule: Any, group: dict[str, Any], path: KeyPath) -> Iterator[FileRule]:
        if not isinstance(rule, dict):
            self._note(path, "a rule is a mapping with alert: or record:, and expr:")
            return
        for key in rule:
            if key not in _KNOWN | _OF_OTHERS:
                self._note((*path, key), "unknown key", did_you_mean(str(key), _KNOWN))
        alert, record, expr = rule.get("alert"), rule.get("record"), rule.get("expr")
        if (alert is None) == (record is None) or expr is None or str(expr).strip() == "":
            self._note(path, "a rule has either alert: or record:, and an expr:")
        elif record is not None:
            if not _METRIC.fullmatch(str(record)):
                shown = sanitize(str(record), limit=100)
                self._note((*path, "record"), f"{shown!r} is no name of a metric")
            for key in _ALERTING_ALONE:
                if rule.get(key):
                    self._note((*path, key), "is for alerts, and this rule records")
            self._recorded.append(self._made(str(record), rule, group, path))
        else:
            if not str(alert).strip():
                self._note((*path, "alert"), "an alert has a name")
            made = self._made(str(alert), rule, group, path)
            self._check_templates(made.labels, (*path, "labels"))
            self._check_templates(made.annotations, (*path, "annotations"))
            yield made

    def _made(
        self, name: str, rule: dict[str, Any], group: dict[str, Any], path: KeyPath
    ) -> FileRule:
        # A number, such as expr: 1, is an expression too.
        return FileRule(
            name=sanitize(name, limit=200),
            expr=str(rule["expr"]).strip(),
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

    def _check_templates(self, texts: Mapping[str, str], path: KeyPath) -> None:
        for name, text in texts.items():
            wrong = problem_in(text, _VARIABLES, _FUNCTIONS) if "{{" in text else ""
            if wrong:
                self._note((*path, name), f"its template is refused: {sanitize(wrong, limit=200)}")

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
        for name in value:
            if not _LABEL.fullmatch(str(name)) or (key == "labels" and name == "__name__"):
                what = "a label" if key == "labels" else "an annotation"
                self._note((*path, key, name), f"{str(name)[:100]!r} is no name of {what}")
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
