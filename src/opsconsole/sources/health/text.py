"""Health bodies that are not JSON: one word, Go's check lists, Prometheus text, HTML.

Invariant: a text is understood whole or not at all: a page that happens to hold the word "ok"
says nothing about health.
"""

import re
from typing import Final

from opsconsole.model.health import Component, HealthReport, whole
from opsconsole.model.state import State, worst
from opsconsole.sources.health.figures import exposition, readable_text
from opsconsole.sources.health.status import is_status_key, state_under
from opsconsole.sources.health.tree import COMPONENT_LIMIT, MESSAGE_LIMIT, NAME_LIMIT
from opsconsole.sources.health.words import state_of_sentence
from opsconsole.text import sanitize

_CHECK: Final = re.compile(r"\[([+-])\](\S+) ?(.*)")
_HTML: Final = re.compile(r"<(!doctype|html|head|body|\?xml|title)", re.IGNORECASE)
_PROBE: Final = re.compile(r"^probe_success(?:\{[^{}]*\})? +([01](?:\.0*)?)\s*$", re.MULTILINE)
_METRICS: Final = re.compile(r"# (HELP|TYPE|EOF)|[A-Za-z_:][\w:]*(\{[^{}]*\})? +[-+.\dNI]\S*$")
_BETWEEN: Final = re.compile(r"[,;|\n]")
_PART: Final = re.compile(r"\s*([\w][\w .-]{0,60}?)\s*[:=]\s*(\S[^\n]{0,160}?)\s*")
_PLAIN_LINE: Final = re.compile(r"[A-Za-z][\w @.,:'-]*")
_LINES_LIMIT: Final = 20
_PARTS_LIMIT: Final = 4096
_SENTENCE_LIMIT: Final = 120


def is_check_list(body: bytes) -> bool:
    """Whether it is Go's ``[+]name ok`` text, which begins like a JSON list."""
    return body.startswith((b"[+]", b"[-]"))


def read_text(body: bytes) -> HealthReport:
    """The report of a body that is not JSON; UNKNOWN with a reason when not understood."""
    text = body.decode("utf-8", "backslashreplace")
    stripped = text.strip()
    raw = readable_text(body)
    if not stripped:
        return HealthReport(State.UNKNOWN, "empty", message="empty body, no health payload")
    if is_check_list(stripped.encode()[:3]):
        return _read_checks(stripped, raw)
    if _HTML.match(stripped):
        return HealthReport(State.UNKNOWN, "html", message="HTML page, no health payload", raw=raw)
    if _METRICS.match(stripped.splitlines()[0]):
        return _read_metrics(text, raw)
    parts = _read_parts(stripped, raw) if len(stripped) <= _PARTS_LIMIT else None
    return parts or _read_lines(stripped, raw) or _read_sentence(stripped, raw)


def _read_parts(text: str, raw: str) -> HealthReport | None:
    """``db: FAIL, cache: OK``, or one such a line; None where it is not all of that form.

    What is not understood does not count beside a status of the whole (``status: ok``).
    """
    found = [_PART.fullmatch(part) for part in _BETWEEN.split(text) if part.strip()]
    parts = [
        Component(
            sanitize(match[1], limit=NAME_LIMIT),
            _state_of_part(match[1], match[2]) or State.UNKNOWN,
            sanitize(match[2], limit=MESSAGE_LIMIT),
        )
        for match in found[:COMPONENT_LIMIT]
        if match is not None
    ]
    known = [part for part in parts if part.state is not State.UNKNOWN]
    of_whole = any(is_status_key(part.name) for part in known)
    if len(parts) < (1 if of_whole else 2) or len(parts) < len(found) or not known:
        return None
    shown = known if of_whole else parts
    return HealthReport(whole(shown), "parts", tuple(shown), raw=raw)


def _state_of_part(name: str, said: str) -> State | None:
    return state_under(name, said) if is_status_key(name) else state_of_sentence(said)


def _read_lines(text: str, raw: str) -> HealthReport | None:
    """Several lines, each a sentence that is understood, as the worst of them; else None."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not 2 <= len(lines) <= _LINES_LIMIT or not all(map(_PLAIN_LINE.fullmatch, lines)):
        return None
    states = [state_of_sentence(line) for line in lines]
    known = [state for state in states if state is not None]
    if len(known) < len(lines):
        return None
    first = lines[states.index(worst(known))]
    return HealthReport(worst(known), "text", message=sanitize(first, limit=MESSAGE_LIMIT), raw=raw)


def _read_sentence(text: str, raw: str) -> HealthReport:
    short = len(text) <= _SENTENCE_LIMIT and "\n" not in text
    state = state_of_sentence(text) if short else None
    message = sanitize(text, limit=MESSAGE_LIMIT)
    if state is None:
        shown = sanitize(text, limit=60)
        return HealthReport(State.UNKNOWN, "text", message=f"text not understood: {shown}", raw=raw)
    return HealthReport(state, "text", message=message, raw=raw)


def _read_checks(text: str, raw: str) -> HealthReport:
    components: list[Component] = []
    verdict = ""
    for line in text.splitlines():
        match = _CHECK.match(line)
        if match is None:
            verdict = line.strip() or verdict
        elif len(components) < COMPONENT_LIMIT:
            state = State.OK if match[1] == "+" else State.DOWN
            message = "" if match[3] == "ok" else sanitize(match[3], limit=MESSAGE_LIMIT)
            components.append(Component(sanitize(match[2], limit=NAME_LIMIT), state, message))
    states = [component.state for component in components]
    if "failed" in verdict:
        states.append(State.DOWN)
    return HealthReport(
        worst(states),
        "check list",
        tuple(components),
        message=sanitize(verdict, limit=MESSAGE_LIMIT),
        raw=raw,
    )


def _read_metrics(text: str, raw: str) -> HealthReport:
    found = exposition(text)
    probe = _PROBE.search(text)
    if probe is None:
        message = "metrics, no health payload"
        return HealthReport(State.UNKNOWN, "metrics", message=message, figures=found, raw=raw)
    passed = float(probe[1]) == 1
    return HealthReport(
        State.OK if passed else State.DOWN,
        "probe_success",
        message="" if passed else "probe_success is 0",
        figures=found,
        raw=raw,
    )
