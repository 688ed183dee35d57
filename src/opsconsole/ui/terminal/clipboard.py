"""Copies by OSC 52, which works through SSH and most multiplexers.

Invariant: only an explicit key copies; the text is clean and at most what terminals take.
"""

from typing import Final

from opsconsole.text import sanitize
from opsconsole.ui.contracts import ConsoleLike
from opsconsole.ui.widgets.grid_table import GridTable

LIMIT: Final = 74_994
"""Bytes of base64 that common terminals take in one OSC 52."""


def rows(table: GridTable) -> list[str]:
    """The texts of the rows under the cursor."""
    return [
        "".join(span.text for span in painted.line).strip()
        for painted in table.painted
        if painted.over is not None
    ]


def payload(text: str) -> tuple[str, bool]:
    """``text`` cleaned and cut to what can be sent, and whether it was cut."""
    clean = sanitize(text, multiline=True)
    raw = clean.encode("utf-8")
    most = LIMIT // 4 * 3
    return raw[:most].decode("utf-8", "ignore"), len(raw) > most


def copy(app: ConsoleLike, text: str) -> None:
    """Copy ``text`` and say so."""
    if not text.strip():
        app.say("nothing to copy here")
        return
    kept, cut = payload(text)
    app.copy_to_clipboard(kept)
    app.say(f"copied {len(kept)} characters{', the rest did not fit' if cut else ''}")
