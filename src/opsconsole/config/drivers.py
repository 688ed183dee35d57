"""What each driver of an action needs to know: which target, and how.

Invariant: a target is named, never searched for; a command is an argv list, never a shell line.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from opsconsole.config.types import Duration, Model, Size, Target, Template, Text, check_template

_NAME_FORM: dict[str, Any] = {"type": "string"}
_LIST_FORM: dict[str, Any] = {"type": "array", "items": {"type": "string"}}


class OnEngine(Model):
    """What is on one of several engines."""

    engine: Text | None = Field(
        default=None, description="Name of the engine, if several are configured."
    )


class DockerTarget(OnEngine):
    """Containers by name, or by label; one is restarted at a time."""

    short_form: ClassVar[dict[str, Any] | None] = _NAME_FORM

    containers: tuple[Text, ...] = Field(default=(), description="Containers by name.")
    label: Text | None = Field(default=None, description="Containers by label, key=value.")
    stop_timeout: Duration = Field(
        default=10.0, description="Time to end by itself before it is killed."
    )
    image: Text | None = Field(
        default=None, description="For a rollback: an image, or previous for the one before."
    )
    pause: int | None = Field(
        default=None, ge=1, description="For degrade: how many of the containers are paused."
    )
    cpus: float | None = Field(
        default=None, gt=0, description="For degrade: the CPU limit meanwhile."
    )
    memory: Size | None = Field(
        default=None, description="For degrade: the memory limit meanwhile."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"containers": [value]} if isinstance(value, str) else value


class SwarmTarget(OnEngine):
    """A Swarm service by name."""

    short_form: ClassVar[dict[str, Any] | None] = _NAME_FORM

    service: Text = Field(description="Name of the Swarm service.")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"service": value} if isinstance(value, str) else value


class SystemdTarget(Model):
    """A systemd unit of the system or of the user, and for a call what is done to it."""

    short_form: ClassVar[dict[str, Any] | None] = _NAME_FORM

    unit: Text = Field(description="Name of the unit.")
    user: bool = Field(default=False, description="Whether it is a unit of the user's manager.")
    do: Literal["reload", "start", "stop"] | None = Field(
        default=None, description="For a call: reload, start or stop the unit."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"unit": value} if isinstance(value, str) else value

    @property
    def verb(self) -> str:
        """What ``systemctl`` is asked to do with it."""
        return self.do or "restart"

    def unfit_for(self, key: str) -> str:
        """Why it cannot be the action ``key`` of a service; '' where it can."""
        if key == "call":
            return "" if self.do is not None else "say what to do, such as do: reload"
        if self.do is not None:
            return f"do: {self.do} is a call; write it under call: with a name of its own"
        return ""


class HttpCall(Model):
    """One call. A path is taken at each instance, a whole URL as it is.

    ``{reason}``, ``{instance}``, ``{to}``, ``{backup}`` and ``{service}`` in query and JSON values
    are filled in, encoded.
    """

    post: Target | None = Field(default=None, description="Path or URL to POST to.")
    put: Target | None = Field(default=None, description="Path or URL to PUT to.")
    delete: Target | None = Field(default=None, description="Path or URL to DELETE.")
    get: Target | None = Field(default=None, description="Path or URL to GET.")
    query: dict[str, Template] = Field(
        default_factory=dict, description="Query parameters; {reason}, {instance}, {to}."
    )
    json_body: dict[str, object] | None = Field(
        default=None, alias="json", description="The JSON body; {reason}, {instance}, {to}."
    )
    expect: tuple[int, ...] = Field(
        default=(200, 201, 202, 204), description="Status codes that mean it was accepted."
    )
    timeout: Duration = Field(default=30.0, description="Deadline of the call, in total.")
    every_instance: bool = Field(
        default=False, description="Call every instance one after the other, not just one."
    )

    through: Literal["pods", "proxy"] | None = Field(
        default=None,
        description="For a test or a call: a path is taken at a pod of the service that is ready, "
        "at its own address (pods) or through the API server's proxy (proxy); at each pod with "
        "every_instance.",
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="The port of the pods; the first that they declare if not set."
    )

    @model_validator(mode="after")
    def _one_method(self) -> "HttpCall":
        if sum(bool(url) for url in (self.post, self.put, self.delete, self.get)) != 1:
            raise ValueError("name exactly one of get, post, put, delete with its path or URL")
        _check_templates(self.json_body)
        if self.through is None and self.port is not None:
            raise ValueError("port is of pods: say through: pods or through: proxy")
        if self.through is not None and "://" in self.url:
            raise ValueError("through takes a path, which is called at pods")
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
    """An argv list, never a shell. Placeholders, as in an HTTP call, are filled in whole."""

    short_form: ClassVar[dict[str, Any] | None] = _LIST_FORM

    argv: tuple[Template, ...] = Field(
        min_length=1, description="The program and its arguments; {reason}, {instance}, {to}."
    )
    timeout: Duration = Field(default=300.0, description="Deadline of the run, in total.")
    cwd: Text | None = Field(default=None, description="The folder that it runs in.")
    env: dict[str, str] = Field(
        default_factory=dict, description="Variables that it gets, beside PATH and LANG."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError("write the command as a list: [program, argument, …]; no shell is run")
        return {"argv": value} if isinstance(value, (list, tuple)) else value


class PidFile(Model):
    """A process by its pid file: signalled, then started again by ``start`` if given."""

    short_form: ClassVar[dict[str, Any] | None] = _NAME_FORM

    path: Text = Field(description="The file that holds the process id.")
    signal: Literal["TERM", "HUP", "INT", "USR1", "USR2"] = Field(
        default="TERM", description="The signal that is sent."
    )
    start: tuple[Text, ...] = Field(
        default=(), description="The argv that starts it again after it ended."
    )
    timeout: Duration = Field(default=30.0, description="Time to end by itself.")

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


class EnvFlags(Model):
    """Feature flags in an env file, followed by a reload or a restart."""

    file: Text = Field(description="The env file, KEY=value a line.")
    set: dict[str, str] = Field(min_length=1, description="Flags to set; never secrets.")
    then: Literal["restart", "reload", "nothing"] = Field(
        default="restart", description="What makes the service read it."
    )
    pid_file: Text | None = Field(
        default=None, description="For reload: which process gets SIGHUP."
    )


class FileSet(Model):
    """Files and folders to back up; ``secret`` keeps everything at mode 0600 throughout."""

    short_form: ClassVar[dict[str, Any] | None] = _LIST_FORM

    paths: tuple[Text, ...] = Field(min_length=1, description="Files and folders.")
    secret: bool = Field(default=False, description="Whether they hold secrets.")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        return {"paths": value} if isinstance(value, (list, tuple)) else value


class VolumeTarget(OnEngine):
    """A Docker volume, or a path inside a container."""

    volume: Text | None = Field(default=None, description="Name of a volume.")
    container: Text | None = Field(default=None, description="Name of a container.")
    path: Text | None = Field(default=None, description="A path inside the container.")
    stop: bool = Field(
        default=False, description="Stop the containers that use it while it is copied or put back."
    )

    @model_validator(mode="after")
    def _one_place(self) -> "VolumeTarget":
        if bool(self.volume) == bool(self.container and self.path):
            raise ValueError("name a volume, or a container with a path inside it")
        return self


class GitTarget(Model):
    """A checkout that is put back to its previous tag; ``restart`` follows."""

    path: Text = Field(description="The folder of the checkout.")
    tags: Text = Field(default="v*", description="Which tags are versions.")
    then: Literal["restart", "nothing"] = Field(default="restart", description="What follows.")


class ReleaseFolders(Model):
    """``current`` is a symlink into ``releases``; rollback switches it atomically."""

    current: Text = Field(description="The symlink to the release that runs.")
    releases: Text = Field(description="The folder of the releases.")
    then: Literal["restart", "nothing"] = Field(default="restart", description="What follows.")


def _check_templates(value: object) -> None:
    """Check every text of a JSON body; keys are sent as they are."""
    if isinstance(value, str):
        check_template(value)
    elif isinstance(value, dict):
        for item in value.values():
            _check_templates(item)
    elif isinstance(value, list):
        for item in value:
            _check_templates(item)
