"""How to speak HTTP to a target, in Prometheus' own names (``http_config``).

Invariant: certificates are verified unless ``insecure_skip_verify`` says otherwise, redirects
are not followed, and no proxy is taken from the environment unless asked for.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from opsconsole.config.types import Model, SecretRef, Text, Url, is_env_reference, plain

_SECRET_HEADER: Final = re.compile(r"authorization|cookie|token|secret|password|api-?key", re.I)
_HEADER_NAME: Final = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"


def _kind_of_header(value: Any) -> str:
    secret = isinstance(value, (dict, SecretRef)) or is_env_reference(value)
    return "secret" if secret else "text"


HeaderValue = Annotated[
    Annotated[str, Tag("text")] | Annotated[SecretRef, Tag("secret")],
    Discriminator(_kind_of_header),
]
"""Plain text, or a reference to a secret."""


class BasicAuth(Model):
    """RFC 7617 credentials."""

    username: Text = Field(description="The user's name.")
    password: SecretRef = Field(description="Where to find the password.")


class Authorization(Model):
    """An ``Authorization`` header of another type."""

    type: Text = Field(default="Bearer", description="The scheme, before the credentials.")
    credentials: SecretRef = Field(description="Where to find the token.")


class TlsConfig(Model):
    """Private CA, client certificate, server name."""

    ca_file: Text | None = Field(default=None, description="PEM file of the authorities to trust.")
    cert_file: Text | None = Field(
        default=None, description="PEM file of the client's certificate."
    )
    key_file: Text | None = Field(default=None, description="PEM file of the client's key.")
    server_name: Text | None = Field(
        default=None, description="The name that the certificate must have, if not the URL's host."
    )
    insecure_skip_verify: bool = Field(default=False, description="Do not verify the certificate.")
    min_version: Literal["TLS12", "TLS13"] = Field(
        default="TLS12", description="The oldest version that is spoken."
    )

    @model_validator(mode="after")
    def _whole_pair(self) -> "TlsConfig":
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file")
        return self


class HttpConfig(Model):
    """Authentication, TLS and headers for one target; empty means none."""

    basic_auth: BasicAuth | None = Field(default=None, description="User and password.")
    authorization: Authorization | None = Field(
        default=None, description="A bearer or other token."
    )
    tls_config: TlsConfig = Field(default_factory=plain(TlsConfig), description="Certificates.")
    http_headers: dict[Annotated[str, Field(pattern=_HEADER_NAME)], HeaderValue] = Field(
        default_factory=dict, description="Further headers; secret ones by reference."
    )
    proxy_url: Url | None = Field(default=None, description="A proxy for this target.")
    proxy_from_environment: bool = Field(
        default=False, description="Take the proxy from HTTP_PROXY and its kin."
    )

    plain_query: tuple[Text, ...] = Field(
        default=(),
        description="Parameters of queries whose values may be shown; others are hidden.",
    )

    @model_validator(mode="after")
    def _one_authority(self) -> "HttpConfig":
        if self.basic_auth and self.authorization:
            raise ValueError("basic_auth and authorization exclude each other")
        for name, value in self.http_headers.items():
            if isinstance(value, str) and _SECRET_HEADER.search(name):
                raise ValueError(
                    f"the header {name} carries a secret; write ${{env:NAME}}, {{file: PATH}}, "
                    "{command: [ARGV]} or {credential: NAME}"
                )
        return self
