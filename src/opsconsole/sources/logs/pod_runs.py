"""The runs of a workload's containers, as its pods report them. Pure.

Invariant: a container is named by its pod's uid, so that a pod that takes over a name is another;
whatever the objects hold, text is sanitised and nothing raises.

Source: Kubernetes API, PodStatus.containerStatuses, initContainerStatuses.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

from opsconsole.dataclass import dataclass
from opsconsole.text import sanitize

_NAME_LIMIT: Final = 253
_NO_ID: Final = "unnamed"
_STATUSES: Final = (
    "initContainerStatuses",
    "containerStatuses",
    "ephemeralContainerStatuses",
)


@dataclass(frozen=True, slots=True)
class Run:
    """A container of a pod and its latest runs, which ``restarts`` others came before.

    ``current`` is the id of the run that is on, or was the last and has ``ended`` (Unix seconds,
    None while it is on); '' while it waits for one. ``last`` is the id of the one before, '' where
    there is none or it is not known; it ran from ``last_began`` to ``last_ended`` by its node, in
    whole Unix seconds.
    ``writer`` is what its lines are called after.
    """

    namespace: str
    pod: str
    uid: str
    container: str
    restarts: int
    current: str
    ended: float | None
    last: str
    last_began: float
    last_ended: float
    writer: str

    @property
    def key(self) -> tuple[str, str]:
        """The container, in all its runs."""
        return self.uid, self.container

    @property
    def path(self) -> str:
        """Where its log is read."""
        return f"/api/v1/namespaces/{quote(self.namespace)}/pods/{quote(self.pod)}/log"


def runs_of(pods: Iterable[Mapping[str, object]]) -> tuple[Run, ...]:
    """Every container of ``pods``: those that initialise before the others of a pod."""
    return tuple(run for pod in pods for run in _of_pod(pod))


def _of_pod(pod: Mapping[str, object]) -> Iterator[Run]:
    about = _mapping(pod.get("metadata"))
    name, uid = _text(about.get("name")), _text(about.get("uid"))
    status = _mapping(pod.get("status"))
    reported = [each for key in _STATUSES for each in _list(status.get(key))]
    for each in reported if name and uid else ():
        container = _text(each.get("name"))
        restarts = each.get("restartCount")
        before = _mapping(_mapping(each.get("lastState")).get("terminated"))
        state = _mapping(each.get("state"))
        over = _mapping(state.get("terminated"))
        current = {kind for kind in ("running", "terminated") if kind in state}
        yield Run(
            namespace=_text(about.get("namespace")),
            pod=name,
            uid=uid,
            container=container,
            restarts=restarts if isinstance(restarts, int) and 0 <= restarts < 2**31 else 0,
            current=(_text(each.get("containerID")) or _NO_ID) if current else "",
            ended=_seconds(over.get("finishedAt")) if over else None,
            last=_text(before.get("containerID")),
            last_began=_seconds(before.get("startedAt")),
            last_ended=_seconds(before.get("finishedAt")),
            writer=name if len(reported) == 1 else f"{name}/{container}",
        )


def selector_of(workload: Mapping[str, object]) -> str:
    """The labels that its pods have, as ``labelSelector`` takes them; '' where it has none.

    Source: LabelSelector of the Kubernetes API.
    """
    selector = _mapping(_mapping(workload.get("spec")).get("selector"))
    parts = [
        f"{key}={value}"
        for key, value in _mapping(selector.get("matchLabels")).items()
        if isinstance(value, str)
    ]
    for each in _list(selector.get("matchExpressions")):
        key, values = _text(each.get("key")), each.get("values")
        listed = ",".join(map(str, values)) if isinstance(values, list) else ""
        match each.get("operator"):
            case "In":
                parts.append(f"{key} in ({listed})")
            case "NotIn":
                parts.append(f"{key} notin ({listed})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
            case _:
                pass
    return ",".join(parts)


def _seconds(value: object) -> float:
    """Unix seconds of a time as the API writes it; 0 where it is none."""
    try:
        return datetime.fromisoformat(_text(value)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Mapping[str, object]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return sanitize(value, limit=_NAME_LIMIT) if isinstance(value, str) else ""
