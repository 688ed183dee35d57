"""Which raw lines may be errors, found cheaply among many that will not be read.

Invariant: pure. A line that a reader would call an error is found unless its level is a number or
a single letter that stands elsewhere than at the line's beginning; of the lines found some are
harmless, which reading them shows.
"""

import re
from collections.abc import Sequence
from typing import Final

from opsconsole.sources.logs.raw_lines import RawLine

_WORDS: Final = (
    b"err", b"fatal", b"ftl", b"crit", b"panic", b"exception", b"traceback", b"severe", b"alert",
    b"emerg", b"fail", b"uncaught", b"unhandled", b"interrupt", b"terminate called",
)  # fmt: skip
_HEAD: Final = re.compile(rb"^(?:[EFCA](?:\d{4}|\d{6}|\d{8}) |[EFCA], \[|<)", re.MULTILINE)
_NUMBER: Final = re.compile(rb'"(?:level|severity|priority)":\s*"?(?:[0-3]\b|[56]0)', re.IGNORECASE)


def maybe_errors(lines: Sequence[RawLine]) -> list[int]:
    """The positions of the lines that may be errors."""
    blob = b"\n".join(line.data for line in lines)
    words = _words_in(blob)
    forms = [form for form in (_HEAD, _NUMBER) if form.search(blob)]
    if not words and not forms:
        return []
    return [
        position
        for position, line in enumerate(lines)
        if (words and _words_in(line.data)) or any(form.search(line.data) for form in forms)
    ]


def _words_in(data: bytes) -> bool:
    lower = data.lower()
    return any(word in lower for word in _WORDS)
