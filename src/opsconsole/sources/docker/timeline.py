"""The engine's events as events of the timeline. Pure except for what it remembers.

Invariant: one thing that happened is one event: the signals that end a container are part of
its death, and so is running out of memory when that is known by then. What is remembered is
bounded. ``service`` is left to the caller, which knows the service of each container.

Shape: a message of ``GET /events`` of the Docker Engine API.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event, EventCode
from opsconsole.model.state import State
from opsconsole.text import sanitize

FILTERS: Final[Mapping[str, list[str]]] = {
    "type": ["container", "image", "service"],
    "event": [
        "die",
        "oom",
        "start",
        "kill",
        "restart",
        "health_status",
        "rename",
        "destroy",
        "remove",  # Podman's word for it
        "update",
        "pause",
        "unpause",
        "tag",
    ],
}
"""What is asked for. Not the many ``exec_*`` of health checks, nor ``stop``: it follows ``die``."""

_REMEMBERED: Final = 1000
_RECENT: Final = 30.0
_FATAL: Final = frozenset({"TERM", "KILL", "INT", "QUIT"})
_SIGNALS: Final = {"1": "HUP", "2": "INT", "3": "QUIT", "9": "KILL", "15": "TERM"}
_HEALTH: Final = {"healthy": State.OK, "unhealthy": State.DOWN, "starting": State.DEGRADED}


@dataclass(slots=True)
class _Trouble:
    """What happened to a container recently, until its death is reported."""

    at: float
    signals: list[str] = field(default_factory=list)
    oom: bool = False


@dataclass(frozen=True, slots=True)
class _Message:
    """One message of the engine, as far as it is understood; ``at`` on the steady clock."""

    type: str
    action: str
    id: str
    name: str
    at: float
    attributes: Mapping[str, str]


class Timeline:
    """Turns one engine's messages into events, in the order in which they come."""

    def __init__(self) -> None:
        self._troubles: OrderedDict[str, _Trouble] = OrderedDict()
        self._tellers: Mapping[str, Callable[[_Message], Event | None]] = {
            "container die": self._died,
            "container oom": self._out_of_memory,
            "container kill": self._signalled,
            "container start": _as(EventCode.STARTED, State.OK),
            "container restart": _as(EventCode.RESTARTED),
            "container destroy": _as(EventCode.REMOVED),
            "container remove": _as(EventCode.REMOVED),
            "container pause": _as(EventCode.PAUSED, State.DEGRADED),
            "container unpause": _as(EventCode.RESUMED, State.OK),
            "container update": _as(EventCode.LIMITS_CHANGED),
            "container rename": _renamed,
            "container health_status": _health_changed,
            "image tag": _as(EventCode.IMAGE_TAGGED),
            "service update": _service_updated,
        }

    def event_of(self, message: object, *, now: float, skew: float) -> Event | None:
        """The event for one decoded message; None for what is not shown, or not understood.

        ``now`` is the steady clock's; ``skew`` the wall's lead over it.
        """
        read = _read(message, now, skew)
        if read is None:
            return None
        teller = self._tellers.get(f"{read.type} {read.action.partition(':')[0]}")
        return teller(read) if teller else None

    def _died(self, message: _Message) -> Event:
        trouble = self._troubles.pop(message.id, None)
        if trouble and message.at - trouble.at > _RECENT:
            trouble = None
        code = message.attributes.get("exitCode", "")
        figure = float(code) if code.isascii() and code.isdigit() else 0.0
        memory = trouble is not None and trouble.oom
        return _event(
            message,
            EventCode.ENDED,
            State.DOWN if figure or memory else State.UNKNOWN,
            figure=figure,
            memory=memory,
            name=", ".join(f"SIG{name}" for name in trouble.signals) if trouble else "",
        )

    def _out_of_memory(self, message: _Message) -> Event:
        self._trouble(message).oom = True
        return _event(message, EventCode.OUT_OF_MEMORY, State.DOWN)

    def _signalled(self, message: _Message) -> Event | None:
        word = message.attributes.get("signal", "").removeprefix("SIG")
        name = _SIGNALS.get(word, word) or "unknown"
        if name not in _FATAL:
            return _event(message, EventCode.SIGNALLED, name=name)
        signals = self._trouble(message).signals
        if name not in signals:
            signals.append(name)
        return None

    def _trouble(self, message: _Message) -> _Trouble:
        """The container's present trouble, a fresh one when the last is long ago."""
        trouble = self._troubles.pop(message.id, None)
        if trouble is None or message.at - trouble.at > _RECENT:
            trouble = _Trouble(message.at)
        trouble.at = message.at
        self._troubles[message.id] = trouble
        while len(self._troubles) > _REMEMBERED:
            self._troubles.popitem(last=False)
        return trouble


