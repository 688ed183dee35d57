"""The options that the screens get when they start.

Invariant: plain values only, so that nothing heavy is imported before the first paint.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from opsconsole.dataclass import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from opsconsole.model.awaited import Answer
    from opsconsole.model.choices import SavedView
    from opsconsole.model.snapshot import Snapshot
    from opsconsole.ui.choosing import ChoiceStore
    from opsconsole.ui.tray import Finder


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A request for an incident report: of ``service`` ('' all), in Unix seconds.

    ``since`` None means a while before the last trouble. ``shown`` is what is on the screen.
    """

    shown: "Snapshot | None"
    since: float | None
    until: float
    service: str = ""


@dataclass(frozen=True, slots=True)
class WallOptions:
    """The views of a wall, and how many seconds each is shown; ``saved`` narrows them all."""

    rotate: float = 20.0
    views: tuple[str, ...] = ("overview", "services", "resources", "timeline")
    saved: "SavedView | None" = None


@dataclass(frozen=True, slots=True)
class Options:
    """Options of look, keys and files. ``keys`` maps binding ids to keys; ``window`` is in seconds.
    ``time`` is the zone of times. ``choices`` keeps what the person chose to see, ``finder``
    looks for what is not watched.

    ``export`` writes an incident report to a new file; it blocks. Raises OpsconsoleError.
    ``send_answer`` sends what the user waited to hear further, and says what went wrong; it blocks.
    """

    theme: str = "dark"
    low_bandwidth: bool = False
    ascii: bool = False
    mouse: bool = True
    read_only: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    environment: str = "this host"
    danger: str = "none"
    window: float = 900.0
    time: str = "utc"
    wall: WallOptions | None = None
    choices: "ChoiceStore | None" = None
    finder: "Finder | None" = None
    export: "Callable[[ExportRequest], Path] | None" = None
    send_answer: "Callable[[Answer], str] | None" = None
