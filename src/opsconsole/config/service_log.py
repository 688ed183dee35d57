"""Where a service logs, and which figures come from its lines.

Invariant: a log is of one kind, and every pattern is a regular expression that can be used.
"""

from typing import Literal

from pydantic import Field, model_validator

from opsconsole.config.http import HttpConfig
from opsconsole.config.kubernetes import KubernetesTarget
from opsconsole.config.types import Model, Name, Text, Url, check_pattern, plain

LogKind = Literal["file", "docker", "swarm", "kubernetes", "journal", "loki"]


class ServiceLog(Model):
    """Where a service logs: a file, its containers, a Swarm service, its pods, a unit, or Loki."""

    file: Text | None = Field(default=None, description="A file, relative to the configuration.")
    docker: Text | None = Field(default=None, description="Name of a container.")
    swarm: Text | None = Field(default=None, description="Name of a Swarm service.")
    kubernetes: KubernetesTarget | None = Field(
        default=None, description="A workload in a cluster, whose pods log: deployment/ai-backend."
    )
    engine: Text | None = Field(
        default=None, description="The engine that has it, if not the service's."
    )
    host: Name | None = Field(
        default=None, description="The host that has it, if not that of the service."
    )
    journal: Text | None = Field(default=None, description="Name of a systemd unit.")
    loki: Text | None = Field(
        default=None, description='What Loki is asked for, in LogQL: {app="ai-backend"}.'
    )
    url: Url | None = Field(default=None, description="Of the Loki.")
    http: HttpConfig = Field(
        default_factory=plain(HttpConfig), description="Authentication, TLS and headers for it."
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="How its lines are written."
    )
    patterns: dict[Name, Text] = Field(
        default_factory=dict,
        description="Regular expressions by name; how often each matches is a figure, and what"
        " its named groups take out of lines.",
    )

    @property
    def kind(self) -> LogKind:
        """Its kind."""
        return next(kind for kind, what in self._places().items() if what is not None)

    @property
    def what(self) -> str:
        """What is followed: the path, the container's, the service's, the unit's name."""
        return self._places()[self.kind] or ""

    @model_validator(mode="after")
    def _usable(self) -> "ServiceLog":
        places = self._places()
        if sum(what is not None for what in places.values()) != 1:
            raise ValueError(f"name exactly one of {', '.join(places)}")
        if self.loki is not None and self.url is None:
            raise ValueError("url is missing: where the Loki answers, such as http://loki:3100")
        if self.url is not None and self.loki is None:
            raise ValueError(
                "url is of a Loki, and loki is missing: the query for what is read there"
            )
        for pattern in self.patterns.values():
            check_pattern(pattern)
        return self

    def _places(self) -> dict[LogKind, str | None]:
        return {
            "file": self.file,
            "docker": self.docker,
            "swarm": self.swarm,
            "kubernetes": self.kubernetes.given_name if self.kubernetes else None,
            "journal": self.journal,
            "loki": self.loki,
        }
