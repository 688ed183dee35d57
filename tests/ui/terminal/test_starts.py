"""The console starts on every kind of terminal, in every locale, at every size.

96 of them: ``OPSCONSOLE_TEST_STARTS=all`` plays every one; without it, a third in which every
terminal meets every size and every locale every size.
"""

import itertools
import os
import sys

import pytest

from tests.ui.terminal.concurrent import Script, over, passed, play, shown
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

TERMS = ("xterm", "screen", "tmux", "linux", "dumb", None, "no-such-terminal", "vt100")
LOCALES = ("C.UTF-8", "C", "en_US.ISO-8859-1")
SIZES = {(80, 24): "1 down", (40, 10): "1 down", (500, 3): "1 down", (1, 1): ""}
CANNOT_DRAW = 64
ALL = [*itertools.product(TERMS, LOCALES, SIZES)]
A_THIRD = [
    (term, LOCALES[(row + column) % 3], size)
    for row, term in enumerate(TERMS)
    for column, size in enumerate(SIZES)
]
CASES = ALL if os.environ.get("OPSCONSOLE_TEST_STARTS") == "all" else A_THIRD


def _started(term: str | None, locale: str, size: tuple[int, int]) -> Script:
    terminal = Terminal(
        [sys.executable, "-m", "tests.ui.program", "fire"],
        size=size,
        environment={"TERM": term, "LC_ALL": locale, "LANG": locale, "COLORTERM": None},
    )
    try:
        if term == "dumb":
            yield over(terminal)
            assert terminal.process.returncode == CANNOT_DRAW, "a dumb terminal is drawn on"
            assert b"opsconsole status" in terminal.sent
            assert b"\x1b" not in terminal.sent
            return
        yield shown(terminal, SIZES[size])
        if not SIZES[size]:
            yield passed(1.0, terminal)
        assert terminal.process.poll() is None, "it ended"
        assert b"Traceback" not in terminal.sent
        assert b"\\u2" not in terminal.sent, "a character that the locale has not is spelt out"
        if locale != "C.UTF-8":
            assert terminal.sent.isascii(), "more than ASCII on a terminal that has no more"
    finally:
        terminal.process.kill()  # how it ends has its own tests
        terminal.close()


def test_the_state_is_legible_wherever_it_starts() -> None:
    wrong = play(
        (f"TERM={term} {locale} {columns}×{rows}", _started(term, locale, (columns, rows)))
        for term, locale, (columns, rows) in CASES
    )
    assert not wrong
