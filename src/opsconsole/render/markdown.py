"""Turns outside text into Markdown that only shows it.

Invariant: escaped text is shown letter for letter by CommonMark and GitHub's tables: it begins no
list, heading, link, table cell, HTML or mention. What looks like a secret is hidden in each text
before it is put into a sentence, so that hiding takes nothing of the sentence with it.
Source: CommonMark 0.31, 2.4 and 6.1.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.config.secrets.patterns import redacted
from opsconsole.text import sanitize

_SPECIAL: Final = re.compile(
    r"""(?x) [\\`*\[\]<>|~&$@\#]     # code, emphasis, links, HTML, cells, entities, mathematics
    | (?<!\w)_ | _(?!\w)             # an underscore within a word is itself
    | :(?=/) | (?<!\w):(?=\w)        # links that are made of URLs, and emoji
    | (?<=www)\.
    | ^[-+=] | (?<=^\d)[.)] | (?<=^\d\d)[.)]"""
)
_LINES: Final = re.compile(r"\s+")


def escape(text: str, limit: int = 400) -> str:
    """``text`` on one line, with all Markdown syntax escaped."""
    flat = _LINES.sub(" ", sanitize(redacted(text), limit=limit)).strip()
    return _SPECIAL.sub(r"\\\g<0>", flat)


def code(text: str, limit: int = 200) -> str:
    """A name as code, within a sentence."""
    flat = _LINES.sub(" ", sanitize(redacted(text), limit=limit))
    return f"`{flat.replace('`', chr(39)).strip() or '-'}`"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; the caller escapes its cells."""
    lines = [f"| {' | '.join(headings)} |", f"| {' | '.join('---' for _ in headings)} |"]
    return lines + [f"| {' | '.join(cell or ' ' for cell in row)} |" for row in rows]


def block(lines: Iterable[str]) -> list[str]:
    """Lines unchanged, in a fence longer than any within."""
    flat = [sanitize(redacted(line), limit=400) for line in lines]
    longest = max((len(run) for line in flat for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *flat, fence]
