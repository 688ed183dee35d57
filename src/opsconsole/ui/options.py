"""What the screens are told when they start.

Invariant: plain values only, so that nothing heavy is imported before the first paint.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WallOptions:
    """What a wall shows in turn, and each for how many seconds."""

    rotate: float = 20.0
    views: tuple[str, ...] = ("overview", "services", "resources", "timeline")


@dataclass(frozen=True, slots=True)
class Options:
    """Look, hands and place. ``keys`` maps binding ids to keys; ``window`` is in seconds."""

    theme: str = "dark"
    low_bandwidth: bool = False
    ascii: bool = False
    mouse: bool = True
    read_only: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    environment: str = "this host"
    danger: str = "none"
    window: float = 900.0
    wall: WallOptions | None = None
