"""What may be done to a service, and by which driver.

Invariant: an action that is not declared cannot run. An action names exactly one driver, and is
a change unless it says ``effect: read``.
"""

from typing import Literal, get_args

from pydantic import Field, model_validator

from opsconsole.config.drivers import (
    Command,
    DockerTarget,
    EnvFlags,
    FileSet,
    GitTarget,
    HttpCall,
    OnEngine,
    PidFile,
    ReleaseFolders,
    SwarmTarget,
    SystemdTarget,
    VolumeTarget,
)
from opsconsole.config.kubernetes import KubernetesAction
from opsconsole.config.types import Duration, Model, Name, Text

__all__ = [
    "DRIVERS",
    "Action",
    "Actions",
    "BackupAction",
    "Command",
    "DegradeAction",
    "DockerTarget",
    "DriverTarget",
    "EnvFlags",
    "FileSet",
    "GitTarget",
    "HttpCall",
    "KubernetesAction",
    "PidFile",
    "ReleaseFolders",
    "ScaleAction",
    "SwarmTarget",
    "SystemdTarget",
    "VolumeTarget",
]


class ByDriver(Model):
    """What each driver needs to know, under its name in an action."""

    docker: DockerTarget | None = Field(default=None, description="Containers of an engine.")
    swarm: SwarmTarget | None = Field(default=None, description="A Swarm service.")
    kubernetes: KubernetesAction | None = Field(
        default=None, description="A workload, a node or a ConfigMap of a cluster."
    )
    systemd: SystemdTarget | None = Field(default=None, description="A systemd unit.")
    http: HttpCall | None = Field(default=None, description="A call of the service's own API.")
    command: Command | None = Field(default=None, description="A program, as an argv list.")
    pid_file: PidFile | None = Field(default=None, description="A process by its pid file.")
    env_file: EnvFlags | None = Field(default=None, description="Feature flags in an env file.")
    files: FileSet | None = Field(default=None, description="Files and folders.")
    volume: VolumeTarget | None = Field(default=None, description="A Docker volume.")
    git: GitTarget | None = Field(default=None, description="A checkout of tagged versions.")
    releases: ReleaseFolders | None = Field(default=None, description="Folders of releases.")
    backup: Literal["latest"] | None = Field(
        default=None, description="For restore: the newest backup that is whole."
    )


DRIVERS = tuple(ByDriver.model_fields)
ON_ENGINE = frozenset(
    name
    for name, field in ByDriver.model_fields.items()
    if any(
        isinstance(each, type) and issubclass(each, OnEngine) for each in get_args(field.annotation)
    )
)
"""The drivers whose targets are on an engine."""


DriverTarget = (
    DockerTarget
    | SwarmTarget
    | KubernetesAction
    | SystemdTarget
    | HttpCall
    | Command
    | PidFile
    | EnvFlags
    | FileSet
    | VolumeTarget
    | GitTarget
    | ReleaseFolders
    | Literal["latest"]
)
"""What a driver needs to know: the values of the fields of ``ByDriver``."""


class Action(ByDriver):
    """One driver and how its outcome is verified."""

    effect: Literal["read", "change"] = Field(
        default="change", description="Whether it changes anything; refused in read-only if so."
    )
    host: Name | None = Field(
        default=None, description="The host where it is done, if not that of the service."
    )
    summary: str = Field(default="", description="One line for the menu.")
    min_healthy: Duration = Field(
        default=10.0, description="How long it must be healthy to count as done."
    )
    deadline: Duration = Field(
        default=300.0, description="When it counts as failed if not healthy by then."
    )
    auto_rollback: bool = Field(
        default=False, description="Roll back by itself when verification fails."
    )

    @model_validator(mode="before")
    @classmethod
    def _do_within(cls, value: object) -> object:
        if isinstance(value, dict) and "do" in value and "systemd" in value:
            raise ValueError("do stands with the unit: systemd: {unit: NAME, do: reload}")
        return value

    @model_validator(mode="after")
    def _one_driver(self) -> "Action":
        if sum(getattr(self, name) is not None for name in DRIVERS) != 1:
            raise ValueError(f"name exactly one driver: {', '.join(DRIVERS)}")
        if self.min_healthy > self.deadline:
            raise ValueError("min_healthy is longer than deadline, so it could never be verified")
        return self

    @property
    def driver(self) -> str:
        """The name of the driver that carries it out."""
        return next(name for name in DRIVERS if getattr(self, name) is not None)

    @property
    def target(self) -> DriverTarget:
        """What that driver needs to know."""
        target: DriverTarget = getattr(self, self.driver)
        return target


