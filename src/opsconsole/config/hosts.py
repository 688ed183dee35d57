"""Hosts: the console's own, and others that the system's ssh reaches.

Invariant: nothing that ssh would take for an option, and no password, can be written here.
"""

import re
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from opsconsole.config.types import Duration, Model, OneOrMany, Text, as_tuple, plain
from opsconsole.model.certificate import DAY
from opsconsole.model.source_id import UNITS_HERE, SourceId

HERE: Final = "local"
"""Names this host where a service is on another one."""

UNITS_EVERY: Final = 5.0
"""Seconds between two looks at the units of a host, at least."""


def _check_destination(value: str) -> str:
    if value.startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError("takes what ssh is given, such as ops@10.0.0.7, without options")
    if re.match(r"[^@/]*:[^@]*@", value.removeprefix("ssh://")):
        raise ValueError("a password is never used: put a key into the agent or ~/.ssh/config")
    return value


def _check_absolute(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("takes a full path, which begins with /")
    return value


Destination = Annotated[str, AfterValidator(_check_destination)]
AbsolutePath = Annotated[Text, AfterValidator(_check_absolute)]


class HostSettings(Model):
    """This host's own resources."""

    elsewhere: ClassVar[bool] = False

    enabled: bool = Field(default=True, description="Whether they are shown.")
    interval: Duration = Field(default=2.0, description="Time between two readings.")
    disks: tuple[Text, ...] = Field(
        default=(), description="Mount points to show; all real ones when empty."
    )
    processes: int = Field(default=5, ge=0, le=50, description="How many of the busiest to show.")

    @property
    def units_every(self) -> float:
        """Seconds between two looks at its units."""
        return UNITS_EVERY


class HostCertificates(Model):
    """Certificates in files of the host, of which each says in time that it ends."""

    short_form: ClassVar[dict[str, Any] | None] = {
        "type": ["string", "array"],
        "items": {"type": "string"},
    }

    files: Annotated[tuple[AbsolutePath, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="PEM files by their full paths: a certificate, or a chain."
    )
    warning: Duration = Field(
        default=14 * DAY, description="How long before its end the host needs a look."
    )
    critical: Duration = Field(default=3 * DAY, description="How long before its end it is red.")

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, value: object) -> object:
        return {"files": value} if isinstance(value, str | list | tuple) else value

    @model_validator(mode="after")
    def _in_order(self) -> "HostCertificates":
        if self.critical > self.warning:
            raise ValueError("critical comes after warning: it is the shorter one")
        return self


class RemoteHost(HostSettings):
    """Another host, reached by the system's ``ssh``: its configuration, agent and keys are used."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": ["string", "null"]}
    elsewhere: ClassVar[bool] = True

    interval: Duration = Field(default=5.0, description="Time between two readings.")
    ssh: Destination = Field(
        default="", description="What ssh is given, such as ops@10.0.0.7; its name if not set."
    )
    ssh_config: AbsolutePath | None = Field(
        default=None, description="Another configuration of ssh than the user's, as a full path."
    )
    sudo: bool = Field(
        default=False, description="Whether system units are restarted by sudo -n there."
    )

    certificates: HostCertificates = Field(
        default_factory=plain(HostCertificates),
        description="PEM files whose end is watched: a list, or with when it is said.",
    )

    _name: str = PrivateAttr(default="")

    @property
    def units_every(self) -> float:
        """Seconds between two looks at its units."""
        return max(UNITS_EVERY, self.interval)

    @model_validator(mode="before")
    @classmethod
    def _from_destination(cls, value: object) -> object:
        return {"ssh": value} if isinstance(value, str) else {} if value is None else value

    @property
    def name(self) -> str:
        """What the settings call it."""
        return self._name

    @property
    def destination(self) -> str:
        """What ssh is given."""
        return self.ssh or self._name

    def named(self, name: str) -> None:
        """Know its name."""
        self._name = name


def host_named(source: SourceId) -> str:
    """How the configuration calls the host whose units ``source`` reads."""
    return HERE if source == UNITS_HERE else source.name
