"""How systemd units are named. Pure.

Invariant: a name is written as systemd would complete it: what has no ending of a kind of unit is a
service (systemctl(1), systemd.unit(5)).
"""

from typing import Final

_KINDS: Final = frozenset({
    "service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer",
    "slice", "scope",
})  # fmt: skip


def unit_name(text: str) -> str:
    """The full name of the unit that is called ``text``; a pattern stays one."""
    return text if text.rpartition(".")[2] in _KINDS else f"{text}.service"
