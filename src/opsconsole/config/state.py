"""Where the state is that several hosts share, as libpq is led there.

Source: https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING.
"""

import re
from typing import Final
from urllib.parse import unquote

from pydantic import Field, field_validator

from opsconsole.config.types import Model, Text

_PASSWORD: Final = re.compile(r"\b(?:ssl)?password\s*=|://[^/?\s]*:[^?]*@", re.IGNORECASE)


class State(Model):
    """A server that keeps the state of several hosts, instead of a folder of this one."""

    postgresql: Text | None = Field(
        default=None,
        description="Where libpq finds it: service=opsconsole, or a URL.",
    )

    mandate_key: Text | None = Field(
        default=None,
        description="File with the key by which this user's hosts know each other's mandates.",
    )

    @field_validator("postgresql")
    @classmethod
    def _no_password(cls, words: str | None) -> str | None:
        if words is not None and _PASSWORD.search(unquote(words)):
            raise ValueError(
                "a password does not belong here; use ~/.pgpass, the service file or a certificate"
            )
        return words
