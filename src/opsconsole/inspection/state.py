"""Whether the PostgreSQL of the state can be used as the configuration means it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.settings import Settings
from opsconsole.errors import StateError
from opsconsole.inspection.finding import Finding, Weight
from opsconsole.operations.mandate_key import MandateKey
from opsconsole.operations.postgresql.remarks import Found, Remark
from opsconsole.operations.state_place import place_from
from opsconsole.threads import BoundedExecutor

_PATH: Final[KeyPath] = ("state", "postgresql")
_WITHIN: Final = 30.0


_WORDS: Final[Mapping[Remark, tuple[Weight, str, str]]] = {
    Remark.UNREACHABLE: (
        Weight.ERROR, "{}", "look at the server, the service file and ~/.pgpass"
    ),
    Remark.NO_PRIMARY: (
        Weight.WARNING,
        "the server can only be read: nothing can be changed from here",
        "name the primary as well, or leave it so for a wall",
    ),
    Remark.NO_TABLES: (
        Weight.ERROR, "it has no tables of opsconsole", "opsconsole state prepare"
    ),
    Remark.WRONG_TABLES: (Weight.ERROR, "{}", "opsconsole state prepare, or another version"),
    Remark.NO_RIGHT_TO_LOOK: (
        Weight.ERROR, "this role may not read {}", "opsconsole state grant ROLE"
    ),
    Remark.NO_RIGHT_TO_ACT: (
        Weight.NOTE, "this role may look and not act", "opsconsole state grant ROLE --act"
    ),
    Remark.CAN_EDIT_THE_AUDIT: (
        Weight.WARNING,
        "this role can change and remove rows of the audit",
        "act as another role than the owner: opsconsole state grant ROLE --act",
    ),
    Remark.CLOCKS: (
        Weight.WARNING,
        "the clocks of this host and of the server differ by {} s",
        "set both by NTP: times of several hosts are compared",
    ),
    Remark.POOLED: (Weight.NOTE, "a pooler stands before it; transaction mode will do", ""),
    Remark.NOT_UTF8: (
        Weight.ERROR,
        "the database has the encoding {}",
        "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
    ),
    Remark.FORGETS: (
        Weight.ERROR, "{} is off: a power cut loses what was recorded", "switch it on"
    ),
}  # fmt: skip


async def check_state(settings: Settings) -> list[Finding]:
    """Every remark on the server; nothing where the state is in a folder."""
    conninfo = settings.state.postgresql
    if conninfo is None:
        return []
    try:
        place_from(settings)
    except StateError as error:
        return [Finding(_PATH, Weight.ERROR, error.what, error.remedy)]
    # Its client is imported where it is set alone.
    from opsconsole.operations.postgresql.soundness import look

    thread = BoundedExecutor("check-state", 1)
    try:
        key = await thread.run(lambda: _key(settings), deadline=_WITHIN)
        found = await thread.run(look, conninfo, deadline=_WITHIN)
        return [*key, *(_finding(each) for each in found)]
    except TimeoutError:
        return [_finding(Found(Remark.UNREACHABLE, f"it does not answer within {_WITHIN:g} s"))]
    finally:
        thread.close()


def _key(settings: Settings) -> list[Finding]:
    """Whether this user's mandates can be signed; or that no other host would carry on."""
    path: KeyPath = ("state", "mandate_key")
    key = settings.state.mandate_key
    if key is None:
        said = "no other host of this user carries on what is left when this one is gone"
        return [Finding(path, Weight.NOTE, said, "make a key: docs/security.md says how")]
    try:
        MandateKey(Path(key).expanduser())
    except StateError as error:
        return [Finding(path, Weight.ERROR, error.what, error.remedy)]
    return []


def _finding(found: Found) -> Finding:
    weight, message, remedy = _WORDS[found.remark]
    return Finding(_PATH, weight, message.format(found.said), remedy)
