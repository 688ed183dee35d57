"""The mark that a change leaves on an object of a cluster: which change it was, and whose.

Invariant: no two changes have the same mark, also of two people on two machines.
"""

import secrets
from typing import Final

from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.who import whoami
from opsconsole.text import sanitize

MARK: Final = "opsconsole.io/change"
"""The annotation that says which change by a console was the last, and who made it where."""

_SHOWN: Final = 160


def new_mark() -> str:
    """A mark of this user's."""
    who = whoami()
    return f"{secrets.token_hex(8)} {who.name}@{who.host}"


def mark_of(read: JsonObject) -> str:
    """The mark of the last change; '' where no console has changed it."""
    return fields.annotation(read, MARK)


def whose(read: JsonObject) -> str:
    """Who made the last change, as ``kim@bastion-2``; '' where that is not known."""
    return sanitize(mark_of(read).partition(" ")[2], limit=_SHOWN)
