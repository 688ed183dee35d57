"""What the tray of the screen looks for, and where it writes what a person takes over.

Invariant: a file that a person wrote is never changed: what is taken over is a file of its own, and
is removed again where the configuration would not be valid with it.
"""

import os
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.config.files.taken import take, taken_folder, untake
from opsconsole.config.loader import default_settings, load
from opsconsole.config.offers import Offer
from opsconsole.config.settings import Settings
from opsconsole.errors import ConfigError, OpsconsoleError
from opsconsole.inspection.offers import offers_around
from opsconsole.render.tray import written
from opsconsole.text import sanitize

PATIENCE: Final = 2.0
"""Seconds for each place that is looked at."""

_FOLDER_MODE: Final = 0o700
_MODE: Final = 0o600


class TrayOfFile:
    """The tray for the configuration at ``path``; None where there is none. Everything blocks.

    ``loaded`` is what was read from there just now: a large one is not read twice at the start.
    """

    def __init__(self, path: Path | None, loaded: Settings | None = None) -> None:
        self._path = path.absolute() if path is not None else None
        self._loaded = loaded

    @property
    def is_first(self) -> bool:
        """Whether there is no configuration yet."""
        return self._path is None

    def look(self) -> tuple[Offer, ...]:
        """What could be watched. Raises OpsconsoleError."""
        base = self._path if self._path is not None else Path.cwd()
        return offers_around(self._settings(), base if base.is_dir() else base.parent, PATIENCE)

    def file_of(self, offer: Offer) -> str:
        """The file that taking it over would make."""
        if self._path is None:
            return str(_first())
        return str(taken_folder(self._path) / f"found-{offer.name}.yaml")

    def take(self, offer: Offer) -> str:
        """Take ``offer`` over. Returns what to say. Raises OpsconsoleError."""
        text = "\n".join(written(offer, first=self.is_first)) + "\n"
        try:
            if self._path is None:
                return self._begin(text)
            file = take(self._path, offer.name, text)
        except OSError as error:
            where = sanitize(self.file_of(offer))
            raise OpsconsoleError(
                f"{where} was not made: {error.strerror}",
                remedy="write the lines into your configuration",
            ) from error
        try:
            load(self._path)
        except ConfigError as error:
            untake(file)
            raise OpsconsoleError(
                f"not taken over: {error.problems[0] if error.problems else error}",
                remedy="write the lines into your configuration where they fit",
            ) from error
        return f"{offer.name} is taken over, in {sanitize(str(file))}"

    def _begin(self, text: str) -> str:
        file = _first()
        file.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        durable.create(file, text.encode(), _MODE)
        self._path = file
        return f"{sanitize(str(file))} is made: it counts from the next start of the console on"

    def _settings(self) -> Settings:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            return loaded
        return default_settings() if self._path is None else load(self._path)


def _first() -> Path:
    """Where a first configuration of this user's own is found by every later start."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home).absolute() / "opsconsole" / "config.yaml"
