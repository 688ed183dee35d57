"""Regular expressions that people write, in RE2's syntax, which is Prometheus' and Alertmanager's.

Invariant: finding out whether a text holds a match takes time that grows with the text's length
alone, whatever the pattern and the text. Python's ``re`` backtracks and cannot be
stopped: it is for the console's own patterns. What no automaton can do, back references and
looking around, is refused. RE2 is imported when the first pattern is made.

Syntax: https://github.com/google/re2/wiki/Syntax
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

KEPT: Final = 256
"""Patterns that are kept ready."""


class PatternError(ValueError):
    """A text is no pattern, or needs more than an automaton; the message says what is wrong."""


class Pattern:
    """One pattern, made ready of ``text``. ``pattern`` makes them and keeps them."""

    def __init__(self, text: str, *, folds: bool = False) -> None:
        import re2

        self.text = text
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not folds
        try:
            self._whole: Any = re2.compile(text, options)
            # A set reports that there is a match, not where, at a tenth of the cost.
            self._search = _set_of(re2.Set.SearchSet(options), text)
            self._matches = _set_of(re2.Set.FullMatchSet(options), text)
        except (re2.error, UnicodeEncodeError) as error:
            raise PatternError(_said(error)) from None

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of its groups, in order."""
        index = self._whole.groupindex
        return tuple(sorted(index, key=index.__getitem__))

    def search(self, text: str) -> bool:
        """Whether ``text`` holds a match."""
        return bool(self._search.Match(_bytes(text)))

    def matches(self, text: str) -> bool:
        """Whether the whole of ``text`` is a match."""
        return bool(self._matches.Match(_bytes(text)))

    def place(self, text: str) -> tuple[int, int] | None:
        """Where the first match in ``text`` begins and ends; None where there is none."""
        encoded = _bytes(text)
        found = self._whole.search(encoded)
        if found is None:
            return None
        start, end = (len(encoded[:at].decode("utf-8", "replace")) for at in found.span())
        return start, end

    def named(self, text: str) -> Mapping[str, str | None]:
        """What the named groups of the first match hold; nothing where there is none."""
        found = self._whole.search(_bytes(text))
        if found is None:
            return {}
        values: Mapping[str, bytes | None] = found.groupdict()
        return {
            name: None if value is None else value.decode("utf-8", "replace")
            for name, value in values.items()
        }


@lru_cache(maxsize=KEPT)
def pattern(text: str, *, folds: bool = False) -> Pattern:
    """``text`` as a pattern; with ``folds``, of either case. Raises PatternError."""
    return Pattern(text, folds=folds)


def literal(text: str, *, folds: bool = False) -> Pattern:
    """A pattern that matches ``text`` as it stands."""
    import re2

    return pattern(re2.escape(text), folds=folds)


def one_of(texts: Iterable[str]) -> Pattern:
    """A pattern that matches any of ``texts`` as they stand; it is not kept."""
    import re2

    return Pattern("|".join(re2.escape(text) for text in texts))


def _set_of(made: Any, text: str) -> Any:
    made.Add(text)
    made.Compile()
    return made


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _said(error: Exception) -> str:
    (said, *_) = error.args or ("not understood",)
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)
