"""Who is notified of trouble, and how: receivers, the heartbeat, and the watcher itself.

Invariant: a receiver has exactly one way to be reached; a placeholder in a template is known; a
secret is referred to and never written.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsconsole.config.http import HttpConfig
from opsconsole.config.types import (
    Duration,
    DurationOrZero,
    Model,
    Name,
    OneOrMany,
    SecretRef,
    Text,
    Url,
    as_tuple,
    plain,
)

IN_A_NOTICE: Final = (
    "id",
    "key",
    "status",
    "title",
    "text",
    "severity",
    "service",
    "environment",
    "since",
    "folded",
)
"""What may stand in braces in a body, in an argument of a command, and in a mail's subject."""

ALL: Final = "all"
"""Instead of names of Alertmanagers: every one that is configured."""

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LOOPBACK_NAME: Final = "localhost"


def _check_template(value: str) -> str:
    for match in _PLACEHOLDER.finditer(value):
        if match[1] not in IN_A_NOTICE:
            known = ", ".join(f"{{{name}}}" for name in IN_A_NOTICE)
            raise ValueError(f"unknown placeholder {match[0]}; there are {known}")
    return value


def _check_listen(value: str) -> str:
    try:
        parts = urlsplit(f"//{value}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if port is None or not is_loopback(host) or parts.path:
        raise ValueError("takes an address of this host alone, such as 127.0.0.1:9715")
    return value


def is_loopback(host: str) -> bool:
    """Whether ``host`` is a name or an address that leads to this host alone."""
    if host == _LOOPBACK_NAME:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


NoticeTemplate = Annotated[str, Field(min_length=1), AfterValidator(_check_template)]
"""Text in which ``IN_A_NOTICE`` may stand in braces."""

Names = Annotated[tuple[Name, ...], BeforeValidator(as_tuple), OneOrMany]


class WebPlace(Model):
    """A URL that is written down, or that is a secret itself, as those of chats are."""

    url: Url | None = Field(default=None, description="Where it is sent.")
    url_from: SecretRef | None = Field(
        default=None, description="Where to find the URL, if it is a secret."
    )
    timeout: Duration = Field(default=10.0, description="Deadline of one call.")
    http: HttpConfig = Field(
        default_factory=plain(HttpConfig), description="Authentication, TLS and headers."
    )

    @model_validator(mode="after")
    def _one_place(self) -> "WebPlace":
        if (self.url is None) == (self.url_from is None):
            raise ValueError("write either url or url_from")
        return self


class Webhook(WebPlace):
    """A request for each message."""

    method: Literal["POST", "PUT"] = Field(default="POST", description="The method.")
    content_type: Text = Field(default="application/json", description="What the body is.")
    body: NoticeTemplate | None = Field(
        default=None, description="The body; a JSON document with all that is known, if not set."
    )


class Mail(Model):
    """Mail by SMTP."""

    server: Text = Field(description="The host of the mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected."
    )
    sender: Text = Field(description="The address that it comes from.")
    to: Annotated[tuple[Text, ...], Field(min_length=1), BeforeValidator(as_tuple), OneOrMany] = (
        Field(description="The addresses that it goes to.")
    )
    subject: NoticeTemplate = Field(default="{title}", description="The subject.")
    username: Text | None = Field(default=None, description="The user to log in as.")
    password: SecretRef | None = Field(default=None, description="Where to find the password.")
    ca_file: Text | None = Field(
        default=None,
        description="PEM file of the authorities to trust; those of the system if not set.",
    )
    timeout: Duration = Field(default=20.0, description="Deadline of one mail, in total.")

    @model_validator(mode="after")
    def _whole(self) -> "Mail":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password need each other")
        if self.password is not None and self.security == "none":
            raise ValueError("a password is sent over starttls or tls alone")
        return self


class Program(Model):
    """A program that is run for each message; what it prints is not read."""

    short_form: ClassVar[dict[str, Any] | None] = {"type": "array", "items": {"type": "string"}}

    argv: tuple[NoticeTemplate, ...] = Field(
        min_length=1, description="An argv list, without a shell; it reads the text."
    )
    timeout: Duration = Field(default=30.0, description="Deadline of one run.")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        return {"argv": value} if isinstance(value, list) else value


class Receiver(Model):
    """Somebody who is notified, in exactly one of four ways."""

    alertmanager: Literal["all"] | Names | None = Field(
        default=None, description="Alertmanagers that are configured: all, or their names."
    )
    webhook: Webhook | None = Field(default=None, description="A request for each message.")
    command: Program | None = Field(default=None, description="A program for each message.")
    mail: Mail | None = Field(default=None, description="A mail for each message.")
    least: Literal["info", "warning", "critical"] = Field(
        default="warning", description="The least severity that it is notified of."
    )
    services: Names = Field(default=(), description="Only these services.")
    teams: Names = Field(default=(), description="Only services of these teams.")
    unanswered_for: DurationOrZero = Field(
        default=0.0,
        description="It is notified only of what nobody has answered for so long; 0 for at once.",
    )
    remind: DurationOrZero = Field(
        default=14400.0,
        description="Time until it is notified again of what is not over; 0 for never.",
    )
    operations: tuple[Literal["verified", "failed", "inconclusive"], ...] = Field(
        default=("failed", "inconclusive"), description="Verdicts that it is notified of."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Receiver":
        ways = [self.alertmanager, self.webhook, self.command, self.mail]
        if sum(each is not None for each in ways) != 1:
            raise ValueError("write exactly one of alertmanager, webhook, command, mail")
        return self


class Notify(Model):
    """What is reported by ``opsconsole watch``, and to whom."""

    wait: DurationOrZero = Field(
        default=30.0, description="How long trouble must last before anybody is notified."
    )
    wait_well: DurationOrZero = Field(
        default=60.0, description="How long it must be over before anybody is notified."
    )
    states: tuple[Literal["down", "degraded"], ...] = Field(
        default=("down",), description="States of services that are reported where no rule says so."
    )
    together: int = Field(
        default=5, ge=1, description="As many causes at once have a message each; more share one."
    )
    receivers: dict[Name, Receiver] = Field(default_factory=dict, description="Who is notified.")


class Heartbeat(WebPlace):
    """Notifies another program, at each ``every``, that this one sees and is heard."""

    every: Duration = Field(default=60.0, description="Time between two.")
    fail: Text = Field(
        default="/fail", description="What is added to the URL when this watcher is blind."
    )


class Watch(Model):
    """``opsconsole watch`` itself."""

    listen: Annotated[str, AfterValidator(_check_listen)] | None = Field(
        default=None, description="Where /healthz and /metrics are served, on this host alone."
    )


class TellMe(Model):
    """Who else hears what a person asked to hear of, with ``e``."""

    command: Program | None = Field(default=None, description="A program for each answer.")
    webhook: Webhook | None = Field(default=None, description="A request for each answer.")


def alertmanagers_of(receiver: Receiver, known: tuple[str, ...]) -> Iterator[str]:
    """The names of the Alertmanagers that ``receiver`` means, of those that are ``known``."""
    named = receiver.alertmanager
    if named is not None:
        yield from known if named == ALL else named
