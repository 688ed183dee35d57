"""What is different between two configurations, in words for the timeline. Pure.

Invariant: every difference is reported by the names in the file, never by a value.
"""

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass

AT_START_ONLY: Final = (
    "display.ascii",
    "display.low_bandwidth",
    "display.mouse",
    "display.time",
    "display.window",
    "heartbeat",
    "notify",
    "operations.audit_file",
    "operations.audit_syslog",
    "recording",
    "state",
    "state_dir",
    "tell_me",
    "wall",
    "watch",
)
"""What is read once, when the console starts."""

_IN_PARTS: Final = frozenset({"display", "operations", "defaults"})
_LISTED: Final = 8


@dataclass(frozen=True, slots=True)
class ConfigurationChanges:
    """Names of services, and keys outside of them such as ``prometheus`` or ``display.theme``.

    ``changed`` are services with the keys that differ.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.keys)

    @property
    def at_start_only(self) -> tuple[str, ...]:
        """The keys that need another start to apply."""
        return tuple(
            key
            for key in self.keys
            if any(key == known or key.startswith(f"{known}.") for known in AT_START_ONLY)
        )

    def __str__(self) -> str:
        parts = [
            f"{verb} {_listed(names)}"
            for verb, names in (
                ("added", self.added),
                ("removed", self.removed),
                ("changed", (*self.changed, *self.keys)),
            )
            if names
        ]
        return "; ".join(parts) or "nothing in it changed"


def changes(before: Settings, after: Settings) -> ConfigurationChanges:
    """What ``after`` has that ``before`` has not, and the other way round."""
    old, new = before.services, after.services
    return ConfigurationChanges(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(
            f"{name} ({', '.join(_differing(old[name], new[name]))})"
            for name in new
            if name in old and old[name] != new[name]
        ),
        keys=tuple(_keys(before, after)),
    )


def _keys(before: Settings, after: Settings) -> Iterator[str]:
    for key in _differing(before, after):
        if key == "services":
            continue
        if key in _IN_PARTS:
            inner = _differing(getattr(before, key), getattr(after, key))
            yield from (f"{key}.{name}" for name in inner)
        else:
            yield key


def _differing(before: BaseModel, after: BaseModel) -> list[str]:
    fields = type(before).model_fields
    return [
        (field.alias or name)
        for name, field in fields.items()
        if getattr(before, name) != getattr(after, name)
    ]


def _listed(names: tuple[str, ...]) -> str:
    shown, more = names[:_LISTED], len(names) - _LISTED
    return f"{', '.join(shown)} and {more} more" if more > 0 else ", ".join(shown)
