"""Calls a person to the terminal: the bell, the title, and a notification of the desktop.

Invariant: what is written holds nothing that a terminal acts on but these three sequences; their
text passed the output gate. Sources: ECMA-48, xterm's OSC 2, iTerm's OSC 9.
"""

from typing import Final

from opsconsole.ui.terminal.output_gate import clean

LONGEST: Final = 200
_BELL: Final = "\x07"


def call(text: str) -> str:
    """The bell, with ``text`` as title and as notification."""
    said = clean(text)[:LONGEST].replace(";", ",")
    return f"{title(said)}\x1b]9;{said}{_BELL}{_BELL}"


def title(text: str) -> str:
    """``text`` as the terminal's title."""
    return f"\x1b]2;{clean(text)[:LONGEST]}{_BELL}"
