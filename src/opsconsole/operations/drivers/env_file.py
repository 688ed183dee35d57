"""Switching feature flags in an env file, followed by a reload or a restart.

Invariant: the file is old-complete or new-complete at every instant and keeps its mode and owner;
only the declared keys change, and what they were is kept in the plan for the way back. Every
other line, comments and order included, stays as it is.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from opsconsole import durable
from opsconsole.config.actions import Action
from opsconsole.model.operation import ActionKind, Step
from opsconsole.operations.drivers.recovering import degraded_steps, previous
from opsconsole.operations.planning import registry
from opsconsole.operations.planning.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)

LIMIT: Final = 1 << 20
"""Bytes of an env file."""

_LINE: Final = re.compile(rb"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=(.*)")
_OWN: Final = "env_file"


class EnvFileDriver(Driver):
    """Sets the flags (degrade), or puts back what they were (recover)."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.env_file)
        self._context = context
        self._declared = target
        self._path = context.base / Path(target.file).expanduser()
        self._then = _follower(context)

    async def observe(self) -> Mapping[str, str]:
        """The file as it is, and what its follow-up observes."""
        raw = self._read()
        facts = {f"{self._path.name} sha256": hashlib.sha256(raw).hexdigest()[:16]}
        if self._then is not None:
            facts |= await self._then.observe()
        return facts

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One write, then what makes the service read it."""
        found = values_of(self._read())
        wanted = self._wanted()
        shown = ", ".join(
            f"{key} {found.get(key, 'unset')} → {'unset' if value is None else value}"
            for key, value in wanted.items()
        )
        call = {
            "set": wanted,
            "previous": {key: found.get(key) for key in wanted},
            "leads_to_next": self._then is not None,
        }
        step = Step(f"write {self._path.name}: {shown}", _OWN, str(self._path), call)
        return (step, *(self._then.steps(facts) if self._then else ()))

    async def before(self, step: Step) -> Mapping[str, str]:
        """The file's digest; or what the follow-up needs."""
        if step.driver != _OWN:
            return await self._follow_up().before(step)
        return {"sha256": hashlib.sha256(self._read()).hexdigest()}

    async def execute(self, step: Step) -> StepOutcome:
        """Write the file whole, beside it and then over it."""
        if step.driver != _OWN:
            return await self._follow_up().execute(step)
        try:
            replace_file(self._path, with_flags(self._read(), _wanted_of(step)))
        except (OSError, ObserveError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            return StepOutcome(Outcome.FAILED, f"{self._path.name} is as before: {why}")
        return StepOutcome(Outcome.DONE, f"{len(_wanted_of(step))} flags written")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the flags in the file are those that were to be written."""
        if step.driver != _OWN:
            return await self._follow_up().reconcile(step, before)
        found = values_of(self._read())
        if all(found.get(key) == value for key, value in _wanted_of(step).items()):
            return StepOutcome(Outcome.DONE, "the flags are in the file")
        return StepOutcome(Outcome.FAILED, "the flags are not in the file")

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """What the follow-up sees."""
        others = tuple(step for step in steps if step.driver != _OWN)
        return await self._then.look(others, since) if self._then and others else ()

    def undo(self) -> str:
        """By putting back what the flags were."""
        return "recover: the flags are put back to what they were"

    async def close(self) -> None:
        """Close the follow-up."""
        if self._then is not None:
            await self._then.close()

    def _wanted(self) -> dict[str, str | None]:
        if self._context.kind is not ActionKind.RECOVER:
            return dict(self._declared.set)
        (step, *_) = degraded_steps(self._context, _OWN)
        return cast(dict[str, str | None], dict(previous(step)))

    def _follow_up(self) -> Driver:
        if self._then is None:
            raise ValueError("the action declares nothing to follow")
        return self._then

    def _read(self) -> bytes:
        try:
            return durable.read(self._path, LIMIT, follow=True)
        except OSError as error:
            raise ObserveError(f"cannot read {self._path}: {error.strerror}") from error


def values_of(raw: bytes) -> dict[str, str]:
    """The keys and values of an env file; the last of equal keys counts."""
    found: dict[str, str] = {}
    for line in raw.split(b"\n"):
        match = _LINE.fullmatch(line.rstrip(b"\r"))
        if match:
            found[match[1].decode("ascii")] = match[2].decode("utf-8", "surrogateescape")
    return found


def with_flags(raw: bytes, flags: Mapping[str, str | None]) -> bytes:
    """``raw`` with each flag set, or taken out where its value is None."""
    left = dict(flags)
    lines: list[bytes] = []
    for line in raw.split(b"\n"):
        match = _LINE.fullmatch(line.rstrip(b"\r"))
        key = match[1].decode("ascii") if match else ""
        if key not in flags:
            lines.append(line)
        elif key in left and (value := left.pop(key)) is not None:
            lines.append(_line(key, value))
    added = [_line(key, value) for key, value in left.items() if value is not None]
    if added and lines and lines[-1] == b"":
        lines[-1:] = [*added, b""]
    else:
        lines += added
    return b"\n".join(lines)


def replace_file(path: Path, raw: bytes) -> None:
    """Put ``raw`` in the place of ``path``, with its mode and owner, durably. Raises OSError."""
    target = path.resolve(strict=True)
    status = target.stat()
    owner = status.st_uid, status.st_gid
    durable.replace(target, raw, status.st_mode & 0o7777, owner=owner)


def _line(key: str, value: str) -> bytes:
    return f"{key}={value}".encode("utf-8", "surrogateescape")


def _wanted_of(step: Step) -> Mapping[str, str | None]:
    return cast(Mapping[str, str | None], step.call["set"])


def _follower(context: DriverContext) -> Driver | None:
    """What makes the service read the file: its declared restart, SIGHUP, or nothing."""
    declared = context.action.env_file
    assert declared is not None
    actions = context.settings.services[context.service].actions
    if declared.then == "nothing":
        return None
    if declared.then == "restart":
        action = actions.restart
        lack = "declare restart for the service, or then: nothing"
    else:
        action = _reload(declared.pid_file)
        lack = "declare pid_file beside then: reload"
    if action is None:
        raise ObserveError(f"nothing makes {context.service} read its flags", remedy=lack)
    return registry.make(replace(context, kind=ActionKind.RESTART, action=action))


def _reload(pid_file: str | None) -> Action | None:
    if pid_file is None:
        return None
    return Action.model_validate({"pid_file": {"path": pid_file, "signal": "HUP"}})
