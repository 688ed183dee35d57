"""Rules as a Prometheus has them, and rules of a file that the console evaluates itself.

Invariant: a rule is known by its name and its expression; how the expression is spaced, in what
units its durations are written and where ``by`` stands makes no difference.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.source_id import NOBODY, SourceId

_TOKEN: Final = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
  | (?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+(?![A-Za-z0-9_]))
  | (?P<number>0x[0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
  | (?P<word>[A-Za-z_:][A-Za-z0-9_:.]*)
  | (?P<operator>[=!<>]=|=~|!~|[^\s])
    """,
    re.VERBOSE,
)
_PART: Final = re.compile(r"([0-9]+)(ms|[smhdwy])")
_SECONDS: Final = {
    "ms": 0.001,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
    "y": 31536000,
}
_IDLE: Final = frozenset({",", "(", ")"})


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule of ``source``. ``kind`` is alerting or recording; times are seconds.

    ``health`` is the server's word (ok, err, unknown), ``error`` what its evaluation last said.
    ``awaited``: an alerting rule that the server has not evaluated since it began.
    """

    name: str
    expr: str
    kind: str = "alerting"
    group: str = ""
    for_: float = 0.0
    keep_firing_for: float = 0.0
    health: str = "unknown"
    error: str = ""
    state: str = ""
    source: SourceId = NOBODY
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class FileRule:
    """An alerting rule of a rule file. Labels and annotations may hold templates.

    ``line`` is where its expression stands in ``file``; 0 where that is not known.
    """

    name: str
    expr: str
    for_: float = 0.0
    keep_firing_for: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    file: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RuleSample:
    """One series for which a rule's condition holds. ``value`` may be NaN or infinite."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class RuleEvaluation:
    """What a rule's expression gave; ``samples`` is None when it could not be evaluated."""

    rule: FileRule
    samples: tuple[RuleSample, ...] | None


def fingerprint(expr: str) -> frozenset[tuple[str, int]]:
    """What two ways of writing one PromQL expression have in common.

    Tokens with their counts, without spaces, comments, brackets and commas, durations in
    seconds, numbers by value: what Prometheus changes when it prints an expression.
    """
    found: Counter[str] = Counter()
    for match in _TOKEN.finditer(expr):
        kind, text = match.lastgroup, match[0]
        if kind == "comment" or text in _IDLE:
            continue
        found[_same(kind or "", text)] += 1
    return frozenset(found.items())


def _same(kind: str, text: str) -> str:
    if kind == "string":
        return f'"{text[1:-1]}"'
    if kind == "duration":
        seconds = sum(int(count) * _SECONDS[unit] for count, unit in _PART.findall(text))
        return f"{seconds:g} s"
    if kind == "number":
        return f"{int(text, 16) if text[:2] in {'0x', '0X'} else float(text):.17g}"
    return text
