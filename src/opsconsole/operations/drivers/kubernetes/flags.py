"""Switching flags in a ConfigMap, followed by a restart of the service that reads them.

Invariant: only the values of the declared keys change; what they were stands in the plan, and
exactly that is put back, a key that was not there taken out again.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.model.operation import ActionKind, Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.followed import restart_after
from opsconsole.operations.drivers.kubernetes import fields, patches
from opsconsole.operations.drivers.kubernetes.calls import DataChange
from opsconsole.operations.drivers.kubernetes.cluster import Cluster, named
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.marks import new_mark, whose
from opsconsole.operations.drivers.kubernetes.undoers import Part, undoers
from opsconsole.operations.drivers.recovering import degraded_steps, is_hearsay
from opsconsole.operations.drivers.settling import SETTLING, settle
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)
from opsconsole.sources.kubernetes.api.rights import Right
from opsconsole.text import sanitize

_SHOWN: Final = 80


class KubernetesFlags(Driver):
    """Sets the flags (degrade), or puts back what they were (recover)."""

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._target = declared(context.action.kubernetes)
        self._cluster = Cluster(context, self._target)
        self._name = self._target.config_map or ""
        self._mark = new_mark()
        self._read: JsonObject = {}
        self._warnings: tuple[str, ...] = ()

    def follow_up(self) -> DriverContext | None:
        """The service's declared restart, or nothing."""
        return None if self._target.then == "nothing" else restart_after(self._context)

    async def observe(self) -> Mapping[str, str]:
        """Its uid, and the values that would be changed."""
        read = self._read = await self._now()
        if fields.truth(read, "immutable"):
            raise ObserveError(
                f"the ConfigMap {self._name} is immutable",
                remedy="deploy another one, or degrade by replicas",
            )
        namespace = self._cluster.namespace
        right = Right("patch", "configmaps", "", namespace, self._name)
        unknown = await self._cluster.ask((right,))
        wanted = self._wanted()
        patch = patches.with_data(read, wanted, self._mark)
        tried = await self._cluster.try_out(self._path, patch)
        undone = undoers(read, Part.DECLARED, "ConfigMap")
        self._warnings = (*undone, *self._changed_since(), *unknown, *tried)
        found = _data(read)
        return {
            "config map": f"{namespace}/{self._name}",
            "config map uid": sanitize(fields.text(read, "metadata", "uid"), limit=_SHOWN),
            **{f"flag {key}": _shown(found.get(key)) for key in wanted},
        }

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One patch."""
        found, wanted = _data(self._read), self._wanted()
        shown = ", ".join(
            f"{key} {_shown(found.get(key))} → {_shown(value)}" for key, value in wanted.items()
        )
        uid = fields.text(self._read, "metadata", "uid")
        call = DataChange(uid, self._mark, wanted, {key: found.get(key) for key in wanted})
        summary = f"set in ConfigMap {self._name}: {shown}"
        return (Step(summary, "kubernetes", self._path, call.document()),)

    def warnings(self) -> tuple[str, ...]:
        """Who will undo it; what the cluster says of it."""
        return self._warnings

    async def execute(self, step: Step) -> StepOutcome:
        """Patch it once, where the values still are what they were."""
        call = DataChange.of(step)

        async def patch_of(read: JsonObject) -> patches.Patch:
            moved = _what_moved(read, call)
            if moved:
                raise ObserveError(f"ConfigMap {self._name} was changed meanwhile: {moved}")
            return patches.with_data(read, call.set, call.mark)

        done = await self._cluster.change(step.target, self._now, patch_of)
        if isinstance(done, StepOutcome):
            return done
        return StepOutcome(Outcome.DONE, f"{len(call.set)} flags set")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the values are those that were to be set."""
        call = DataChange.of(step)

        async def look() -> StepOutcome:
            if _is_set(await self._now(), call):
                return StepOutcome(Outcome.DONE, "the flags are set")
            return StepOutcome(Outcome.FAILED, "the flags are as before")

        return await settle(look, self._context.clock, quiet=SETTLING / 2)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The values against those that are to be there."""
        said = f"configmap/{self._name}"
        try:
            read = await self._now()
        except ObserveError as error:
            return (Sight(said, State.UNKNOWN, str(error), since_change=False),)
        as_set = all(_is_set(read, DataChange.of(step)) for step in steps)
        detail = "as set" if as_set else "somebody has changed what was set"
        return (Sight(said, State.OK if as_set else State.DOWN, detail, since_change=as_set),)

    def undo(self) -> str:
        """By putting back what the flags were."""
        return "recover: the flags are put back to what they were"

    async def close(self) -> None:
        """Drop connections."""
        await self._cluster.close()

    @property
    def _path(self) -> str:
        return named("api/v1", self._cluster.namespace, "configmaps", self._name)

    async def _now(self) -> JsonObject:
        found = await self._cluster.get(self._path)
        if found is None:
            raise ObserveError(
                f"there is no ConfigMap {self._name} in {self._cluster.namespace}",
                remedy="look at its name, its namespace and its cluster",
            )
        return found

    def _wanted(self) -> Mapping[str, str | None]:
        if self._context.kind is not ActionKind.RECOVER:
            return self._target.set
        previous = self._degraded().previous
        odd = sorted(previous.keys() - self._target.set.keys())
        if odd and is_hearsay(self._context):
            raise ObserveError(
                f"the journal would have {', '.join(odd)[:_SHOWN]!r} put back, which this action "
                "does not set",
                remedy="look at who wrote that, and write the flags by hand",
            )
        return previous

    def _degraded(self) -> DataChange:
        (step, *_) = degraded_steps(self._context, "kubernetes")
        return DataChange.of(step)

    def _changed_since(self) -> tuple[str, ...]:
        """What somebody has changed of the flags since they were set; for the way back."""
        if self._context.kind is not ActionKind.RECOVER or _is_set(self._read, self._degraded()):
            return ()
        return ("somebody has changed the flags since they were set: what was before is put back",)


def _data(read: JsonObject) -> Mapping[str, str]:
    found = fields.mapping(read, "data")
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _is_set(read: JsonObject, call: DataChange) -> bool:
    found = _data(read)
    return all(found.get(key) == value for key, value in call.set.items())


def _what_moved(read: JsonObject, call: DataChange) -> str:
    if fields.text(read, "metadata", "uid") != call.uid:
        return "it is another one of the same name"
    found = _data(read)
    moved = [key for key, value in call.previous.items() if found.get(key) != value]
    by = f"; last changed by {whose(read)}" if whose(read) else ""
    return f"{', '.join(moved)} is not what it was{by}" if moved else ""


def _shown(value: str | None) -> str:
    return "unset" if value is None else repr(sanitize(value, limit=_SHOWN))
