"""A health answer of any common shape, as a ``HealthReport``.

Invariants:

* The body's own status beats a 2xx code (Airflow answers 200 when unhealthy); any other code
  beats a healthy body, except where the configuration accepts it or Vault says standby with it.
* What is not understood is UNKNOWN, with a message that says so, never a guess.
* A body that claims to be JSON and breaks its rules gives a ``Fault``, not a report.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from opsconsole.config.services import Health
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport, failing, whole
from opsconsole.model.state import State
from opsconsole.sources.health import expect as health_expect
from opsconsole.sources.health.expect import phrase
from opsconsole.sources.health.figures import figures, readable
from opsconsole.sources.health.programs import is_good_code, read_known
from opsconsole.sources.health.status import complaint, find_status, is_weak, opened
from opsconsole.sources.health.text import is_check_list, read_text
from opsconsole.sources.health.tree import (
    MESSAGE_LIMIT,
    NAME_LIMIT,
    find_components,
    flat_words,
    is_list_of_parts,
    message_of,
    read_container,
)
from opsconsole.sources.health.words import state_of
from opsconsole.sources.strict_json import InvalidJsonError, Json, parse
from opsconsole.text import sanitize

BY_CODE: Final = "status code"
"""Format of a report that rests on the status code alone."""

_NOT_A_PAYLOAD: Final = "no health payload"
_PLAIN: Final = re.compile(rb"(?!(?:true|false|null)\b)[A-Za-z<]")
_VERSIONS: Final = ("version", "releaseId", "app_version", "appVersion", "release", "build")
_RFC_WORDS: Final = frozenset({"pass", "warn", "fail"})
_SPRING_WORDS: Final = frozenset({"UP", "DOWN", "OUT_OF_SERVICE", "UNKNOWN"})


def read_health(
    body: bytes, *, status: int, accepted: bool, content_type: str, health: Health
) -> HealthReport | Fault:
    """Read one answer; ``accepted`` says whether its code is a good one.

    ``headers`` of the report are left to the caller.
    """
    value: Json = None
    if _is_json(body, content_type):
        try:
            value = parse(body)
        except InvalidJsonError as error:
            if not accepted:
                return status_fault(status)
            return Fault(FaultKind.NOT_UNDERSTOOD, f"invalid body: {error}")
        report = _read_json(value, status, content_type, health, failed=not accepted)
    else:
        report = read_text(body)
    judged = _judge(report, body, value, status, health, accepted=accepted)
    if isinstance(judged, Fault):
        return judged
    return replace(judged, status_code=status, content_type=sanitize(content_type, limit=100))


def _is_json(body: bytes, content_type: str) -> bool:
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start or is_check_list(start):
        return False
    # A server may call its plain "OK", or its HTML page, JSON.
    return start[:1] in b'{["' or ("json" in content_type.lower() and not _PLAIN.match(start))


def _judge(
    report: HealthReport,
    body: bytes,
    value: Json,
    status: int,
    health: Health,
    *,
    accepted: bool,
) -> HealthReport | Fault:
    """Apply the configuration's expectation and the status code."""
    expect = health.expect
    if not accepted:
        good = isinstance(value, dict) and is_good_code(value, status)
        return report if good else _failed_by_code(report, status)
    if expect is not None:
        missing = health_expect.unmet(expect, body, value)
        if missing:
            return replace(report, state=State.DOWN, message=missing)
        if report.state is State.UNKNOWN:
            return replace(report, state=State.OK, message="as expected")
    elif report.state is State.UNKNOWN and (not body.strip() or health.method == "HEAD"):
        message = "" if health.method == "HEAD" else f"answers {status}, no body"
        return replace(report, state=State.OK, format=BY_CODE, message=message)
    return report


def _failed_by_code(report: HealthReport, status: int) -> HealthReport | Fault:
    """DOWN with what the body says, or the bare fault where it says nothing of health."""
    if report.state is State.UNKNOWN and not report.components:
        return status_fault(status)
    if report.state is not State.OK and report.message:
        # What it says is worth more room than the usual words for its code.
        message = sanitize(f"HTTP {status}: {report.message}", limit=MESSAGE_LIMIT)
    else:
        message = f"HTTP {status} {phrase(status)}".rstrip()
    return replace(report, state=State.DOWN, message=message)


def status_fault(status: int) -> Fault:
    """The fault that a status code is, where no health payload came with it."""
    message = f"HTTP {status} {phrase(status)}".rstrip()
    if status == health_expect.TOO_MANY:
        hint = "lengthen the interval"
        return Fault(FaultKind.OVERLOADED, message, hint=hint, status=status)
    hint = "look at health.path" if status in (404, 405, 410) else ""
    return Fault(FaultKind.STATUS, message, hint=hint, status=status)


