"""Programs whose bodies cannot be read by their shape alone.

Invariant: a program is known by keys that no other body has, and what it says in words that are
not its own list is UNKNOWN. Each says where its words are documented.
"""

from collections.abc import Callable, Mapping
from typing import Final

from opsconsole.model.health import HealthReport
from opsconsole.model.state import State
from opsconsole.sources.health.tree import find_components
from opsconsole.sources.strict_json import Json
from opsconsole.text import sanitize

_VAULT_KEYS: Final = frozenset({"initialized", "sealed", "standby"})
_VAULT_STANDBY: Final = frozenset({429, 472, 473})
_STATUSPAGE_WORDS: Final = {
    "none": State.OK,
    "minor": State.DEGRADED,
    "maintenance": State.DEGRADED,
    "major": State.DOWN,
    "critical": State.DOWN,
}
_JOLOKIA_KEYS: Final = frozenset({"request", "value", "status"})
_ACTIVEMQ_WORDS: Final = {"Good": State.OK, "Getting Worried": State.DEGRADED}
_SHOWN: Final = 160


def read_known(body: Mapping[str, Json], status: int) -> HealthReport | None:
    """What a known program says with this HTTP code; None for any other body."""
    for is_its, read in _PROGRAMS:
        if is_its(body):
            return read(body, status)
    return None


def is_good_code(body: Mapping[str, Json], status: int) -> bool:
    """Whether a known program means no failure by a code that is not a success."""
    return _is_vault(body) and status in _VAULT_STANDBY


def _is_vault(body: Mapping[str, Json]) -> bool:
    return body.keys() >= _VAULT_KEYS


def _read_vault(body: Mapping[str, Json], status: int) -> HealthReport:
    """Vault's and OpenBao's ``/sys/health``: booleans and the code (429, 472, 473: standby)."""
    if body["sealed"] is True or body["initialized"] is False:
        what = "sealed" if body["sealed"] is True else "not initialised"
        return HealthReport(State.DOWN, "vault", message=what)
    if body["standby"] is True or status in _VAULT_STANDBY:
        return HealthReport(State.DEGRADED, "vault", message="standby")
    return HealthReport(State.OK, "vault")


def _is_seal(body: Mapping[str, Json]) -> bool:
    return body.keys() >= {"initialized", "sealed", "t", "n"}


def _read_seal(body: Mapping[str, Json], status: int) -> HealthReport:
    """Vault's and OpenBao's ``/sys/seal-status``: 200 whether sealed or not."""
    ill = body["sealed"] is True or body["initialized"] is False
    what = "sealed" if body["sealed"] is True else "not initialised"
    return HealthReport(State.DOWN if ill else State.OK, "vault", message=what if ill else "")


def _is_statuspage(body: Mapping[str, Json]) -> bool:
    status = body.get("status")
    return "page" in body and isinstance(status, dict) and "indicator" in status


def _read_statuspage(body: Mapping[str, Json], status: int) -> HealthReport:
    """Statuspage's ``status.json`` and ``summary.json``: the indicator of the whole page."""
    said = body["status"] if isinstance(body["status"], dict) else {}
    word = sanitize(str(said["indicator"]), limit=_SHOWN)
    state = _STATUSPAGE_WORDS.get(word)
    if state is None:
        message = f"indicator {word!r} not understood"
        return HealthReport(State.UNKNOWN, "statuspage", message=message)
    message = sanitize(str(said.get("description", "")), limit=_SHOWN)
    return HealthReport(state, "statuspage", find_components(body, alone=False), message=message)


def _is_jolokia(body: Mapping[str, Json]) -> bool:
    request = body.get("request")
    return body.keys() >= _JOLOKIA_KEYS and isinstance(request, dict) and "mbean" in request


def _read_jolokia(body: Mapping[str, Json], status: int) -> HealthReport:
    """Jolokia's protocol: ``status`` is of the request, ``value`` is what the bean says.

    The words are those of ActiveMQ's HealthView: ``Good``, or ``Getting Worried {…}``.
    """
    said = sanitize(str(body["value"]), limit=_SHOWN)
    for word, state in _ACTIVEMQ_WORDS.items():
        if said == word or said.startswith(f"{word} "):
            return HealthReport(state, "jolokia", message="" if state is State.OK else said)
    return HealthReport(State.UNKNOWN, "jolokia", message=f"value {said!r} not understood")


_PROGRAMS: Final[
    tuple[
        tuple[
            Callable[[Mapping[str, Json]], bool],
            Callable[[Mapping[str, Json], int], HealthReport],
        ],
        ...,
    ]
] = (
    (_is_vault, _read_vault),
    (_is_seal, _read_seal),
    (_is_statuspage, _read_statuspage),
    (_is_jolokia, _read_jolokia),
)
