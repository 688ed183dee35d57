"""Backups of a service as the screens show them.

Invariant: a backup with a fault is never called one that can be restored, and only one whose
every byte was compared since it was last changed is called verified.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass


class BackupState(StrEnum):
    """``whole``: the manifest and the sizes agree; ``verified``: every byte was compared too."""

    VERIFIED = "verified"
    WHOLE = "whole"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class BackupView:
    """One backup of a list. ``made_at`` in Unix seconds, None where it cannot be read.

    ``size`` in bytes of contents; ``fault`` is why it cannot be used; ``unsteady`` says that
    what was copied was changed or running meanwhile; ``verified_at`` when this console compared it.
    """

    id: str
    service: str
    made_at: float | None = None
    size: int = 0
    files: int = 0
    left_out: int = 0
    unsteady: bool = False
    fault: str = ""
    verified_at: float | None = None

    @property
    def state(self) -> BackupState:
        """Its check."""
        if self.fault:
            return BackupState.DAMAGED
        return BackupState.WHOLE if self.verified_at is None else BackupState.VERIFIED
