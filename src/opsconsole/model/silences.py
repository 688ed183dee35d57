"""Silences of an Alertmanager, and the matchers that say what they hide.

Invariant: ``parse_matcher(str(matcher)) == matcher``. A matcher that has no label to look at
compares with the empty text, as Alertmanager does; a regular expression matches the whole value.

Source of the form: https://prometheus.io/docs/alerting/latest/configuration/#matcher
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from opsconsole.model.alerts import Suppression
from opsconsole.patterns import PatternError, pattern

ACK_PREFIX: Final = "ACK "
"""How the comment of a silence begins that is an acknowledgement of one alert."""

_MATCHER: Final = re.compile(
    r"""\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",{}\\]*))\s*"""
)
_ESCAPES: Final = {"n": "\n", '"': '"', "\\": "\\"}
LONGEST_MATCHER: Final = 2000
"""Characters of one matcher as text."""


class SilenceState(StrEnum):
    """Alertmanager's words."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label: equal or not, to a text or to a regular expression."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        if self.is_regex:
            operator = "=~" if self.is_equal else "!~"
        else:
            operator = "=" if self.is_equal else "!="
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{operator}"{quoted}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` satisfy it; a pattern that is not known here matches nothing.

        It takes time in proportion to the value, whatever the pattern.
        """
        value = labels.get(self.name, "")
        if not self.is_regex:
            return (value == self.value) is self.is_equal
        try:
            found = pattern(self.value).matches(value)
        except PatternError:
            return False
        return found is self.is_equal


@dataclass(frozen=True, slots=True)
class SilenceView:
    """One silence of ``source``. Times are Unix seconds; ``hides`` counts alerts hidden now."""

    id: str
    matchers: tuple[Matcher, ...]
    by: str
    comment: str
    starts_at: float | None
    ends_at: float | None
    state: SilenceState
    source: str = ""
    hides: int = 0

    @property
    def acknowledges(self) -> bool:
        """Whether it is somebody's acknowledgement of one alert."""
        return self.comment.startswith(ACK_PREFIX)

    @property
    def suppression(self) -> Suppression:
        """What it is for an alert that it hides."""
        comment = self.comment.removeprefix(ACK_PREFIX)
        kind = "acknowledgement" if self.acknowledges else "silence"
        return Suppression(kind, self.id, self.by, comment, self.ends_at, since=self.starts_at)


def parse_matcher(text: str) -> Matcher:
    """Read ``name="value"``, ``!=``, ``=~`` or ``!~``; quotes may be missing. Raises ValueError."""
    match = _MATCHER.fullmatch(text) if len(text) <= LONGEST_MATCHER else None
    if match is None:
        raise ValueError(f'{text[:60]!r} is not a matcher such as alertname="Down" or job=~"a.*"')
    name, operator, quoted, bare = match.groups()
    value = bare if quoted is None else re.sub(r"\\(.)", _unescape, quoted)
    is_regex = "~" in operator
    if is_regex:
        try:
            pattern(value)
        except PatternError as error:
            raise ValueError(f"{value[:60]!r} is not a regular expression: {error}") from None
    return Matcher(name, value, is_regex, not operator.startswith("!"))


def shown(matchers: Iterable[Matcher]) -> str:
    """``alertname="Down" job=~"a.*"``, sorted, so that the same matchers read the same."""
    return " ".join(sorted(str(matcher) for matcher in matchers))


def hides(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether a silence with ``matchers`` hides an alert with ``labels``."""
    return bool(matchers) and all(matcher.matches(labels) for matcher in matchers)


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])