class DegradeAction(Action):
    """Degrade has a way back and an end: 30 minutes unless said otherwise, at most a day."""

    recover: Action | None = Field(default=None, description="How it is taken back.")
    for_: Duration = Field(
        default=1800.0, alias="for", le=86400.0, description="When it is taken back by itself."
    )


class BackupAction(Action):
    """Backup keeps ``keep`` of them, never fewer than three of what it made."""

    keep: int = Field(default=7, ge=3, description="How many are kept.")
    into: Text | None = Field(default=None, description="The folder that they are kept in.")
    restore: Action | None = Field(
        default=None, description="What follows after the files are back, such as a reload."
    )


class ScaleAction(Action):
    """Scale stays within its bounds."""

    minimum: int = Field(default=1, ge=0, description="Fewest that may be asked for.")
    maximum: int = Field(default=10, ge=1, description="Most that may be asked for.")

    @model_validator(mode="after")
    def _in_order(self) -> "ScaleAction":
        if self.minimum > self.maximum:
            raise ValueError("minimum is more than maximum")
        return self


class Actions(Model):
    """Everything that is allowed for one service; ``test`` and ``call`` by name.

    ``systemd``, ``command``, ``pid_file``, ``env_file``, ``git``, ``releases`` and ``files`` act on
    the host of the service or of the action.
    ``check`` says which of what they name is not there, and warns where every instance of the
    service is at an address that is not this machine's. A plan is not refused for that: behind such
    an address, of a proxy or a bridge, may be this machine, and nothing is guessed.
    """

    restart: Action | None = Field(default=None, description="Restart it.")
    degrade: DegradeAction | None = Field(
        default=None, description="Switch it to its reduced mode, for a while."
    )
    recover: Action | None = Field(default=None, description="Make it recover.")
    backup: BackupAction | None = Field(default=None, description="Back up what it keeps.")
    restore: Action | None = Field(default=None, description="Put a backup back.")
    rollback: Action | None = Field(default=None, description="Go back to the version before.")
    scale: ScaleAction | None = Field(default=None, description="Change how many run, or limits.")
    test: dict[Name, Action] = Field(default_factory=dict, description="Tests, by name.")
    call: dict[Name, Action] = Field(default_factory=dict, description="Other actions, by name.")

    @model_validator(mode="after")
    def _can_be_done(self) -> "Actions":
        declared: list[tuple[str, str, Action | None]] = [
            ("restart", "restart", self.restart),
            ("rollback", "rollback", self.rollback),
            ("scale", "scale", self.scale),
            ("degrade", "degrade", self.degrade),
            ("recover", "recover", self.recover),
            *(("call", f"call.{name}", each) for name, each in self.call.items()),
        ]
        for key, where, action in declared:
            http = action.http if action is not None and key != "call" else None
            if http is not None and http.through is not None:
                raise ValueError(f"{where}: through is of a test or a call")
            target = (action.kubernetes or action.systemd) if action is not None else None
            wrong = target.unfit_for(key) if target is not None else ""
            if wrong:
                raise ValueError(f"{where}: {wrong}")
        return self


class SilenceAction(Action):
    """Writing to the Alertmanager called ``alertmanager``; configured by that, not written down."""

    alertmanager: Name

    @model_validator(mode="after")
    def _one_driver(self) -> "SilenceAction":
        return self

    @property
    def driver(self) -> str:
        """The one driver that knows silences."""
        return "alertmanager"


class OwnRulesAction(Action):
    """What is kept of alerts that no Alertmanager reports; always there, never written down."""

    @model_validator(mode="after")
    def _one_driver(self) -> "OwnRulesAction":
        return self

    @property
    def driver(self) -> str:
        """The one driver that keeps it."""
        return "own_rules"
