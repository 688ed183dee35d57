"""Reads the configuration again when it changes on disk.

Invariant: settings that are returned are whole and valid; otherwise none are returned and
``trouble`` says why and since when. Files are read on a separate thread; a file that is still being
written is left until it was unchanged for one poll.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from opsconsole.config.changes import changes
from opsconsole.config.files.watching import Stamp, referred_files, stamps, stamps_of
from opsconsole.config.settings import Settings, effective_read_only
from opsconsole.dataclass import dataclass
from opsconsole.errors import ConfigError
from opsconsole.model.events import Event, EventCode
from opsconsole.model.state import State
from opsconsole.threads import BoundedExecutor, QueueFullError
from opsconsole.zones import offset, shown_at

POLL_EVERY: Final = 2.0
"""Seconds between checks of the files."""

DEADLINE: Final = 10.0
"""Deadline for checking the files, and for reading them, in seconds."""

T = TypeVar("T")

_NOT_READ: Final = f"its files could not be read within {DEADLINE:g} s"


@dataclass(frozen=True, slots=True)
class Reread:
    """A configuration that was read; None and ``problems`` if it cannot be used."""

    settings: Settings | None
    problems: tuple[str, ...] = ()


class ConfigurationWatch:
    """Watches ``path``. ``load`` returns its settings or raises ConfigError.

    Paths within the configuration are relative to ``base``.
    """

    def __init__(self, path: Path, base: Path, load: Callable[[], Settings]) -> None:
        self._path, self._base, self._load = path, base, load
        self._executor = BoundedExecutor("configuration", 1)
        self._others: tuple[Path, ...] = ()
        self._read: tuple[Stamp, ...] | None = None
        self._seen: tuple[Stamp, ...] | None = None
        self._wanted = False
        self._problem = ""
        self._since = 0.0

    @property
    def trouble(self) -> str:
        """Why the configuration on disk is not in use, and since when; or ''."""
        if not self._problem:
            return ""
        since = f"{shown_at(self._since):%H:%M:%S}{offset(self._since)}"
        return f"configuration not taken over since {since}: {self._problem}"

    def begin(self, settings: Settings) -> None:
        """``settings`` are the ones read at the start."""
        self._others = referred_files(settings, self._base)

    def want(self) -> None:
        """Read the configuration at the next poll, changed or not."""
        self._wanted = True

    async def poll(self, now: float) -> Reread | None:
        """What is on disk, if it differs from what was read before; None if nothing changed."""
        found = await self._call(self._look)
        if found is None:
            return None
        if self._read is None:
            self._read = found
        settled, self._seen = found == self._seen, found
        if not self._wanted and (found == self._read or not settled):
            return None
        self._wanted = False
        reread = await self._call(self._reread) or Reread(None, (_NOT_READ,))
        self._note(reread, now)
        return reread

    def close(self) -> None:
        """Release the thread."""
        self._executor.close()

    def _note(self, reread: Reread, now: float) -> None:
        if reread.settings is not None:
            self._problem = ""
            return
        if not self._problem:
            self._since = now
        first, more = reread.problems[0], len(reread.problems) - 1
        self._problem = f"{first} (and {more} more)" if more else first

    def _look(self) -> tuple[Stamp, ...]:
        return stamps(self._path) + stamps_of(self._others)

    def _reread(self) -> Reread:
        # A file written during the read has other timestamps at the next poll.
        before = stamps(self._path)
        try:
            settings = self._load()
        except ConfigError as error:
            reread = Reread(None, error.problems or (str(error),))
        else:
            reread = Reread(settings)
            self._others = referred_files(settings, self._base)
        self._read = before + stamps_of(self._others)
        return reread

    async def _call(self, function: Callable[[], T]) -> T | None:
        try:
            return await self._executor.run(function, deadline=DEADLINE)
        except (TimeoutError, QueueFullError):
            # The file system hangs: what was read stays in use, and the next poll tries again.
            return None


class Reloading:
    """Turns what the watch reads into settings to continue with, events, and lines for people.

    Without a ``watch`` nothing is ever read again.
    """

    def __init__(
        self,
        settings: Settings,
        watch: ConfigurationWatch | None,
        add_event: Callable[[Event], None],
    ) -> None:
        self._started, self._latest = settings, settings
        self._watch, self._add_event = watch, add_event
        self._pending = ""
        self._wanted = False
        if watch is not None:
            watch.begin(settings)

    @property
    def notices(self) -> tuple[str, ...]:
        """Which part of the configuration on disk is not in use, and why."""
        trouble = self._watch.trouble if self._watch else ""
        return tuple(line for line in (trouble, self._pending) if line)

    def want(self, now: float) -> None:
        """Read it again at the next poll, and report the result in any case."""
        if self._watch is None:
            self._add_event(Event(now, EventCode.CONFIGURATION_ABSENT))
            return
        self._wanted = True
        self._watch.want()

    async def poll(self, now: float) -> Settings | None:
        """New settings to continue with, if they changed; they are valid."""
        if self._watch is None:
            return None
        before = self._watch.trouble
        reread = await self._watch.poll(now)
        if reread is None:
            return None
        if reread.settings is None:
            if self._watch.trouble != before or self._wanted:
                self._add_event(
                    Event(
                        now,
                        EventCode.CONFIGURATION_REFUSED,
                        str(reread.problems[0]),
                        state=State.DEGRADED,
                    )
                )
            self._wanted = False
            return None
        self._wanted = False
        return self._taken_over(reread.settings, now)

    def close(self) -> None:
        """Release the watch's thread."""
        if self._watch is not None:
            self._watch.close()

    def _taken_over(self, settings: Settings, now: float) -> Settings:
        changed = str(changes(self._latest, settings))
        self._add_event(Event(now, EventCode.CONFIGURATION_READ, changed))
        self._latest = settings
        waiting = list(changes(self._started, settings).at_start_only)
        was_closed = effective_read_only(self._started, asked=False)
        if was_closed and not effective_read_only(settings, asked=False):
            waiting.append("read_only")
        self._pending = f"restart to apply {', '.join(waiting)}" if waiting else ""
        # Every history was created for one span of charts.
        window = {"window": self._started.display.window}
        display = settings.display.model_copy(update=window)
        return settings.model_copy(update={"display": display})
