"""Text that is too long, cut where it costs least.

Invariant: a cut text is never wider than asked for, and always has an ellipsis where something is
gone. Names differ at both ends, paths at their end, sentences say most at their beginning.
"""

from typing import Final

from opsconsole.render.ink.cells import ELLIPSIS, clip, width_of

_BREAKS: Final = (", ", "; ", " · ")


def cut_name(text: str, width: int) -> str:
    """A name with its middle left out: ``ai-embed…-canary``."""
    if width_of(text) <= width:
        return text
    if width < 5:
        return clip(text, width)
    tail = _tail(text, (width - 1) // 2)
    return clip(text, width - width_of(tail)) + tail


def cut_path(text: str, width: int) -> str:
    """A path with its beginning left out: ``…/docker``."""
    if width_of(text) <= width or width < 2:
        return clip(text, width)
    kept = _tail(text, width - 1)
    after = kept.find("/")
    return ELLIPSIS + (kept[after:] if 0 <= after < len(kept) // 2 else kept)


def cut_sentence(text: str, width: int) -> str:
    """A sentence without its last parts, if what is left still says most of it; else without its
    last words, so that no address and no word is cut within."""
    if width_of(text) <= width:
        return text
    kept = clip(text, width)
    after = max(kept.rfind(mark) for mark in _BREAKS)
    if after >= len(kept) * 2 // 3:
        return f"{kept[:after]} …"
    words = kept.rfind(" ")
    return f"{kept[:words]} …" if words >= len(kept) // 2 else kept


def _tail(text: str, width: int) -> str:
    """As much of the end of ``text`` as fits ``width`` cells."""
    kept = ""
    for char in reversed(text):
        if width_of(char + kept) > width:
            break
        kept = char + kept
    return kept
