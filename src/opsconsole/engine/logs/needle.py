"""A word that every match of a pattern holds, so that text without it need not be read.

Invariant: pure and cautious: where a pattern offers alternatives, classes or anything that is not
plain, there is no such word.
"""

import re
from typing import Final

_NOT_PLAIN: Final = re.compile(r"\||\(\?|\[|\)[*?{]|\\[pPxcQEC0-9]")
_RUN: Final = re.compile(r"\\.|[A-Za-z0-9_]+(?P<less>[*?{])?|\{[^}]*\}|.", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z0-9_]")
_LEAST: Final = 3


def needle_of(pattern: str) -> bytes:
    """The longest such word in lower case, b"" where there is none of three letters."""
    if _NOT_PLAIN.search(pattern):
        return b""
    words: list[str] = []
    for found in _RUN.finditer(pattern):
        if _WORD.match(found[0]):
            word = found[0]
            # A quantifier may let its character be left out.
            words.append(word[:-2] if found["less"] else word)
    longest = max(words, key=len, default="")
    return longest.lower().encode() if len(longest) >= _LEAST else b""
