"""What a text is that came through the one door."""

from opsconsole.text import sanitize


def is_clean(text: str) -> bool:
    """Whether ``sanitize`` would return ``text`` unchanged, line feeds aside."""
    return sanitize(text, limit=len(text) + 1, multiline=True) == text
