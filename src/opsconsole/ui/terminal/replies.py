r"""A terminal's answers, removed from what was typed.

Invariant: of an answer no byte becomes a key, wherever reads cut it; one cut behind its first byte
is the escape key too. All else passes unchanged and in order. An answer that does not end releases
the keyboard after ``PATIENCE`` seconds.

Answers are control strings (``ESC`` and one of ``]PX^_``, to ``ESC \`` or BEL) and the control
sequences that no key sends: device attributes, status reports, modes. See ECMA-48, 5.4 and 5.6, and
xterm's *Control Sequences*.
"""

import re
import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 2.0
TYPED: Final = 0.1
"""Seconds after which what a person can type too, alt and a bracket, was typed."""
LONGEST: Final = 4096

_STRING: Final = r"\x1b[]PX^_][^\x07\x18\x1a\x1b\x9c]*"
# A string ends, is cancelled, or is given up for the sequence that begins.
_WHOLE: Final = re.compile(
    _STRING + r"(?:[\x07\x18\x1a\x9c]|\x1b\\|(?=\x1b[^\\]))"
    r"|\x1b\[(?!\?\d+;\d\$y)[?>=][0-?]*[ -/]*[@-~]"  # Textual asks for the modes ``?…$y`` itself
    r"|\x1b\[(?:\d+n|(?:\d+;){6}\d+x)"
    r"|\x1b\[[4689];\d+;\d+t"
)
_BEGUN: Final = re.compile(_STRING + r"\x1b?\Z|\x1b\[(?:[?>=][0-?]*[ -/]*|[\d;:]*)\Z")
_KEYS: Final = re.compile(r"\x1b(?:[]PX^_]|\[[\d;:]*)")


class Replies:
    """What is read goes through it, in pieces of any size."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._begun = ""
        self._since = 0.0
        self._escaped: float | None = None

    def typed(self, text: str) -> str:
        """What of ``text`` was typed; what may yet become an answer is held."""
        now = self._now()
        given = self._escaped is not None and now - self._escaped <= TYPED and bool(text)
        before = "\x1b" if given else self._begun
        if not before and "\x1b" not in text:
            return text
        rest = _WHOLE.sub("", before + text)
        begun = _BEGUN.search(rest)
        if begun:
            rest, held = rest[: begun.start()], begun[0]
            self._since = self._since if self._begun else now
            self._begun = held if len(held) <= LONGEST else held[:3] + held[-1]
        else:
            self._begun = ""
        self._escaped = now if text.endswith("\x1b") and rest.endswith("\x1b") else None
        return rest[1:] if given and rest.startswith("\x1b") else rest

    def late(self) -> str:
        """What was held and was typed, as nothing more came."""
        typed = _KEYS.fullmatch(self._begun)
        if not self._begun or self._now() - self._since <= (TYPED if typed else PATIENCE):
            return ""
        held, self._begun = self._begun, ""
        return held if typed else ""
