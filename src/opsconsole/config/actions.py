"""What may be done to a service, and by which driver.

Invariant: an action that is not declared cannot run. An action names exactly one driver, and is
a change unless it says ``effect: read``.
"""

from typing import Literal

from pydantic import Field, model_validator

from opsconsole.config.types import Duration, Model, Size


class DockerTarget(Model):
    """Containers by name, or by label; one is restarted at a time."""

    containers: tuple[str, ...] = ()
    label: str | None = None
    engine: str | None = None
    stop_timeout: Duration = 10.0
    image: str | None = None
    pause: int | None = Field(default=None, ge=1)
    cpus: float | None = Field(default=None, gt=0)
    memory: Size | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"containers": [value]} if isinstance(value, str) else value


class SwarmTarget(Model):
    """A Swarm service by name."""

    service: str
    engine: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"service": value} if isinstance(value, str) else value


class SystemdTarget(Model):
    """A systemd unit of the system or of the user."""

    unit: str
    user: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"unit": value} if isinstance(value, str) else value


class HttpCall(Model):
    """One call. A path is taken at each instance, a whole URL as it is.

    ``{reason}``, ``{instance}`` and ``{to}`` in query and JSON values are filled in, encoded.
    """

    post: str | None = None
    put: str | None = None
    delete: str | None = None
    get: str | None = None
    query: dict[str, str] = Field(default_factory=dict)
    json_body: dict[str, object] | None = Field(default=None, alias="json")
    expect: tuple[int, ...] = (200, 201, 202, 204)
    timeout: Duration = 30.0
    every_instance: bool = False

    @model_validator(mode="after")
    def _one_method(self) -> "HttpCall":
        if sum(bool(url) for url in (self.post, self.put, self.delete, self.get)) != 1:
            raise ValueError("name exactly one of get, post, put, delete with its path or URL")
        return self

    @property
    def method(self) -> str:
        """The HTTP method in capitals."""
        named = {"POST": self.post, "PUT": self.put, "DELETE": self.delete, "GET": self.get}
        return next(method for method, url in named.items() if url)

    @property
    def url(self) -> str:
        """The path or URL as written."""
        return self.post or self.put or self.delete or self.get or ""


class Command(Model):
    """An argv list, never a shell. ``{reason}``, ``{instance}``, ``{to}`` are filled in whole."""

    argv: tuple[str, ...] = Field(min_length=1)
    timeout: Duration = 300.0
    cwd: str | None = None
    env: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError("write the command as a list: [program, argument, …]; no shell is run")
        return {"argv": value} if isinstance(value, (list, tuple)) else value


class PidFile(Model):
    """A process by its pid file: signalled, then started again by ``start`` if given."""

    path: str
    signal: Literal["TERM", "HUP", "INT", "USR1", "USR2"] = "TERM"
    start: tuple[str, ...] = ()
    timeout: Duration = 30.0

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


class EnvFlags(Model):
    """Feature flags in an env file, followed by a reload or a restart."""

    file: str
    set: dict[str, str]
    then: Literal["restart", "reload", "nothing"] = "restart"
    pid_file: str | None = None


class FileSet(Model):
    """Files and folders to back up; ``secret`` keeps everything at mode 0600 throughout."""

    paths: tuple[str, ...] = Field(min_length=1)
    secret: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        return {"paths": value} if isinstance(value, (list, tuple)) else value


class VolumeTarget(Model):
    """A Docker volume, or a path inside a container."""

    volume: str | None = None
    container: str | None = None
    path: str | None = None
    engine: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "VolumeTarget":
        if bool(self.volume) == bool(self.container and self.path):
            raise ValueError("name a volume, or a container with a path inside it")
        return self


class GitTarget(Model):
    """A checkout that is put back to its previous tag; ``restart`` follows."""

    path: str
    tags: str = "v*"
    then: Literal["restart", "nothing"] = "restart"


class ReleaseFolders(Model):
    """``current`` is a symlink into ``releases``; rollback switches it atomically."""

    current: str
    releases: str
    then: Literal["restart", "nothing"] = "restart"


class Action(Model):
    """One driver and how its outcome is verified."""

    docker: DockerTarget | None = None
    swarm: SwarmTarget | None = None
    systemd: SystemdTarget | None = None
    http: HttpCall | None = None
    command: Command | None = None
    pid_file: PidFile | None = None
    env_file: EnvFlags | None = None
    files: FileSet | None = None
    volume: VolumeTarget | None = None
    git: GitTarget | None = None
    releases: ReleaseFolders | None = None
    backup: Literal["latest"] | None = None
    effect: Literal["read", "change"] = "change"
    summary: str = ""
    min_healthy: Duration = 10.0
    deadline: Duration = 300.0
    auto_rollback: bool = False

    @model_validator(mode="after")
    def _one_driver(self) -> "Action":
        if sum(getattr(self, name) is not None for name in DRIVERS) != 1:
            raise ValueError(f"name exactly one driver: {', '.join(DRIVERS)}")
        return self

    @property
    def driver(self) -> str:
        """The name of the driver that carries it out."""
        return next(name for name in DRIVERS if getattr(self, name) is not None)


DRIVERS = (
    "docker",
    "swarm",
    "systemd",
    "http",
    "command",
    "pid_file",
    "env_file",
    "files",
    "volume",
    "git",
    "releases",
    "backup",
)


class DegradeAction(Action):
    """Degrade has a way back and an end: 30 minutes unless said otherwise, at most a day."""

    recover: Action | None = None
    for_: Duration = Field(default=1800.0, alias="for", le=86400.0)


class BackupAction(Action):
    """Backup keeps ``keep`` of them, never fewer than three of what it made."""

    keep: int = Field(default=7, ge=3)
    into: str | None = None
    restore: Action | None = None


class ScaleAction(Action):
    """Scale stays within its bounds."""

    minimum: int = Field(default=1, ge=0)
    maximum: int = Field(default=10, ge=1)


class Actions(Model):
    """Everything that is allowed for one service; ``test`` and ``call`` by name."""

    restart: Action | None = None
    degrade: DegradeAction | None = None
    recover: Action | None = None
    backup: BackupAction | None = None
    restore: Action | None = None
    rollback: Action | None = None
    scale: ScaleAction | None = None
    test: dict[str, Action] = Field(default_factory=dict)
    call: dict[str, Action] = Field(default_factory=dict)
