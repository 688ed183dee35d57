r"""A terminal's answers, removed from what was typed.

Invariant: of an answer no byte becomes a key, wherever reads cut it; one cut behind its first byte
is the escape key too. All else passes unchanged and in order. What is pasted is so to its end, and
passes without its escapes, behind which the rest would be keys. An answer or a paste that does not
end releases the keyboard after ``PATIENCE`` seconds.

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
_PASTE_START: Final = "\x1b[200~"
_PASTE_END: Final = "\x1b[201~"

_STRING: Final = r"\x1b[]PX^_][^\x07\x18\x1a\x1b\x9c]*"
# A string ends, is cancelled, or is given up for the sequence that begins.
_WHOLE: Final = re.compile(
    _STRING + r"(?:[\x07\x18\x1a\x9c]|\x1b\\|(?=\x1b[^\\]))"
    r"|\x1b\[(?!\?\d+;\d\$y)[?>=][0-?]*[ -/]*[@-~]"  # Textual asks for the modes ``?…$y`` itself
    r"|\x1b\[(?:\d+n|(?:\d+;){6}\d+x)"
    r"|\x1b\[[4689];\d+;\d+t"
)
_BEGUN: Final = re.compile(_STRING + r"\x1b?\Z|\x1b\[(?:[?>=][0-?]*[ -/]*|[\d;:]*)\Z")
_ENDING: Final = re.compile(r"(?:\x1b(?:\[(?:2(?:01?)?)?)?)?\Z")  # a paste's end, as far as it came
_KEYS: Final = re.compile(r"\x1b(?:[]PX^_]|\[[\d;:]*)")


class Replies:
    """What is read goes through it, in pieces of any size."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._begun = ""
        self._since = 0.0
        self._escaped: float | None = None
        self._pasted: str | None = None

    def typed(self, text: str) -> str:
        """What of ``text`` was typed or pasted; what may yet become an answer is held."""
        passed: list[str] = []
        while True:
            read = self._unpasted if self._pasted is None else self._of_paste
            piece, text = read(text)
            passed.append(piece)
            if not text:
                return "".join(passed)

    def _unpasted(self, text: str) -> tuple[str, str]:
        """What was typed, to the beginning of a paste; and the rest."""
        before = self._before()
        place = (before + text).find(_PASTE_START)
        if place < 0:
            return self._unanswered(text), ""
        cut = place + len(_PASTE_START) - len(before)
        typed = self._unanswered(text[:cut])
        self._pasted, self._since = "", self._now()
        return typed, text[cut:]

    def _of_paste(self, text: str) -> tuple[str, str]:
        """What was pasted, to its end; and the rest. What may yet be its end is held."""
        pasted, end, rest = ((self._pasted or "") + text).partition(_PASTE_END)
        held = "" if end else _ENDING.findall(pasted)[0]
        self._pasted = None if end else held
        return pasted.removesuffix(held).replace("\x1b", "") + end, rest

    def _before(self) -> str:
        """What of an answer, or of a paste's beginning, was read already."""
        given = self._escaped is not None and self._now() - self._escaped <= TYPED
        return "\x1b" if given else self._begun

    def _unanswered(self, text: str) -> str:
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
        """What was held and was typed, as nothing more came; the end that a paste has not."""
        if self._pasted is not None:
            if self._now() - self._since <= PATIENCE:
                return ""
            self._pasted = None
            return _PASTE_END
        typed = _KEYS.fullmatch(self._begun)
        if not self._begun or self._now() - self._since <= (TYPED if typed else PATIENCE):
            return ""
        held, self._begun = self._begun, ""
        return held if typed else ""
