"""What can be said of a PostgreSQL that keeps a state, without its client."""

from enum import StrEnum

from opsconsole.dataclass import dataclass


class Remark(StrEnum):
    """What can be said of a server."""

    UNREACHABLE = "unreachable"
    NO_PRIMARY = "no primary"
    """It, or the role, can only be read."""
    NO_TABLES = "no tables"
    WRONG_TABLES = "wrong tables"
    NO_RIGHT_TO_LOOK = "no right to look"
    NO_RIGHT_TO_ACT = "no right to act"
    CAN_EDIT_THE_AUDIT = "can edit the audit"
    CLOCKS = "clocks"
    POOLED = "pooled"
    """Transactions of one connection are given to several sessions, which is no fault."""
    NOT_UTF8 = "not utf-8"
    FORGETS = "forgets"
    """It says that a change is kept before it is on a disk."""


@dataclass(frozen=True, slots=True)
class Found:
    """One remark; ``said`` is what goes with it: a figure, an error, the table."""

    remark: Remark
    said: str = ""
