"""The scalar types of the configuration: durations, sizes, names, references to secrets.

Invariant: a settings object never holds a secret's value, only where it is to be had.
"""

import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?i?B?)")
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


def parse_duration(value: object) -> object:
    """Seconds from ``1m30s``, ``500ms`` or a number; anything else is left for the validator."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{value!r} is not a duration such as 500ms, 30s, 1m30s or 2h")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def parse_size(value: object) -> object:
    """Bytes from ``500MB`` (10^6), ``4GiB`` (2^30) or a number."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if not match:
        raise ValueError(f"{value!r} is not a size such as 500MB or 4GiB")
    unit = match[2]
    base = 1024 if "i" in unit else 1000
    return int(float(match[1]) * base ** _POWERS[unit.rstrip("B").rstrip("i").lower()])


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(gt=0),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$"},
                {"type": "number", "exclusiveMinimum": 0},
            ]
        }
    ),
]
"""Seconds."""

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(gt=0),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "exclusiveMinimum": 0}]}),
]
"""Bytes."""

Name = Annotated[str, Field(pattern=_NAME)]
"""What a service, an instance or a metric may be called."""


class Model(BaseModel):
    """Base of every settings object: immutable, and a key that is not known is a problem."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SecretRef(Model):
    """Where a secret is to be had; exactly one of the four.

    A plain string is accepted when it is a reference, ``${env:NAME}``, and refused otherwise:
    a secret's value does not belong in a configuration.
    """

    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] | None = None
    credential: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}", value)
        if not match:
            raise ValueError(
                "a secret's value does not belong here; "
                "write ${env:NAME}, {file: PATH}, {command: [ARGV]} or {credential: NAME}"
            )
        return {"env": match[1]}

    @model_validator(mode="after")
    def _one_place(self) -> "SecretRef":
        given = [self.env, self.file, self.command, self.credential]
        if sum(place is not None for place in given) != 1:
            raise ValueError("name exactly one of env, file, command, credential")
        return self