def message_time(message: object) -> int | None:
    """When the engine says it happened, in nanoseconds of its clock."""
    nanoseconds = message.get("timeNano") if isinstance(message, dict) else None
    return nanoseconds if isinstance(nanoseconds, int) and 0 < nanoseconds < 1 << 62 else None


def container_id(message: object) -> str:
    """The id of the container that a message is about; '' for other messages."""
    if not isinstance(message, dict) or message.get("Type") != "container":
        return ""
    actor = message.get("Actor")
    id_ = actor.get("ID") if isinstance(actor, dict) else None
    return id_ if isinstance(id_, str) else ""


def is_death(message: object) -> bool:
    """Whether a message reports a container's end."""
    return isinstance(message, dict) and message.get("Action") == "die"


def _as(code: EventCode, state: State | None = None) -> Callable[[_Message], Event]:
    return lambda message: _event(message, code, state)


def _renamed(message: _Message) -> Event:
    before = message.attributes.get("oldName", "").removeprefix("/")
    return _event(message, EventCode.RENAMED, before=before, after=message.name)


def _health_changed(message: _Message) -> Event:
    word = message.action.partition(":")[2].strip()
    state = _HEALTH.get(word, State.UNKNOWN)
    return _event(message, EventCode.CHECK_RESULT, state, detail=word)


def _service_updated(message: _Message) -> Event | None:
    """A Swarm service's new image, number of replicas, or how its update goes."""
    facts = message.attributes
    for fact, code in (
        ("image", EventCode.IMAGE_CHANGED),
        ("replicas", EventCode.REPLICAS_CHANGED),
    ):
        before, after = (_tag(facts.get(f"{fact}.{when}", "")) for when in ("old", "new"))
        if after and after != before:
            return _event(message, code, before=before, after=after)
    progress = facts.get("updatestate.new", "")
    if not progress:
        return None
    state = State.DEGRADED if progress in ("paused", "rollback_paused") else None
    return _event(message, EventCode.UPDATE_MOVED, state, detail=progress.replace("_", " "))


def _tag(image: str) -> str:
    return image.partition("@")[0]


def _event(
    message: _Message,
    code: EventCode,
    state: State | None = None,
    *,
    detail: str = "",
    before: str = "",
    after: str = "",
    figure: float | None = None,
    memory: bool = False,
    name: str = "",
) -> Event:
    return Event(
        at=message.at,
        code=code,
        detail=detail,
        subject=message.name,
        state=state,
        before=before,
        after=after,
        figure=figure,
        memory=memory,
        name=name,
    )


def _read(message: object, now: float, skew: float) -> _Message | None:
    if not isinstance(message, dict):
        return None
    actor = message.get("Actor")
    raw = actor.get("Attributes") if isinstance(actor, dict) else None
    attributes = {
        _text(key): _text(value) for key, value in (raw.items() if isinstance(raw, dict) else ())
    }
    id_ = _text(actor.get("ID") if isinstance(actor, dict) else None)
    type_, action = _text(message.get("Type")), _text(message.get("Action"))
    if not (type_ and action and id_):
        return None
    nanoseconds = message_time(message)
    at = now if nanoseconds is None else min(now, nanoseconds / 1e9 - skew)
    name = attributes.get("name") or id_[:12]
    return _Message(type_, action, id_, name, at, attributes)


def _text(value: object) -> str:
    return sanitize(value, limit=256) if isinstance(value, str) else ""
