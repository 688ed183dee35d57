"""What the app expects of its screens, apart from what they show.

Invariant: imports nothing heavy, so that the first paint waits for no screen but the curtain.
"""

from textual import events

from opsconsole.ui.messages import BackupsArrived, BackupVerified


class Shown:
    """A screen that can bring itself up to date."""

    def show(self) -> None:
        """Bring what is in sight up to date."""

    def show_header(self) -> None:
        """Bring only that up to date which is true of the whole console, where it is shown."""

    def too_early(self, event: events.Event) -> bool:
        """Whether ``event`` was meant for what was there before this screen."""
        return False

    def taken(self, event: events.Event) -> bool:
        """Whether ``event`` belongs to a line that is being typed here, and is done with."""
        return False


class Speaking(Shown):
    """A screen that can say something in its bottom line."""

    def say(self, text: str) -> None:
        """Say ``text`` for a few seconds."""


class ReadsBackups(Shown):
    """A screen that lists the backups of a service."""

    def backups_arrived(self, message: BackupsArrived | BackupVerified) -> None:
        """Take an answer; those for other services are left alone."""