def _read_json(
    value: Json, status: int, content_type: str, health: Health, *, failed: bool
) -> HealthReport:
    found = figures(value)
    raw = readable(value)
    if not isinstance(value, dict):
        return replace(_read_bare(value), figures=found, raw=raw)
    known = read_known(value, status) if health.state is None else None
    report = known or _read_object(value, content_type, health, failed=failed)
    version = _version(value, health.version)
    return replace(report, version=version, figures=found, raw=raw)


def _read_bare(value: Json) -> HealthReport:
    """A JSON answer that is no object: a word, or a list of components."""
    state = state_of(value)
    if state is not None:
        return HealthReport(state, "json")
    if isinstance(value, list) and is_list_of_parts(value):
        return _with_culprit(_from_components(read_container(value), "list"))
    return HealthReport(State.UNKNOWN, "json", message=f"JSON without a status, {_NOT_A_PAYLOAD}")


def _read_object(
    value: dict[str, Json], content_type: str, health: Health, *, failed: bool
) -> HealthReport:
    status = find_status(value)
    weak = status is not None and is_weak(status)
    components = _components(value, health, alone=status is None or weak)
    if health.state is not None:
        key: str = health.state
        said = health_expect.at_path(value, key)
        if said is health_expect.MISSING:
            message = f"no {_shown(key)} in the body"
            return HealthReport(State.UNKNOWN, "json", components, message=message)
        state = state_of(said) if isinstance(said, (str, bool, int)) else None
        return _with_culprit(_from_word(key, said, components, "json", value, state))
    if health.components is None and (inner := opened(value, status)) is not None:
        report = (
            _read_bare(inner)
            if isinstance(inner, list)
            else _read_object(inner, content_type, health, failed=failed)
        )
        if report.state is not State.UNKNOWN:
            return report
    if status is not None and not (weak and components):
        name = _format(value, status[1], content_type)
        return _with_culprit(_from_word(status[0], status[1], components, name, value, status[2]))
    if not components:
        components = flat_words(value, failed=failed)
        if components:
            return _with_culprit(_from_components(components, "flat words"))
    if components:
        return _with_culprit(_from_components(components, "components"))
    if complaint(value):
        return HealthReport(State.DOWN, "json", message=message_of(value) or "reports an error")
    message = f"JSON without a status, {_NOT_A_PAYLOAD}"
    return HealthReport(State.UNKNOWN, "json", message=message)


def _components(value: dict[str, Json], health: Health, *, alone: bool) -> tuple[Component, ...]:
    if health.components is None:
        return find_components(value, alone=alone)
    place = health_expect.at_path(value, health.components)
    return read_container(place) if isinstance(place, (dict, list)) else ()


def _from_word(
    key: str,
    said: object,
    components: Sequence[Component],
    name: str,
    value: Mapping[str, Json],
    state: State | None,
) -> HealthReport:
    if state is None:
        shown = sanitize(repr(said), limit=60)
        message = f"{_shown(key)} {shown} not understood"
        return HealthReport(State.UNKNOWN, name, tuple(components), message=message)
    return HealthReport(state, name, tuple(components), message=message_of(value))


def _from_components(components: tuple[Component, ...], name: str) -> HealthReport:
    return HealthReport(whole(components), name, components)


def _with_culprit(report: HealthReport) -> HealthReport:
    """Name the most urgent component where the body itself gives no reason."""
    culprits = failing(report.components)
    if not culprits or (report.message and report.state is not State.OK):
        return report
    first = culprits[0]
    why = f"{first.name} {first.state}" + (f": {first.message}" if first.message else "")
    others = sum(part.state is not State.OK and part.used for part in report.components) - 1
    more = f" (+{others} more)" if others else ""
    return replace(report, message=sanitize(why + more, limit=MESSAGE_LIMIT))


def _format(value: Mapping[str, Json], said: Json, content_type: str) -> str:
    """The family that the body belongs to, for a person to see."""
    word = said if isinstance(said, str) else ""
    if "health+json" in content_type or word in _RFC_WORDS:
        return "health+json"
    if "spring-boot" in content_type:
        return "spring"
    if word in _SPRING_WORDS:
        return "microprofile" if isinstance(value.get("checks"), list) else "spring"
    if "entries" in value and "totalDuration" in value:
        return "aspnet"
    if "cluster_name" in value and "number_of_nodes" in value:
        return "elasticsearch"
    return "grpc" if word.endswith("SERVING") else "json"


def _version(value: Mapping[str, Json], path: str | None) -> str:
    if path is not None:
        found = health_expect.at_path(dict(value), path)
        return (
            sanitize(str(found), limit=NAME_LIMIT) if isinstance(found, (str, int, float)) else ""
        )
    for key in _VERSIONS:
        found = value.get(key)
        if isinstance(found, dict):
            found = found.get("version")
        if isinstance(found, (str, int, float)) and not isinstance(found, bool):
            return sanitize(str(found), limit=NAME_LIMIT)
    return ""


def _shown(key: str) -> str:
    return sanitize(repr(key), limit=NAME_LIMIT)
