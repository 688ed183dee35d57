"""How to speak HTTP to a target, in Prometheus' own names (``http_config``).

Invariant: certificates are verified unless ``insecure_skip_verify`` says otherwise, redirects
are not followed, and no proxy is taken from the environment unless asked for.
"""

from typing import Literal

from pydantic import Field, model_validator

from opsconsole.config.types import Model, SecretRef


class BasicAuth(Model):
    """RFC 7617 credentials."""

    username: str
    password: SecretRef


class Authorization(Model):
    """An ``Authorization`` header of another type."""

    type: str = "Bearer"
    credentials: SecretRef


class TlsConfig(Model):
    """Private CA, client certificate, server name."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False
    min_version: Literal["TLS12", "TLS13"] = "TLS12"


class HttpConfig(Model):
    """Authentication, TLS and headers for one target; empty means none."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    tls_config: TlsConfig = Field(default_factory=TlsConfig)
    http_headers: dict[str, str | SecretRef] = Field(default_factory=dict)
    proxy_url: str | None = None
    proxy_from_environment: bool = False

    @model_validator(mode="after")
    def _one_authority(self) -> "HttpConfig":
        if self.basic_auth and self.authorization:
            raise ValueError("basic_auth and authorization exclude each other")
        return self
