"""What the words and numbers of health bodies mean.

Invariant: a word that is not in the lists means nothing: it is never guessed. The words are those
of the frameworks whose bodies the tests hold.
"""

import re
from typing import Final

from opsconsole.model.state import State
from opsconsole.sources.strict_json import Json

# fmt: off
_OK: Final = (
    "up", "ok", "okay", "pass", "passed", "passing", "healthy", "green", "success",
    "successful", "succeeded", "available", "online", "ready", "running", "serving", "true",
    "alive", "live", "started", "connected", "reachable", "operational", "good", "normal",
    "imok", "pong", "working", "health_ok",
)
_DEGRADED: Final = (
    "warn", "warning", "degraded", "yellow", "partial", "partially_degraded", "standby",
    "starting", "initializing", "half_open", "maintenance", "unstable", "impaired", "slow",
    "draining", "recovering", "restarting", "loading", "migrating", "syncing", "throttled",
    "maintenance_mode", "db_migration_needed", "db_migration_running", "warming_up",
    "degraded_performance", "under_maintenance", "minor_outage", "health_warn", "stopping",
    "shutting_down", "terminating", "circuit_half_open",
)
_DOWN: Final = (
    "down", "fail", "failed", "failing", "failure", "unhealthy", "red", "error", "errored",
    "critical", "fatal", "unavailable", "out_of_service", "offline", "not_serving",
    "not_ready", "not_ok", "not_healthy", "false", "dead", "stopped", "unreachable",
    "disconnected", "broken", "timeout", "timed_out", "exited", "crashed", "killed", "bad",
    "outage", "major_outage", "health_err", "ko", "nok", "circuit_open", "corrupted", "faulted",
)
_UNUSED: Final = (
    "disabled", "no_data", "none", "skipped", "not_applicable", "n/a", "not_configured",
    "not_used", "not_set_up", "not_deployed", "not_installed", "not_enabled",
)
# fmt: on
_UNKNOWN: Final = ("unknown", "service_unknown", "unspecified")

WORDS: Final = {
    **dict.fromkeys(_OK, State.OK),
    **dict.fromkeys(_DEGRADED, State.DEGRADED),
    **dict.fromkeys(_DOWN, State.DOWN),
    **dict.fromkeys(_UNKNOWN, State.UNKNOWN),
}

_BREAKER: Final = {
    "closed": State.OK,
    "half_open": State.DEGRADED,
    "open": State.DOWN,
    "forced_open": State.DOWN,
    "disabled": State.OK,
}

_WORD_LIMIT: Final = 40
_SEPARATORS: Final = re.compile(r"[\s-]+")
_LINE_LIMIT: Final = 160
_TOKEN: Final = re.compile(r"[\w-]+(?:['\u2019]\w+)?")
_SPLIT: Final = re.compile("[_-]+")
_NOTHING: Final = frozenset({"0", "no", "none", "zero", "nothing", "null", "without"})
# After any of these a word is no longer said of now, or no longer said at all.
_TURNS: Final = frozenset(
    {"no", "not", "but", "never", "cannot", "unable", "without", "until", "unless", "waiting"}
    | {"almost", "nearly", "become", "becoming", "yet", "soon", "will", "if", "when", "once"}
    | {"after", "before", "was", "were", "except"}
)
# Never a status by themselves, and never beside a good one.
_TROUBLES: Final = frozenset(
    {"errors", "failures", "warnings", "problem", "problems", "issue", "issues", "incident"}
    | {"incidents", "exception", "exceptions", "outages", "alarm", "alarms", "alert", "alerts"}
    | {"lost", "missing", "refused", "denied", "exhausted", "full", "overloaded", "exceeded"}
    | {"panic", "behind", "lagging", "stale", "expired", "invalid", "blocked", "corrupt"}
)
_COUNTED: Final = re.compile(r"\b(\d{1,9})\s*(?:of|/)\s*(\d{1,9})\b")


def normalise(word: str) -> str:
    """Lower case, with underscores between its parts."""
    return _SEPARATORS.sub("_", word.strip().lower())


def state_of_word(word: str) -> State | None:
    """The state that a word names, or None."""
    known = WORDS.get(word)
    if known is not None or len(word) > _WORD_LIMIT:
        return known
    plain = normalise(word)
    if plain.startswith("partial"):
        return State.DEGRADED
    if plain.startswith("not_") and WORDS.get(plain.removeprefix("not_")) is State.OK:
        return State.DOWN
    return WORDS.get(plain)


def is_unused(value: Json) -> bool:
    """Whether a part's status says that there is nothing there to be well or ill."""
    return value is None or (isinstance(value, str) and normalise(value) in _UNUSED)


def state_of(value: Json) -> State | None:
    """The state that a status value names: a word, a boolean or an HTTP status code."""
    if isinstance(value, str):
        return state_of_word(value)
    if isinstance(value, bool):
        return State.OK if value else State.DOWN
    if isinstance(value, int) and 100 <= value <= 599:
        return State.OK if 200 <= value <= 299 else State.DOWN
    return None


def state_of_breaker(value: Json) -> State | None:
    """The state of what stands behind a circuit breaker in this position."""
    return _BREAKER.get(normalise(value)) if isinstance(value, str) else None


def state_of_sentence(line: str) -> State | None:
    """The state of one short line: that of its first or last word, where no other word is worse.

    ``Prometheus Server is Ready.`` is ok, ``not ready`` and ``Server not available`` are down,
    ``3 of 4 online`` is degraded. ``OK: 0 failed``, ``no errors, ok``, ``waiting to be ready`` and
    ``OK, but the cache is down`` are None: they deny, await or contradict.
    """
    words = _words(line)
    if not words or len(line) > _LINE_LIMIT:
        return None
    whole = state_of_word("_".join(words))
    if whole is not None:
        return whole
    known = [state_of_word(word) for word in words]
    found = {state for state in (known[0], known[-1]) if state is not None}
    if len(found) != 1:
        return None
    state = found.pop()
    if words[-2:-1] == ["not"] and state is State.OK:
        return State.DOWN
    if _TURNS.intersection(words) or any("n't" in word for word in words):
        return None
    if any(other is not None and other.urgency > state.urgency for other in known):
        return None
    if state is State.OK:
        return None if _has_trouble(words) else _of_all(line)
    return None if _NOTHING.intersection(words) else state


def _words(line: str) -> list[str]:
    """The words of a line; ``SERVER_IS_READY`` is a sentence, ``HEALTHY_REBALANCING`` a name."""
    tokens = _TOKEN.findall(line.lower().replace("\u2019", "'"))
    parts = [[token] if state_of_word(token) else _SPLIT.split(token) for token in tokens]
    if len(parts) == 1 and "is" not in parts[0]:
        return tokens
    return [word for words in parts for word in words if word]


def _has_trouble(words: list[str]) -> bool:
    return any(
        word in _TROUBLES and before not in _NOTHING
        for before, word in zip(["", *words], words, strict=False)
    )


def _of_all(line: str) -> State:
    """What a good word is worth beside ``3 of 4``."""
    counted = _COUNTED.search(line)
    if counted is None or int(counted[1]) >= int(counted[2]):
        return State.OK
    return State.DEGRADED if int(counted[1]) else State.DOWN
