"""The scalar types of the configuration: durations, sizes, names, URLs, references to secrets.

Invariant: a settings object never holds a secret's value, only where to find it. No
validator shows the value of a text that may be a secret.
"""

import re
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from opsconsole.model.origin import DECLARED, Origin
from opsconsole.model.written import units
from opsconsole.model.written.expressions import Availability, ExpressionError, StateIs, parse
from opsconsole.patterns import PatternError, pattern
from opsconsole.zones import problem_with

M = TypeVar("M", bound="Model")

# No plugin of pydantic is wanted: to look for one, it would read what is said of every installed
# package, before anything is shown. Where its loader is called otherwise, it does.
_NO_PLUGINS: Final = ModuleType("pydantic.plugin._loader")
_NO_PLUGINS.__dict__["get_plugins"] = tuple
sys.modules.setdefault(_NO_PLUGINS.__name__, _NO_PLUGINS)

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
PLACEHOLDERS: Final = ("reason", "instance", "to", "backup", "service")
"""What may stand in braces in the texts of an action."""

_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ENV_REFERENCE: Final = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


def parse_duration(value: object) -> object:
    """Seconds from ``1m30s``, ``500ms`` or a number; anything else is left for the validator."""
    if not isinstance(value, str):
        return value
    return float(value) if _NUMBER.fullmatch(value) else units.parse_duration(value)


def parse_size(value: object) -> object:
    """Bytes from ``500MB`` (10^6), ``4GiB`` (2^30) or a number."""
    return units.parse_size(value) if isinstance(value, str) else value


def as_tuple(value: object) -> object:
    """A list of one, where one thing may stand instead of a list."""
    return (value,) if isinstance(value, (str, dict)) else value


def is_env_reference(value: object) -> bool:
    """Whether ``value`` is text of the form ``${env:NAME}``."""
    return isinstance(value, str) and _ENV_REFERENCE.fullmatch(value) is not None


def _check_zone(value: str) -> str:
    name = value.lower() if value.lower() in {"utc", "local"} else value
    problem = problem_with(name)
    if problem:
        raise ValueError(problem)
    return name


def _check_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", value):
        raise ValueError("takes a URL such as http://10.0.0.1:8000")
    if parts.username or parts.password:
        raise ValueError("a URL holds no user or password; write them under http: basic_auth:")
    return value


def _check_path(value: str) -> str:
    if not value.startswith("/") or value.startswith("//") or re.search(r"\s", value):
        raise ValueError("takes a path such as /health, which is added to each instance's URL")
    return value


def _check_target(value: str) -> str:
    return _check_path(value) if value.startswith("/") else _check_url(value)


def check_template(value: str) -> str:
    """``value`` when every placeholder in it is known. Raises ValueError."""
    for match in _PLACEHOLDER.finditer(value):
        if match[1] not in PLACEHOLDERS:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(f"unknown placeholder {match[0]}; there are {known}")
    return value


def _check_objective(value: str) -> str:
    if isinstance(_parsed(value), StateIs):
        raise ValueError("a state is no objective; write availability 99.9% over 30d, or an alert")
    return value


def _check_condition(value: str) -> str:
    if isinstance(_parsed(value), Availability):
        raise ValueError("availability is an objective; write state == down, or error_rate > 5%")
    return value


def _parsed(value: str) -> object:
    try:
        return parse(value)
    except ExpressionError as error:
        raise ValueError(f"at character {error.position + 1}: {error.message}") from None


def _duration_schema(bound: dict[str, float]) -> WithJsonSchema:
    pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+$"
    return WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": pattern}, {"type": "number", **bound}]}
    )


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(gt=0),
    _duration_schema({"exclusiveMinimum": 0}),
]
"""Seconds, more than 0."""

DurationOrZero = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(ge=0),
    _duration_schema({"minimum": 0}),
]
"""Seconds; 0 for at once."""

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(gt=0),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "exclusiveMinimum": 0}]}),
]
"""Bytes."""

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""What a service, an instance or a metric may be called."""

Text = Annotated[str, Field(min_length=1)]

Zone = Annotated[str, AfterValidator(_check_zone)]
"""Any text that is not empty."""

Url = Annotated[str, AfterValidator(_check_url)]
"""An http or https URL without credentials."""

UrlPath = Annotated[str, AfterValidator(_check_path)]
"""A path that is taken at each instance's URL."""

Target = Annotated[str, AfterValidator(check_template), AfterValidator(_check_target)]
"""A path at each instance, or a whole URL; placeholders are filled in."""

Page = Annotated[str, AfterValidator(_check_target)]
"""A path at an instance, or a whole URL."""

Template = Annotated[str, AfterValidator(check_template)]
"""Text in which placeholders are filled in."""

Objective = Annotated[str, AfterValidator(_check_objective)]
"""An expression that is a target, as ``model.written.expressions`` reads it."""

Condition = Annotated[str, AfterValidator(_check_condition)]
"""An expression that an alert watches, as ``model.written.expressions`` reads it."""


class OneOrMany:
    """Marks a list in the JSON schema as taking a single item too; ``as_tuple`` does it."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        many = handler(core_schema)
        return {"anyOf": [many["items"], many]}


class Model(BaseModel):
    """Base of every settings object: immutable, and a key that is not known is a problem."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    short_form: ClassVar[dict[str, Any] | None] = None
    """JSON schema of a shorter way to write it, which a validator expands."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core_schema)
        return {"anyOf": [cls.short_form, schema]} if cls.short_form else schema


def plain(model: type[M]) -> Callable[[], M]:
    """A default factory: ``model`` with nothing given, one object for all who use this factory.

    It builds no validator of its own, which takes some milliseconds of a start for each model.
    """
    return cache(model.model_construct)


class Found(Model):
    """Base of what may be declared, or found by a source; a copy of it carries its origin."""

    _origin: Origin = PrivateAttr(default_factory=lambda: DECLARED)

    @property
    def origin(self) -> Origin:
        """Where it comes from."""
        # Asked for in every view; as an attribute it is found by searching the class.
        origin: Origin = (self.__pydantic_private__ or {}).get("_origin", DECLARED)
        return origin

    def of(self, origin: Origin) -> Self:
        """The same, coming from ``origin``."""
        copied = self.model_copy()
        copied._origin = origin
        return copied


class SecretRef(Model):
    """Where to find a secret; exactly one of the four.

    A plain string is accepted when it is a reference, ``${env:NAME}``, and refused otherwise:
    a secret's value does not belong in a configuration.
    """

    short_form: ClassVar[dict[str, Any] | None] = {
        "type": "string",
        "pattern": _ENV_REFERENCE.pattern,
    }

    env: Text | None = Field(default=None, description="Name of an environment variable.")
    file: Text | None = Field(
        default=None,
        description="A file that only its owner can read, relative to the configuration.",
    )
    command: tuple[Text, ...] | None = Field(
        default=None,
        min_length=1,
        description="An argv list whose standard output is the secret; no shell.",
    )
    credential: Text | None = Field(
        default=None, description="Name of a systemd credential (LoadCredential=)."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = _ENV_REFERENCE.fullmatch(value)
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


def check_pattern(text: str) -> None:
    """Raise ValueError where ``text`` is no regular expression that can be searched quickly."""
    try:
        pattern(text)
    except PatternError as error:
        raise ValueError(f"a pattern is not a regular expression: {error}") from None
