"""Silences of an Alertmanager, and the matchers that say what they hide.

Invariant: ``parse_matchers(shown(matchers))`` are the same matchers, whatever names and values they
have. A matcher that has no label to look at compares with the empty text, as Alertmanager does; a
regular expression matches the whole value.

A name that is no plain one is written in quotes, as Alertmanager and Prometheus do; it is read
without them, too, where nothing but its operator can end it.

Source of the form: https://prometheus.io/docs/alerting/latest/configuration/#matcher
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import ACKNOWLEDGEMENT, Suppression
from opsconsole.patterns import PatternError, pattern

ACK_PREFIX: Final = "ACK "
"""How the comment of a silence begins that is an acknowledgement of one alert."""

OWN_RULES: Final = "own rules"
"""Where acknowledgements are kept of alerts that no Alertmanager reports; no service can be called
so."""

MATCHER_PARAMETER: Final = "matcher."
"""How the names of those parameters of a request begin that are matchers."""

_MATCHER: Final = re.compile(
    r"""\s*(?:"(?P<named>(?:[^"\\]|\\.)+)"|(?P<name>[^\s\d=!~"{},\\][^=!~"{},\\\n]*?))\s*"""
    r"""(?P<operator>=~|!~|!=|=)\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s",{}\\]*))\s*""",
    re.DOTALL,
)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BRACES: Final = re.compile(r"\s*\{(.*)\}\s*", re.DOTALL)
_BETWEEN: Final = re.compile(r"[\s,]*")
_ESCAPES: Final = {"n": "\n", '"': '"', "\\": "\\"}
LONGEST_MATCHER: Final = 9_000
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
        name = self.name if _PLAIN_NAME.fullmatch(self.name) else _quoted(self.name)
        return f"{name}{operator}{_quoted(self.value)}"

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
        kind = ACKNOWLEDGEMENT if self.acknowledges else "silence"
        return Suppression(kind, self.id, self.by, comment, self.ends_at, since=self.starts_at)


def parse_matcher(text: str) -> Matcher:
    """Read ``name="value"``, ``!=``, ``=~`` or ``!~``; quotes may be missing. Raises ValueError."""
    match = _MATCHER.fullmatch(text) if len(text) <= LONGEST_MATCHER else None
    if match is None:
        raise _none(text)
    return _matcher(match)


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """The matchers of a text, between spaces or commas, with or without ``{}``.

    Raises ValueError.
    """
    inner = _BRACES.fullmatch(text)
    text = inner[1] if inner else text
    found: list[Matcher] = []
    at = _end(_BETWEEN.match(text))
    while at < len(text):
        match = _MATCHER.match(text, at)
        if match is None or match.end() - at > LONGEST_MATCHER:
            raise _none(text[at:])
        found.append(_matcher(match))
        at = _end(_BETWEEN.match(text, match.end()))
    return tuple(found)


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _none(text: str) -> ValueError:
    return ValueError(f'{text[:60]!r} is not a matcher such as alertname="Down" or job=~"a.*"')


def _matcher(match: re.Match[str]) -> Matcher:
    operator, named, quoted = match["operator"], match["named"], match["quoted"]
    name = match["name"].rstrip() if named is None else _unquoted(named)
    value = match["bare"] if quoted is None else _unquoted(quoted)
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


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", _unescape, text, flags=re.DOTALL)


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])
